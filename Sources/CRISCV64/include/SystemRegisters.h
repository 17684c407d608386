#pragma once
#include <stdint.h>
#include "Instructions.h"

// CSRR, CSRW, CSRS and CSRC for the registers the hypervisor uses, by the manual's names.
#ifdef APUS_BARE
#define REGISTER(name)                                                                                             \
  SHIM uint64_t read_##name(void) {                                                                       \
    uint64_t value;                                                                                                \
    __asm__ volatile("csrr %0, " #name : "=r"(value)::"memory");                                                   \
    return value;                                                                                                  \
  }                                                                                                                \
  SHIM void write_##name(uint64_t value) { __asm__ volatile("csrw " #name ", %0" ::"rK"(value) : "memory"); } \
  SHIM void set_##name(uint64_t bits) { __asm__ volatile("csrs " #name ", %0" ::"rK"(bits) : "memory"); }     \
  SHIM void clear_##name(uint64_t bits) { __asm__ volatile("csrc " #name ", %0" ::"rK"(bits) : "memory"); }
#else
#define REGISTER(name)                                                                    \
  SHIM uint64_t read_##name(void) { __builtin_trap(); }                          \
  SHIM void write_##name(uint64_t value) { (void)value; __builtin_trap(); }      \
  SHIM void set_##name(uint64_t bits) { (void)bits; __builtin_trap(); }          \
  SHIM void clear_##name(uint64_t bits) { (void)bits; __builtin_trap(); }
#endif

// Supervisor
REGISTER(sstatus)
REGISTER(sie)
REGISTER(sip)
REGISTER(stvec)
REGISTER(sscratch)
REGISTER(satp)
REGISTER(scause)
REGISTER(stval)
REGISTER(scounteren)
REGISTER(senvcfg)
REGISTER(stimecmp)
REGISTER(time)

// Hypervisor
REGISTER(hstatus)
REGISTER(hedeleg)
REGISTER(hideleg)
REGISTER(hie)
REGISTER(hip)
REGISTER(hvip)
REGISTER(hcounteren)
REGISTER(henvcfg)
REGISTER(hgatp)
REGISTER(htval)
REGISTER(htinst)
REGISTER(hgeie)
REGISTER(htimedelta)

// A guest's supervisor
REGISTER(vsstatus)
REGISTER(vsie)
REGISTER(vsip)
REGISTER(vstvec)
REGISTER(vsscratch)
REGISTER(vsepc)
REGISTER(vscause)
REGISTER(vstval)
REGISTER(vsatp)
REGISTER(vstimecmp)

#undef REGISTER
