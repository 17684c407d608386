// What the Swift runtime asks of the machine: memory functions and a heap that only grows.

#include "GuestLayout.h"

.macro function name
  .section .text.\name, "ax"
  .global \name
  .type \name, %function
\name:
.endm

function memcpy
  tail    memmove

// memmove(a0 destination, a1 source, a2 bytes)
function memmove
  beqz    a2, 3f
  sub     a3, a0, a1
  add     a4, a0, a2
  bltu    a3, a2, 2f            // the destination starts inside the source: from the end
  mv      a5, a0
1:
  lbu     a6, 0(a1)
  sb      a6, 0(a5)
  addi    a1, a1, 1
  addi    a5, a5, 1
  bltu    a5, a4, 1b
  ret
2:
  add     a1, a1, a2
1:
  addi    a1, a1, -1
  addi    a4, a4, -1
  lbu     a6, 0(a1)
  sb      a6, 0(a4)
  bltu    a0, a4, 1b
3:
  ret

// memset(a0 destination, a1 value, a2 bytes)
function memset
  mv      a3, a0
  add     a4, a0, a2
1:
  bgeu    a3, a4, 2f
  sb      a1, 0(a3)
  addi    a3, a3, 1
  j       1b
2:
  ret

// memcmp(a0, a1, a2 bytes)
function memcmp
  add     a4, a0, a2
1:
  bgeu    a0, a4, 2f
  lbu     a5, 0(a0)
  lbu     a6, 0(a1)
  addi    a0, a0, 1
  addi    a1, a1, 1
  beq     a5, a6, 1b
  sub     a0, a5, a6
  ret
2:
  li      a0, 0
  ret

// posix_memalign(a0 result, a1 alignment, a2 bytes): CPU 0 alone allocates. 12: out of memory.
function posix_memalign
  lla     a3, guest_heap_used
  ld      a4, 0(a3)
  lla     a5, guest_heap
  add     a4, a5, a4
  add     a4, a4, a1
  addi    a4, a4, -1
  neg     a6, a1
  and     a4, a4, a6
  add     a6, a4, a2
  sub     a6, a6, a5
  li      a7, GUEST_HEAP_SIZE
  bltu    a7, a6, 1f
  sd      a6, 0(a3)
  sd      a4, 0(a0)
  li      a0, 0
  ret
1:
  li      a0, 12
  ret

function free
  ret

.section .bss.heap_used, "aw", %nobits
.balign 8
guest_heap_used: .skip 8
