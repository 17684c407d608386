#pragma once
#include <stdint.h>
#include "Instructions.h"

// Single loads and stores of device registers. With plain base-register addressing, so that an outer hypervisor could decode them.
#define ACCESS(bits, suffix, modifier)                                                            \
  SHIM uint##bits##_t mmio_read##bits(const volatile void *_Nonnull address) {           \
    return *(const volatile uint##bits##_t *)address;                                             \
  }                                                                                               \
  SHIM void mmio_write##bits(volatile void *_Nonnull address, uint##bits##_t value) {    \
    *(volatile uint##bits##_t *)address = value;                                                  \
  }

ACCESS(8, "b", "w")
ACCESS(16, "h", "w")
ACCESS(32, "", "w")
ACCESS(64, "", "x")

#undef ACCESS
