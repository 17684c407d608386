// Into a guest and out of it, from one task's stack to another's.
#include "include/Instructions.h"
#include "include/FrameOffsets.h"

#ifdef APUS_BARE
  .text

  .macro each_caller_saved op
  \op   ra, 1*8(sp)
  \op   t0, 5*8(sp)
  \op   t1, 6*8(sp)
  \op   t2, 7*8(sp)
  \op   a1, 11*8(sp)
  \op   a2, 12*8(sp)
  \op   a3, 13*8(sp)
  \op   a4, 14*8(sp)
  \op   a5, 15*8(sp)
  \op   a6, 16*8(sp)
  \op   a7, 17*8(sp)
  \op   t3, 28*8(sp)
  \op   t4, 29*8(sp)
  \op   t5, 30*8(sp)
  \op   t6, 31*8(sp)
  .endm

  .macro each_callee_saved op, base
  \op   s0, 8*8(\base)
  \op   s1, 9*8(\base)
  \op   s2, 18*8(\base)
  \op   s3, 19*8(\base)
  \op   s4, 20*8(\base)
  \op   s5, 21*8(\base)
  \op   s6, 22*8(\base)
  \op   s7, 23*8(\base)
  \op   s8, 24*8(\base)
  \op   s9, 25*8(\base)
  \op   s10, 26*8(\base)
  \op   s11, 27*8(\base)
  .endm

  .macro each_own op
  \op   ra, 104(sp)
  \op   s0, 96(sp)
  \op   s1, 88(sp)
  \op   s2, 80(sp)
  \op   s3, 72(sp)
  \op   s4, 64(sp)
  \op   s5, 56(sp)
  \op   s6, 48(sp)
  \op   s7, 40(sp)
  \op   s8, 32(sp)
  \op   s9, 24(sp)
  \op   s10, 16(sp)
  \op   s11, 8(sp)
  .endm

// void vcpu_enter(struct VCPUFrame *frame): runs the guest until an exit that `apus_guest_exit` does not finish in place.
  .globl vcpu_enter
vcpu_enter:
  addi  sp, sp, -112
  each_own sd
  sd    a0, 0(sp)
  sd    sp, VCPU_FRAME_HOST_STACK(a0)
  sd    tp, VCPU_FRAME_HOST_TP(a0)
  ld    t2, VCPU_FRAME_HSTATUS(a0)
  csrw  hstatus, t2
  ld    gp, 3*8(a0)
resume_with_all:
  each_callee_saved ld, a0
// a0: the frame. What the caller saves comes out of it, the rest is the guest's already.
resume_guest:
  ld    t0, VCPU_FRAME_SEPC(a0)
  ld    t1, VCPU_FRAME_SSTATUS(a0)
  csrw  sepc, t0
  csrw  sstatus, t1
  csrw  sscratch, a0
  ld    tp, 4*8(a0)
  mv    sp, a0
  each_caller_saved ld
  ld    a0, 10*8(sp)
  ld    sp, 2*8(sp)
  sret

  .balign 4
  .globl hypervisor_vector
hypervisor_vector:
  csrrw sp, sscratch, sp
  beqz  sp, hypervisor_fault
  sd    a0, 10*8(sp)
  mv    a0, sp
  each_caller_saved sd
  sd    tp, 4*8(a0)
  csrrw t0, sscratch, zero
  csrr  t1, sepc
  csrr  t2, sstatus
  csrr  a1, scause
  sd    t0, 2*8(a0)
  sd    t1, VCPU_FRAME_SEPC(a0)
  sd    t2, VCPU_FRAME_SSTATUS(a0)
  ld    tp, VCPU_FRAME_HOST_TP(a0)
  ld    sp, VCPU_FRAME_HOST_STACK(a0)
  // From 20 on the guest's instruction names registers, which may be any. An interrupt is negative.
  li    t0, VCPU_FIRST_DECODED_CAUSE
  blt   a1, t0, 1f
  each_callee_saved sd, a0
  call  apus_guest_access
  mv    a1, a0
  ld    a0, 0(sp)
  beqz  a1, resume_with_all
  j     leave_guest
1: call apus_guest_exit
  mv    a1, a0
  ld    a0, 0(sp)
  beqz  a1, resume_guest
  each_callee_saved sd, a0
// Back to the caller of vcpu_enter. a0: the frame.
leave_guest:
  sd    gp, 3*8(a0)
  each_own ld
  addi  sp, sp, 112
  ret

