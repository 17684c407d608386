// From the firmware's hand-over to Swift: finds the image's physical address, fills the first map, turns the MMU on.
// Runs at any 2 MiB-aligned address, in HS-mode, or in S-mode without the H extension only to say that it cannot run there.
#include "include/Instructions.h"
#ifdef APUS_BARE

// Bits of a page-table entry (Privileged Architecture, 12.4.1).
#define V               (1 << 0)
#define R               (1 << 1)
#define W               (1 << 2)
#define X               (1 << 3)
#define A               (1 << 6)
#define D               (1 << 7)

  .section .head, "ax"
  .globl _start
_start:
  // The riscv Image header (Linux, Documentation/arch/riscv/boot-image-header.rst).
  j     entry
  .balign 8
  .quad 0x200000                             // text_offset
  .quad __image_size                         // image_size
  .quad 0                                    // flags: little endian
  .long 2                                    // version 0.2
  .long 0
  .quad 0
  .ascii "RISCV\0\0\0"
  .ascii "RSC\x05"
  .long 0

  .section .text.entry, "ax"
// a0: this hart, a1: the device tree's physical address. The MMU is off.
entry:
  csrw  sie, zero
  csrci sstatus, 2                           // SIE
  mv    s0, a0
  mv    s1, a1
  lla   s2, __image_start                    // physical
  ld    s3, virtual_base
  lla   t0, __bss_start
  lla   t1, __bss_end
1: sd   zero, 0(t0)
  addi  t0, t0, 8
  bltu  t0, t1, 1b
  call  fill_tables
  ld    ra, virtual_main_entry
  j     enable_mmu

// s2: physical image start, s3: virtual. Identity: one 1 GiB leaf in `boot_root` alone. Image: 4 KiB pages, each writable
// or executable, never both.
fill_tables:
  mv    s4, ra
  lla   t0, boot_root
  lla   t1, main_root
  lla   t2, image_l1
  lla   t3, image_l0
  srli  t4, s2, 30                           // the gigabyte that the image lies in
  slli  t5, t4, 28                           // its frame number in place
  ori   t5, t5, V | R | X | A
  andi  t4, t4, 511
  slli  t4, t4, 3
  add   t4, t4, t0
  sd    t5, 0(t4)
  srli  t4, t2, 2
  ori   t4, t4, V
  li    t5, 511 * 8                          // the last gigabyte
  add   t6, t0, t5
  sd    t4, 0(t6)
  add   t6, t1, t5
  sd    t4, 0(t6)
  srli  t4, t3, 2
  ori   t4, t4, V
  sd    t4, 0(t2)
  mv    t0, s2                               // physical
  mv    t1, t3                               // entry
  li    t3, V | R | X | A
  lla   t2, __text_end
  call  map_range
  li    t3, V | R | A
  lla   t2, __rodata_end
  call  map_range
  li    t3, V | R | W | A | D
  lla   t2, __boot_stack_guard
  call  map_range
  li    t2, 4096                             // nothing below the boot stack
  add   t0, t0, t2
  addi  t1, t1, 8
  lla   t2, __image_end
  call  map_range
  jr    s4

// From t0 up to t2, entries from t1 on, with the bits in t3.
map_range:
  bgeu  t0, t2, 1f
  srli  t4, t0, 2
  or    t4, t4, t3
  sd    t4, 0(t1)
  li    t4, 4096
  add   t0, t0, t4
  addi  t1, t1, 8
  j     map_range
1: ret

// Continues at ra, a virtual address, on `main_root`; the identity map is for the turning-on alone. Keeps s0 to s11.
enable_mmu:
  li    t2, 8 << 60                          // Sv39
  lla   t0, boot_root
  srli  t0, t0, 12
  or    t0, t0, t2
  lla   t1, main_root
  srli  t1, t1, 12
  or    t1, t1, t2
  sfence.vma
  csrw  satp, t0
  sfence.vma
  ld    t0, virtual_leave_identity
  jr    t0
leave_identity:
  csrw  satp, t1
  sfence.vma
  csrw  sscratch, zero
  lla   t0, hypervisor_vector
  csrw  stvec, t0
  ret

main_entry:
  lla   sp, __boot_stack_top
  lla   t0, boot_hart
  sd    s0, 0(t0)
  lla   t0, boot_fdt
  sd    s1, 0(t0)
  lla   t0, boot_base
  sd    s2, 0(t0)
  li    tp, 0
  li    fp, 0
  li    ra, 0
  call  main
3: wfi
  j     3b

// Where SBI HSM starts the other harts. a0: the hart, a1: virtual address of {stack pointer, argument}.
  .globl secondary_entry
secondary_entry:
  csrw  sie, zero
  csrci sstatus, 2
  mv    s0, a1
  ld    ra, virtual_secondary_main
  j     enable_mmu
secondary_main:
  ld    sp, 0(s0)
  ld    a0, 8(s0)
  li    tp, 0
  li    fp, 0
  li    ra, 0
  call  apus_secondary_main
4: wfi
  j     4b

// Linked, that is virtual, addresses, for code that runs before the map is on.
  .balign 8
virtual_base: .quad __image_start
virtual_main_entry: .quad main_entry
virtual_leave_identity: .quad leave_identity
virtual_secondary_main: .quad secondary_main

  .section .data
  .balign 8
  .globl boot_hart
boot_hart: .quad 0
  .globl boot_fdt
boot_fdt: .quad 0
  .globl boot_base
boot_base: .quad 0
#endif
