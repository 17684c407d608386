// From the loader's hand-over to Swift: fills the first map and turns long mode on. Entered by the PVH note in 32-bit
// protected mode, EBX is the physical address of `hvm_start_info` (Xen, docs/misc/pvh.pandoc).
#include "include/Instructions.h"
#include "include/FrameOffsets.h"
#ifdef APUS_BARE

#define PHYSICAL(symbol) (symbol - IMAGE_VIRTUAL_BASE + IMAGE_PHYSICAL_BASE)

// Bits of an entry (AMD APM 2, 5.3).
#define PRESENT   (1 << 0)
#define WRITABLE  (1 << 1)
#define ACCESSED  (1 << 5)
#define DIRTY     (1 << 6)
#define LARGE     (1 << 7)
#define NX_UPPER  (1 << 31)                  // bit 63, in the upper half
#define TABLE     (PRESENT | WRITABLE | ACCESSED)

#define MSR_EFER  0xc0000080
#define EFER_LME_NXE ((1 << 8) | (1 << 11))
#define CR0_FLAGS 0x80010033                 // PG, WP, NE, ET, MP, PE
#define CR4_PAE   (1 << 5)

  .section .note.pvh, "a", @note
  .balign 4
  .long 4, 8, 18                             // XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .quad PHYSICAL(_start)

  .section .head, "ax"
  .code32
  .globl _start
_start:
  cli
  cld
  movl  %ebx, %ebp
  movl  $PHYSICAL(__boot_stack_top), %esp
  movl  $PHYSICAL(__bss_start), %edi
  movl  $PHYSICAL(__bss_end), %ecx
  subl  %edi, %ecx
  shrl  $2, %ecx
  xorl  %eax, %eax
  rep stosl
  // Identity: the first 4 MiB, to be read and executed until the image's own addresses are on.
  movl  $(PHYSICAL(boot_l1) + TABLE), PHYSICAL(boot_l0)
  movl  $(PHYSICAL(boot_l2) + TABLE), PHYSICAL(boot_l1)
  movl  $(PRESENT | ACCESSED | LARGE), PHYSICAL(boot_l2)
  movl  $(IMAGE_PHYSICAL_BASE | PRESENT | ACCESSED | LARGE), PHYSICAL(boot_l2 + 8)
  // Image: 4 KiB pages, each writable or executable, never both.
  movl  $(PHYSICAL(image_l1) + TABLE), PHYSICAL(boot_l0 + 511 * 8)
  movl  $(PHYSICAL(image_l1) + TABLE), PHYSICAL(main_l0 + 511 * 8)
  movl  $(PHYSICAL(image_l2) + TABLE), PHYSICAL(image_l1 + 510 * 8)
  movl  $(PHYSICAL(image_l3) + TABLE), PHYSICAL(image_l2)
  movl  $IMAGE_PHYSICAL_BASE, %esi
  movl  $PHYSICAL(image_l3), %edi
  movl  $(PRESENT | ACCESSED), %eax
  xorl  %edx, %edx
  movl  $PHYSICAL(__text_end), %ecx
  call  map_range
  movl  $NX_UPPER, %edx
  movl  $PHYSICAL(__rodata_end), %ecx
  call  map_range
  movl  $(PRESENT | ACCESSED | WRITABLE | DIRTY), %eax
  movl  $PHYSICAL(__boot_stack_guard), %ecx
  call  map_range
  addl  $4096, %esi                          // nothing below the boot stack
  addl  $8, %edi
  movl  $PHYSICAL(__image_end), %ecx
  call  map_range

  movl  $PHYSICAL(boot_l0), %eax
  movl  %eax, %cr3
  movl  $CR4_PAE, %eax
  movl  %eax, %cr4
  movl  $MSR_EFER, %ecx
  rdmsr
  orl   $EFER_LME_NXE, %eax
  wrmsr
  movl  $CR0_FLAGS, %eax
  movl  %eax, %cr0
  lgdt  PHYSICAL(boot_gdt_physical)
  ljmp  $SELECTOR_CODE, $PHYSICAL(long_mode)

// From %esi up to %ecx, entries from %edi on, flags %edx:%eax.
map_range:
1: cmpl %ecx, %esi
  jae   2f
  leal  (%esi,%eax), %ebx
  movl  %ebx, (%edi)
  movl  %edx, 4(%edi)
  addl  $8, %edi
  addl  $4096, %esi
  jmp   1b
2: ret

  .code64
long_mode:
  movabsq $main_entry, %rax
  jmp   *%rax

  .section .text.entry, "ax"
main_entry:
  movabsq $boot_gdt_virtual, %rax
  lgdt  (%rax)
  movq  $__boot_stack_top, %rsp
  call  set_segments
  movl  %ebp, %eax
  movq  %rax, boot_info(%rip)
  movq  $PHYSICAL(main_l0), %rax             // the identity map is for the turning-on alone
  movq  %rax, %cr3
  xorl  %ebp, %ebp
  call  main
1: cli
  hlt
  jmp   1b

set_segments:
  movl  $SELECTOR_DATA, %eax
  movl  %eax, %ds
  movl  %eax, %es
  movl  %eax, %ss
  xorl  %eax, %eax
  movl  %eax, %fs
  movl  %eax, %gs
  ret

// What another CPU runs first, in real mode, at the page below 1 MiB that this is copied to. CS is the page.
  .section .rodata.start_page, "a"
  .balign 16
  .globl start_page
start_page:
  .code16
  cli
  cld
  movw  %cs, %ax
  movw  %ax, %ds
  lgdtl start_page_gdt - start_page
  movl  $PHYSICAL(boot_l0), %eax
  movl  %eax, %cr3
  movl  $CR4_PAE, %eax
  movl  %eax, %cr4
  movl  $MSR_EFER, %ecx
  rdmsr
  orl   $EFER_LME_NXE, %eax
  wrmsr
  movl  $CR0_FLAGS, %eax
  movl  %eax, %cr0
  ljmpl $SELECTOR_CODE, $PHYSICAL(secondary_long_mode)
start_page_gdt:
  .word 3 * 8 - 1
  .long PHYSICAL(boot_gdt)
  .globl start_page_end
start_page_end:

  .section .head, "ax"
  .code64
secondary_long_mode:
  movabsq $secondary_entry, %rax
  jmp   *%rax

  .section .text.entry, "ax"
secondary_entry:
  movabsq $boot_gdt_virtual, %rax
  lgdt  (%rax)
  movq  $PHYSICAL(main_l0), %rax
  movq  %rax, %cr3                           // the stack is in the direct map, which is only there
  movq  secondary_stack_top(%rip), %rsp
  call  set_segments
  movq  secondary_cpu(%rip), %rdi
  xorl  %ebp, %ebp
  call  apus_secondary_main
1: cli
  hlt
  jmp   1b

  .section .data
  .balign 8
boot_gdt:
  .quad 0
  .quad 0x00209b0000000000                   // 64-bit code
  .quad 0x0000930000000000                   // data
boot_gdt_physical:
  .word 3 * 8 - 1
  .long PHYSICAL(boot_gdt)
  .balign 8
boot_gdt_virtual:
  .word 3 * 8 - 1
  .quad boot_gdt
  .balign 8
  .globl boot_info
boot_info: .quad 0
  .globl secondary_stack_top
secondary_stack_top: .quad 0
  .globl secondary_cpu
secondary_cpu: .quad 0
#endif
