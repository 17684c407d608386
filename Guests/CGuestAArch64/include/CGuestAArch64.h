#pragma once

// One-instruction functions, and the memory that the assembly defines. No logic.

#include "GuestLayout.h"
#include <stddef.h>
#include <stdint.h>

/// What the vectors save: x0 to x30, then the exception's own registers.
typedef struct {
  uint64_t x[31];
  uint64_t elr, spsr, esr, far, reserved;
} guest_frame;

_Static_assert(sizeof(guest_frame) == GUEST_FRAME_SIZE, "frame size");
_Static_assert(offsetof(guest_frame, elr) == GUEST_FRAME_ELR, "ELR offset");
_Static_assert(offsetof(guest_frame, spsr) == GUEST_FRAME_SPSR, "SPSR offset");
_Static_assert(offsetof(guest_frame, esr) == GUEST_FRAME_ESR, "ESR offset");
_Static_assert(offsetof(guest_frame, far) == GUEST_FRAME_FAR, "FAR offset");

/// x0 to x3 after a call to firmware or the hypervisor.
typedef struct {
  uint64_t x0, x1, x2, x3;
} guest_call_result;

extern uint64_t guest_boot_device_tree, guest_boot_load_address;
extern uint64_t guest_lower_table[512];
extern char guest_head[], guest_end[], guest_secondary_entry[], guest_vectors[], guest_bench_vectors[];

static inline uint64_t guest_device_tree(void) { return guest_boot_device_tree; }
static inline uint64_t guest_load_address(void) { return guest_boot_load_address; }
static inline uint64_t guest_link_address(void) { return (uint64_t)guest_head; }
static inline uint64_t guest_end_address(void) { return (uint64_t)guest_end; }
static inline uint64_t guest_secondary_address(void) { return (uint64_t)guest_secondary_entry; }
static inline uint64_t guest_vectors_address(void) { return (uint64_t)guest_vectors; }
static inline uint64_t guest_bench_vectors_address(void) { return (uint64_t)guest_bench_vectors; }
static inline uint64_t guest_lower_table_address(void) { return (uint64_t)guest_lower_table; }
static inline uint64_t *guest_lower_table_entries(void) { return guest_lower_table; }

// Memory-mapped registers.

#define GUEST_ACCESS(width, type, load, store, size)                                                                  \
  static inline type guest_read##width(const volatile void *address) {                                               \
    type value;                                                                                                      \
    __asm__ volatile(load " %" size "0, [%1]" : "=r"(value) : "r"(address) : "memory");                             \
    return value;                                                                                                    \
  }                                                                                                                  \
  static inline void guest_write##width(volatile void *address, type value) {                                       \
    __asm__ volatile(store " %" size "0, [%1]" : : "r"(value), "r"(address) : "memory");                            \
  }

GUEST_ACCESS(8, uint8_t, "ldrb", "strb", "w")
GUEST_ACCESS(16, uint16_t, "ldrh", "strh", "w")
GUEST_ACCESS(32, uint32_t, "ldr", "str", "w")
GUEST_ACCESS(64, uint64_t, "ldr", "str", "")

// System registers.

#define GUEST_REGISTER(name, register)                                                                                \
  static inline uint64_t guest_read_##name(void) {                                                                   \
    uint64_t value;                                                                                                  \
    __asm__ volatile("mrs %0, " register : "=r"(value) : : "memory");                                               \
    return value;                                                                                                    \
  }                                                                                                                  \
  static inline void guest_write_##name(uint64_t value) {                                                            \
    __asm__ volatile("msr " register ", %0\n\tisb" : : "r"(value) : "memory");                                      \
  }
#define GUEST_READ_ONLY_REGISTER(name, register)                                                                      \
  static inline uint64_t guest_read_##name(void) {                                                                   \
    uint64_t value;                                                                                                  \
    __asm__ volatile("mrs %0, " register : "=r"(value) : : "memory");                                               \
    return value;                                                                                                    \
  }
#define GUEST_WRITE_ONLY_REGISTER(name, register)                                                                     \
  static inline void guest_write_##name(uint64_t value) {                                                            \
    __asm__ volatile("msr " register ", %0\n\tisb" : : "r"(value) : "memory");                                      \
  }

