// The first instructions of the test guest: RISC-V Linux `Image` header, translation on, stack, Swift.
//
//   lower half of Sv39                           upper half
//   0 .. 256 GiB  identity                       0xFFFFFFC0_00000000  this image, 4 MiB
//
// The image, its stack and its vectors live in the upper half, so a case may ruin the lower one and come back.

#include "GuestLayout.h"

#define LEAF      0xCF          // V, R, W, X, A, D; not the user's
#define LINK      0x1
#define SV39      (8 << 60)
#define GIB       (1 << 28)     // 1 GiB as an entry's page number counts it

.option norvc
.section .head, "ax"
.global guest_head
guest_head:
  j       entry
  nop
  .quad   0x200000              // text_offset
  .quad   guest_image_size
  .quad   0                     // little endian
  .long   2                     // version of this header
  .long   0
  .quad   0
  .ascii  "RISCV\0\0\0"
  .ascii  "RSC\x05"
  .long   0
.option rvc

.section .text.entry, "ax"
entry:
  csrw    sie, zero
  mv      s5, a0                // hart
  mv      s1, a1                // device tree
  lla     s2, guest_head        // where we were loaded

  // Clear what the image relies on to be zero; stacks and heap need not be.
  lla     t0, guest_bss_start
  lla     t1, guest_bss_end
1:
  sd      zero, 0(t0)
  addi    t0, t0, 8
  bltu    t0, t1, 1b

  // Identity map: 256 leaves of 1 GiB.
  lla     t0, guest_root_table
  li      t1, LEAF
  li      t2, GIB
  li      t3, 256 * 8
  add     t3, t3, t0
  mv      t4, t0
1:
  sd      t1, 0(t4)
  add     t1, t1, t2
  addi    t4, t4, 8
  bltu    t4, t3, 1b

  // The image's own window: two leaves of 2 MiB.
  lla     t1, guest_window_table
  srli    t2, t1, 2
  ori     t2, t2, LINK
  sd      t2, 0(t3)
  srli    t2, s2, 2
  ori     t2, t2, LEAF
  sd      t2, 0(t1)
  li      t3, 0x200000 >> 2
  add     t2, t2, t3
  sd      t2, 8(t1)

  li      s3, 0                 // CPU index
  call    translation_on
  lla     t0, guest_boot
  sd      s1, 0(t0)
  sd      s2, 8(t0)
  sd      s5, 16(t0)
  call    main
1:
  wfi
  j       1b

// Where HSM hart_start brings the other CPUs: a0 is the hart, a1 the index that was given with it. The first thing is the time.
.balign 4
.global guest_secondary_entry
guest_secondary_entry:
  rdtime  s4
  csrw    sie, zero
  mv      s5, a0
  mv      s3, a1
  call    translation_on
  mv      a0, s3
  mv      a1, s4
  mv      a2, s5
  call    guest_secondary_main
1:
  wfi
  j       1b

// s3: CPU index. Sets translation, vectors and stack; returns to the caller's upper address. tp holds the index from here on.
translation_on:
  lla     t0, guest_root_table
  srli    t1, t0, 12
  li      t2, SV39
  or      t1, t1, t2
  sfence.vma
  csrw    satp, t1
  sfence.vma
  lla     t1, guest_head
  ld      t0, guest_link_base
  sub     t1, t0, t1            // from physical to upper
  add     ra, ra, t1
  lla     t2, 1f
  add     t2, t2, t1
  jr      t2
1:
  lla     t0, guest_vectors
  csrw    stvec, t0
  mv      tp, s3
  lla     sp, guest_stacks
  addi    t0, s3, 1
  li      t1, GUEST_STACK_SIZE
  mul     t0, t0, t1
  add     sp, sp, t0
  li      fp, 0                 // where a chain of frames ends
  ret

.section .rodata.link_base, "a"
.balign 8
guest_link_base: .quad guest_head

.section .tables, "aw", %nobits
.balign 4096
.global guest_root_table
guest_root_table:   .skip 4096
guest_window_table: .skip 4096

.section .bss.boot, "aw", %nobits
.balign 16
.global guest_boot
guest_boot: .skip 24

.section .stacks, "aw", %nobits
.balign 16
.global guest_stacks
guest_stacks: .skip GUEST_STACK_SIZE * GUEST_CPU_LIMIT

.section .heap, "aw", %nobits
.balign 64
.global guest_heap
guest_heap: .skip GUEST_HEAP_SIZE
