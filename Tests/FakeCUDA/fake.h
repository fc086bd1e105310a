// A driver and a compiler of kernels that need no GPU, for tests: the functions of cc_driver.h and cc_nvrtc.h on the processor. What all of
// its parts share: the state, and how a call begins.
//
// A stream does its work only when something waits for it, so that a missing wait shows; a launched graph does it in a random order that
// keeps to its edges. Kernels are compiled for the emulator. Every function can be made to fail. The numbers of errors are those of
// NVIDIA's documentation; no real driver was compared.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" {
#include "cc_driver.h"
#include "cc_nvrtc.h"
}
#define EXPORT extern "C" __attribute__((visibility("default")))

// The definitions have the types that the library calls them with.
#define DECLARE(name, result, arguments) EXPORT result name arguments;
CC_DRIVER_FUNCTIONS(DECLARE)
CC_NVRTC_FUNCTIONS(DECLARE)

namespace fake {

inline std::recursive_mutex mutex;
inline std::map<std::string, long> calls;
struct Failure {
  long nth;
  int status;
};
inline std::map<std::string, Failure> planned_failures;
inline std::map<std::string, long> settings = {{"devices", 1}, {"version", 13000}, {"capability", 90}, {"memory", 1 << 28}, {"order", 1}};
inline std::string compiler = "clang++", include_options, folder;

inline bool is_initialised;
inline int sticky;  // the fault that every later call ends with
inline uint32_t random_state = 1;
inline thread_local std::vector<void *> current;
inline long retained;

// Counts the call; its status where it is meant to fail.
inline int enter(const char *name, bool needs_context) {
  const long count = ++calls[name];
  auto planned = planned_failures.find(name);
  if (planned != planned_failures.end() && planned->second.nth == count) {
    const int status = planned->second.status;
    if (status >= 700 && status < 720) sticky = status;
    return status;
  }
  if (!is_initialised) return CC_ERROR_NOT_INITIALIZED;
  if (!needs_context) return 0;
  if (current.empty()) return CC_ERROR_INVALID_CONTEXT;
  return sticky;
}

#define DEVICE_CALL(name) \
  std::lock_guard<std::recursive_mutex> guard(mutex); \
  if (int status = enter(#name, true)) return status;
#define PLAIN_CALL(name) \
  std::lock_guard<std::recursive_mutex> guard(mutex); \
  if (int status = enter(#name, false)) return status;

using Work = std::function<int()>;

struct Graph;
struct Node {
  std::string kind;
  Work work;
  std::vector<size_t> before;
};
struct Graph {
  std::vector<Node> nodes;
};
struct Stream {
  std::deque<Work> queue;
  size_t done = 0, queued = 0;
  std::shared_ptr<Graph> capture;
  bool began_capture = false, is_invalid = false, is_joined = true;
  std::vector<size_t> last;
};
struct Event {
  Stream *stream = nullptr;
  size_t position = 0;
  double time = 0;
  bool is_timed = false;
  std::shared_ptr<Graph> capture;
  std::vector<size_t> last;
};
struct Function {
  int (*run)(const unsigned *, const unsigned *, size_t, void **, unsigned);
  std::vector<size_t> sizes;
  size_t most_dynamic = 48 << 10;
};
struct Module {
  void *library;
  std::vector<std::unique_ptr<Function>> functions;
};
struct Allocation {
  size_t bytes;
  char *block;
};

inline std::set<Stream *> streams;
inline std::set<Event *> events;
inline std::set<std::shared_ptr<Graph> *> graphs;
inline std::set<Graph *> executables;
inline std::set<Module *> modules;
inline std::map<cc_address, Allocation> allocations;
inline std::map<char *, size_t> pinned;
inline size_t used;
inline const size_t GUARD = 256;

inline uint32_t random_number() {
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 8;
}

inline int drain(Stream *stream, size_t until = ~(size_t)0) {
  while (stream->done < until && !stream->queue.empty()) {
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    stream->done++;
    if (!sticky)
      if (int status = work()) sticky = status;
  }
  return sticky;
}

inline int drain_all() {
  for (Stream *stream : streams) drain(stream);
  return sticky;
}

inline bool is_stream(void *stream) { return streams.count((Stream *)stream); }

inline int put(void *handle, const char *kind, Work work) {
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (stream->is_invalid) return CC_ERROR_CAPTURE_INVALIDATED;
  if (stream->capture) {
    auto &nodes = stream->capture->nodes;
    nodes.push_back({kind, std::move(work), stream->last});
    stream->last = {nodes.size() - 1};
    if (!stream->began_capture) stream->is_joined = false;
    return 0;
  }
  stream->queue.push_back(std::move(work));
  stream->queued++;
  return 0;
}

// What may not be done while anything is captured, e.g. an allocation.
inline int refuse_during_capture() {
  bool any = false;
  for (Stream *stream : streams)
    if (stream->capture) any = stream->is_invalid = true;
  return any ? CC_ERROR_CAPTURE_UNSUPPORTED : 0;
}

inline bool lies_in_allocation(cc_address address, size_t bytes) {
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return false;
  --next;
  return address - next->first <= next->second.bytes && bytes <= next->second.bytes - (address - next->first);
}

inline bool is_pinned(const void *pointer) {
  auto next = pinned.upper_bound((char *)pointer);
  if (next == pinned.begin()) return false;
  --next;
  return (char *)pointer < next->first + next->second;
}

inline int run_graph(const Graph &graph) {
  const size_t count = graph.nodes.size();
  std::vector<bool> done(count);
  for (size_t left = count; left > 0; left--) {
    std::vector<size_t> ready;
    for (size_t i = 0; i < count; i++) {
      bool is_ready = !done[i];
      for (size_t before : graph.nodes[i].before) is_ready = is_ready && done[before];
      if (is_ready) ready.push_back(i);
    }
    const size_t next = ready[random_number() % ready.size()];
    if (int status = graph.nodes[next].work()) return status;
    done[next] = true;
  }
  return 0;
}

inline double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

}  // namespace fake

using namespace fake;
