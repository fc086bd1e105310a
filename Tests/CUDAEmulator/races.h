// Watches every access of a kernel to shared memory and to device memory, and reports two threads that touch a byte, one of them writing,
// with nothing between that orders them: a barrier, or sync_warp() within a warp. Between blocks nothing orders.
//
// The text is compiled, not linked, with -fsanitize=thread, which puts a call before each access; the calls end here. Atomic
// operations are left out. Copies that run beside the program count as writes where they begin and where they are waited for.
#pragma once

namespace emulator {

// Who touched a byte: the thread, and the counts that it had then.
struct Touch {
  unsigned block = 0, barrier = 0, warp = 0;
  int thread = -1;
};
// The last write, and the last reads by two threads.
struct Shadow {
  Touch write, read[2];
};

struct Region {
  const char *start;
  size_t bytes;
  std::vector<Shadow> shadow;
};
inline std::vector<Region *> regions;  // device memory
inline Region static_region, dynamic_region;

inline void watch(void *start, size_t bytes) { regions.push_back(new Region{(const char *)start, bytes, std::vector<Shadow>(bytes)}); }
inline void forget(void *start) {
  for (size_t i = 0; i < regions.size(); i++)
    if (regions[i]->start == start) {
      delete regions[i];
      regions.erase(regions.begin() + i);
      return;
    }
}

// The line in the text, by the tool that comes with the linker.
inline std::string line_of(void *address) {
  char command[200], line[300] = "";
  snprintf(command, sizeof command, "addr2line -s -e /proc/%d/exe %p 2>/dev/null", (int)getpid(), (char *)address - 1);
  if (FILE *pipe = popen(command, "r")) {
    if (!fgets(line, sizeof line, pipe)) line[0] = 0;
    pclose(pipe);
  }
  return line[0] ? ", " + std::string(line, strcspn(line, "\n")) : "";
}

// Whether the earlier touch, of this launch, is ordered before what the current thread does now.
inline bool is_ordered(const Touch &touch) {
  if (touch.thread < 0 || touch.block < first_block) return true;
  if (touch.block != block_number) return false;
  if (touch.thread == (int)current->number || touch.barrier != barrier_epoch) return true;
  return touch.thread / 32 == (int)current->number / 32 && touch.warp != current->warp_epoch;
}

inline void check(Region &region, size_t first, size_t bytes, bool writes, bool is_shared, void *caller) {
  const Touch now = {block_number, barrier_epoch, current->warp_epoch, (int)current->number};
  bool races = false, is_unwritten = false;
  for (size_t i = first; i < first + bytes; i++) {
    Shadow &shadow = region.shadow[i];
    races |= !is_ordered(shadow.write);
    if (writes) {
      for (Touch &read : shadow.read) races |= !is_ordered(read), read = Touch();
      shadow.write = now;
    } else {
      is_unwritten |= is_shared && shadow.write.block != block_number;
      // A place that no later write could race with is taken first.
      Touch *place = shadow.read;
      if (!is_ordered(shadow.read[0])) place = shadow.read + 1;
      *place = now;
    }
  }
  // A process for each line is long where there are thousands of races.
  const std::string line = (races || is_unwritten) && is_reported() ? line_of(caller) : "";
  if (races) report(writes ? "a race: a write" : "a race: a read", line.c_str());
  if (is_unwritten) report("a read of shared memory that the block did not write", line.c_str());
}

inline bool lies_in(Region &region, const void *address, size_t bytes, size_t *first) {
  *first = (size_t)((const char *)address - region.start);
  return (const char *)address >= region.start && *first + bytes <= region.bytes;
}

inline void touch(const void *address, size_t bytes, bool writes, void *caller) {
  if (!current || !is_watching || !bytes) return;
  if ((const char *)address >= current->stack && (const char *)address < current->stack + STACK_BYTES) return;
  Unwatched pause;
  size_t first;
  if (!static_region.start && __start_emulator_shared) {
    static_region.start = __start_emulator_shared;
    static_region.bytes = __stop_emulator_shared - __start_emulator_shared;
    static_region.shadow.resize(static_region.bytes);
  }
  // Another block's dynamic memory may be elsewhere; what it held is void with it.
  dynamic_region.start = dynamic_shared;
  dynamic_region.bytes = dynamic_shared ? dynamic_bytes : 0;
  if (dynamic_region.shadow.size() < dynamic_region.bytes) dynamic_region.shadow.resize(dynamic_region.bytes);
  for (Region *region : {&static_region, &dynamic_region})
    if (region->bytes && lies_in(*region, address, bytes, &first)) {
      // Shared memory is each block's own.
      for (size_t i = first; i < first + bytes; i++)
        if (region->shadow[i].write.block != block_number && region->shadow[i].read[0].block != block_number) region->shadow[i] = Shadow();
      return check(*region, first, bytes, writes, true, caller);
    }
  for (Region *region : regions)
    if (lies_in(*region, address, bytes, &first)) return check(*region, first, bytes, writes, false, caller);
}

}  // namespace emulator

extern "C" {
#define ACCESS(name, bytes, writes) \
  inline __attribute__((used)) void __tsan_##name(void *address) { emulator::touch(address, bytes, writes, __builtin_return_address(0)); }
#define ACCESSES(bytes) \
  ACCESS(read##bytes, bytes, false) \
  ACCESS(write##bytes, bytes, true) \
  ACCESS(unaligned_read##bytes, bytes, false) \
  ACCESS(unaligned_write##bytes, bytes, true) \
  inline __attribute__((used)) void __tsan_read_write##bytes(void *address) { \
    emulator::touch(address, bytes, false, __builtin_return_address(0)); \
    emulator::touch(address, bytes, true, __builtin_return_address(0)); \
  }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
#undef ACCESSES
#undef ACCESS
inline __attribute__((used)) void *__tsan_memcpy(void *to, const void *from, size_t bytes) {
  emulator::touch(from, bytes, false, __builtin_return_address(0));
  emulator::touch(to, bytes, true, __builtin_return_address(0));
  return __builtin_memmove(to, from, bytes);
}
inline __attribute__((used)) void *__tsan_memmove(void *to, const void *from, size_t bytes) { return __tsan_memcpy(to, from, bytes); }
inline __attribute__((used)) void *__tsan_memset(void *to, int value, size_t bytes) {
  emulator::touch(to, bytes, true, __builtin_return_address(0));
  volatile char *at = (volatile char *)to;
  for (size_t i = 0; i < bytes; i++) at[i] = (char)value;
  return to;
}
inline __attribute__((used)) void __tsan_init() {}
inline __attribute__((used)) void __tsan_func_entry(void *) {}
inline __attribute__((used)) void __tsan_func_exit() {}
inline __attribute__((used)) void __tsan_vptr_update(void **at, void *value) { *at = value; }
inline __attribute__((used)) void __tsan_vptr_read(void **) {}
inline __attribute__((used)) char __tsan_atomic8_load(const volatile char *at, int) { return *at; }
inline __attribute__((used)) int __tsan_atomic32_load(const volatile int *at, int) { return *at; }
inline __attribute__((used)) int __tsan_atomic32_fetch_add(volatile int *at, int value, int) {
  const int before = *at;
  *at = before + value;
  return before;
}
}
