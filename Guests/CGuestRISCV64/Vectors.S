// Traps: everything is saved in a frame on the current stack and given to Swift.

#include "GuestLayout.h"

.macro each_register instruction
  .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  \instruction x\n, 8 * \n(sp)
  .endr
.endm

.section .text.vectors, "ax"
.balign 4
.global guest_vectors
guest_vectors:
  addi    sp, sp, -GUEST_FRAME_SIZE
  each_register sd
  addi    t0, sp, GUEST_FRAME_SIZE
  sd      t0, 16(sp)            // x2 as it was
  csrr    t0, sepc
  csrr    t1, sstatus
  csrr    a0, scause
  csrr    t2, stval
  sd      t0, GUEST_FRAME_SEPC(sp)
  sd      t1, GUEST_FRAME_SSTATUS(sp)
  sd      a0, GUEST_FRAME_SCAUSE(sp)
  sd      t2, GUEST_FRAME_STVAL(sp)
  mv      a1, sp
  call    guest_exception
  ld      t0, GUEST_FRAME_SEPC(sp)
  ld      t1, GUEST_FRAME_SSTATUS(sp)
  csrw    sepc, t0
  csrw    sstatus, t1
  each_register ld
  addi    sp, sp, GUEST_FRAME_SIZE
  sret
