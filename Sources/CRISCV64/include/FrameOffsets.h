#pragma once

// Offsets in `struct VCPUFrame` and kinds of exit, for assembly. VCPUFrame.h asserts that they are right.
#define VCPU_FRAME_HOST_STACK 256
#define VCPU_FRAME_HOST_TP 264
#define VCPU_FRAME_SEPC 272
#define VCPU_FRAME_SSTATUS 280
#define VCPU_FRAME_HSTATUS 288
// Causes from here on are those of guests alone: guest page faults and virtual instructions.
#define VCPU_FIRST_DECODED_CAUSE 20
#define PANIC_FRAME_BYTE_COUNT 304
