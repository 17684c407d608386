// Into a guest and out of it, from one task's stack to another's, and the handlers of the hypervisor's own vectors.
#include "include/Instructions.h"
#include "include/FrameOffsets.h"

#ifdef APUS_BARE
  .text

// void x86_enter_guest(struct X86VCPUFrame *frame): runs the guest until an exit (AMD APM 2, 15.5).
//
// From CLGI to STGI nothing comes through. Inside the guest the IF that STI has set lets interrupts make it exit
// (V_INTR_MASKING, 15.21.1); CLI comes before STGI, so they stay pending until the hypervisor takes them.
  .globl x86_enter_guest
x86_enter_guest:
  pushq %rbp
  movq  %rsp, %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  pushq %rdi
  pushq VCPU_FRAME_HOST_VMCB(%rdi)
  movq  VCPU_FRAME_VMCB(%rdi), %rax
  movq  VCPU_FRAME_RCX(%rdi), %rcx
  movq  VCPU_FRAME_RDX(%rdi), %rdx
  movq  VCPU_FRAME_RBX(%rdi), %rbx
  movq  VCPU_FRAME_RBP(%rdi), %rbp
  movq  VCPU_FRAME_RSI(%rdi), %rsi
  movq  VCPU_FRAME_R8(%rdi), %r8
  movq  VCPU_FRAME_R9(%rdi), %r9
  movq  VCPU_FRAME_R10(%rdi), %r10
  movq  VCPU_FRAME_R11(%rdi), %r11
  movq  VCPU_FRAME_R12(%rdi), %r12
  movq  VCPU_FRAME_R13(%rdi), %r13
  movq  VCPU_FRAME_R14(%rdi), %r14
  movq  VCPU_FRAME_R15(%rdi), %r15
  movq  VCPU_FRAME_RDI(%rdi), %rdi
  clgi
  sti
  vmload %rax
  vmrun %rax
  vmsave %rax
  movq  (%rsp), %rax
  vmload %rax
  cli
  stgi
  movq  8(%rsp), %rax
  movq  %rcx, VCPU_FRAME_RCX(%rax)
  movq  %rdx, VCPU_FRAME_RDX(%rax)
  movq  %rbx, VCPU_FRAME_RBX(%rax)
  movq  %rbp, VCPU_FRAME_RBP(%rax)
  movq  %rsi, VCPU_FRAME_RSI(%rax)
  movq  %rdi, VCPU_FRAME_RDI(%rax)
  movq  %r8, VCPU_FRAME_R8(%rax)
  movq  %r9, VCPU_FRAME_R9(%rax)
  movq  %r10, VCPU_FRAME_R10(%rax)
  movq  %r11, VCPU_FRAME_R11(%rax)
  movq  %r12, VCPU_FRAME_R12(%rax)
  movq  %r13, VCPU_FRAME_R13(%rax)
  movq  %r14, VCPU_FRAME_R14(%rax)
  movq  %r15, VCPU_FRAME_R15(%rax)
  addq  $16, %rsp
  popq  %r15
  popq  %r14
  popq  %r13
  popq  %r12
  popq  %rbx
  popq  %rbp
  cld
  ret

// void x86_stack_switch(uint64_t *saved, uint64_t next)
  .globl x86_stack_switch
x86_stack_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq  %rsp, (%rdi)
  movq  %rsi, %rsp
  popq  %r15
  popq  %r14
  popq  %r13
  popq  %r12
  popq  %rbx
  popq  %rbp
  ret

// Where a new task's stack continues: RBX is the task.
  .globl task_trampoline
task_trampoline:
  movq  %rbx, %rdi
  xorl  %ebp, %ebp
  call  apus_task_entry
1: cli
  hlt
  jmp   1b

  .globl x86_fxsave
x86_fxsave:
  fxsaveq (%rdi)
  ret
  .globl x86_fxrstor
x86_fxrstor:
  fxrstorq (%rdi)
  ret

// The hypervisor itself has faulted: everything into a frame, and the last words.
hypervisor_fault:
  pushq %rax
  pushq %rbx
  pushq %rcx
  pushq %rdx
  pushq %rbp
  pushq %rsi
  pushq %rdi
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %r11
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq  %rsp, %rdi
  andq  $-16, %rsp
  cld
  call  apus_hypervisor_fault
1: cli
  hlt
  jmp   1b

// An interrupt, in the window that the hypervisor opens for them: noted for `handleInterrupts`, which does the rest.
take_interrupt:
  pushq %rax
  movzbl 8(%rsp), %eax                       // the vector that the stub has pushed
  movb  $1, %gs:CPU_ANCHOR_PENDING(%rax)
  cmpl  $255, %eax                           // a spurious one needs no end (AMD APM 2, 16.4.7)
  je    1f
  movq  %gs:CPU_ANCHOR_EOI, %rax
  movl  $0, (%rax)
1: popq %rax
  addq  $16, %rsp
  iretq

// A stub of 16 bytes for each vector. Of the exceptions, 8, 10 to 14, 17, 21, 29 and 30 push an error code (APM 2, 8.2).
  .section .text.stubs, "ax"
  .balign 4096
  .globl interrupt_stubs
interrupt_stubs:
  .set vector, 0
  .rept 256
  .balign 16
  .if vector < FIRST_INTERRUPT_VECTOR
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  pushq $0
  .endif
  pushq $vector
  jmp   hypervisor_fault
  .else
  pushq $0
  pushq $vector
  jmp   take_interrupt
  .endif
  .set vector, vector + 1
  .endr

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
  absent x86_enter_guest
  absent x86_stack_switch
  absent x86_fxsave
  absent x86_fxrstor
  .section .note.GNU-stack, "", %progbits
#endif
