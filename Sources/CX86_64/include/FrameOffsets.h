#pragma once

// Offsets in `struct X86VCPUFrame` and `struct X86CPUAnchor`, for assembly. VCPUFrame.h asserts that they are right.
#define VCPU_FRAME_RCX 8
#define VCPU_FRAME_RDX 16
#define VCPU_FRAME_RBX 24
#define VCPU_FRAME_RBP 40
#define VCPU_FRAME_RSI 48
#define VCPU_FRAME_RDI 56
#define VCPU_FRAME_R8 64
#define VCPU_FRAME_R9 72
#define VCPU_FRAME_R10 80
#define VCPU_FRAME_R11 88
#define VCPU_FRAME_R12 96
#define VCPU_FRAME_R13 104
#define VCPU_FRAME_R14 112
#define VCPU_FRAME_R15 120
#define VCPU_FRAME_VMCB 128
#define VCPU_FRAME_HOST_VMCB 136

#define CPU_ANCHOR_EOI 8
#define CPU_ANCHOR_PENDING 16

// Selectors of the hypervisor's GDT.
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TASK 0x18

// Where Entry.S is loaded and where it is linked.
#define IMAGE_PHYSICAL_BASE 0x200000
#define IMAGE_VIRTUAL_BASE 0xffffffff80000000

// The first vector that is an interrupt.
#define FIRST_INTERRUPT_VECTOR 32
