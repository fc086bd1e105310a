// A driver and a compiler of kernels that need no GPU, for tests: the functions of cc_driver.h and cc_nvrtc.h on the processor.
//
// A stream does its work only when something waits for it, so that a missing wait shows; a launched graph does it in a random order that
// keeps to its edges. Kernels are compiled for the emulator. Every function can be made to fail. The numbers of errors are those of
// NVIDIA's documentation; no real driver was compared.
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

namespace {

std::recursive_mutex mutex;
std::map<std::string, long> calls;
struct Failure {
  long nth;
  int status;
};
std::map<std::string, Failure> planned_failures;
std::map<std::string, long> settings = {{"devices", 1}, {"version", 13000}, {"capability", 90}, {"memory", 1 << 28}, {"order", 1}};
std::string compiler = "clang++", include_options, folder;

bool is_initialised;
int sticky;  // the fault that every later call ends with
uint32_t random_state = 1;
thread_local std::vector<void *> current;
long retained;

// Counts the call; its status where it is meant to fail.
int enter(const char *name, bool needs_context) {
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

std::set<Stream *> streams;
std::set<Event *> events;
std::set<std::shared_ptr<Graph> *> graphs;
std::set<Graph *> executables;
std::set<Module *> modules;
std::map<cc_address, Allocation> allocations;
std::map<char *, size_t> pinned;
size_t used;
const size_t GUARD = 256;

uint32_t random_number() {
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 8;
}

int drain(Stream *stream, size_t until = ~(size_t)0) {
  while (stream->done < until && !stream->queue.empty()) {
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    stream->done++;
    if (!sticky)
      if (int status = work()) sticky = status;
  }
  return sticky;
}

int drain_all() {
  for (Stream *stream : streams) drain(stream);
  return sticky;
}

bool is_stream(void *stream) { return streams.count((Stream *)stream); }

int put(void *handle, const char *kind, Work work) {
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
int refuse_during_capture() {
  bool any = false;
  for (Stream *stream : streams)
    if (stream->capture) any = stream->is_invalid = true;
  return any ? CC_ERROR_CAPTURE_UNSUPPORTED : 0;
}

bool lies_in_allocation(cc_address address, size_t bytes) {
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return false;
  --next;
  return address - next->first <= next->second.bytes && bytes <= next->second.bytes - (address - next->first);
}

bool is_pinned(const void *pointer) {
  auto next = pinned.upper_bound((char *)pointer);
  if (next == pinned.begin()) return false;
  --next;
  return (char *)pointer < next->first + next->second;
}

int run_graph(const Graph &graph) {
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

double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

}  // namespace

// ---- for tests ----

EXPORT void fake_configure(const char *cxx, const char *options, const char *work_folder) {
  compiler = cxx, include_options = options, folder = work_folder;
}
// The nth call of a function ends with `status`, instead of doing anything.
EXPORT void fake_fail(const char *name, long nth, int status) { planned_failures[name] = {nth, status}; }
EXPORT void fake_set(const char *name, long value) {
  settings[name] = value;
  if (!strcmp(name, "order")) random_state = (uint32_t)value;
}
EXPORT long fake_calls(const char *name) { return calls[name]; }
// As after a start: what is still there, e.g. of a lost device, is forgotten.
EXPORT void fake_reset() {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  planned_failures.clear(), calls.clear(), current.clear();
  streams.clear(), events.clear(), graphs.clear(), executables.clear(), modules.clear(), allocations.clear(), pinned.clear();
  retained = 0, used = 0;
  sticky = 0, is_initialised = false;
  settings = {{"devices", 1}, {"version", 13000}, {"capability", 90}, {"memory", 1 << 28}, {"order", 1}};
}
// Everything that was made and not given back, and counted contexts.
EXPORT long fake_live() {
  return retained + streams.size() + events.size() + graphs.size() + executables.size() + modules.size() + allocations.size() + pinned.size();
}
EXPORT long fake_depth() { return (long)current.size(); }
EXPORT const char *fake_function(long index) {
#define NAME(name, result, arguments) #name,
  static const char *const names[] = {CC_DRIVER_FUNCTIONS(NAME) nullptr};
  return index < (long)(sizeof names / sizeof *names) ? names[index] : nullptr;
}

// ---- driver ----

EXPORT int cuInit(unsigned) {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  is_initialised = true;
  const int status = enter("cuInit", false);
  if (status) is_initialised = false;
  return status;
}
EXPORT int cuDriverGetVersion(int *version) {
  ++calls["cuDriverGetVersion"];
  auto planned = planned_failures.find("cuDriverGetVersion");
  if (planned != planned_failures.end() && planned->second.nth == calls["cuDriverGetVersion"]) return planned->second.status;
  *version = (int)settings["version"];
  return 0;
}
EXPORT int cuGetErrorName(int status, const char **name) {
  static const std::map<int, const char *> names = {
      {1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {100, "CUDA_ERROR_NO_DEVICE"},
      {200, "CUDA_ERROR_INVALID_IMAGE"}, {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"}};
  auto found = names.find(status);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? CC_ERROR_INVALID_VALUE : 0;
}
EXPORT int cuGetErrorString(int status, const char **text) {
  *text = status == 2 ? "out of memory" : status == 700 ? "an illegal memory access was encountered" : nullptr;
  return *text ? 0 : CC_ERROR_INVALID_VALUE;
}
EXPORT int cuDeviceGetCount(int *count) {
  PLAIN_CALL(cuDeviceGetCount)
  *count = (int)settings["devices"];
  return 0;
}
EXPORT int cuDeviceGet(int *device, int ordinal) {
  PLAIN_CALL(cuDeviceGet)
  *device = ordinal;
  return ordinal < settings["devices"] ? 0 : CC_ERROR_INVALID_DEVICE;
}
EXPORT int cuDeviceGetName(char *name, int capacity, int device) {
  PLAIN_CALL(cuDeviceGetName)
  snprintf(name, capacity, "Fake GPU %d", device);
  return 0;
}
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int) {
  PLAIN_CALL(cuDeviceTotalMem_v2)
  *bytes = settings["memory"];
  return 0;
}
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
  PLAIN_CALL(cuDeviceGetAttribute)
  const int capability = (int)settings["capability"];
  const std::map<int, int> values = {{CC_ATTRIBUTE_CAPABILITY_MAJOR, capability / 10}, {CC_ATTRIBUTE_CAPABILITY_MINOR, capability % 10},
                                     {CC_ATTRIBUTE_MULTIPROCESSORS, 4}, {CC_ATTRIBUTE_L2_BYTES, 1 << 20},
                                     {CC_ATTRIBUTE_SHARED_PER_BLOCK_OPTIN, 227 << 10}};
  auto found = values.find(attribute);
  if (found == values.end()) return CC_ERROR_INVALID_VALUE;
  *value = found->second;
  return 0;
}
EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  PLAIN_CALL(cuDevicePrimaryCtxRetain)
  retained++;
  *context = (void *)(uintptr_t)(0x1000 + device);
  return 0;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int) {
  PLAIN_CALL(cuDevicePrimaryCtxRelease_v2)
  if (!retained) return CC_ERROR_INVALID_CONTEXT;
  retained--;
  return 0;
}
EXPORT int cuCtxPushCurrent_v2(void *context) {
  PLAIN_CALL(cuCtxPushCurrent_v2)
  current.push_back(context);
  return 0;
}
EXPORT int cuCtxPopCurrent_v2(void **context) {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  if (current.empty()) return CC_ERROR_INVALID_CONTEXT;
  *context = current.back();
  current.pop_back();
  return enter("cuCtxPopCurrent_v2", false);
}
EXPORT int cuCtxSynchronize() {
  DEVICE_CALL(cuCtxSynchronize)
  if (int status = refuse_during_capture()) return status;
  return drain_all();
}
EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total) {
  DEVICE_CALL(cuMemGetInfo_v2)
  *total = settings["memory"];
  *free = *total - used;
  return 0;
}
EXPORT int cuMemAlloc_v2(cc_address *address, size_t bytes) {
  DEVICE_CALL(cuMemAlloc_v2)
  if (int status = refuse_during_capture()) return status;
  if (!bytes) return CC_ERROR_INVALID_VALUE;
  if (bytes > (size_t)settings["memory"] - used) return CC_ERROR_OUT_OF_MEMORY;
  void *block;
  if (posix_memalign(&block, 256, bytes + 2 * GUARD)) return CC_ERROR_OUT_OF_MEMORY;
  memset(block, 0xff, bytes + 2 * GUARD);
  *address = (cc_address)(uintptr_t)block + GUARD;
  allocations[*address] = {bytes, (char *)block};
  used += bytes;
  return 0;
}
EXPORT int cuMemFree_v2(cc_address address) {
  DEVICE_CALL(cuMemFree_v2)
  if (int status = refuse_during_capture()) return status;
  drain_all();
  auto found = allocations.find(address);
  if (found == allocations.end()) return CC_ERROR_INVALID_VALUE;
  const Allocation &allocation = found->second;
  for (size_t i = 0; i < GUARD; i++)
    if ((unsigned char)allocation.block[i] != 0xff || (unsigned char)allocation.block[GUARD + allocation.bytes + i] != 0xff) {
      fprintf(stderr, "fakecuda: something wrote outside an allocation of %zu bytes\n", allocation.bytes);
      sticky = CC_ERROR_ILLEGAL_ADDRESS;
      break;
    }
  used -= allocation.bytes;
  free(allocation.block);
  allocations.erase(found);
  return 0;
}
EXPORT int cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
  DEVICE_CALL(cuMemHostAlloc)
  if (int status = refuse_during_capture()) return status;
  if (posix_memalign(pointer, 4096, bytes)) return CC_ERROR_OUT_OF_MEMORY;
  pinned[(char *)*pointer] = bytes;
  return 0;
}
EXPORT int cuMemFreeHost(void *pointer) {
  DEVICE_CALL(cuMemFreeHost)
  if (!pinned.erase((char *)pointer)) return CC_ERROR_INVALID_VALUE;
  drain_all();
  free(pointer);
  return 0;
}
EXPORT int cuMemcpyHtoDAsync_v2(cc_address to, const void *from, size_t bytes, void *stream) {
  DEVICE_CALL(cuMemcpyHtoDAsync_v2)
  if (!lies_in_allocation(to, bytes)) return CC_ERROR_INVALID_VALUE;
  // Pinned memory is read when the copy takes place, other memory at once.
  if (is_pinned(from)) return put(stream, "upload", [=] { return memcpy((void *)to, from, bytes), 0; });
  auto copy = std::make_shared<std::vector<char>>((const char *)from, (const char *)from + bytes);
  return put(stream, "upload", [=] { return memcpy((void *)to, copy->data(), bytes), 0; });
}
EXPORT int cuMemcpyDtoHAsync_v2(void *to, cc_address from, size_t bytes, void *stream) {
  DEVICE_CALL(cuMemcpyDtoHAsync_v2)
  if (!lies_in_allocation(from, bytes)) return CC_ERROR_INVALID_VALUE;
  return put(stream, "download", [=] { return memcpy(to, (const void *)from, bytes), 0; });
}
EXPORT int cuMemcpyDtoDAsync_v2(cc_address to, cc_address from, size_t bytes, void *stream) {
  DEVICE_CALL(cuMemcpyDtoDAsync_v2)
  if (!lies_in_allocation(to, bytes) || !lies_in_allocation(from, bytes)) return CC_ERROR_INVALID_VALUE;
  return put(stream, "copy", [=] { return memmove((void *)to, (const void *)from, bytes), 0; });
}
EXPORT int cuMemsetD8Async(cc_address to, unsigned char value, size_t count, void *stream) {
  DEVICE_CALL(cuMemsetD8Async)
  if (!lies_in_allocation(to, count)) return CC_ERROR_INVALID_VALUE;
  return put(stream, "fill", [=] { return memset((void *)to, value, count), 0; });
}
EXPORT int cuStreamCreate(void **stream, unsigned) {
  DEVICE_CALL(cuStreamCreate)
  *stream = *streams.insert(new Stream).first;
  return 0;
}
EXPORT int cuStreamDestroy_v2(void *handle) {
  DEVICE_CALL(cuStreamDestroy_v2)
  Stream *stream = (Stream *)handle;
  if (!is_stream(stream)) return CC_ERROR_INVALID_HANDLE;
  drain(stream);
  for (Event *event : events)
    if (event->stream == stream) event->stream = nullptr;
  streams.erase(stream);
  delete stream;
  return 0;
}
EXPORT int cuStreamSynchronize(void *handle) {
  DEVICE_CALL(cuStreamSynchronize)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (stream->capture) return stream->is_invalid = true, CC_ERROR_CAPTURE_UNSUPPORTED;
  return drain(stream);
}
EXPORT int cuStreamQuery(void *handle) {
  DEVICE_CALL(cuStreamQuery)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  // Each question brings the work one step on, so that polling ends.
  if (!stream->queue.empty()) drain(stream, stream->done + 1);
  return sticky ? sticky : stream->queue.empty() ? 0 : CC_ERROR_NOT_READY;
}
EXPORT int cuStreamWaitEvent(void *handle, void *event_handle, unsigned) {
  DEVICE_CALL(cuStreamWaitEvent)
  Event *event = (Event *)event_handle;
  if (!is_stream(handle) || !events.count(event)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (event->capture) {
    if (!stream->capture) stream->capture = event->capture, stream->last = event->last, stream->is_joined = false;
    else stream->last.insert(stream->last.end(), event->last.begin(), event->last.end());
    for (Stream *other : streams)
      if (other != stream && other->capture == event->capture && other->last == event->last) other->is_joined = true;
    return 0;
  }
  Stream *source = event->stream;
  const size_t position = event->position;
  if (!source || source == stream) return 0;
  return put(stream, "wait", [=] { return is_stream(source) ? drain(source, position) : 0; });
}
EXPORT int cuStreamBeginCapture_v2(void *handle, int) {
  DEVICE_CALL(cuStreamBeginCapture_v2)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (stream->capture) return CC_ERROR_INVALID_VALUE;
  stream->capture = std::make_shared<Graph>();
  stream->began_capture = true;
  stream->last.clear();
  return 0;
}
EXPORT int cuStreamEndCapture(void *handle, void **result) {
  DEVICE_CALL(cuStreamEndCapture)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (!stream->capture || !stream->began_capture) return CC_ERROR_INVALID_VALUE;
  auto graph = stream->capture;
  int status = 0;
  for (Stream *other : streams) {
    if (other->capture != graph) continue;
    if (other != stream && !other->is_joined) status = CC_ERROR_CAPTURE_UNJOINED;
    if (other->is_invalid) status = CC_ERROR_CAPTURE_INVALIDATED;
    other->capture = nullptr;
    other->began_capture = other->is_invalid = false, other->is_joined = true;
    other->last.clear();
  }
  *result = status ? nullptr : (void *)*graphs.insert(new std::shared_ptr<Graph>(graph)).first;
  return status;
}
EXPORT int cuEventCreate(void **event, unsigned flags) {
  DEVICE_CALL(cuEventCreate)
  Event *made = new Event;
  made->is_timed = !(flags & CC_EVENT_DISABLE_TIMING);
  *event = *events.insert(made).first;
  return 0;
}
EXPORT int cuEventDestroy_v2(void *event) {
  DEVICE_CALL(cuEventDestroy_v2)
  if (!events.erase((Event *)event)) return CC_ERROR_INVALID_HANDLE;
  drain_all();
  delete (Event *)event;
  return 0;
}
EXPORT int cuEventRecord(void *handle, void *stream_handle) {
  DEVICE_CALL(cuEventRecord)
  Event *event = (Event *)handle;
  Stream *stream = (Stream *)stream_handle;
  if (!events.count(event) || !is_stream(stream)) return CC_ERROR_INVALID_HANDLE;
  if (stream->capture) return event->capture = stream->capture, event->last = stream->last, 0;
  event->capture = nullptr;
  event->stream = stream;
  const int status = put(stream, "record", [event] {
    if (events.count(event)) event->time = seconds();
    return 0;
  });
  event->position = stream->queued;
  return status;
}
EXPORT int cuEventQuery(void *handle) {
  DEVICE_CALL(cuEventQuery)
  Event *event = (Event *)handle;
  if (!events.count(event)) return CC_ERROR_INVALID_HANDLE;
  if (event->stream && event->stream->done < event->position) {
    drain(event->stream, event->stream->done + 1);
    return sticky ? sticky : event->stream->done < event->position ? CC_ERROR_NOT_READY : 0;
  }
  return 0;
}
EXPORT int cuEventSynchronize(void *handle) {
  DEVICE_CALL(cuEventSynchronize)
  Event *event = (Event *)handle;
  if (!events.count(event)) return CC_ERROR_INVALID_HANDLE;
  return event->stream ? drain(event->stream, event->position) : 0;
}
EXPORT int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  DEVICE_CALL(cuEventElapsedTime)
  Event *first = (Event *)start, *last = (Event *)end;
  if (!events.count(first) || !events.count(last) || !first->is_timed || !last->is_timed) return CC_ERROR_INVALID_HANDLE;
  if (first->time == 0 || last->time == 0) return CC_ERROR_NOT_READY;
  *milliseconds = (float)((last->time - first->time) * 1e3);
  return 0;
}
EXPORT int cuGraphDestroy(void *graph) {
  DEVICE_CALL(cuGraphDestroy)
  if (!graphs.erase((std::shared_ptr<Graph> *)graph)) return CC_ERROR_INVALID_HANDLE;
  delete (std::shared_ptr<Graph> *)graph;
  return 0;
}
EXPORT int cuGraphInstantiateWithFlags(void **executable, void *graph, uint64_t) {
  DEVICE_CALL(cuGraphInstantiateWithFlags)
  if (!graphs.count((std::shared_ptr<Graph> *)graph)) return CC_ERROR_INVALID_HANDLE;
  *executable = *executables.insert(new Graph(**(std::shared_ptr<Graph> *)graph)).first;
  return 0;
}
EXPORT int cuGraphUpload(void *executable, void *) {
  DEVICE_CALL(cuGraphUpload)
  return executables.count((Graph *)executable) ? 0 : CC_ERROR_INVALID_HANDLE;
}
EXPORT int cuGraphLaunch(void *executable, void *stream) {
  DEVICE_CALL(cuGraphLaunch)
  if (!executables.count((Graph *)executable)) return CC_ERROR_INVALID_HANDLE;
  auto copy = std::make_shared<Graph>(*(Graph *)executable);
  return put(stream, "graph", [copy] { return run_graph(*copy); });
}
EXPORT int cuGraphExecDestroy(void *executable) {
  DEVICE_CALL(cuGraphExecDestroy)
  if (!executables.erase((Graph *)executable)) return CC_ERROR_INVALID_HANDLE;
  delete (Graph *)executable;
  return 0;
}
EXPORT int cuGraphExecUpdate_v2(void *executable, void *graph, cc_update_info *info) {
  DEVICE_CALL(cuGraphExecUpdate_v2)
  if (!executables.count((Graph *)executable) || !graphs.count((std::shared_ptr<Graph> *)graph)) return CC_ERROR_INVALID_HANDLE;
  Graph &old = *(Graph *)executable, &given = **(std::shared_ptr<Graph> *)graph;
  bool is_same = old.nodes.size() == given.nodes.size();
  for (size_t i = 0; is_same && i < old.nodes.size(); i++)
    is_same = old.nodes[i].kind == given.nodes[i].kind && old.nodes[i].before == given.nodes[i].before;
  info->result = is_same ? 0 : 2;
  if (!is_same) return CC_ERROR_GRAPH_UPDATE;
  old = given;
  return 0;
}

// An image is one line: FAKECUBIN, the capability it is for, and the shared library with the emulated kernels.
EXPORT int cuModuleLoadData(void **module, const void *image) {
  DEVICE_CALL(cuModuleLoadData)
  int target;
  char path[512];
  if (sscanf((const char *)image, "FAKECUBIN %d %511s", &target, path) != 2) return CC_ERROR_INVALID_IMAGE;
  const int capability = (int)settings["capability"];
  if (target / 10 != capability / 10 || target > capability) return CC_ERROR_NO_BINARY_FOR_GPU;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fprintf(stderr, "fakecuda: %s\n", dlerror()), CC_ERROR_INVALID_IMAGE;
  *module = *modules.insert(new Module{library, {}}).first;
  return 0;
}
EXPORT int cuModuleUnload(void *module) {
  DEVICE_CALL(cuModuleUnload)
  if (!modules.erase((Module *)module)) return CC_ERROR_INVALID_HANDLE;
  drain_all();
  delete (Module *)module;
  return 0;
}
EXPORT int cuModuleGetFunction(void **function, void *handle, const char *name) {
  DEVICE_CALL(cuModuleGetFunction)
  Module *module = (Module *)handle;
  if (!modules.count(module)) return CC_ERROR_INVALID_HANDLE;
  void *run = dlsym(module->library, ("emulated_" + std::string(name)).c_str());
  void *sizes = dlsym(module->library, ("emulated_parameters_" + std::string(name)).c_str());
  if (!run || !sizes) return CC_ERROR_NOT_FOUND;
  auto made = std::make_unique<Function>();
  made->run = (decltype(made->run))run;
  size_t all[64];
  const size_t count = ((size_t(*)(size_t *))sizes)(all);
  made->sizes.assign(all, all + count);
  *function = made.get();
  module->functions.push_back(std::move(made));
  return 0;
}
EXPORT int cuFuncSetAttribute(void *function, int attribute, int value) {
  DEVICE_CALL(cuFuncSetAttribute)
  if (attribute != CC_FUNCTION_MAX_DYNAMIC_SHARED || value > 227 << 10) return CC_ERROR_INVALID_VALUE;
  ((Function *)function)->most_dynamic = value;
  return 0;
}
EXPORT int cuFuncGetAttribute(int *value, int, void *) {
  DEVICE_CALL(cuFuncGetAttribute)
  *value = 32;
  return 0;
}
EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *, int threads, size_t) {
  DEVICE_CALL(cuOccupancyMaxActiveBlocksPerMultiprocessor)
  *blocks = 2048 / threads;
  return 0;
}
EXPORT int cuLaunchKernel(void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                          unsigned block_z, unsigned dynamic_shared, void *stream, void **arguments, void **) {
  DEVICE_CALL(cuLaunchKernel)
  Function *function = (Function *)handle;
  const std::vector<unsigned> grid = {grid_x, grid_y, grid_z}, block = {block_x, block_y, block_z};
  if (dynamic_shared > function->most_dynamic || !grid_x || !grid_y || !grid_z || grid_y > 65535 || grid_z > 65535 ||
      (size_t)block_x * block_y * block_z > 1024)
    return CC_ERROR_INVALID_VALUE;
  // The arguments are the caller's again when the call returns.
  auto copies = std::make_shared<std::vector<std::vector<char>>>();
  for (size_t i = 0; i < function->sizes.size(); i++)
    copies->emplace_back((char *)arguments[i], (char *)arguments[i] + function->sizes[i]);
  const unsigned order = (unsigned)settings["order"];
  auto run = function->run;
  return put(stream, "kernel", [=] {
    std::vector<void *> pointers;
    for (auto &copy : *copies) pointers.push_back(copy.data());
    return run(grid.data(), block.data(), dynamic_shared, pointers.data(), order) ? 0 : (int)CC_ERROR_ILLEGAL_ADDRESS;
  });
}

