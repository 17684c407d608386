#pragma once
#include <stdint.h>
#include "Instructions.h"

// Places of the linked image (Hypervisor.ld) and what the entry code (Entry.S) found.
#ifdef APUS_BARE
#define SYMBOL(name, symbol)                                  \
  extern char symbol[];                                       \
  SHIM uint64_t name(void) { return (uint64_t)symbol; }
#define VALUE(name, symbol)        \
  extern uint64_t symbol;          \
  SHIM uint64_t name(void) { return symbol; }
#else
#define SYMBOL(name, symbol) \
  SHIM uint64_t name(void) { __builtin_trap(); }
#define VALUE(name, symbol) \
  SHIM uint64_t name(void) { __builtin_trap(); }
#endif

SYMBOL(image_start, __image_start)
SYMBOL(image_end, __image_end)
SYMBOL(image_text_end, __text_end)
SYMBOL(image_table_pool, __table_pool)
SYMBOL(image_table_pool_end, __table_pool_end)
SYMBOL(image_main_table, main_root)
SYMBOL(image_vector, hypervisor_vector)
SYMBOL(image_task_trampoline, task_trampoline)
SYMBOL(image_secondary_entry, secondary_entry)
VALUE(boot_hart_id, boot_hart)
VALUE(boot_device_tree, boot_fdt)
VALUE(boot_physical_base, boot_base)

#undef SYMBOL
#undef VALUE
