#pragma once

// One-instruction functions, and the memory that the assembly defines. No logic.

#include "GuestLayout.h"
#include <stddef.h>
#include <stdint.h>

/// What the vectors save.
typedef struct {
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax;
  uint64_t vector, error, rip, cs, rflags, rsp, ss;
} guest_frame;

/// RAX, RBX, RCX and RDX after a call of the hypervisor or CPUID.
typedef struct {
  uint64_t rax, rbx, rcx, rdx;
} guest_registers;

extern uint64_t guest_boot_parameters;
extern char guest_head[], guest_end[], guest_start_page_code[], guest_start_page_code_end[];

static inline uint64_t guest_parameters(void) { return guest_boot_parameters; }
static inline uint64_t guest_load_address(void) { return (uint64_t)guest_head; }
static inline uint64_t guest_end_address(void) { return (uint64_t)guest_end; }
static inline uint64_t guest_start_code(void) { return (uint64_t)guest_start_page_code; }
static inline uint64_t guest_start_code_end(void) { return (uint64_t)guest_start_page_code_end; }

#define GUEST_ACCESS(width, type)                                                                                     \
  static inline type guest_read##width(const volatile void *address) { return *(const volatile type *)address; }     \
  static inline void guest_write##width(volatile void *address, type value) { *(volatile type *)address = value; }

GUEST_ACCESS(8, uint8_t)
GUEST_ACCESS(16, uint16_t)
GUEST_ACCESS(32, uint32_t)
GUEST_ACCESS(64, uint64_t)

static inline uint8_t guest_in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port) : "memory");
  return value;
}
static inline void guest_out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "d"(port) : "memory"); }
static inline void guest_out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "d"(port) : "memory"); }

static inline uint64_t guest_rdtsc(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}
static inline uint64_t guest_rdmsr(uint32_t index) {
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
  return (uint64_t)high << 32 | low;
}
static inline void guest_wrmsr(uint32_t index, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline guest_registers guest_cpuid(uint32_t leaf, uint32_t subleaf) {
  uint32_t eax, ebx, ecx, edx;
  __asm__ volatile("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(leaf), "c"(subleaf));
  return (guest_registers){eax, ebx, ecx, edx};
}
static inline guest_registers guest_vmmcall(uint64_t function, uint64_t first, uint64_t second) {
  guest_registers result;
  __asm__ volatile("vmmcall" : "=a"(result.rax), "=b"(result.rbx), "=c"(result.rcx), "=d"(result.rdx)
                   : "a"(function), "b"(first), "c"(second), "d"(0ull) : "memory");
  return result;
}

static inline void guest_interrupts_on(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void guest_interrupts_off(void) { __asm__ volatile("cli" : : : "memory"); }
/// HLT in the shadow of STI, so that no interrupt is slept through.
static inline void guest_interrupts_on_and_halt(void) { __asm__ volatile("sti; hlt" : : : "memory"); }
static inline void guest_halt(void) { __asm__ volatile("hlt" : : : "memory"); }
static inline void guest_pause(void) { __asm__ volatile("pause" : : : "memory"); }
