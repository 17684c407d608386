#pragma once

#if defined(__riscv) && !defined(__linux__)
#define APUS_BARE 1
#endif

#ifndef __ASSEMBLER__
#include <stdint.h>

// Always part of the caller: a call would cost more than what it calls.
#define SHIM static inline __attribute__((always_inline))

#ifdef APUS_BARE
// The hypervisor's fences are named only where the assembler is told of the extension.
#define INSTRUCTION(name, text)                                                                              \
  SHIM void name(void) {                                                                            \
    __asm__ volatile(".option push\n.option arch, +h\n" text "\n.option pop" ::: "memory");                  \
  }
#define INSTRUCTION_X(name, text)                                                                            \
  SHIM void name(uint64_t value) {                                                                  \
    __asm__ volatile(".option push\n.option arch, +h\n" text "\n.option pop" ::"r"(value) : "memory");       \
  }
#define INSTRUCTION_XX(name, text)                                                                           \
  SHIM void name(uint64_t a, uint64_t b) {                                                          \
    __asm__ volatile(".option push\n.option arch, +h\n" text "\n.option pop" ::"r"(a), "r"(b) : "memory");   \
  }
#define VALUE(name, text)                         \
  SHIM uint64_t name(void) {             \
    uint64_t value;                               \
    __asm__ volatile(text : "=r"(value));         \
    return value;                                 \
  }
#else
#define INSTRUCTION(name, text) \
  SHIM void name(void) { __builtin_trap(); }
#define INSTRUCTION_X(name, text) \
  SHIM void name(uint64_t value) { (void)value; __builtin_trap(); }
#define INSTRUCTION_XX(name, text) \
  SHIM void name(uint64_t a, uint64_t b) { (void)a, (void)b; __builtin_trap(); }
#define VALUE(name, text) \
  SHIM uint64_t name(void) { __builtin_trap(); }
#endif

INSTRUCTION(riscv64_fence, "fence rw, rw")
INSTRUCTION(riscv64_fence_io, "fence iorw, iorw")
INSTRUCTION(riscv64_fence_i, "fence.i")
INSTRUCTION(riscv64_wfi, "wfi")
// `pause` of Zihintpause, a hint that is no operation elsewhere.
INSTRUCTION(riscv64_pause, ".insn 0x0100000f")
INSTRUCTION(riscv64_sfence_vma, "sfence.vma")
INSTRUCTION_X(riscv64_sfence_vma_address, "sfence.vma %0, zero")
INSTRUCTION(riscv64_hfence_gvma, "hfence.gvma")
INSTRUCTION_X(riscv64_hfence_gvma_vmid, "hfence.gvma zero, %0")
// These act on the VMID in hgatp.
INSTRUCTION(riscv64_hfence_vvma, "hfence.vvma")
INSTRUCTION_X(riscv64_hfence_vvma_asid, "hfence.vvma zero, %0")
INSTRUCTION_X(riscv64_hfence_vvma_address, "hfence.vvma %0, zero")
INSTRUCTION_XX(riscv64_hfence_vvma_address_asid, "hfence.vvma %0, %1")

// The per-CPU area's address.
VALUE(read_tp, "mv %0, tp")
INSTRUCTION_X(write_tp, "mv tp, %0")

#undef INSTRUCTION
#undef INSTRUCTION_X
#undef INSTRUCTION_XX
#undef VALUE
#endif
