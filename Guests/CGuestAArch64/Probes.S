// One instruction each, for the hostile cases: x0 the address, x0 the result. A fault in one is skipped by the
// vectors, which go on with the `ret` behind it.

.arch armv8.1-a
.arch_extension fp
.arch_extension simd

.macro probe name, instruction:vararg
  .section .text.guest_probe_\name, "ax"
  .global guest_probe_\name
guest_probe_\name:
  \instruction
  ret
.endm

// Calls what is at x0 with x1 as its x0. A fault in fetching it returns here by x30.
.section .text.guest_probe_call, "ax"
.global guest_probe_call
guest_probe_call:
  stp     x29, x30, [sp, #-16]!
  mov     x2, x0
  mov     x0, x1
  blr     x2
  ldp     x29, x30, [sp], #16
  ret

// Loads.
probe ldrsb,      ldrsb x0, [x0]
probe ldrsw,      ldrsw x0, [x0]
probe ldr_post,   ldr x1, [x0], #8
probe ldr_pre,    ldr x1, [x0, #0]!
probe ldtr,       ldtr x0, [x0]
probe ldp,        ldp x0, x1, [x0]
probe ldp_word,   ldp w0, w1, [x0]
probe ldpsw,      ldpsw x0, x1, [x0]
probe ldnp,       ldnp x0, x1, [x0]
probe ldar,       ldar x0, [x0]
probe ldxr,       ldxr x0, [x0]
probe ldxp,       ldxp x0, x1, [x0]
probe ldr_simd,   ldr q0, [x0]
probe ldp_simd,   ldp q0, q1, [x0]
probe ld1,        ld1 {v0.16b, v1.16b, v2.16b, v3.16b}, [x0]
probe ld4_lane,   ld4 {v0.s, v1.s, v2.s, v3.s}[1], [x0]
probe prfm,       prfm pldl1keep, [x0]

// Stores.
probe str_post,   str wzr, [x0], #4
probe sttr,       sttr xzr, [x0]
probe stp,        stp xzr, xzr, [x0]
probe stp_word,   stp wzr, wzr, [x0]
probe stnp,       stnp xzr, xzr, [x0]
probe stlr,       stlr xzr, [x0]
probe stxr,       stxr w1, xzr, [x0]
probe str_simd,   str q0, [x0]
probe stp_simd,   stp q0, q1, [x0]
probe st1,        st1 {v0.16b, v1.16b, v2.16b, v3.16b}, [x0]
probe dc_zva,     dc zva, x0

// Cache maintenance and translation.
probe dc_cvac,    dc cvac, x0
probe dc_civac,   dc civac, x0
probe dc_ivac,    dc ivac, x0
probe ic_ivau,    ic ivau, x0
probe at_s1e1r,   at s1e1r, x0
probe at_s1e1w,   at s1e1w, x0

// Large System Extensions.
probe ldadd,      ldadd xzr, x0, [x0]
probe swp,        swp xzr, x0, [x0]
probe cas,        cas xzr, xzr, [x0]
probe casp,       casp x2, x3, x2, x3, [x0]

// An exclusive pair: the store may only succeed behind the load.
.section .text.guest_probe_exclusive_pair, "ax"
.global guest_probe_exclusive_pair
guest_probe_exclusive_pair:
  ldxr    w1, [x0]
  stxr    w2, w1, [x0]
  mov     w0, w2
  ret

// Without return: see HostileEnds.swift.

.section .text.guest_spin, "ax"
.global guest_spin
guest_spin:
  b       .

.section .text.guest_lose_stack, "ax"
.global guest_lose_stack
guest_lose_stack:
  mov     sp, x0
  ldr     x0, [sp]
  b       .

.section .text.guest_lose_tables, "ax"
.global guest_lose_tables
guest_lose_tables:
  msr     ttbr0_el1, x0
  msr     ttbr1_el1, x0
  isb
  tlbi    vmalle1
  dsb     sy
  isb
  b       .
