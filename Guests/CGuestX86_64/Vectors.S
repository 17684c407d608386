// Exceptions and interrupts: everything is saved in a frame on the current stack and given to Swift.

#include "GuestLayout.h"

.section .text.vectors, "ax"
.balign 16
.global guest_stubs
guest_stubs:
  .set vector, 0
  .rept 256
  .balign 16
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  pushq   $0
  .endif
  pushq   $vector
  jmp     save_and_call
  .set vector, vector + 1
  .endr

save_and_call:
  pushq   %rax
  pushq   %rbx
  pushq   %rcx
  pushq   %rdx
  pushq   %rbp
  pushq   %rsi
  pushq   %rdi
  pushq   %r8
  pushq   %r9
  pushq   %r10
  pushq   %r11
  pushq   %r12
  pushq   %r13
  pushq   %r14
  pushq   %r15
  movq    %rsp, %rdi
  movq    %rsp, %rbp
  andq    $-16, %rsp
  cld
  call    guest_exception
  movq    %rbp, %rsp
  popq    %r15
  popq    %r14
  popq    %r13
  popq    %r12
  popq    %r11
  popq    %r10
  popq    %r9
  popq    %r8
  popq    %rdi
  popq    %rsi
  popq    %rbp
  popq    %rdx
  popq    %rcx
  popq    %rbx
  popq    %rax
  addq    $16, %rsp
  iretq
