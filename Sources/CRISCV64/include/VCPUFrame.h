#pragma once
#include <stddef.h>
#include <stdint.h>
#include "FrameOffsets.h"

// In C the names differ from those of other architectures, which host tests link as well.
#define NAMED(name) __attribute__((swift_name(#name)))

// The registers of a vCPU that its exit and entry move. While the guest runs, sscratch is the address of this frame;
// while the hypervisor runs, sscratch is 0.
struct NAMED(VCPUFrame) riscv64_vcpu_frame {
  uint64_t x[32];         // x1 to x31; x0 is never written
  uint64_t hostStack;     // sp of `vcpu_enter`, where the hypervisor goes on at an exit
  uint64_t hostTP;        // tp of the hypervisor: its per-CPU area
  uint64_t sepc;          // the guest's pc
  uint64_t sstatus;       // SPP and FS as the guest left them
  uint64_t hstatus;       // SPV and what the guest is kept from; never saved
};

_Static_assert(offsetof(struct riscv64_vcpu_frame, hostStack) == VCPU_FRAME_HOST_STACK, "used by WorldSwitch.S");
_Static_assert(offsetof(struct riscv64_vcpu_frame, hostTP) == VCPU_FRAME_HOST_TP, "used by WorldSwitch.S");
_Static_assert(offsetof(struct riscv64_vcpu_frame, sepc) == VCPU_FRAME_SEPC, "used by WorldSwitch.S");
_Static_assert(offsetof(struct riscv64_vcpu_frame, sstatus) == VCPU_FRAME_SSTATUS, "used by WorldSwitch.S");
_Static_assert(offsetof(struct riscv64_vcpu_frame, hstatus) == VCPU_FRAME_HSTATUS, "used by WorldSwitch.S");

// 32 registers of 64 bits and fcsr: what FP code sees.
struct NAMED(FloatingPointState) riscv64_floating_point_state {
  uint64_t f[32];
  uint64_t fcsr;
};

// What the vector saves when the hypervisor itself faults: all of it goes into the panic's text.
struct NAMED(PanicFrame) riscv64_panic_frame {
  uint64_t x[32];
  uint64_t sepc;
  uint64_t sstatus;
  uint64_t scause;
  uint64_t stval;
};

_Static_assert(sizeof(struct riscv64_panic_frame) <= PANIC_FRAME_BYTE_COUNT, "used by WorldSwitch.S");

// What an SBI call returns (RISC-V SBI 2.0, chapter 3).
struct SBIReturn {
  int64_t error;
  uint64_t value;
};

// What reading a guest's instruction through its translation came to: `cause` is all ones where it came to `bits`.
struct GuestFetch {
  uint64_t bits;
  uint64_t cause;
};

#undef NAMED

#ifdef __cplusplus
extern "C" {
#endif
// WorldSwitch.S
void vcpu_enter(struct riscv64_vcpu_frame *_Nonnull frame);
void stack_switch(uint64_t *_Nonnull saved, uint64_t next);
void fp_save(struct riscv64_floating_point_state *_Nonnull state);
void fp_restore(const struct riscv64_floating_point_state *_Nonnull state);
// A halfword of the guest's code, at its virtual address, with its right to execute (HLVX.HU).
struct GuestFetch guest_fetch(uint64_t address);
struct SBIReturn sbi_call(
    uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t function, uint64_t extension);
#ifdef __cplusplus
}
#endif
