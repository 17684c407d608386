// Into a guest and out of it, from one task's stack to another's.
#include "include/Instructions.h"
#include "include/FrameOffsets.h"

#ifdef APUS_BARE
  .text

// void vcpu_enter(struct VCPUFrame *frame): runs the guest until an exit that the handlers do not finish in place.
//
// A handler is called on the stack of the task, with all of the guest's general registers in the frame. It keeps the
// callee-saved ones as any function does, so only the others are loaded where the guest goes on, unless it says that it
// has changed one of those in the frame.
  .globl vcpu_enter
vcpu_enter:
  stp   x29, x30, [sp, #-112]!
  mov   x29, sp
  stp   x19, x20, [sp, #16]
  stp   x21, x22, [sp, #32]
  stp   x23, x24, [sp, #48]
  stp   x25, x26, [sp, #64]
  stp   x27, x28, [sp, #80]
  str   x0, [sp, #VCPU_STACK_FRAME]
  mov   x1, sp
  str   x1, [x0, #VCPU_FRAME_HOST_STACK]
  mov   sp, x0
resume_with_all:
  ldp   x20, x21, [sp, #VCPU_FRAME_X20]
  ldp   x22, x23, [sp, #VCPU_FRAME_X20 + 16]
  ldp   x24, x25, [sp, #VCPU_FRAME_X20 + 32]
  ldp   x26, x27, [sp, #VCPU_FRAME_X20 + 48]
  ldr   x28, [sp, #VCPU_FRAME_X20 + 64]
// SP is the frame's address.
resume_at_frame_pc:
  ldp   x0, x1, [sp, #VCPU_FRAME_ELR]
  msr   elr_el2, x0
  msr   spsr_el2, x1
resume_guest:
  ldp   x0, x1, [sp, #0]
  ldp   x2, x3, [sp, #16]
  ldp   x4, x5, [sp, #32]
  ldp   x6, x7, [sp, #48]
  ldp   x8, x9, [sp, #64]
  ldp   x10, x11, [sp, #80]
  ldp   x12, x13, [sp, #96]
  ldp   x14, x15, [sp, #112]
  ldp   x16, x17, [sp, #128]
  ldp   x18, x19, [sp, #VCPU_FRAME_X18]
  ldp   x29, x30, [sp, #VCPU_FRAME_X29]
  eret

// A handler of synchronous exits may have moved the guest's PC and PSTATE, in the frame.
synchronous_done:
  ldr   x1, [sp, #VCPU_STACK_FRAME]
  cbnz  x0, 1f
  mov   sp, x1
  b     resume_at_frame_pc
1: cmp  x0, #EXIT_ANSWER_GO_ON_WITH_ALL
  b.ne  leave_guest
  mov   sp, x1
  b     resume_with_all

interrupt_done:
  ldr   x1, [sp, #VCPU_STACK_FRAME]
  cbnz  x0, 1f
  mov   sp, x1
  b     resume_guest
1: mrs  x2, elr_el2
  mrs   x3, spsr_el2
  stp   x2, x3, [x1, #VCPU_FRAME_ELR]

// Back to the caller of vcpu_enter.
leave_guest:
  ldp   x19, x20, [sp, #16]
  ldp   x21, x22, [sp, #32]
  ldp   x23, x24, [sp, #48]
  ldp   x25, x26, [sp, #64]
  ldp   x27, x28, [sp, #80]
  ldp   x29, x30, [sp], #112
  ret

// First on every exit: SP is the frame's address, and becomes the task's stack. X29 must not be the guest's when the
// hypervisor follows it.
  .macro save_registers
  stp   x0, x1, [sp, #0]
  stp   x2, x3, [sp, #16]
  stp   x4, x5, [sp, #32]
  stp   x6, x7, [sp, #48]
  stp   x8, x9, [sp, #64]
  stp   x10, x11, [sp, #80]
  stp   x12, x13, [sp, #96]
  stp   x14, x15, [sp, #112]
  stp   x16, x17, [sp, #128]
  stp   x18, x19, [sp, #VCPU_FRAME_X18]
  stp   x20, x21, [sp, #VCPU_FRAME_X20]
  stp   x22, x23, [sp, #VCPU_FRAME_X20 + 16]
  stp   x24, x25, [sp, #VCPU_FRAME_X20 + 32]
  stp   x26, x27, [sp, #VCPU_FRAME_X20 + 48]
  str   x28, [sp, #VCPU_FRAME_X20 + 64]
  stp   x29, x30, [sp, #VCPU_FRAME_X29]
  .endm
  .macro to_task_stack
  ldr   x0, [sp, #VCPU_FRAME_HOST_STACK]
  mov   sp, x0
  mov   x29, x0
  .endm

// A vector has room for 32 instructions: all of the way to the handler.
  .macro synchronous_vector
  .balign 128
  save_registers
  mrs   x0, elr_el2
  mrs   x1, spsr_el2
  stp   x0, x1, [sp, #VCPU_FRAME_ELR]
  to_task_stack
  bl    apus_guest_synchronous
  b     synchronous_done
  .endm
  .macro interrupt_vector
  .balign 128
  save_registers
  to_task_stack
  bl    apus_guest_interrupt
  b     interrupt_done
  .endm
  .macro serror_vector
  .balign 128
  save_registers
  to_task_stack
  bl    apus_guest_system_error
  b     interrupt_done
  .endm

// The hypervisor itself has faulted: everything into a frame on the panic stack, and the last words. SP_EL0 is a guest's
// and lost, which no longer matters.
  .macro panic_entry kind
  msr   sp_el0, x0
  mov   x0, sp
  msr   tpidr_el0, x0
  ldr   x0, =__panic_stack_top
  mov   sp, x0
  sub   sp, sp, #304
  mrs   x0, sp_el0
  stp   x0, x1, [sp, #0]
  mov   x1, #\kind
  b     panic_common
  .endm

panic_common:
  stp   x2, x3, [sp, #16]
  stp   x4, x5, [sp, #32]
  stp   x6, x7, [sp, #48]
  stp   x8, x9, [sp, #64]
  stp   x10, x11, [sp, #80]
  stp   x12, x13, [sp, #96]
  stp   x14, x15, [sp, #112]
  stp   x16, x17, [sp, #128]
  stp   x18, x19, [sp, #144]
  stp   x20, x21, [sp, #160]
  stp   x22, x23, [sp, #176]
  stp   x24, x25, [sp, #192]
  stp   x26, x27, [sp, #208]
  stp   x28, x29, [sp, #224]
  mrs   x2, tpidr_el0
  stp   x30, x2, [sp, #240]
  mrs   x2, elr_el2
  mrs   x3, spsr_el2
  stp   x2, x3, [sp, #256]
  mrs   x2, esr_el2
  mrs   x3, far_el2
  stp   x2, x3, [sp, #272]
  str   x1, [sp, #288]
  mov   x0, sp
  bl    apus_hypervisor_fault
1: wfi
  b     1b

  .macro panic_vector kind
  .balign 128
  panic_entry \kind
  .endm

  .section .text.vectors, "ax"
  .balign 2048
  .globl hypervisor_vectors
hypervisor_vectors:
  panic_vector 0
  panic_vector 1
  panic_vector 2
  panic_vector 3
  panic_vector 4
  panic_vector 5
  panic_vector 6
  panic_vector 7
  // From a guest in AArch64, then in AArch32: synchronous, IRQ, FIQ, SError.
  .rept 2
  synchronous_vector
  interrupt_vector
  interrupt_vector
  serror_vector
  .endr
  .balign 128

  .text
// void stack_switch(uint64_t *saved, uint64_t next)
  .globl stack_switch
stack_switch:
  stp   x29, x30, [sp, #-96]!
  stp   x19, x20, [sp, #16]
  stp   x21, x22, [sp, #32]
  stp   x23, x24, [sp, #48]
  stp   x25, x26, [sp, #64]
  stp   x27, x28, [sp, #80]
  mov   x2, sp
  str   x2, [x0]
  mov   sp, x1
  ldp   x19, x20, [sp, #16]
  ldp   x21, x22, [sp, #32]
  ldp   x23, x24, [sp, #48]
  ldp   x25, x26, [sp, #64]
  ldp   x27, x28, [sp, #80]
  ldp   x29, x30, [sp], #96
  ret

// Where a new task's stack continues: x19 is the task.
  .globl task_trampoline
task_trampoline:
  mov   x0, x19
  mov   x29, xzr
  mov   x30, xzr
  bl    apus_task_entry
1: wfi
  b     1b

  .arch_extension fp
  .arch_extension simd
  .macro fp_each op
  \op   q0, q1, [x0, #0]
  \op   q2, q3, [x0, #32]
  \op   q4, q5, [x0, #64]
  \op   q6, q7, [x0, #96]
  \op   q8, q9, [x0, #128]
  \op   q10, q11, [x0, #160]
  \op   q12, q13, [x0, #192]
  \op   q14, q15, [x0, #224]
  \op   q16, q17, [x0, #256]
  \op   q18, q19, [x0, #288]
  \op   q20, q21, [x0, #320]
  \op   q22, q23, [x0, #352]
  \op   q24, q25, [x0, #384]
  \op   q26, q27, [x0, #416]
  \op   q28, q29, [x0, #448]
  \op   q30, q31, [x0, #480]
  .endm
  .globl fp_save
fp_save:
  fp_each stp
  mrs   x1, fpcr
  mrs   x2, fpsr
  add   x0, x0, #512
  stp   x1, x2, [x0]
  ret
  .globl fp_restore
fp_restore:
  fp_each ldp
  add   x0, x0, #512
  ldp   x1, x2, [x0]
  msr   fpcr, x1
  msr   fpsr, x2
  ret

// To the firmware (SMCCC 1.1).
  .globl smc_call
smc_call:
  smc   #0
  ret
  .globl hvc_call
hvc_call:
  hvc   #0
  ret

#else
// Host tests link these but never call them.
  .text
  .macro absent name
  .globl \name
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
  absent smc_call
  absent hvc_call
  .section .note.GNU-stack, "", %progbits
#endif
