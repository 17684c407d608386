// What compiled Swift calls by name to move bytes. Here and not in Swift, because a compiler makes of such a loop a call of
// the very function it stands in. General registers only, as all of the hypervisor.
#include "include/Instructions.h"
#ifdef APUS_BARE
  .section .text.memory, "ax"

// void *memset(void *to, int byte, size_t count)
  .globl memset
memset:
  mov   x3, x0
  and   x1, x1, #0xff
  orr   x1, x1, x1, lsl #8
  orr   x1, x1, x1, lsl #16
  orr   x1, x1, x1, lsl #32
  cbz   x2, 4f
1: tst  x3, #15                  // bytes up to a multiple of 16
  b.eq  2f
  strb  w1, [x3], #1
  subs  x2, x2, #1
  b.ne  1b
  ret
2: subs x2, x2, #64
  b.lo  3f
  stp   x1, x1, [x3]
  stp   x1, x1, [x3, #16]
  stp   x1, x1, [x3, #32]
  stp   x1, x1, [x3, #48]
  add   x3, x3, #64
  b     2b
3: adds x2, x2, #64
  b.eq  4f
5: strb w1, [x3], #1
  subs  x2, x2, #1
  b.ne  5b
4: ret

// void *memcpy(void *to, const void *from, size_t count)
  .globl memcpy
  .globl memmove
memmove:
  sub   x3, x0, x1               // to - from, unsigned: below count means that going up would overwrite
  cmp   x3, x2
  b.lo  move_down
memcpy:
  mov   x3, x0
  orr   x4, x0, x1
  tst   x4, #7
  b.ne  2f
1: subs x2, x2, #32
  b.lo  3f
  ldp   x4, x5, [x1], #16
  ldp   x6, x7, [x1], #16
  stp   x4, x5, [x3], #16
  stp   x6, x7, [x3], #16
  b     1b
3: add  x2, x2, #32
2: cbz  x2, 4f
5: ldrb w4, [x1], #1
  strb  w4, [x3], #1
  subs  x2, x2, #1
  b.ne  5b
4: ret
move_down:
  cbz   x2, 4b
6: sub  x2, x2, #1
  ldrb  w4, [x1, x2]
  strb  w4, [x0, x2]
  cbnz  x2, 6b
  ret

// int memcmp(const void *a, const void *b, size_t count)
  .globl memcmp
memcmp:
  cbz   x2, 2f
1: ldrb w3, [x0], #1
  ldrb  w4, [x1], #1
  subs  w3, w3, w4
  b.ne  3f
  subs  x2, x2, #1
  b.ne  1b
2: mov  w3, #0
3: mov  w0, w3
  ret

// The runtime's name for it, which Swift itself may not define.
  .globl free
free:
  b     apus_free
#endif