// The hypervisor itself has faulted: everything into a frame on the panic stack, and the last words.
hypervisor_fault:
  lla   sp, __panic_stack_top
  addi  sp, sp, -PANIC_FRAME_BYTE_COUNT
  sd    ra, 1*8(sp)
  sd    gp, 3*8(sp)
  sd    tp, 4*8(sp)
  sd    a0, 10*8(sp)
  each_caller_saved sd
  each_callee_saved sd, sp
  csrrw t0, sscratch, zero
  sd    t0, 2*8(sp)
  csrr  t0, sepc
  csrr  t1, sstatus
  csrr  t2, scause
  csrr  t3, stval
  sd    t0, 256(sp)
  sd    t1, 264(sp)
  sd    t2, 272(sp)
  sd    t3, 280(sp)
  mv    a0, sp
  call  apus_hypervisor_fault
1: wfi
  j     1b

// void stack_switch(uint64_t *saved, uint64_t next)
  .globl stack_switch
stack_switch:
  addi  sp, sp, -112
  each_own sd
  sd    sp, 0(a0)
  mv    sp, a1
  each_own ld
  addi  sp, sp, 112
  ret

// Where a new task's stack continues: s1 is the task.
  .globl task_trampoline
task_trampoline:
  mv    a0, s1
  li    fp, 0
  li    ra, 0
  call  apus_task_entry
1: wfi
  j     1b

// struct GuestFetch guest_fetch(uint64_t address)
  .globl guest_fetch
guest_fetch:
  csrr  t0, stvec
  lla   t1, guest_fetch_fault
  csrr  t3, sstatus                          // a fault changes both
  csrr  t4, hstatus
  mv    t2, a0
  csrw  stvec, t1
  .option push
  .option arch, +h
  hlvx.hu a0, (t2)
  .option pop
  csrw  stvec, t0
  li    a1, -1
  ret
  .balign 4
guest_fetch_fault:
  csrw  stvec, t0
  csrw  sstatus, t3
  csrw  hstatus, t4
  csrr  a1, scause
  li    a0, 0
  ret

  .option push
  .option arch, +d
  .macro each_fp op
  \op   f0, 0*8(a0)
  \op   f1, 1*8(a0)
  \op   f2, 2*8(a0)
  \op   f3, 3*8(a0)
  \op   f4, 4*8(a0)
  \op   f5, 5*8(a0)
  \op   f6, 6*8(a0)
  \op   f7, 7*8(a0)
  \op   f8, 8*8(a0)
  \op   f9, 9*8(a0)
  \op   f10, 10*8(a0)
  \op   f11, 11*8(a0)
  \op   f12, 12*8(a0)
  \op   f13, 13*8(a0)
  \op   f14, 14*8(a0)
  \op   f15, 15*8(a0)
  \op   f16, 16*8(a0)
  \op   f17, 17*8(a0)
  \op   f18, 18*8(a0)
  \op   f19, 19*8(a0)
  \op   f20, 20*8(a0)
  \op   f21, 21*8(a0)
  \op   f22, 22*8(a0)
  \op   f23, 23*8(a0)
  \op   f24, 24*8(a0)
  \op   f25, 25*8(a0)
  \op   f26, 26*8(a0)
  \op   f27, 27*8(a0)
  \op   f28, 28*8(a0)
  \op   f29, 29*8(a0)
  \op   f30, 30*8(a0)
  \op   f31, 31*8(a0)
  .endm
  .globl fp_save
fp_save:
  each_fp fsd
  csrr  t0, fcsr
  sd    t0, 256(a0)
  ret
  .globl fp_restore
fp_restore:
  each_fp fld
  ld    t0, 256(a0)
  csrw  fcsr, t0
  ret
  .option pop

// To the firmware (RISC-V SBI 2.0, chapter 3): the arguments are where it wants them.
  .globl sbi_call
sbi_call:
  ecall
  ret

#else
// Host tests link these but never call them; another architecture's have the same names.
  .text
  .macro absent name
  .weak \name
\name:
#if defined(__x86_64__)
  ud2
#else
  brk #1
#endif
  .endm
  absent vcpu_enter
  absent stack_switch
  absent fp_save
  absent fp_restore
  absent guest_fetch
  absent sbi_call
  .section .note.GNU-stack, "", %progbits
#endif
