// What is measured, in loops that the compiler cannot change. `time` ticks once in many instructions, so loops are long, and
// where each round is measured by itself the rounds begin at ever other moments between two ticks.

#include "GuestLayout.h"

.macro function name
  .section .text.\name, "ax"
  .global \name
\name:
.endm

.macro save
  addi    sp, sp, -64
  sd      s0, 0(sp)
  sd      s1, 8(sp)
  sd      s2, 16(sp)
  sd      s3, 24(sp)
  sd      s4, 32(sp)
  sd      s5, 40(sp)
  sd      ra, 48(sp)
.endm

.macro restore
  ld      s0, 0(sp)
  ld      s1, 8(sp)
  ld      s2, 16(sp)
  ld      s3, 24(sp)
  ld      s4, 32(sp)
  ld      s5, 40(sp)
  ld      ra, 48(sp)
  addi    sp, sp, 64
.endm

// a0 iterations (not 0), a1 and further operands; a0 becomes the ticks from the first to behind the last iteration.
.macro loop name:req
function guest_bench_\name
  save
  mv      s0, a0
  mv      s1, a1
  mv      a7, a1
  mv      a6, a2
  mv      s2, a3
  rdtime  s3
1:
.endm

.macro end_loop
  addi    s0, s0, -1
  bnez    s0, 1b
  rdtime  a0
  sub     a0, a0, s3
  restore
  ret
.endm

loop empty
end_loop

loop load
  lw      t0, 0(s1)
end_loop

// a1 extension, a2 function, a3 argument.
loop ecall
  mv      a0, s2
  ecall
end_loop

loop stimecmp
  csrw    0x14d, s1
end_loop

// a1: a context's claim register.
loop claim_complete
  lw      t0, 0(s1)
  sw      t0, 0(s1)
end_loop

// a0 iterations, a1 this hart: the sum of the ticks from the call to the first instruction of the vector. With guest_bench_vectors.
function guest_bench_ipi_self
  save
  mv      s0, a0
  mv      s1, a1
  li      s4, 0
  csrsi   sstatus, 2
1:
  andi    t0, s0, 0x7f          // 0 to 127 rounds of two instructions: another moment each time
2:
  addi    t0, t0, -1
  bgtz    t0, 2b
  li      s2, 0
  li      a0, 1
  mv      a1, s1
  li      a6, 0
  li      a7, 0x735049
  rdtime  s3
  ecall
3:
  beqz    s2, 3b
  sub     t0, s2, s3
  add     s4, s4, t0
  addi    s0, s0, -1
  bnez    s0, 1b
  csrci   sstatus, 2
  mv      a0, s4
  restore
  ret

// Vectors for the loop above: the time into s2 at once, then the software interrupt is cleared. Everything else goes where
// it always goes.
.section .text.bench_vectors, "ax"
.balign 4
.global guest_bench_vectors
guest_bench_vectors:
  rdtime  s2
  addi    sp, sp, -16           // as any handler would begin
  sd      t0, 0(sp)
  csrr    t0, scause
  bgez    t0, 1f
  csrci   sip, 2
  ld      t0, 0(sp)
  addi    sp, sp, 16
  sret
1:
  ld      t0, 0(sp)
  addi    sp, sp, 16
  j       guest_vectors