// ---- compiler ----

namespace {

struct Program {
  std::string source, log, image;
};

std::string contents(const std::string &path) {
  std::string result;
  if (FILE *file = fopen(path.c_str(), "r")) {
    char part[1 << 16];
    while (size_t count = fread(part, 1, sizeof part, file)) result.append(part, count);
    fclose(file);
  }
  return result;
}

bool write(const std::string &path, const std::string &text) {
  FILE *file = fopen(path.c_str(), "w");
  if (!file) return false;
  const bool is_written = fwrite(text.data(), 1, text.size(), file) == text.size();
  return fclose(file) == 0 && is_written;
}

int compiler_call(const char *name) {
  const long count = ++calls[name];
  auto planned = planned_failures.find(name);
  return planned != planned_failures.end() && planned->second.nth == count ? planned->second.status : 0;
}

#define COMPILER_CALL(name) \
  std::lock_guard<std::recursive_mutex> guard(mutex); \
  if (int status = compiler_call(#name)) return status;

// Preprocesses the text, finds its kernels, adds an entry for each and compiles that, unless it is there from an earlier time: the path of
// a shared library, or empty.
std::string compile(const std::string &source, std::string &log) {
  const std::string base = folder + "/work." + std::to_string(getpid());
  const std::string command = compiler + " -std=c++17 -w -DPINION_EMULATOR " + include_options + " ";
  std::string text = "#include \"emulator_prims.h\"\n#include \"emulator_module.h\"\n#line 1 \"kernels\"\n" + source;
  if (!write(base + ".cpp", text)) return "";
  if (system((command + "-E -P " + base + ".cpp -o " + base + ".ii 2>" + base + ".log").c_str())) return log = contents(base + ".log"), "";
  const std::string expanded = contents(base + ".ii"), mark = "annotate(\"pinion_kernel\"))) void ";
  const std::string library = folder + "/" + std::to_string(std::hash<std::string>()(expanded)) + ".so";
  if (access(library.c_str(), F_OK) == 0) return library;
  text += "\n#line 1 \"entries\"\n";
  for (size_t at = expanded.find(mark); at != std::string::npos; at = expanded.find(mark, at + 1)) {
    const size_t first = at + mark.size(), last = expanded.find_first_of("( \n", first);
    text += "EMULATED_KERNEL(" + expanded.substr(first, last - first) + ")\n";
  }
  if (!write(base + ".cpp", text)) return "";
  const std::string options = "-O1 -fPIC -shared -Wl,-Bsymbolic ";
  if (system((command + options + base + ".cpp -o " + base + ".so 2>" + base + ".log").c_str())) return log = contents(base + ".log"), "";
  return rename((base + ".so").c_str(), library.c_str()) ? "" : library;
}

}  // namespace

EXPORT int nvrtcVersion(int *major, int *minor) {
  *major = 13, *minor = 5;
  return 0;
}
EXPORT const char *nvrtcGetErrorString(int status) { return status == CC_NVRTC_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR"; }
EXPORT int nvrtcGetNumSupportedArchs(int *count) {
  *count = 3;
  return 0;
}
EXPORT int nvrtcGetSupportedArchs(int *architectures) {
  architectures[0] = 80, architectures[1] = 90, architectures[2] = 120;
  return 0;
}
EXPORT int nvrtcCreateProgram(void **program, const char *source, const char *, int, const char *const *, const char *const *) {
  COMPILER_CALL(nvrtcCreateProgram)
  *program = new Program{source, "", ""};
  return 0;
}
EXPORT int nvrtcDestroyProgram(void **program) {
  delete (Program *)*program;
  *program = nullptr;
  return 0;
}
EXPORT int nvrtcCompileProgram(void *handle, int option_count, const char *const *options) {
  COMPILER_CALL(nvrtcCompileProgram)
  Program *program = (Program *)handle;
  int target = 0;
  for (int i = 0; i < option_count; i++) sscanf(options[i], "--gpu-architecture=sm_%d", &target);
  const std::string library = compile(program->source, program->log);
  if (library.empty()) return CC_NVRTC_COMPILATION;
  program->image = "FAKECUBIN " + std::to_string(target) + " " + library + "\n";
  return 0;
}
EXPORT int nvrtcGetCUBINSize(void *program, size_t *bytes) {
  COMPILER_CALL(nvrtcGetCUBINSize)
  *bytes = ((Program *)program)->image.size() + 1;
  return 0;
}
EXPORT int nvrtcGetCUBIN(void *program, char *image) {
  COMPILER_CALL(nvrtcGetCUBIN)
  strcpy(image, ((Program *)program)->image.c_str());
  return 0;
}
EXPORT int nvrtcGetProgramLogSize(void *program, size_t *bytes) {
  *bytes = ((Program *)program)->log.size() + 1;
  return 0;
}
EXPORT int nvrtcGetProgramLog(void *program, char *log) {
  strcpy(log, ((Program *)program)->log.c_str());
  return 0;
}

// The definitions above have the types that the library calls them with.
[[maybe_unused]] static const cc_driver all_of_the_driver = {
#define POINTER(name, result, arguments) name,
    CC_DRIVER_FUNCTIONS(POINTER)};
[[maybe_unused]] static const cc_nvrtc all_of_the_compiler = {CC_NVRTC_FUNCTIONS(POINTER)};
