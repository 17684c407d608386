#pragma once
#include <stddef.h>
#include <stdint.h>
#include "FrameOffsets.h"

// The registers of a vCPU that its exit and entry move. While the guest runs, SP_EL2 is the address of this frame.
struct VCPUFrame {
  uint64_t x[31];         // general-purpose registers X0 to X30
  uint64_t hostStack;     // SP of `vcpu_enter`, where the hypervisor goes on at an exit
  uint64_t elr;           // ELR_EL2: the guest's PC
  uint64_t spsr;          // SPSR_EL2: the guest's PSTATE
  uint64_t esr;           // ESR_EL2 at the exit
  uint64_t far;           // FAR_EL2 at an abort
  uint64_t hpfar;         // HPFAR_EL2 at an abort
};

_Static_assert(offsetof(struct VCPUFrame, x[18]) == VCPU_FRAME_X18, "used by WorldSwitch.S");
_Static_assert(offsetof(struct VCPUFrame, x[20]) == VCPU_FRAME_X20, "used by WorldSwitch.S");
_Static_assert(offsetof(struct VCPUFrame, x[29]) == VCPU_FRAME_X29, "used by WorldSwitch.S");
_Static_assert(offsetof(struct VCPUFrame, hostStack) == VCPU_FRAME_HOST_STACK, "used by WorldSwitch.S");
_Static_assert(offsetof(struct VCPUFrame, elr) == VCPU_FRAME_ELR, "used by WorldSwitch.S");
_Static_assert(offsetof(struct VCPUFrame, spsr) == VCPU_FRAME_ELR + 8, "used by WorldSwitch.S");

// 32 registers of 128 bits, FPCR and FPSR: what FP and SIMD code sees.
struct FloatingPointState {
  uint64_t q[64];
  uint64_t fpcr;
  uint64_t fpsr;
};

// What the vectors save when the hypervisor itself faults: all of it goes into the panic's text.
struct PanicFrame {
  uint64_t x[31];
  uint64_t sp;
  uint64_t elr;
  uint64_t spsr;
  uint64_t esr;
  uint64_t far;
  uint64_t kind;
};

#ifdef __cplusplus
extern "C" {
#endif
// WorldSwitch.S
void vcpu_enter(struct VCPUFrame *_Nonnull frame);
void stack_switch(uint64_t *_Nonnull saved, uint64_t next);
void fp_save(struct FloatingPointState *_Nonnull state);
void fp_restore(const struct FloatingPointState *_Nonnull state);
uint64_t smc_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
uint64_t hvc_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
#ifdef __cplusplus
}
#endif
