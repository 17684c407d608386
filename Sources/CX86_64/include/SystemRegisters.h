#pragma once
#include <stdint.h>
#include "Instructions.h"

// Control and debug registers, MSRs and CPUID, by the manual's names.
#ifdef APUS_BARE
#define REGISTER(name, text)                                                                          \
  static inline uint64_t read_##name(void) {                                                          \
    uint64_t value;                                                                                   \
    __asm__ volatile("movq %%" text ", %0" : "=r"(value)::"memory");                                  \
    return value;                                                                                     \
  }                                                                                                   \
  static inline void write_##name(uint64_t value) { __asm__ volatile("movq %0, %%" text ::"r"(value) : "memory"); }
#else
#define REGISTER(name, text)                                     \
  static inline uint64_t read_##name(void) { __builtin_trap(); } \
  static inline void write_##name(uint64_t value) { (void)value; __builtin_trap(); }
#endif

REGISTER(CR0, "cr0")
REGISTER(CR2, "cr2")
REGISTER(CR3, "cr3")
REGISTER(CR4, "cr4")
REGISTER(DR0, "dr0")
REGISTER(DR1, "dr1")
REGISTER(DR2, "dr2")
REGISTER(DR3, "dr3")
#undef REGISTER

struct X86CPUIDResult {
  uint32_t eax, ebx, ecx, edx;
};

static inline struct X86CPUIDResult x86_cpuid(uint32_t leaf, uint32_t subleaf) {
  struct X86CPUIDResult result;
#ifdef APUS_BARE
  __asm__ volatile("cpuid" : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx) : "a"(leaf), "c"(subleaf));
#else
  (void)leaf; (void)subleaf; __builtin_trap();
#endif
  return result;
}

static inline uint64_t x86_rdmsr(uint32_t index) {
#ifdef APUS_BARE
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
  return (uint64_t)high << 32 | low;
#else
  (void)index; __builtin_trap();
#endif
}

static inline void x86_wrmsr(uint32_t index, uint64_t value) {
#ifdef APUS_BARE
  __asm__ volatile("wrmsr" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
#else
  (void)index; (void)value; __builtin_trap();
#endif
}

static inline uint64_t x86_rdtsc(void) {
#ifdef APUS_BARE
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
#else
  __builtin_trap();
#endif
}

// The first word of this CPU's anchor (GS): its per-CPU area.
static inline uint64_t x86_current_cpu(void) {
#ifdef APUS_BARE
  uint64_t value;
  __asm__ volatile("movq %%gs:0, %0" : "=r"(value)::"memory");
  return value;
#else
  __builtin_trap();
#endif
}

static inline void x86_load_task_register(uint16_t selector) {
#ifdef APUS_BARE
  __asm__ volatile("ltr %0" ::"r"(selector) : "memory");
#else
  (void)selector; __builtin_trap();
#endif
}
