#pragma once

#if defined(__aarch64__) && !defined(__linux__)
#define APUS_BARE 1
#endif

#ifndef __ASSEMBLER__
#include <stdint.h>

// One instruction is never worth a call.
#define SHIM __attribute__((always_inline)) static inline

#ifdef APUS_BARE
#define INSTRUCTION(name, text) \
  SHIM void name(void) { __asm__ volatile(text ::: "memory"); }
#define INSTRUCTION_X(name, text) \
  SHIM void name(uint64_t value) { __asm__ volatile(text ::"r"(value) : "memory"); }
#else
#define INSTRUCTION(name, text) \
  SHIM void name(void) { __builtin_trap(); }
#define INSTRUCTION_X(name, text) \
  SHIM void name(uint64_t value) { (void)value; __builtin_trap(); }
#endif

INSTRUCTION(aarch64_isb, "isb")
INSTRUCTION(aarch64_dsb_sy, "dsb sy")
INSTRUCTION(aarch64_dsb_ish, "dsb ish")
INSTRUCTION(aarch64_dsb_ishst, "dsb ishst")
INSTRUCTION(aarch64_wfi, "wfi")
INSTRUCTION(aarch64_wfe, "wfe")
INSTRUCTION(aarch64_yield, "yield")
INSTRUCTION(aarch64_tlbi_alle1is, "tlbi alle1is")
INSTRUCTION(aarch64_tlbi_vmalls12e1is, "tlbi vmalls12e1is")
INSTRUCTION(aarch64_tlbi_vmalle1, "tlbi vmalle1")
INSTRUCTION(aarch64_ic_ialluis, "ic ialluis")
INSTRUCTION(aarch64_tlbi_alle2is, "tlbi alle2is")
INSTRUCTION_X(aarch64_tlbi_vae2is, "tlbi vae2is, %0")
INSTRUCTION_X(aarch64_tlbi_ipas2e1is, "tlbi ipas2e1is, %0")
INSTRUCTION_X(aarch64_dc_cvac, "dc cvac, %0")
INSTRUCTION_X(aarch64_dc_civac, "dc civac, %0")
INSTRUCTION_X(aarch64_dc_cvau, "dc cvau, %0")
INSTRUCTION_X(aarch64_at_s1e1r, "at s1e1r, %0")

#undef INSTRUCTION
#undef INSTRUCTION_X
#endif
