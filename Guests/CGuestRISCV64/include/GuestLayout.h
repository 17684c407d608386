#pragma once

// Sizes that the assembly, the shims and Swift share, in bytes.

#define GUEST_STACK_SIZE 0x10000
#define GUEST_CPU_LIMIT 16
#define GUEST_HEAP_SIZE 0x80000

// A trap frame: x0 (unused) to x31, then these, at these offsets.
#define GUEST_FRAME_SEPC 256
#define GUEST_FRAME_SSTATUS 264
#define GUEST_FRAME_SCAUSE 272
#define GUEST_FRAME_STVAL 280
#define GUEST_FRAME_SIZE 288
