#pragma once

// What assembly and Swift share.
#define GUEST_CPU_LIMIT 16
#define GUEST_STACK_SIZE 16384
#define GUEST_HEAP_SIZE 0x40000

// Where the other CPUs begin: a page of RAM below 1 MiB.
#define GUEST_START_PAGE 0x8000

#define GUEST_SELECTOR_CODE 0x10
#define GUEST_SELECTOR_DATA 0x18
