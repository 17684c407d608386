// What compiled Swift calls by name to move bytes. Here and not in Swift, because a compiler makes of such a loop a call of
// the very function it stands in. General registers only, as all of the hypervisor.
#include "include/Instructions.h"
#ifdef APUS_BARE
  .section .text.memory, "ax"

// void *memset(void *to, int byte, size_t count)
  .globl memset
memset:
  movq  %rdi, %r8
  movzbl %sil, %eax
  movabsq $0x0101010101010101, %rcx
  imulq %rcx, %rax
  movq  %rdx, %rcx
  shrq  $3, %rcx
  rep stosq
  movl  %edx, %ecx
  andl  $7, %ecx
  rep stosb
  movq  %r8, %rax
  ret

// void *memcpy(void *to, const void *from, size_t count)
  .globl memcpy
  .globl memmove
memmove:
  movq  %rdi, %rax
  subq  %rsi, %rax               // to - from, unsigned: below count means that going up would overwrite
  cmpq  %rdx, %rax
  jb    move_down
memcpy:
  movq  %rdi, %rax
  movq  %rdx, %rcx
  shrq  $3, %rcx
  rep movsq
  movl  %edx, %ecx
  andl  $7, %ecx
  rep movsb
  ret
move_down:
  movq  %rdi, %rax
1: testq %rdx, %rdx
  jz    2f
  decq  %rdx
  movb  (%rsi,%rdx), %cl
  movb  %cl, (%rdi,%rdx)
  jmp   1b
2: ret

// int memcmp(const void *a, const void *b, size_t count)
  .globl memcmp
memcmp:
  xorl  %eax, %eax
  xorl  %ecx, %ecx
1: cmpq %rdx, %rcx
  je    2f
  movzbl (%rdi,%rcx), %eax
  movzbl (%rsi,%rcx), %r8d
  incq  %rcx
  subl  %r8d, %eax
  jz    1b
2: ret

// The runtime's name for it, which Swift itself may not define.
  .globl free
free:
  jmp   apus_free
#endif
