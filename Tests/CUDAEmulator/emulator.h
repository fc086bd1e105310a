// Runs the text of CUDA kernels on the processor: one block after the other, each thread of a block a fiber of its own.
//
// A fiber runs until it meets a barrier or an operation of its warp, which takes place when all lanes have come to it. The order of warps
// and lanes, and when asynchronous copies land, depend on `seed`, so that a missing barrier or wait shows in results. Shared memory
// holds NaNs at the start of each block. A launch of more threads than the kernel's bound fails. Under AddressSanitizer every access outside an
// allocation ends the program with its line; with EMULATOR_RACES accesses are watched (races.h).
//
// What cannot be seen here: inline PTX, effects of weak memory order, registers.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMULATOR_ASAN 1
#include <sanitizer/common_interface_defs.h>
#endif
#endif

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// The emulator's own accesses are not a kernel's.
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

namespace emulator {

enum class State { running, at_barrier, at_warp, done };

struct Copy {
  void *to;
  const void *from;
  int bytes;
};

// Takes place for all 32 lanes at once; arguments[lane].
using WarpOperation = void (*)(void *const *arguments);

struct Thread {
  void *stack_pointer = nullptr;
  char *stack = nullptr;
  void *fake_stack = nullptr;
  State state = State::running;
  dim3 index;
  unsigned number = 0;
  WarpOperation operation = nullptr;
  void *argument = nullptr;
  // How often the thread has met its warp for the sake of memory.
  unsigned warp_epoch = 0;
  std::vector<Copy> open;
  std::vector<std::vector<Copy>> groups;
};

constexpr size_t STACK_BYTES = 256 << 10;

inline Thread threads[1024];
inline Thread *current;
inline dim3 block_index, block_size, grid_size;
inline unsigned thread_count, live_count;
inline char *dynamic_shared;
inline unsigned seed = 0;
inline long faults = 0;
inline const char *kernel_name = "";
inline size_t dynamic_bytes;
// The first block of the launch, by its number.
inline unsigned first_block;
inline void (*body)(void *);
inline void *body_argument;
inline void *scheduler_stack_pointer;
inline const void *scheduler_stack_bottom;
inline size_t scheduler_stack_size;

// Whether the next report is printed; many only count.
inline bool is_reported() { return faults < 10; }
// `detail` says where in the text, if that is known.
inline void report(const char *what, const char *detail = "") {
  if (faults++ < 10)
    fprintf(stderr, "emulator: %s: %s, block %u,%u,%u, thread %d, seed %u%s\n", kernel_name, what, block_index.x, block_index.y,
            block_index.z, current ? (int)current->number : -1, seed, detail);
}

// Copies land as late as they may with even seeds, at once with odd ones.
inline bool copies_are_late() { return seed % 2 == 0; }

// Counts of blocks since the start, and of barriers since the start of the block.
inline unsigned block_number, barrier_epoch;
inline bool is_watching = true;
// While there is one, accesses are not looked at.
struct Unwatched {
  const bool before = is_watching;
  Unwatched() { is_watching = false; }
  ~Unwatched() { is_watching = before; }
};

extern "C" void emulator_switch(void **save, void *to);
asm(".pushsection .text\n.weak emulator_switch\n.type emulator_switch, @function\nemulator_switch:\n"
    " push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
    " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n.popsection");

inline void leave(State state) {
  Thread *self = current;
  self->state = state;
#ifdef EMULATOR_ASAN
  __sanitizer_start_switch_fiber(state == State::done ? nullptr : &self->fake_stack, scheduler_stack_bottom, scheduler_stack_size);
#endif
  emulator_switch(&self->stack_pointer, scheduler_stack_pointer);
#ifdef EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(self->fake_stack, &scheduler_stack_bottom, &scheduler_stack_size);
#endif
}

inline void start() {
#ifdef EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack_bottom, &scheduler_stack_size);
#endif
  body(body_argument);
  leave(State::done);
  abort();
}

inline void enter(Thread &thread) {
  current = &thread;
#ifdef EMULATOR_ASAN
  void *fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, thread.stack, STACK_BYTES);
#endif
  emulator_switch(&scheduler_stack_pointer, thread.stack_pointer);
#ifdef EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  current = nullptr;
}

