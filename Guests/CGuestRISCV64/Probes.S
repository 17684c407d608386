// One instruction each, for the hostile cases: a0 the address, a0 the result. A fault in one is skipped by the vectors,
// which go on behind it.

.option arch, +d

.macro probe name, instruction:vararg
  .section .text.guest_probe_\name, "ax"
  .global guest_probe_\name
guest_probe_\name:
  \instruction
  ret
.endm

// Calls what is at a0 with a1 as its a0. A fault in fetching it returns here by ra.
.section .text.guest_probe_call, "ax"
.global guest_probe_call
guest_probe_call:
  addi    sp, sp, -16
  sd      ra, 0(sp)
  mv      t0, a0
  mv      a0, a1
  jalr    t0
  ld      ra, 0(sp)
  addi    sp, sp, 16
  ret

// Loads.
probe lb,         lb a0, 0(a0)
probe lh,         lh a0, 0(a0)
probe lhu,        lhu a0, 0(a0)
probe lwu,        lwu a0, 0(a0)
probe ld,         ld t1, 0(a0)
probe c_lw,       c.lw a0, 0(a0)
probe c_ld,       c.ld a0, 0(a0)
probe load_zero,  lw zero, 0(a0)
probe flw,        flw ft0, 0(a0)
probe fld,        fld ft0, 0(a0)
probe c_fld,      c.fld fa0, 0(a0)

// Stores, of zero where the instruction can.
probe sb,         sb zero, 0(a0)
probe sh,         sh zero, 0(a0)
probe sd,         sd zero, 0(a0)
probe fsw,        fsw ft0, 0(a0)
probe fsd,        fsd ft0, 0(a0)
probe c_fsd,      c.fsd fa0, 0(a0)

// Atomics.
probe amoadd_w,   amoadd.w a0, zero, (a0)
probe amoadd_d,   amoadd.d a0, zero, (a0)
probe amoor_w,    amoor.w.aqrl a0, zero, (a0)
probe amomaxu_d,  amomaxu.d a0, zero, (a0)
probe lr_w,       lr.w a0, (a0)
probe lr_d,       lr.d.aq a0, (a0)
probe sc_w,       sc.w a0, zero, (a0)
probe sc_d,       sc.d.rl a0, zero, (a0)

.section .text.guest_probe_c_sw, "ax"
.global guest_probe_c_sw
guest_probe_c_sw:
  li      a1, 0
  c.sw    a1, 0(a0)
  ret

.section .text.guest_probe_c_sd, "ax"
.global guest_probe_c_sd
guest_probe_c_sd:
  li      a1, 0
  c.sd    a1, 0(a0)
  ret

// The store may only succeed behind the load.
.section .text.guest_probe_exclusive_pair, "ax"
.global guest_probe_exclusive_pair
guest_probe_exclusive_pair:
  lr.w    a1, (a0)
  sc.w    a2, a1, (a0)
  mv      a0, a2
  ret

// By the stack pointer, which only two compressed instructions can: the address becomes it for one instruction. A fault
// there would be saved to where it points, so this is for addresses that answer.
.section .text.guest_probe_c_lwsp, "ax"
.global guest_probe_c_lwsp
guest_probe_c_lwsp:
  mv      t0, sp
  mv      sp, a0
  c.lwsp  a0, 0(sp)
  mv      sp, t0
  ret

.section .text.guest_probe_c_swsp, "ax"
.global guest_probe_c_swsp
guest_probe_c_swsp:
  mv      t0, sp
  mv      sp, a0
  mv      a0, a1
  c.swsp  a0, 0(sp)
  mv      sp, t0
  ret

// Room for instructions that are made at run time.
.section .bss.guest_code, "aw", %nobits
.balign 16
.global guest_code
guest_code: .skip 16

// Without return: see HostileEnds.swift.

.section .text.guest_spin, "ax"
.global guest_spin
guest_spin:
  j       .

.section .text.guest_lose_stack, "ax"
.global guest_lose_stack
guest_lose_stack:
  mv      sp, a0
  ld      a0, 0(sp)
  j       .

.section .text.guest_lose_tables, "ax"
.global guest_lose_tables
guest_lose_tables:
  csrw    satp, a0
  sfence.vma
  j       .
