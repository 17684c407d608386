#pragma once
#include <stdint.h>
#include "FrameOffsets.h"
#include "Instructions.h"

// Places of the linked image (Hypervisor.ld) and what the entry code (Entry.S) found.
#ifdef APUS_BARE
#define SYMBOL(name, symbol)                                  \
  extern char symbol[];                                       \
  static inline uint64_t name(void) { return (uint64_t)symbol; }
#define VALUE(name, symbol)        \
  extern uint64_t symbol;          \
  static inline uint64_t name(void) { return symbol; }      \
  static inline void set_##name(uint64_t value) { symbol = value; }
#else
#define SYMBOL(name, symbol) \
  static inline uint64_t name(void) { __builtin_trap(); }
#define VALUE(name, symbol) \
  static inline uint64_t name(void) { __builtin_trap(); } \
  static inline void set_##name(uint64_t value) { (void)value; __builtin_trap(); }
#endif

SYMBOL(image_start, __image_start)
SYMBOL(image_end, __image_end)
SYMBOL(image_text_end, __text_end)
SYMBOL(image_table_pool, __table_pool)
SYMBOL(image_table_pool_end, __table_pool_end)
SYMBOL(image_main_table, main_l0)
SYMBOL(image_boot_table, boot_l0)
SYMBOL(image_vectors, interrupt_stubs)
SYMBOL(image_task_trampoline, task_trampoline)
SYMBOL(image_start_page, start_page)
SYMBOL(image_start_page_end, start_page_end)
SYMBOL(image_interrupt_table, interrupt_table)
VALUE(boot_start_info, boot_info)
VALUE(secondary_stack, secondary_stack_top)
VALUE(secondary_argument, secondary_cpu)
static inline uint64_t image_physical_base(void) { return IMAGE_PHYSICAL_BASE; }

#undef SYMBOL
#undef VALUE
