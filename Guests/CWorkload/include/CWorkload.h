#pragma once

// One-instruction functions of a Linux program without a library: system calls, and markers, which are hints without a
// meaning that the counting plugin sees (Benchmarks/Plugin).

#include <stdint.h>

#if defined(__aarch64__)

/// Linux's calling convention on arm64: the number in x8, arguments in x0 to x5, the answer in x0.
static inline int64_t workload_call(
    uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5) {
  register uint64_t x8 __asm__("x8") = number;
  register uint64_t x0 __asm__("x0") = a0;
  register uint64_t x1 __asm__("x1") = a1;
  register uint64_t x2 __asm__("x2") = a2;
  register uint64_t x3 __asm__("x3") = a3;
  register uint64_t x4 __asm__("x4") = a4;
  register uint64_t x5 __asm__("x5") = a5;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8) : "memory");
  return (int64_t)x0;
}

static inline void workload_mark_1(void) { __asm__ volatile("hint #97" ::: "memory"); }
static inline void workload_mark_2(void) { __asm__ volatile("hint #98" ::: "memory"); }
static inline void workload_mark_3(void) { __asm__ volatile("hint #99" ::: "memory"); }
static inline void workload_mark_4(void) { __asm__ volatile("hint #100" ::: "memory"); }

#elif defined(__riscv)

/// Linux's calling convention on riscv64: the number in a7, arguments in a0 to a5, the answer in a0.
static inline int64_t workload_call(
    uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5) {
  register uint64_t r7 __asm__("a7") = number;
  register uint64_t r0 __asm__("a0") = a0;
  register uint64_t r1 __asm__("a1") = a1;
  register uint64_t r2 __asm__("a2") = a2;
  register uint64_t r3 __asm__("a3") = a3;
  register uint64_t r4 __asm__("a4") = a4;
  register uint64_t r5 __asm__("a5") = a5;
  __asm__ volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7) : "memory");
  return (int64_t)r0;
}

static inline void workload_mark_1(void) { __asm__ volatile("slti x0, x0, 0x601" ::: "memory"); }
static inline void workload_mark_2(void) { __asm__ volatile("slti x0, x0, 0x602" ::: "memory"); }
static inline void workload_mark_3(void) { __asm__ volatile("slti x0, x0, 0x603" ::: "memory"); }
static inline void workload_mark_4(void) { __asm__ volatile("slti x0, x0, 0x604" ::: "memory"); }

#endif
