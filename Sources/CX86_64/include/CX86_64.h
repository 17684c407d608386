// What Swift cannot say on x86_64: one instruction a function. In host tests every one of them traps.
#pragma once
#include "Instructions.h"
#include "MMIO.h"
#include "SystemRegisters.h"
#include "VCPUFrame.h"
#include "Image.h"
