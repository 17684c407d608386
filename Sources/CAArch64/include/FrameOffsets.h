#pragma once

// Offsets in `struct VCPUFrame` and kinds of exit, for assembly. VCPUFrame.h asserts that they are right.
#define VCPU_FRAME_X18 144
#define VCPU_FRAME_X30 240
#define VCPU_FRAME_HOST_STACK 248
#define VCPU_FRAME_ELR 256
#define VCPU_FRAME_ESR 272
#define VCPU_FRAME_HPFAR 288
#define VCPU_EXIT_KIND_SYNCHRONOUS 0
#define VCPU_EXIT_KIND_INTERRUPT 1
#define VCPU_EXIT_KIND_SERROR 2
