#pragma once

// One-instruction functions, and the memory that the assembly defines. No logic.

#include "GuestLayout.h"
#include <stddef.h>
#include <stdint.h>

/// What the vectors save: x1 to x31 by number, then the trap's own registers.
typedef struct {
  uint64_t x[32];
  uint64_t sepc, sstatus, scause, stval;
} guest_frame;

_Static_assert(sizeof(guest_frame) == GUEST_FRAME_SIZE, "frame size");
_Static_assert(offsetof(guest_frame, sepc) == GUEST_FRAME_SEPC, "sepc offset");
_Static_assert(offsetof(guest_frame, sstatus) == GUEST_FRAME_SSTATUS, "sstatus offset");
_Static_assert(offsetof(guest_frame, scause) == GUEST_FRAME_SCAUSE, "scause offset");
_Static_assert(offsetof(guest_frame, stval) == GUEST_FRAME_STVAL, "stval offset");

/// a0 and a1 after a call to firmware or the hypervisor: an error and a value.
typedef struct {
  uint64_t error, value;
} guest_call_result;

/// What the assembly found when it was entered.
typedef struct {
  uint64_t device_tree, load_address, hart;
} guest_boot_values;

extern guest_boot_values guest_boot;
extern uint64_t guest_root_table[512];
extern uint32_t guest_code[4];
extern char guest_head[], guest_end[], guest_secondary_entry[], guest_vectors[], guest_bench_vectors[];

static inline uint64_t guest_device_tree(void) { return guest_boot.device_tree; }
static inline uint64_t guest_load_address(void) { return guest_boot.load_address; }
static inline uint64_t guest_boot_hart(void) { return guest_boot.hart; }
static inline uint64_t guest_link_address(void) { return (uint64_t)guest_head; }
static inline uint64_t guest_end_address(void) { return (uint64_t)guest_end; }
static inline uint64_t guest_secondary_address(void) { return (uint64_t)guest_secondary_entry; }
static inline uint64_t guest_vectors_address(void) { return (uint64_t)guest_vectors; }
static inline uint64_t guest_bench_vectors_address(void) { return (uint64_t)guest_bench_vectors; }
static inline uint32_t *guest_code_words(void) { return guest_code; }
static inline uint64_t *guest_root_table_entries(void) { return guest_root_table; }

// Memory-mapped registers.

#define GUEST_ACCESS(width, type, load, store)                                                                        \
  static inline type guest_read##width(const volatile void *address) {                                               \
    type value;                                                                                                      \
    __asm__ volatile(load " %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");                                    \
    return value;                                                                                                    \
  }                                                                                                                  \
  static inline void guest_write##width(volatile void *address, type value) {                                       \
    __asm__ volatile(store " %0, 0(%1)" : : "r"(value), "r"(address) : "memory");                                   \
  }

GUEST_ACCESS(8, uint8_t, "lbu", "sb")
GUEST_ACCESS(16, uint16_t, "lhu", "sh")
GUEST_ACCESS(32, uint32_t, "lw", "sw")
GUEST_ACCESS(64, uint64_t, "ld", "sd")

// Control and status registers.

#define GUEST_REGISTER(name, csr)                                                                                     \
  static inline uint64_t guest_read_##name(void) {                                                                   \
    uint64_t value;                                                                                                  \
    __asm__ volatile("csrr %0, " csr : "=r"(value) : : "memory");                                                   \
    return value;                                                                                                    \
  }                                                                                                                  \
  static inline void guest_write_##name(uint64_t value) {                                                            \
    __asm__ volatile("csrw " csr ", %0" : : "r"(value) : "memory");                                                 \
  }                                                                                                                  \
  static inline void guest_set_##name(uint64_t bits) {                                                               \
    __asm__ volatile("csrs " csr ", %0" : : "r"(bits) : "memory");                                                  \
  }                                                                                                                  \
  static inline void guest_clear_##name(uint64_t bits) {                                                             \
    __asm__ volatile("csrc " csr ", %0" : : "r"(bits) : "memory");                                                  \
  }

