// What the Swift runtime asks of the machine: memory functions and a heap that only grows.

#include "GuestLayout.h"

.macro function name
  .section .text.\name, "ax"
  .global \name
  .type \name, %function
\name:
.endm

function memcpy
  b       memmove

// memmove(x0 destination, x1 source, x2 bytes)
function memmove
  cbz     x2, 3f
  sub     x3, x0, x1
  cmp     x3, x2
  b.lo    2f                  // the destination starts inside the source: from the end
  mov     x3, #0
1:
  ldrb    w4, [x1, x3]
  strb    w4, [x0, x3]
  add     x3, x3, #1
  cmp     x3, x2
  b.lo    1b
  ret
2:
  sub     x2, x2, #1
  ldrb    w4, [x1, x2]
  strb    w4, [x0, x2]
  cbnz    x2, 2b
3:
  ret

// memset(x0 destination, w1 value, x2 bytes)
function memset
  mov     x3, x0
  cbz     x2, 2f
1:
  strb    w1, [x3], #1
  subs    x2, x2, #1
  b.ne    1b
2:
  ret

// memcmp(x0, x1, x2 bytes)
function memcmp
  mov     w3, #0
  cbz     x2, 2f
1:
  ldrb    w3, [x0], #1
  ldrb    w4, [x1], #1
  subs    w3, w3, w4
  b.ne    2f
  subs    x2, x2, #1
  b.ne    1b
2:
  mov     w0, w3
  ret

// posix_memalign(x0 result, x1 alignment, x2 bytes): CPU 0 alone allocates. 12: out of memory.
function posix_memalign
  adrp    x3, guest_heap_used
  add     x3, x3, :lo12:guest_heap_used
  ldr     x4, [x3]
  adrp    x5, guest_heap
  add     x5, x5, :lo12:guest_heap
  add     x4, x5, x4
  add     x4, x4, x1
  sub     x4, x4, #1
  sub     x6, x1, #1
  bic     x4, x4, x6
  add     x6, x4, x2
  sub     x6, x6, x5
  mov     x7, #GUEST_HEAP_SIZE
  cmp     x6, x7
  b.hi    1f
  str     x6, [x3]
  str     x4, [x0]
  mov     w0, #0
  ret
1:
  mov     w0, #12
  ret

function free
  ret

.section .bss.heap_used, "aw", %nobits
.balign 8
guest_heap_used: .skip 8
