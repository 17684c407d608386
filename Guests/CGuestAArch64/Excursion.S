// Excursions: code that runs with debug exceptions on, at EL0 or EL1, from an ERET to an SVC.

// uint64_t guest_excursion(x0 entry, x1 its SPSR, x2 its x0): its x0 at the SVC. Interrupts are masked.
.section .text.guest_excursion, "ax"
.global guest_excursion
guest_excursion:
  stp     x29, x30, [sp, #-96]!
  stp     x19, x20, [sp, #16]
  stp     x21, x22, [sp, #32]
  stp     x23, x24, [sp, #48]
  stp     x25, x26, [sp, #64]
  stp     x27, x28, [sp, #80]
  msr     elr_el1, x0
  msr     spsr_el1, x1
  mov     x0, x2
  isb
  eret
// Where the handler of the SVC returns to.
.global guest_excursion_end
guest_excursion_end:
  ldp     x19, x20, [sp, #16]
  ldp     x21, x22, [sp, #32]
  ldp     x23, x24, [sp, #48]
  ldp     x25, x26, [sp, #64]
  ldp     x27, x28, [sp, #80]
  ldp     x29, x30, [sp], #96
  ret

// Seven instructions, the sixth a branch over one; then SVC. x0: what is loaded; 2 at the end.
.section .text.guest_walk, "ax"
.global guest_walk
guest_walk:
  nop
  add     x1, x0, #0
  ldr     x2, [x1]
.global guest_walk_break
guest_walk_break:
  mov     x3, #1
  add     x3, x3, #1
  cbz     xzr, 1f
  nop
1:
  mov     x0, x3
  svc     #0

// Six instructions, of which a hypervisor executes four; then SVC. x0: a device's register; PSCI's version at the end.
.section .text.guest_walk_trapped, "ax"
.global guest_walk_trapped
guest_walk_trapped:
  nop
  mrs     x1, id_aa64pfr0_el1
  ldr     w2, [x0]
  mov     x0, #0x84000000
  hvc     #0
  mrs     x1, cntpct_el0
  svc     #0
