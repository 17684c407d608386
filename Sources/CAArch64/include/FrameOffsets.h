#pragma once

// Offsets in `struct VCPUFrame` and answers of the exit handlers, for assembly. VCPUFrame.h asserts that they are right.
#define VCPU_FRAME_X18 144
#define VCPU_FRAME_X20 160
#define VCPU_FRAME_X29 232
#define VCPU_FRAME_HOST_STACK 248
#define VCPU_FRAME_ELR 256

// Where `vcpu_enter` keeps the frame's address, from its stack pointer.
#define VCPU_STACK_FRAME 96

// What an exit's handler answers: the guest goes on; it does, with registers from X20 to X28 that are new in the frame;
// it does not.
#define EXIT_ANSWER_GO_ON 0
#define EXIT_ANSWER_GO_ON_WITH_ALL 1
#define EXIT_ANSWER_LEAVE 2
