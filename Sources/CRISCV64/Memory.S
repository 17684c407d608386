// What compiled Swift calls by name to move bytes. Here and not in Swift, because a compiler makes of such a loop a call of
// the very function it stands in.
#include "include/Instructions.h"
#ifdef APUS_BARE
  .section .text.memory, "ax"

// void *memset(void *to, int byte, size_t count)
  .globl memset
memset:
  mv    a3, a0
  andi  a1, a1, 0xff
  slli  a4, a1, 8
  or    a1, a1, a4
  slli  a4, a1, 16
  or    a1, a1, a4
  slli  a4, a1, 32
  or    a1, a1, a4
  add   a5, a0, a2               // end
1: andi a4, a3, 7                // bytes up to a multiple of 8
  beqz  a4, 2f
  bgeu  a3, a5, 5f
  sb    a1, 0(a3)
  addi  a3, a3, 1
  j     1b
2: addi a4, a5, -63
  bgeu  a3, a4, 4f
3: sd   a1, 0(a3)
  sd    a1, 8(a3)
  sd    a1, 16(a3)
  sd    a1, 24(a3)
  sd    a1, 32(a3)
  sd    a1, 40(a3)
  sd    a1, 48(a3)
  sd    a1, 56(a3)
  addi  a3, a3, 64
  bltu  a3, a4, 3b
4: bgeu a3, a5, 5f
  sb    a1, 0(a3)
  addi  a3, a3, 1
  j     4b
5: ret

// void *memcpy(void *to, const void *from, size_t count)
  .globl memcpy
  .globl memmove
memmove:
  sub   a3, a0, a1               // to - from, unsigned: below count means that going up would overwrite
  bltu  a3, a2, move_down
memcpy:
  mv    a3, a0
  add   a5, a0, a2               // end
  or    a4, a0, a1
  andi  a4, a4, 7
  bnez  a4, 3f
  addi  a4, a5, -31
  bgeu  a3, a4, 3f
2: ld   t0, 0(a1)
  ld    t1, 8(a1)
  ld    t2, 16(a1)
  ld    t3, 24(a1)
  sd    t0, 0(a3)
  sd    t1, 8(a3)
  sd    t2, 16(a3)
  sd    t3, 24(a3)
  addi  a1, a1, 32
  addi  a3, a3, 32
  bltu  a3, a4, 2b
3: bgeu a3, a5, 4f
  lbu   t0, 0(a1)
  sb    t0, 0(a3)
  addi  a1, a1, 1
  addi  a3, a3, 1
  j     3b
4: ret
move_down:
  add   a3, a0, a2
  add   a1, a1, a2
5: bgeu a0, a3, 4b
  addi  a1, a1, -1
  addi  a3, a3, -1
  lbu   t0, 0(a1)
  sb    t0, 0(a3)
  j     5b

// int memcmp(const void *a, const void *b, size_t count)
  .globl memcmp
memcmp:
  add   a2, a0, a2
1: bgeu a0, a2, 2f
  lbu   a3, 0(a0)
  lbu   a4, 0(a1)
  addi  a0, a0, 1
  addi  a1, a1, 1
  beq   a3, a4, 1b
  sub   a0, a3, a4
  ret
2: li   a0, 0
  ret

// The runtime's name for it, which Swift itself may not define.
  .globl free
free:
  j     apus_free
#endif