GUEST_READ_ONLY_REGISTER(currentel, "currentel")
GUEST_READ_ONLY_REGISTER(mpidr, "mpidr_el1")
GUEST_READ_ONLY_REGISTER(midr, "midr_el1")
GUEST_READ_ONLY_REGISTER(cntvct, "cntvct_el0")
GUEST_READ_ONLY_REGISTER(cntpct, "cntpct_el0")
GUEST_READ_ONLY_REGISTER(cntfrq, "cntfrq_el0")
GUEST_READ_ONLY_REGISTER(id_aa64isar0, "id_aa64isar0_el1")
GUEST_READ_ONLY_REGISTER(id_aa64pfr0, "id_aa64pfr0_el1")
GUEST_READ_ONLY_REGISTER(id_aa64dfr0, "id_aa64dfr0_el1")
GUEST_READ_ONLY_REGISTER(id_aa64mmfr0, "id_aa64mmfr0_el1")
GUEST_READ_ONLY_REGISTER(icc_iar1, "S3_0_C12_C12_0")
GUEST_WRITE_ONLY_REGISTER(icc_eoir1, "S3_0_C12_C12_1")
GUEST_WRITE_ONLY_REGISTER(icc_sgi1r, "S3_0_C12_C11_5")
GUEST_REGISTER(cntv_ctl, "cntv_ctl_el0")
GUEST_REGISTER(cntv_cval, "cntv_cval_el0")
GUEST_REGISTER(cntp_ctl, "cntp_ctl_el0")
GUEST_REGISTER(cntp_cval, "cntp_cval_el0")
GUEST_REGISTER(icc_pmr, "S3_0_C4_C6_0")
GUEST_REGISTER(icc_bpr1, "S3_0_C12_C12_3")
GUEST_REGISTER(icc_sre, "S3_0_C12_C12_5")
GUEST_REGISTER(icc_igrpen1, "S3_0_C12_C12_7")
GUEST_REGISTER(ttbr0, "ttbr0_el1")
GUEST_REGISTER(tcr, "tcr_el1")
GUEST_REGISTER(cpacr, "cpacr_el1")
GUEST_REGISTER(mdscr, "mdscr_el1")
GUEST_REGISTER(dbgbvr0, "dbgbvr0_el1")
GUEST_REGISTER(dbgbcr0, "dbgbcr0_el1")
GUEST_REGISTER(dbgwvr0, "dbgwvr0_el1")
GUEST_REGISTER(dbgwcr0, "dbgwcr0_el1")
GUEST_REGISTER(dbgbvr1, "dbgbvr1_el1")
GUEST_REGISTER(dbgwvr1, "dbgwvr1_el1")
GUEST_REGISTER(apiakeylo, "S3_0_C2_C1_0")
GUEST_REGISTER(apgakeyhi, "S3_0_C2_C3_1")
GUEST_READ_ONLY_REGISTER(id_aa64isar1, "id_aa64isar1_el1")
GUEST_WRITE_ONLY_REGISTER(oslar, "oslar_el1")
GUEST_READ_ONLY_REGISTER(oslsr, "oslsr_el1")
GUEST_REGISTER(tpidr_el0, "tpidr_el0")
GUEST_REGISTER(tpidrro, "tpidrro_el0")
GUEST_REGISTER(contextidr, "contextidr_el1")
GUEST_REGISTER(par, "par_el1")
GUEST_REGISTER(elr, "elr_el1")
GUEST_REGISTER(spsr, "spsr_el1")
GUEST_REGISTER(esr, "esr_el1")
GUEST_REGISTER(far, "far_el1")
GUEST_REGISTER(sp_el0, "sp_el0")
GUEST_REGISTER(cntkctl, "cntkctl_el1")
GUEST_REGISTER(vbar, "vbar_el1")
GUEST_REGISTER(tpidr, "tpidr_el1")
GUEST_REGISTER(daif, "daif")

// Barriers, hints, masks.

