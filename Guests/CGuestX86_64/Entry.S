// The guest's start: 64-bit mode, RSI at Linux's boot parameters (Linux, x86/boot.rst, 64-bit boot protocol).

#include "GuestLayout.h"

.section .head, "ax"
.global guest_head
.global _start
guest_head:
_start:
  cli
  cld
  movq    %rsi, guest_boot_parameters(%rip)
  leaq    guest_stacks + GUEST_STACK_SIZE(%rip), %rsp
  call    load_tables
  call    guest_fill_interrupt_table
  xorl    %ebp, %ebp
  call    main
1:
  hlt
  jmp     1b

// The guest's own GDT; the loader's may go.
load_tables:
  popq    %rax
  lgdt    guest_gdt_pointer(%rip)
  movl    $GUEST_SELECTOR_DATA, %ecx
  movl    %ecx, %ds
  movl    %ecx, %es
  movl    %ecx, %ss
  movl    %ecx, %fs
  movl    %ecx, %gs
  pushq   $GUEST_SELECTOR_CODE
  pushq   %rax
  lretq

// What the other CPUs run first, at GUEST_START_PAGE, in real mode: CS is the page. CR3 and the CPU's index are at its end.
.section .rodata.start, "a"
.balign 16
.global guest_start_page_code
guest_start_page_code:
.code16
  cli
  movw    %cs, %ax
  movw    %ax, %ds
  lgdtl   start_gdt_pointer - guest_start_page_code
  movl    0xff0, %eax
  movl    %eax, %cr3
  movl    $(1 << 5), %eax             // CR4.PAE
  movl    %eax, %cr4
  movl    $0xc0000080, %ecx           // EFER
  rdmsr
  orl     $(1 << 8), %eax             // LME
  wrmsr
  movl    $0x80010033, %eax           // CR0: PG, WP, NE, ET, MP, PE
  movl    %eax, %cr0
  ljmpl   $GUEST_SELECTOR_CODE, $guest_secondary
.balign 4
start_gdt_pointer:
  .word   31
  .long   guest_gdt
.global guest_start_page_code_end
guest_start_page_code_end:
.code64

.section .text.secondary, "ax"
guest_secondary:
  movl    $GUEST_SELECTOR_DATA, %ecx
  movl    %ecx, %ds
  movl    %ecx, %es
  movl    %ecx, %ss
  movq    GUEST_START_PAGE + 0xff8, %rdi
  movq    %rdi, %rax
  incq    %rax
  imulq   $GUEST_STACK_SIZE, %rax
  leaq    guest_stacks(%rip), %rsp
  addq    %rax, %rsp
  lidt    guest_idt_pointer(%rip)
  xorl    %ebp, %ebp
  call    guest_secondary_main
1:
  hlt
  jmp     1b

// A gate for each vector, to its stub of 16 bytes.
.section .text.fill, "ax"
guest_fill_interrupt_table:
  leaq    guest_idt(%rip), %rdi
  leaq    guest_stubs(%rip), %rsi
  movl    $256, %ecx
1:
  movq    %rsi, %rax
  movw    %ax, (%rdi)
  movw    $GUEST_SELECTOR_CODE, 2(%rdi)
  movw    $0x8e00, 4(%rdi)
  shrq    $16, %rax
  movw    %ax, 6(%rdi)
  shrq    $16, %rax
  movl    %eax, 8(%rdi)
  movl    $0, 12(%rdi)
  addq    $16, %rdi
  addq    $16, %rsi
  decl    %ecx
  jnz     1b
  lidt    guest_idt_pointer(%rip)
  ret

.section .data, "aw"
.balign 8
guest_gdt:
  .quad   0
  .quad   0
  .quad   0x00af9b000000ffff
  .quad   0x00cf93000000ffff
guest_gdt_pointer:
  .word   31
  .quad   guest_gdt
.balign 8
guest_idt_pointer:
  .word   4095
  .quad   guest_idt
.balign 8
.global guest_boot_parameters
guest_boot_parameters: .quad 0

.section .tables, "aw", %nobits
.balign 4096
guest_idt: .skip 4096

.section .stacks, "aw", %nobits
.balign 16
guest_stacks: .skip GUEST_CPU_LIMIT * GUEST_STACK_SIZE

.section .heap, "aw", %nobits
.balign 16
.global guest_heap
guest_heap: .skip GUEST_HEAP_SIZE