inline void warp_operation(WarpOperation operation, void *argument) {
  current->operation = operation;
  current->argument = argument;
  leave(State::at_warp);
}

inline void barrier() { leave(State::at_barrier); }

// Where accesses are watched, what the emulator does for a kernel is said by hand.
#ifdef EMULATOR_RACES
void touch(const void *address, size_t bytes, bool writes, void *caller);
#else
inline void touch(const void *, size_t, bool, void *) {}
#endif

inline void land(std::vector<Copy> &copies) {
  for (const Copy &copy : copies) {
    touch(copy.from, copy.bytes, false, __builtin_return_address(0));
    touch(copy.to, 16, true, __builtin_return_address(0));
    memcpy(copy.to, copy.from, copy.bytes);
    memset((char *)copy.to + copy.bytes, 0, 16 - copy.bytes);
  }
  copies.clear();
}

// Performs the warp's operation once all of its lanes wait for the same one.
inline bool run_warp_operation(unsigned first) {
  void *arguments[32];
  for (unsigned lane = 0; lane < 32; lane++) {
    const Thread &thread = threads[first + lane];
    if (thread.state != State::at_warp || thread.operation != threads[first].operation) return false;
    arguments[lane] = thread.argument;
  }
  current = &threads[first];
  threads[first].operation(arguments);
  current = nullptr;
  for (unsigned lane = 0; lane < 32; lane++) threads[first + lane].state = State::running;
  return true;
}

#ifndef EMULATOR_ASAN
// The kernels' static shared memory; the linker names the section's ends.
extern "C" char __start_emulator_shared[] __attribute__((weak)), __stop_emulator_shared[] __attribute__((weak));
#endif

inline void prepare_block(size_t shared_bytes) {
#ifndef EMULATOR_ASAN
  if (__start_emulator_shared) memset(__start_emulator_shared, 0xff, __stop_emulator_shared - __start_emulator_shared);
#endif
  if (dynamic_shared) memset(dynamic_shared, 0xff, shared_bytes);
  for (unsigned i = 0; i < thread_count; i++) {
    Thread &thread = threads[i];
    if (!thread.stack) {
      void *stack = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (stack == MAP_FAILED) abort();
      thread.stack = (char *)stack;
    }
    thread.number = i;
    thread.index = dim3(i % block_size.x, i / block_size.x % block_size.y, i / (block_size.x * block_size.y));
    thread.state = State::running;
    thread.warp_epoch = 0;
    thread.open.clear();
    thread.groups.clear();
    void **top = (void **)(thread.stack + STACK_BYTES);
    *--top = nullptr;
    *--top = (void *)start;
    for (int k = 0; k < 6; k++) *--top = nullptr;
    thread.stack_pointer = top;
  }
  live_count = thread_count;
  block_number++;
  barrier_epoch = 0;
}

inline bool run_block(uint32_t &random) {
  auto shuffle = [&](std::vector<unsigned> &order) {
    if (seed == 1) std::reverse(order.begin(), order.end());
    if (seed < 2) return;
    for (size_t i = order.size(); i-- > 1;) {
      random = random * 1664525u + 1013904223u;
      std::swap(order[i], order[(random >> 8) % (i + 1)]);
    }
  };
  std::vector<unsigned> warps(thread_count / 32), lanes(32);
  while (live_count) {
    bool progressed = false;
    std::iota(warps.begin(), warps.end(), 0u);
    shuffle(warps);
    for (unsigned warp : warps) {
      do {
        std::iota(lanes.begin(), lanes.end(), warp * 32);
        shuffle(lanes);
        for (unsigned i : lanes) {
          if (threads[i].state != State::running) continue;
          enter(threads[i]);
          progressed = true;
          live_count -= threads[i].state == State::done;
        }
      } while (run_warp_operation(warp * 32));
    }
    unsigned waiting = 0;
    for (unsigned i = 0; i < thread_count; i++) waiting += threads[i].state == State::at_barrier;
    if (waiting && waiting == live_count) {
      for (unsigned i = 0; i < thread_count; i++)
        if (threads[i].state == State::at_barrier) threads[i].state = State::running;
      barrier_epoch++;
      progressed = true;
    }
    if (!progressed) {
      report("threads wait for one another: a barrier or warp operation that not all reach");
      return false;
    }
  }
  for (unsigned i = 0; i < thread_count; i++) {
    bool pending = !threads[i].open.empty();
    for (auto &group : threads[i].groups) pending |= !group.empty();
    if (pending) {
      report("asynchronous copies that nothing waited for");
      break;
    }
  }
  return true;
}