static inline void guest_yield(void) { __asm__ volatile("yield" ::: "memory"); }
static inline void guest_wfi(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void guest_wfe(void) { __asm__ volatile("wfe" ::: "memory"); }
static inline void guest_isb(void) { __asm__ volatile("isb" ::: "memory"); }
static inline void guest_dsb(void) { __asm__ volatile("dsb sy" ::: "memory"); }
static inline void guest_tlb_invalidate(void) { __asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory"); }
static inline void guest_interrupts_on(void) { __asm__ volatile("msr daifclr, #2" ::: "memory"); }
static inline void guest_interrupts_off(void) { __asm__ volatile("msr daifset, #2" ::: "memory"); }
static inline void guest_data_cache_clean(const void *line) { __asm__ volatile("dc cvau, %0" ::"r"(line) : "memory"); }
static inline void guest_instruction_cache_invalidate(const void *line) {
  __asm__ volatile("dsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(line) : "memory");
}

// Calls to firmware and to the hypervisor (SMCCC: x0 the function, x1 to x3 the arguments, x0 to x3 the results).

#define GUEST_CALL(name, instruction)                                                                                 \
  static inline guest_call_result name(uint64_t function, uint64_t a, uint64_t b, uint64_t c) {                      \
    register uint64_t x0 __asm__("x0") = function;                                                                   \
    register uint64_t x1 __asm__("x1") = a;                                                                          \
    register uint64_t x2 __asm__("x2") = b;                                                                          \
    register uint64_t x3 __asm__("x3") = c;                                                                          \
    __asm__ volatile(instruction                                                                                     \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                                        \
                     :                                                                                               \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",  \
                       "memory");                                                                                    \
    return (guest_call_result){x0, x1, x2, x3};                                                                      \
  }

GUEST_CALL(guest_hvc, "hvc #0")
GUEST_CALL(guest_smc, "smc #0")
GUEST_CALL(guest_hvc_odd, "hvc #0x4a50")
GUEST_CALL(guest_smc_odd, "smc #0x4a50")

// Probes: see Probes.S. A fault in them is skipped by the vectors; the result is then what was given.

void guest_spin(void);
void guest_lose_stack(uint64_t stack);
void guest_lose_tables(uint64_t table);
uint64_t guest_probe_call(uint64_t address, uint64_t argument);
uint64_t guest_probe_exclusive_pair(uint64_t address);
uint64_t guest_probe_ldrsb(uint64_t address);
uint64_t guest_probe_ldrsw(uint64_t address);
uint64_t guest_probe_ldr_post(uint64_t address);
uint64_t guest_probe_ldr_pre(uint64_t address);
uint64_t guest_probe_ldtr(uint64_t address);
uint64_t guest_probe_ldp(uint64_t address);
uint64_t guest_probe_ldp_word(uint64_t address);
uint64_t guest_probe_ldpsw(uint64_t address);
uint64_t guest_probe_ldnp(uint64_t address);
uint64_t guest_probe_ldar(uint64_t address);
uint64_t guest_probe_ldxr(uint64_t address);
uint64_t guest_probe_ldxp(uint64_t address);
uint64_t guest_probe_ldr_simd(uint64_t address);
uint64_t guest_probe_ldp_simd(uint64_t address);
uint64_t guest_probe_ld1(uint64_t address);
uint64_t guest_probe_ld4_lane(uint64_t address);
uint64_t guest_probe_prfm(uint64_t address);
uint64_t guest_probe_str_post(uint64_t address);
uint64_t guest_probe_sttr(uint64_t address);
uint64_t guest_probe_stp(uint64_t address);
uint64_t guest_probe_stp_word(uint64_t address);
uint64_t guest_probe_stnp(uint64_t address);
uint64_t guest_probe_stlr(uint64_t address);
uint64_t guest_probe_stxr(uint64_t address);
uint64_t guest_probe_str_simd(uint64_t address);
uint64_t guest_probe_stp_simd(uint64_t address);
uint64_t guest_probe_st1(uint64_t address);
uint64_t guest_probe_dc_zva(uint64_t address);
uint64_t guest_probe_dc_cvac(uint64_t address);
uint64_t guest_probe_dc_civac(uint64_t address);
uint64_t guest_probe_dc_ivac(uint64_t address);
uint64_t guest_probe_ic_ivau(uint64_t address);
uint64_t guest_probe_at_s1e1r(uint64_t address);
uint64_t guest_probe_at_s1e1w(uint64_t address);
uint64_t guest_probe_ldadd(uint64_t address);
uint64_t guest_probe_swp(uint64_t address);
uint64_t guest_probe_cas(uint64_t address);
uint64_t guest_probe_casp(uint64_t address);

// Excursions: see Excursion.S.

extern char guest_excursion_end[], guest_walk[], guest_walk_break[], guest_walk_trapped[];
static inline uint64_t guest_excursion_end_address(void) { return (uint64_t)guest_excursion_end; }
static inline uint64_t guest_walk_address(void) { return (uint64_t)guest_walk; }
static inline uint64_t guest_walk_break_address(void) { return (uint64_t)guest_walk_break; }
static inline uint64_t guest_walk_trapped_address(void) { return (uint64_t)guest_walk_trapped; }
uint64_t guest_excursion(uint64_t entry, uint64_t state, uint64_t argument);

// FP and SIMD state: see FloatingPoint.S.

void guest_fp_fill(uint64_t seed);
uint64_t guest_fp_differences(uint64_t seed);

// Measured loops: see Bench.S. The results are ticks for all iterations.

uint64_t guest_bench_empty(uint64_t iterations, uint64_t unused);
uint64_t guest_bench_load(uint64_t iterations, uint64_t address);
uint64_t guest_bench_store(uint64_t iterations, uint64_t address);
uint64_t guest_bench_hvc(uint64_t iterations, uint64_t function);
uint64_t guest_bench_sgi(uint64_t iterations, uint64_t value);
uint64_t guest_bench_pmr(uint64_t iterations, uint64_t value);
uint64_t guest_bench_timer_write(uint64_t iterations, uint64_t value);
uint64_t guest_bench_timer_busy(uint64_t iterations, uint64_t ticks);
uint64_t guest_bench_timer_wfi(uint64_t iterations, uint64_t ticks);
uint64_t guest_bench_sgi_self(uint64_t iterations, uint64_t value);
uint64_t guest_bench_ipi_send(uint64_t iterations, uint64_t value, uint64_t *mailbox);
void guest_bench_ipi_receive(uint64_t iterations, uint64_t *mailbox);
