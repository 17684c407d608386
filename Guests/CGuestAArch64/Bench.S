// What is measured, in loops that the compiler cannot change. One tick of CNTVCT_EL0 is one instruction (see
// Documentation/Guests.md). Calls change x0 to x17, so what a loop needs is above.

#include "GuestLayout.h"

.macro function name
  .section .text.\name, "ax"
  .global \name
\name:
.endm

.macro save
  stp     x29, x30, [sp, #-64]!
  stp     x19, x20, [sp, #16]
  stp     x21, x22, [sp, #32]
  stp     x23, x24, [sp, #48]
.endm

.macro restore
  ldp     x19, x20, [sp, #16]
  ldp     x21, x22, [sp, #32]
  ldp     x23, x24, [sp, #48]
  ldp     x29, x30, [sp], #64
.endm

// x0 iterations (not 0), x1 operand; x0 becomes the ticks from the first to behind the last iteration.
.macro loop name:req
function guest_bench_\name
  save
  mov     x19, x0
  mov     x20, x1
  isb
  mrs     x21, cntvct_el0
1:
.endm

.macro end_loop
  subs    x19, x19, #1
  b.ne    1b
  mrs     x0, cntvct_el0
  sub     x0, x0, x21
  sub     x0, x0, #1          // the first MRS itself
  restore
  ret
.endm

loop empty
end_loop

loop load
  ldr     w1, [x20]
end_loop

loop store
  str     wzr, [x20]
end_loop

loop hvc
  mov     x0, x20
  hvc     #0
end_loop

loop sgi
  msr     S3_0_C12_C11_5, x20 // ICC_SGI1R_EL1
end_loop

loop pmr
  msr     S3_0_C4_C6_0, x20   // ICC_PMR_EL1
end_loop

loop timer_write
  msr     cntv_cval_el0, x20
  msr     cntv_ctl_el0, xzr
end_loop

// x0 iterations, x1 ticks ahead of the first; x0 becomes the sum of the ticks from due to the first instruction of the
// vector. The distance shrinks by a tick each time, so that no fixed phase is measured. Waits with interrupts on, or,
// as every system's idle loop does, masked around WFI.
.macro timer name:req, idle
function guest_bench_\name
  save
  mov     x19, x0
  mov     x20, x1
  mov     x24, #0
  .ifb \idle
  msr     daifclr, #2
  .endif
1:
  mov     x22, #0
  add     x21, x20, x19
  mrs     x9, cntvct_el0
  add     x21, x21, x9
  msr     cntv_cval_el0, x21
  mov     x10, #1
  msr     cntv_ctl_el0, x10
  isb
2:
  .ifnb \idle
  wfi
  msr     daifclr, #2
  msr     daifset, #2
  .endif
  cbz     x22, 2b
  sub     x10, x22, x21
  add     x24, x24, x10
  subs    x19, x19, #1
  b.ne    1b
  msr     daifset, #2
  mov     x0, x24
  restore
  ret
.endm

timer timer_busy
timer timer_wfi, idle

// x0 iterations, x1 value of ICC_SGI1R_EL1; x0 becomes the sum of the ticks from the write to the vector.
function guest_bench_sgi_self
  save
  mov     x19, x0
  mov     x20, x1
  mov     x24, #0
  msr     daifclr, #2
1:
  mov     x22, #0
  mrs     x21, cntvct_el0
  msr     S3_0_C12_C11_5, x20
2:
  cbz     x22, 2b
  sub     x10, x22, x21
  add     x24, x24, x10
  subs    x19, x19, #1
  b.ne    1b
  msr     daifset, #2
  mov     x0, x24
  restore
  ret

// x0 iterations, x1 value of ICC_SGI1R_EL1, x2 mailbox: {number of answers, time of the last}. The other CPU is in
// guest_bench_ipi_receive. x0 becomes the sum of the ticks from the write to the other CPU's vector.
function guest_bench_ipi_send
  save
  mov     x19, x0
  mov     x20, x1
  mov     x23, x2
  mov     x24, #0
  mov     x22, #0
1:
  mov     x9, #300            // until the other CPU is in its waiting loop again
3:
  yield
  subs    x9, x9, #1
  b.ne    3b
  mrs     x21, cntvct_el0
  msr     S3_0_C12_C11_5, x20
2:
  ldar    x10, [x23]
  cmp     x10, x22
  b.ne    4f
  yield
  b       2b
4:
  mov     x22, x10
  ldr     x10, [x23, #8]
  sub     x10, x10, x21
  add     x24, x24, x10
  subs    x19, x19, #1
  b.ne    1b
  mov     x0, x24
  restore
  ret

// x0 iterations, x1 mailbox.
function guest_bench_ipi_receive
  save
  mov     x19, x0
  mov     x20, x1
  mov     x21, #0
  msr     daifclr, #2
1:
  mov     x22, #0
2:
  yield
  cbz     x22, 2b
  str     x22, [x20, #8]
  add     x21, x21, #1
  stlr    x21, [x20]
  subs    x19, x19, #1
  b.ne    1b
  msr     daifset, #2
  restore
  ret

// Vectors for the loops above: the time into x22 at once, then the interrupt is ended, the timer's at its source.
// Everything else goes where it always goes.
.section .text.bench_vectors, "ax"
.balign 0x800
.global guest_bench_vectors
guest_bench_vectors:
  .irp offset, 0x000, 0x080, 0x100, 0x180, 0x200
  .org guest_bench_vectors + \offset
  b       guest_vectors + \offset
  .endr
  .org guest_bench_vectors + 0x280
  stp     x9, x10, [sp, #-16]!  // as any handler would begin
  mrs     x22, cntvct_el0
  mrs     x23, S3_0_C12_C12_0 // ICC_IAR1_EL1
  msr     cntv_ctl_el0, xzr
  isb
  msr     S3_0_C12_C12_1, x23 // ICC_EOIR1_EL1
  ldp     x9, x10, [sp], #16
  eret
  .irp offset, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
  .org guest_bench_vectors + \offset
  b       guest_vectors + \offset
  .endr
