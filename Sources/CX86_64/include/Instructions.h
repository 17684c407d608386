#pragma once

#if defined(__x86_64__) && !defined(__linux__)
#define APUS_BARE 1
#endif

#ifndef __ASSEMBLER__
#include <stdint.h>

#ifdef APUS_BARE
#define INSTRUCTION(name, text) \
  static inline void name(void) { __asm__ volatile(text ::: "memory"); }
#define INSTRUCTION_X(name, text) \
  static inline void name(uint64_t value) { __asm__ volatile(text ::"r"(value) : "memory"); }
#define PORT(bits, letter)                                                                     \
  static inline uint##bits##_t x86_in##bits(uint16_t port) {                                   \
    uint##bits##_t value;                                                                      \
    __asm__ volatile("in" letter " %1, %0" : "=a"(value) : "d"(port) : "memory");              \
    return value;                                                                              \
  }                                                                                            \
  static inline void x86_out##bits(uint16_t port, uint##bits##_t value) {                      \
    __asm__ volatile("out" letter " %0, %1" ::"a"(value), "d"(port) : "memory");               \
  }
#else
#define INSTRUCTION(name, text) \
  static inline void name(void) { __builtin_trap(); }
#define INSTRUCTION_X(name, text) \
  static inline void name(uint64_t value) { (void)value; __builtin_trap(); }
#define PORT(bits, letter)                                                     \
  static inline uint##bits##_t x86_in##bits(uint16_t port) { (void)port; __builtin_trap(); } \
  static inline void x86_out##bits(uint16_t port, uint##bits##_t value) { (void)port; (void)value; __builtin_trap(); }
#endif

INSTRUCTION(x86_pause, "pause")
INSTRUCTION(x86_halt, "cli; hlt")
// The window in which interrupts that are pending are taken (the instruction behind STI is still before it).
INSTRUCTION(x86_take_interrupts, "sti; nop; cli")
// HLT in the shadow of STI: what comes in between ends the wait.
INSTRUCTION(x86_wait_for_interrupt, "sti; hlt; cli")
INSTRUCTION(x86_mfence, "mfence")
INSTRUCTION_X(x86_invlpg, "invlpg (%0)")
INSTRUCTION_X(x86_lidt, "lidt (%0)")
INSTRUCTION_X(x86_lgdt, "lgdt (%0)")
INSTRUCTION_X(x86_vmsave, "movq %0, %%rax; vmsave %%rax")
PORT(8, "b")
PORT(16, "w")
PORT(32, "l")

#undef INSTRUCTION
#undef INSTRUCTION_X
#undef PORT
#endif