GUEST_REGISTER(sstatus, "sstatus")
GUEST_REGISTER(sie, "sie")
GUEST_REGISTER(sip, "sip")
GUEST_REGISTER(stvec, "stvec")
GUEST_REGISTER(satp, "satp")
GUEST_REGISTER(scounteren, "scounteren")
GUEST_REGISTER(stimecmp, "0x14d")  // Sstc

static inline uint64_t guest_read_time(void) {
  uint64_t value;
  __asm__ volatile("rdtime %0" : "=r"(value) : : "memory");
  return value;
}

static inline uint64_t guest_cpu_index(void) {
  uint64_t value;
  __asm__ volatile("mv %0, tp" : "=r"(value));
  return value;
}

// Fences and hints.

static inline void guest_wfi(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void guest_fence(void) { __asm__ volatile("fence" ::: "memory"); }
static inline void guest_fence_i(void) { __asm__ volatile("fence.i" ::: "memory"); }
static inline void guest_sfence_vma(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

/// Calls firmware or the hypervisor (SBI: a7 the extension, a6 the function, a0 to a4 the arguments).
static inline guest_call_result guest_ecall(
    uint64_t extension, uint64_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
  register uint64_t a0 __asm__("a0") = a;
  register uint64_t a1 __asm__("a1") = b;
  register uint64_t a2 __asm__("a2") = c;
  register uint64_t a3 __asm__("a3") = d;
  register uint64_t a4 __asm__("a4") = e;
  register uint64_t a6 __asm__("a6") = function;
  register uint64_t a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7) : "memory");
  return (guest_call_result){a0, a1};
}

// Measured loops: see Bench.S. The results are ticks for all iterations.

uint64_t guest_bench_empty(uint64_t iterations, uint64_t unused);
uint64_t guest_bench_load(uint64_t iterations, uint64_t address);
uint64_t guest_bench_ecall(uint64_t iterations, uint64_t extension, uint64_t function, uint64_t argument);
uint64_t guest_bench_stimecmp(uint64_t iterations, uint64_t value);
uint64_t guest_bench_claim_complete(uint64_t iterations, uint64_t address);
uint64_t guest_bench_ipi_self(uint64_t iterations, uint64_t hart);

// Probes: see Probes.S. A fault in them is skipped by the vectors; the result is then what was given.

void guest_spin(void);
void guest_lose_stack(uint64_t stack);
void guest_lose_tables(uint64_t table);
uint64_t guest_probe_call(uint64_t address, uint64_t argument);
uint64_t guest_probe_c_swsp(uint64_t address, uint64_t value);
uint64_t guest_probe_lb(uint64_t address);
uint64_t guest_probe_lh(uint64_t address);
uint64_t guest_probe_lhu(uint64_t address);
uint64_t guest_probe_lwu(uint64_t address);
uint64_t guest_probe_ld(uint64_t address);
uint64_t guest_probe_c_lw(uint64_t address);
uint64_t guest_probe_c_ld(uint64_t address);
uint64_t guest_probe_load_zero(uint64_t address);
uint64_t guest_probe_flw(uint64_t address);
uint64_t guest_probe_fld(uint64_t address);
uint64_t guest_probe_c_fld(uint64_t address);
uint64_t guest_probe_sb(uint64_t address);
uint64_t guest_probe_sh(uint64_t address);
uint64_t guest_probe_sd(uint64_t address);
uint64_t guest_probe_fsw(uint64_t address);
uint64_t guest_probe_fsd(uint64_t address);
uint64_t guest_probe_c_fsd(uint64_t address);
uint64_t guest_probe_c_sw(uint64_t address);
uint64_t guest_probe_c_sd(uint64_t address);
uint64_t guest_probe_amoadd_w(uint64_t address);
uint64_t guest_probe_amoadd_d(uint64_t address);
uint64_t guest_probe_amoor_w(uint64_t address);
uint64_t guest_probe_amomaxu_d(uint64_t address);
uint64_t guest_probe_lr_w(uint64_t address);
uint64_t guest_probe_lr_d(uint64_t address);
uint64_t guest_probe_sc_w(uint64_t address);
uint64_t guest_probe_sc_d(uint64_t address);
uint64_t guest_probe_exclusive_pair(uint64_t address);
uint64_t guest_probe_c_lwsp(uint64_t address);
