#pragma once
#include <stddef.h>
#include <stdint.h>
#include "FrameOffsets.h"

// The registers of a vCPU that its exit and entry move and the VMCB does not hold. RAX, RSP and RIP are in the VMCB.
struct X86VCPUFrame {
  uint64_t gpr[16];     // by the number that instructions use; those of RAX and RSP are unused
  uint64_t vmcb;        // physical address of the guest's VMCB
  uint64_t hostVMCB;    // physical address of where VMSAVE has put the hypervisor's own state
};

_Static_assert(offsetof(struct X86VCPUFrame, gpr[3]) == VCPU_FRAME_RBX, "used by WorldSwitch.S");
_Static_assert(offsetof(struct X86VCPUFrame, gpr[15]) == VCPU_FRAME_R15, "used by WorldSwitch.S");
_Static_assert(offsetof(struct X86VCPUFrame, vmcb) == VCPU_FRAME_VMCB, "used by WorldSwitch.S");
_Static_assert(offsetof(struct X86VCPUFrame, hostVMCB) == VCPU_FRAME_HOST_VMCB, "used by WorldSwitch.S");

// What GS points to. The handler of interrupts writes `pending`, a byte for each vector; Swift clears it. One CPU alone.
struct X86CPUAnchor {
  uint64_t cpu;         // the per-CPU area
  uint64_t eoi;         // address of the local APIC's EOI register
  uint8_t pending[256];
};

_Static_assert(offsetof(struct X86CPUAnchor, eoi) == CPU_ANCHOR_EOI, "used by WorldSwitch.S");
_Static_assert(offsetof(struct X86CPUAnchor, pending) == CPU_ANCHOR_PENDING, "used by WorldSwitch.S");

// FXSAVE's image (AMD APM 2, 11.5.4): x87, MMX and SSE registers.
struct X86FloatingPointState {
  uint64_t words[64];
} __attribute__((aligned(16)));

// What the vectors save when the hypervisor itself faults: all of it goes into the panic's text.
struct X86PanicFrame {
  uint64_t gpr[15];     // R15 down to R8, RDI, RSI, RBP, RDX, RCX, RBX, RAX
  uint64_t vector;
  uint64_t error;
  uint64_t rip;
  uint64_t cs;
  uint64_t rflags;
  uint64_t rsp;
  uint64_t ss;
};

#ifdef __cplusplus
extern "C" {
#endif
// WorldSwitch.S
void x86_enter_guest(struct X86VCPUFrame *_Nonnull frame);
void x86_stack_switch(uint64_t *_Nonnull saved, uint64_t next);
void x86_fxsave(struct X86FloatingPointState *_Nonnull state);
void x86_fxrstor(const struct X86FloatingPointState *_Nonnull state);
#ifdef __cplusplus
}
#endif
