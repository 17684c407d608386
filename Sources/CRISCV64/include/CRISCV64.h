// What Swift cannot say on riscv64: one instruction a function. Off riscv64 (host tests) every one of them traps.
#pragma once
#include "Instructions.h"
#include "MMIO.h"
#include "SystemRegisters.h"
#include "VCPUFrame.h"
#include "Image.h"
