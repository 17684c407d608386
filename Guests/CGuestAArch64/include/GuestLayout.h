#pragma once

// Sizes that the assembly, the shims and Swift share, in bytes.

#define GUEST_STACK_SIZE 0x20000
#define GUEST_CPU_LIMIT 16
#define GUEST_HEAP_SIZE 0x80000

// An exception frame: x0 to x30, then these, at these offsets.
#define GUEST_FRAME_ELR 248
#define GUEST_FRAME_SPSR 256
#define GUEST_FRAME_ESR 264
#define GUEST_FRAME_FAR 272
#define GUEST_FRAME_SIZE 288
