#pragma once
#include <stdint.h>

// Single loads and stores of device registers.
#define ACCESS(bits)                                                                              \
  static inline uint##bits##_t mmio_read##bits(const volatile void *_Nonnull address) {           \
    return *(const volatile uint##bits##_t *)address;                                             \
  }                                                                                               \
  static inline void mmio_write##bits(volatile void *_Nonnull address, uint##bits##_t value) {    \
    *(volatile uint##bits##_t *)address = value;                                                  \
  }

ACCESS(8)
ACCESS(16)
ACCESS(32)
ACCESS(64)

#undef ACCESS
