// From the firmware's hand-over to Swift: finds the image's physical address, fills the first map, turns the MMU on.
// Runs at any 2 MiB-aligned address, at EL2, or at EL1 only to say that it cannot run there.
#include "include/Instructions.h"
#ifdef APUS_BARE

#define VALID_TABLE     3
#define PAGE            3
#define AF_SH_INNER     ((1 << 10) | (3 << 8))
#define AP_RES1         (1 << 6)
#define AP_READ_ONLY    (1 << 7)
#define XN_UPPER        (1 << 22)            // bit 54 as a 32-bit move to the upper half

  .section .head, "ax"
  .globl _start
_start:
  // The arm64 Image header (Linux, Documentation/arch/arm64/booting.rst).
  b     entry
  .long 0
  .quad 0                                    // text_offset
  .quad __image_size                        // image_size
  .quad 0xa                                  // flags: little endian, 4 KiB pages, any 2 MiB-aligned place
  .quad 0, 0, 0
  .ascii "ARM\x64"
  .long 0

  .section .text.entry, "ax"
entry:
  msr   daifset, #15
  mov   x20, x0
  adrp  x21, __image_start                   // physical
  ldr   x22, =__image_start                  // virtual
  // No cache is on: what the tables and .bss held in a cache must not come over what is written here.
  adrp  x0, __bss_start
  add   x0, x0, :lo12:__bss_start
  adrp  x1, __bss_end
  mov   x2, x0
1: stp  xzr, xzr, [x2], #16
  cmp   x2, x1
  b.lo  1b
  bl    fill_tables
  adrp  x0, __image_start
  adrp  x1, __image_end
2: dc   ivac, x0
  add   x0, x0, #64
  cmp   x0, x1
  b.lo  2b
  dsb   sy
  ldr   x30, =main_entry
  b     enable_mmu

// x21: physical image start. Identity: one 1 GiB block. Image: 4 KiB pages, each writable or executable, never both.
fill_tables:
  mov   x17, x30
  adrp  x0, boot_l0
  adrp  x1, boot_l1
  adrp  x2, main_l0
  adrp  x3, image_l1
  adrp  x4, image_l2
  adrp  x5, image_l3
  orr   x6, x1, #VALID_TABLE
  lsr   x7, x21, #39
  str   x6, [x0, x7, lsl #3]
  ubfx  x7, x21, #30, #9
  lsl   x6, x21, #0
  lsr   x6, x6, #30
  lsl   x6, x6, #30
  mov   x8, #(1 | AF_SH_INNER | AP_RES1)
  orr   x8, x8, #AP_READ_ONLY
  orr   x6, x6, x8
  str   x6, [x1, x7, lsl #3]
  orr   x6, x3, #VALID_TABLE
  ubfx  x7, x22, #39, #9
  str   x6, [x0, x7, lsl #3]
  str   x6, [x2, x7, lsl #3]
  orr   x6, x4, #VALID_TABLE
  ubfx  x7, x22, #30, #9
  str   x6, [x3, x7, lsl #3]
  orr   x6, x5, #VALID_TABLE
  ubfx  x7, x22, #21, #9
  str   x6, [x4, x7, lsl #3]
  mov   x9, x21                              // physical
  mov   x10, x5
  mov   x8, #(PAGE | AF_SH_INNER | AP_RES1)
  orr   x11, x8, #AP_READ_ONLY               // text
  adrp  x12, __text_end
  bl    map_range
  orr   x11, x11, #(1 << 54)                 // read-only data
  adrp  x12, __rodata_end
  bl    map_range
  orr   x11, x8, #(1 << 54)                  // data, .bss
  adrp  x12, __boot_stack_guard
  bl    map_range
  add   x9, x9, #4096                        // nothing below the boot stack
  add   x10, x10, #8
  adrp  x12, __image_end
  bl    map_range
  br    x17

map_range:
  cmp   x9, x12
  b.hs  1f
  orr   x13, x9, x11
  str   x13, [x10], #8
  add   x9, x9, #4096
  b     map_range
1: ret

// Continues at x30, a virtual address. Keeps x19 to x29.
enable_mmu:
  adrp  x0, boot_l0
  mov   x1, #0x04ff                          // 0: normal write-back, 1: Device-nGnRE
  mrs   x2, id_aa64mmfr0_el1
  and   x2, x2, #15                          // PARange
  cmp   x2, #5
  mov   x3, #5
  csel  x2, x2, x3, ls
  mrs   x3, CurrentEL
  cmp   x3, #(2 << 2)
  b.ne  1f
  mov   x3, #(1 << 31)                       // HCR_EL2.RW, nVHE
  msr   hcr_el2, x3
  isb
  msr   mair_el2, x1
  ldr   x1, =0x80803510                      // RES1, TG0 4 KiB, inner shareable, write-back walks, T0SZ 16
  orr   x1, x1, x2, lsl #16
  msr   tcr_el2, x1
  msr   ttbr0_el2, x0
  tlbi  alle2
  dsb   sy
  isb
  ldr   x1, =0x30cd183d                      // RES1, WXN, I, SA, C, M
  msr   sctlr_el2, x1
  isb
  ret
1: // EL1: only to say so.
  msr   mair_el1, x1
  ldr   x1, =0x00803510                      // TG0 4 KiB, inner shareable, write-back walks, T0SZ 16, no TTBR1 walks
  orr   x1, x1, x2, lsl #32
  msr   tcr_el1, x1
  msr   ttbr0_el1, x0
  tlbi  vmalle1
  dsb   sy
  isb
  ldr   x1, =0x30d0199d
  msr   sctlr_el1, x1
  isb
  ret

main_entry:
  ldr   x0, =__boot_stack_top
  mov   sp, x0
  ldr   x0, =boot_fdt
  str   x20, [x0]
  ldr   x0, =boot_base
  str   x21, [x0]
  bl    leave_identity
  mov   x29, xzr
  mov   x30, xzr
  bl    main
3: wfi
  b     3b

// The identity map is for the turning-on alone.
leave_identity:
  ldr   x0, =main_l0
  sub   x0, x0, x22
  add   x0, x0, x21
  mrs   x3, CurrentEL
  cmp   x3, #(2 << 2)
  b.ne  1f
  msr   ttbr0_el2, x0
  isb
  tlbi  alle2
  dsb   sy
  isb
  ldr   x0, =hypervisor_vectors
  msr   vbar_el2, x0
  isb
  ret
1: // EL1: only to say so.
  msr   ttbr0_el1, x0
  isb
  tlbi  vmalle1
  dsb   sy
  isb
  ret

// Where PSCI CPU_ON starts the other CPUs. x0: virtual address of {stack pointer, argument}.
  .globl secondary_entry
secondary_entry:
  msr   daifset, #15
  mov   x20, x0
  adrp  x21, __image_start
  ldr   x22, =__image_start
  ldr   x30, =secondary_main
  b     enable_mmu
secondary_main:
  bl    leave_identity
  ldp   x1, x0, [x20]
  mov   sp, x1
  mov   x29, xzr
  mov   x30, xzr
  bl    apus_secondary_main
4: wfi
  b     4b

  .section .data
  .balign 8
  .globl boot_fdt
boot_fdt: .quad 0
  .globl boot_base
boot_base: .quad 0
#endif
