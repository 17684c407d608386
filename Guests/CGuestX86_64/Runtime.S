// What the Swift runtime asks of the machine: memory functions and a heap that only grows.

#include "GuestLayout.h"

.macro function name
  .section .text.\name, "ax"
  .global \name
  .type \name, @function
\name:
.endm

// memcpy(rdi destination, rsi source, rdx bytes), which may overlap.
function memcpy
  jmp     memmove

function memmove
  movq    %rdi, %rax
  movq    %rdx, %rcx
  movq    %rdi, %r8
  subq    %rsi, %r8
  cmpq    %rdx, %r8
  jb      1f                  // the destination starts inside the source: from the end
  rep movsb
  ret
1:
  leaq    -1(%rdi,%rdx), %rdi
  leaq    -1(%rsi,%rdx), %rsi
  std
  rep movsb
  cld
  ret

// memset(rdi destination, sil value, rdx bytes)
function memset
  movq    %rdi, %r8
  movl    %esi, %eax
  movq    %rdx, %rcx
  rep stosb
  movq    %r8, %rax
  ret

// memcmp(rdi, rsi, rdx bytes)
function memcmp
  xorl    %eax, %eax
  xorl    %ecx, %ecx
1:
  cmpq    %rdx, %rcx
  je      2f
  movzbl  (%rdi,%rcx), %eax
  movzbl  (%rsi,%rcx), %r8d
  incq    %rcx
  subl    %r8d, %eax
  jz      1b
2:
  ret

// posix_memalign(rdi result, rsi alignment, rdx bytes): CPU 0 alone allocates. 12: out of memory.
function posix_memalign
  movq    guest_heap_used(%rip), %rax
  leaq    guest_heap(%rip), %rcx
  addq    %rcx, %rax
  leaq    -1(%rax,%rsi), %rax
  negq    %rsi
  andq    %rsi, %rax
  leaq    (%rax,%rdx), %r8
  subq    %rcx, %r8
  cmpq    $GUEST_HEAP_SIZE, %r8
  ja      1f
  movq    %r8, guest_heap_used(%rip)
  movq    %rax, (%rdi)
  xorl    %eax, %eax
  ret
1:
  movl    $12, %eax
  ret

function free
  ret

.section .bss.heap_used, "aw", %nobits
.balign 8
guest_heap_used: .skip 8
