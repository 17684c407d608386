// The first instructions of the test guest: arm64 Linux `Image` header, translation on, stack, Swift.
//
//   lower range (TTBR0)                          upper range (TTBR1)
//   0 .. 256 GiB  identity, device memory        0xFFFFFF80_00000000  this image, 4 MiB, normal memory
//   the GiB that holds this image: normal
//
// The image, its stack and its vectors live in the upper range, so a case may ruin the lower one and come back.

#include "GuestLayout.h"

#define NORMAL_BLOCK 0x701   // valid block, AF, inner shareable, attribute 0
#define DEVICE_BLOCK 0x405   // valid block, AF, attribute 1
#define TABLE        0x3
#define MAIR_VALUE   0x04FF  // attribute 0: normal write-back; attribute 1: device nGnRE
#define SCTLR_VALUE  0x30D0180D  // M, C, SA, I and the bits that are one where they mean nothing

.section .head, "ax"
.global guest_head
guest_head:
  b       entry
  nop
  .quad   0                   // text_offset
  .quad   guest_image_size
  .quad   0xA                 // little endian, 4 KiB pages, anywhere in memory
  .quad   0, 0, 0
  .ascii  "ARM\x64"
  .long   0

.section .text.entry, "ax"
entry:
  mov     x19, x0             // device tree
  adrp    x20, guest_head     // where we were loaded

  // Clear what the image relies on to be zero; stacks and heap need not be.
  adrp    x0, guest_bss_start
  adrp    x1, guest_bss_end
  add     x1, x1, :lo12:guest_bss_end
1:
  stp     xzr, xzr, [x0], #16
  cmp     x0, x1
  b.lo    1b

  // Identity map: 256 blocks of 1 GiB, device memory, except the one we are in.
  adrp    x0, guest_lower_table
  mov     x1, #DEVICE_BLOCK
  mov     x2, #256
  mov     x3, x0
  mov     x4, #0x40000000
1:
  str     x1, [x3], #8
  add     x1, x1, x4
  subs    x2, x2, #1
  b.ne    1b
  lsr     x1, x20, #30
  lsl     x2, x1, #30
  mov     x3, #NORMAL_BLOCK
  orr     x2, x2, x3
  str     x2, [x0, x1, lsl #3]

  // The image's own window: two blocks of 2 MiB.
  adrp    x0, guest_upper_table
  adrp    x1, guest_window_table
  orr     x2, x1, #TABLE
  str     x2, [x0]
  orr     x2, x20, x3
  str     x2, [x1]
  add     x2, x2, #0x200000
  str     x2, [x1, #8]

  // Caches were off: no stale line of this memory may be hit once they are on.
  adrp    x0, guest_bss_start
  adrp    x1, guest_bss_end
  add     x1, x1, :lo12:guest_bss_end
1:
  dc      ivac, x0
  add     x0, x0, #16
  cmp     x0, x1
  b.lo    1b
  dsb     sy

  mov     x21, #0             // CPU index
  bl      translation_on
  adrp    x0, guest_boot_device_tree
  add     x0, x0, :lo12:guest_boot_device_tree
  stp     x19, x20, [x0]
  bl      main
1:
  wfi
  b       1b

// Where PSCI CPU_ON brings the other CPUs: x0 holds the index that was given as context. The first thing is the time.
.global guest_secondary_entry
guest_secondary_entry:
  mrs     x22, cntvct_el0
  mov     x21, x0
  bl      translation_on
  mov     x0, x21
  mov     x1, x22
  bl      guest_secondary_main
1:
  wfi
  b       1b

// x21: CPU index. Sets translation, vectors, FP access and stack; returns to the caller's upper address.
translation_on:
  mov     x0, #MAIR_VALUE
  msr     mair_el1, x0
  // 39 bits each, 4 KiB granule, cacheable walks, inner shareable; physical size from the ID register.
  ldr     x0, =0xB5193519
  mrs     x1, id_aa64mmfr0_el1
  and     x1, x1, #0xF
  cmp     x1, #5
  mov     x2, #5
  csel    x1, x1, x2, ls
  orr     x0, x0, x1, lsl #32
  msr     tcr_el1, x0
  adrp    x0, guest_lower_table
  msr     ttbr0_el1, x0
  adrp    x0, guest_upper_table
  msr     ttbr1_el1, x0
  tlbi    vmalle1
  dsb     nsh
  isb
  adrp    x1, guest_head
  ldr     x0, =SCTLR_VALUE
  msr     sctlr_el1, x0
  isb
  ldr     x2, =guest_head
  sub     x1, x2, x1          // from physical to upper
  add     x30, x30, x1
  ldr     x0, =1f
  br      x0
1:
  adrp    x0, guest_vectors
  add     x0, x0, :lo12:guest_vectors
  msr     vbar_el1, x0
  mov     x0, #(3 << 20)
  msr     cpacr_el1, x0
  msr     tpidr_el1, x21
  isb
  adrp    x0, guest_stacks
  add     x0, x0, :lo12:guest_stacks
  add     x1, x21, #1
  mov     x2, #GUEST_STACK_SIZE
  madd    x0, x1, x2, x0
  mov     sp, x0
  mov     x29, xzr
  ret

.section .tables, "aw", %nobits
.balign 4096
.global guest_lower_table
guest_lower_table:  .skip 4096
guest_upper_table:  .skip 4096
guest_window_table: .skip 4096

.section .bss.boot, "aw", %nobits
.balign 16
.global guest_boot_device_tree
guest_boot_device_tree: .skip 8
.global guest_boot_load_address
guest_boot_load_address: .skip 8

.section .stacks, "aw", %nobits
.balign 16
.global guest_stacks
guest_stacks: .skip GUEST_STACK_SIZE * GUEST_CPU_LIMIT

.section .heap, "aw", %nobits
.balign 64
.global guest_heap
guest_heap: .skip GUEST_HEAP_SIZE