// Runs all blocks. False, with a line on the standard error, where something was wrong.
inline bool launch(const char *name, dim3 grid, dim3 block, size_t shared_bytes, void (*function)(void *), void *argument) {
  const long before = faults;
  kernel_name = name;
  thread_count = block.x * block.y * block.z;
  if (!thread_count || thread_count > 1024 || thread_count % 32 || !grid.x || !grid.y || !grid.z || grid.y > 65535 || grid.z > 65535 ||
      shared_bytes > 227 << 10) {
    report("a launch that no device takes");
    return false;
  }
  grid_size = grid;
  block_size = block;
  dynamic_bytes = shared_bytes;
  first_block = block_number + 1;
  body = function;
  body_argument = argument;
  uint32_t random = seed * 2654435761u + 1;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        block_index = dim3(x, y, z);
        // As large as asked, not larger, so that an access behind its end is met.
        dynamic_shared = nullptr;
        if (shared_bytes && posix_memalign((void **)&dynamic_shared, 128, shared_bytes)) abort();
        prepare_block(shared_bytes);
        const bool finished = run_block(random);
        free(dynamic_shared);
        if (!finished) return false;
      }
  return faults == before;
}

// Where the kernels of each launch bound lie; the linker names a section's ends.
#define BOUNDS(BOUND) BOUND(32) BOUND(64) BOUND(128) BOUND(256) BOUND(512) BOUND(1024)
#define BOUND_SECTION(threads) \
  extern "C" char __start_kernels_of_##threads[] __attribute__((weak, visibility("hidden"))), \
      __stop_kernels_of_##threads[] __attribute__((weak, visibility("hidden")));
BOUNDS(BOUND_SECTION)
inline unsigned bound_of(void *kernel) {
#define BOUND_HERE(threads) \
  if (__start_kernels_of_##threads && (char *)kernel >= __start_kernels_of_##threads && (char *)kernel < __stop_kernels_of_##threads) return threads;
  BOUNDS(BOUND_HERE)
  return 0;
}

// Kernels that were launched since results were last looked at.
inline std::vector<void *> launched;
inline bool is_looked_at;
// Whether the last launch did not take place, since the device has no such instructions.
inline bool is_skipped;
inline void note(void *kernel) {
  if (is_looked_at) launched.clear();
  is_looked_at = false;
  launched.push_back(kernel);
}

#ifndef PINION_SELFTEST
template <class... Parameters, class... Arguments>
bool run(const char *name, dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...), Arguments... arguments) {
  note((void *)kernel);
  kernel_name = name;
  if (const unsigned bound = bound_of((void *)kernel); !bound || block.x * block.y * block.z > bound)
    return report(bound ? "more threads than the kernel's launch bound" : "a kernel without launch bound"), false;
  auto call = [&] { kernel((Parameters)arguments...); };
  return launch(name, grid, block, shared_bytes, [](void *call_pointer) { (*(decltype(call) *)call_pointer)(); }, &call);
}
#endif

}  // namespace emulator

#if defined(EMULATOR_RACES)
#include "races.h"
#elif defined(PINION_SELFTEST)
#include "selftest.h"
#else
namespace emulator {
inline void watch(void *, size_t) {}
inline void forget(void *) {}
}  // namespace emulator
#endif

#define threadIdx (emulator::current->index)
#define blockIdx (emulator::block_index)
#define blockDim (emulator::block_size)
#define gridDim (emulator::grid_size)
inline void __syncthreads() { emulator::barrier(); }
#pragma clang attribute pop
