// A QEMU TCG plugin (API version 1: QEMU 7.2 to 8.2) that counts instructions: all, and those of the hypervisor, told
// apart by address. Exits are counted where the hypervisor's vectors are entered, by what the guest's last instruction
// was. No guest's code lies where the hypervisor's does: it has addresses that Linux gives to nobody.
//
//   -plugin counter.so,out=FILE[,hypervisor=START,end=END,synchronous=ADDRESS,interrupt=ADDRESS]   (hexadecimal)
//
// A line is written when the first instruction outside the hypervisor follows one inside, and at each marker: a hint
// that means nothing, `hint #(96+n)`, executed outside the hypervisor.
//
//   first|mark <n> total <all> hypervisor <its own> hvc <exits> smc … wait … register … memory … other … interrupt …

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: What QEMU's header would declare (docs/devel/tcg-plugins.rst); Debian ships none.

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*tb_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*insn_callback)(unsigned int cpu, void *data);

enum { QEMU_PLUGIN_CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_callback callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_callback callback, int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

// MARK: Counts. QEMU runs all CPUs in one thread while it counts instructions.

enum kind { HVC, SMC, WAIT, REGISTER, MEMORY, OTHER, INTERRUPT, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {"hvc", "smc", "wait", "register", "memory", "other", "interrupt"};

enum { CPU_LIMIT = 64, FIRST_MARKER = 96, MARKER_COUNT = 32 };

static FILE *output;
static uint64_t hypervisor_start, hypervisor_end, synchronous_entry, interrupt_entry;
static uint64_t total, in_hypervisor, exits[KIND_COUNT];
static bool was_in_hypervisor[CPU_LIMIT], has_run_guest;
static enum kind last_kind[CPU_LIMIT];

static void tell(const char *event, unsigned number) {
  fprintf(output, "%s %u total %" PRIu64 " hypervisor %" PRIu64, event, number, total, in_hypervisor);
  for (int kind = 0; kind < KIND_COUNT; kind++) fprintf(output, " %s %" PRIu64, kind_names[kind], exits[kind]);
  fputc('\n', output);
  fflush(output);
}

static void hypervisor_insn(unsigned int cpu, void *data) {
  (void)data;
  total++;
  in_hypervisor++;
  was_in_hypervisor[cpu % CPU_LIMIT] = true;
}

static void synchronous_insn(unsigned int cpu, void *data) {
  exits[last_kind[cpu % CPU_LIMIT]]++;
  hypervisor_insn(cpu, data);
}

static void interrupt_insn(unsigned int cpu, void *data) {
  exits[INTERRUPT]++;
  hypervisor_insn(cpu, data);
}

static void guest_insn(unsigned int cpu, void *data) {
  cpu %= CPU_LIMIT;
  if (was_in_hypervisor[cpu]) {
    was_in_hypervisor[cpu] = false;
    if (!has_run_guest) tell("first", 0);
    has_run_guest = true;
  }
  total++;
  last_kind[cpu] = (enum kind)(uintptr_t)data;
}

static void marker_insn(unsigned int cpu, void *data) {
  tell("mark", (unsigned)(uintptr_t)data);
  guest_insn(cpu, (void *)(uintptr_t)OTHER);
}

// MARK: Instructions of A64 (Arm ARM DDI 0487, C4.1)

static int a64_marker(uint32_t code) {
  if ((code & 0xFFFFF01F) != 0xD503201F) return -1;  // HINT
  int number = (int)(code >> 5 & 0x7F) - FIRST_MARKER;
  return number >= 0 && number < MARKER_COUNT ? number : -1;
}

static enum kind a64_kind(uint32_t code) {
  if ((code & 0xFFE0001F) == 0xD4000002) return HVC;
  if ((code & 0xFFE0001F) == 0xD4000003) return SMC;
  if ((code & 0xFFFFFFDF) == 0xD503205F || (code & 0xFFFFFFC0) == 0xD5031000) return WAIT;  // WFE, WFI, WFET, WFIT
  if ((code & 0xFFC00000) == 0xD5000000) return REGISTER;                                  // MRS, MSR, SYS
  if ((code & 0x0A000000) == 0x08000000) return MEMORY;                                    // loads and stores
  return OTHER;
}

static void instrument(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  for (size_t index = 0; index < qemu_plugin_tb_n_insns(block); index++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, index);
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    uint32_t code;
    memcpy(&code, qemu_plugin_insn_data(insn), sizeof code);
    insn_callback callback = guest_insn;
    uintptr_t data = a64_kind(code);
    if (address >= hypervisor_start && address < hypervisor_end) {
      callback = address == synchronous_entry ? synchronous_insn
                 : address == interrupt_entry ? interrupt_insn
                                              : hypervisor_insn;
    } else if (a64_marker(code) >= 0) {
      callback = marker_insn;
      data = (uintptr_t)a64_marker(code);
    }
    qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS, (void *)data);
  }
}

// MARK: Start

static bool take_argument(const char *argument) {
  static const struct {
    const char *name;
    uint64_t *value;
  } addresses[] = {
      {"hypervisor=", &hypervisor_start},
      {"end=", &hypervisor_end},
      {"synchronous=", &synchronous_entry},
      {"interrupt=", &interrupt_entry},
  };
  if (strncmp(argument, "out=", 4) == 0) {
    output = fopen(argument + 4, "w");
    return output != NULL;
  }
  for (size_t index = 0; index < sizeof addresses / sizeof *addresses; index++) {
    size_t length = strlen(addresses[index].name);
    if (strncmp(argument, addresses[index].name, length) != 0) continue;
    *addresses[index].value = strtoull(argument + length, NULL, 16);
    return true;
  }
  return false;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *information, int argument_count, char **arguments) {
  (void)information;
  for (int index = 0; index < argument_count; index++) {
    if (!take_argument(arguments[index])) return -1;
  }
  if (!output) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, instrument);
  return 0;
}
