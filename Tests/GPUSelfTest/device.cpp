#include "device.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "texts.h"

namespace device {

static cc_driver api;
static void *stream, *start_event, *end_event;
static std::vector<void *> modules;
static std::map<std::string, void *> kernels;
static Facts the_facts;

const Facts &facts() { return the_facts; }

static std::string message(int status) {
  const char *name = nullptr, *text = nullptr;
  api.cuGetErrorName(status, &name), api.cuGetErrorString(status, &text);
  return std::string(name ? name : "an error without a name") + " (" + std::to_string(status) + ")" + (text ? std::string(": ") + text : "");
}

void check(int status, const char *call) {
  if (!status) return;
  fprintf(stderr, "gpu-selftest: %s: %s\n", call, message(status).c_str());
  exit(3);
}
#define CALL(name, ...) check(api.name(__VA_ARGS__), #name)

static std::string contents(const std::string &path) {
  std::string result;
  if (FILE *file = fopen(path.c_str(), "rb")) {
    char part[1 << 16];
    while (size_t count = fread(part, 1, sizeof part, file)) result.append(part, count);
    fclose(file);
  }
  return result;
}

// The library of a name, or the file that a variable names.
static void *library(const char *variable, std::initializer_list<const char *> names, std::string &reason) {
  char text[512] = "";
  if (const char *path = getenv(variable)) {
    void *opened = cc_open(path, 0, text, sizeof text);
    return reason = text, opened;
  }
  for (const char *name : names)
    if (void *opened = cc_open(name, 0, text, sizeof text)) return opened;
  return reason = text, nullptr;
}

// Compiles a text; empty, with a line, where that fails.
static std::string compile(const cc_nvrtc &compiler, const texts::Text &text, int capability) {
  std::vector<const char *> names, headers;
  for (const texts::Text &header : texts::headers()) names.push_back(header.name), headers.push_back(header.text);
  void *program = nullptr;
  std::string image;
  if (compiler.nvrtcCreateProgram(&program, text.text, text.name, (int)names.size(), headers.data(), names.data())) return image;
  const std::string target = "--gpu-architecture=sm_" + std::to_string(capability);
  const char *options[] = {target.c_str(), "-std=c++17", "-default-device"};
  size_t size = 0;
  if (compiler.nvrtcCompileProgram(program, 3, options) == 0 && compiler.nvrtcGetCUBINSize(program, &size) == 0) {
    image.resize(size);
    if (compiler.nvrtcGetCUBIN(program, image.data())) image.clear();
  } else if (compiler.nvrtcGetProgramLogSize(program, &size) == 0) {
    std::string log(size, 0);
    compiler.nvrtcGetProgramLog(program, log.data());
    fprintf(stderr, "gpu-selftest: %s: %s\n", text.name, log.c_str());
  }
  compiler.nvrtcDestroyProgram(&program);
  return image;
}

std::string open(const std::string &folder) {
  std::string reason;
  void *driver = library("PINION_CUDA_DRIVER", {"libcuda.so.1"}, reason);
  if (!driver) return "no GPU: there is no NVIDIA driver: " + reason;
  if (const char *missing = cc_driver_load(driver, &api)) return std::string("no GPU: the NVIDIA driver is too old: it has no ") + missing;
  int version = 0, count = 0, number = 0, major = 0, minor = 0, clock = 0, memory_clock = 0, width = 0;
  if (int status = api.cuInit(0)) return "cuInit: " + message(status);
  api.cuDriverGetVersion(&version);
  if (int status = api.cuDeviceGetCount(&count)) return "cuDeviceGetCount: " + message(status);
  if (!count) return "no GPU: the NVIDIA driver finds none";
  CALL(cuDeviceGet, &number, 0);
  char name[256] = "";
  CALL(cuDeviceGetName, name, sizeof name, number);
  CALL(cuDeviceTotalMem_v2, &the_facts.memory, number);
  CALL(cuDeviceGetAttribute, &major, CC_ATTRIBUTE_CAPABILITY_MAJOR, number);
  CALL(cuDeviceGetAttribute, &minor, CC_ATTRIBUTE_CAPABILITY_MINOR, number);
  CALL(cuDeviceGetAttribute, &the_facts.multiprocessors, CC_ATTRIBUTE_MULTIPROCESSORS, number);
  // What a driver does not tell stays zero, and shares of a peak are left out.
  if (api.cuDeviceGetAttribute(&clock, CC_ATTRIBUTE_CLOCK_KILOHERTZ, number)) clock = 0;
  if (api.cuDeviceGetAttribute(&memory_clock, CC_ATTRIBUTE_MEMORY_KILOHERTZ, number)) memory_clock = 0;
  if (api.cuDeviceGetAttribute(&width, CC_ATTRIBUTE_MEMORY_BITS, number)) width = 0;
  the_facts.name = name;
  the_facts.driver = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  the_facts.capability = major * 10 + minor;
  the_facts.clock = clock * 1e3;
  the_facts.bandwidth = 2.0 * memory_clock * 1e3 * width / 8;
  void *context = nullptr;
  CALL(cuDevicePrimaryCtxRetain, &context, number);
  CALL(cuCtxPushCurrent_v2, context);
  CALL(cuStreamCreate, &stream, CC_STREAM_NON_BLOCKING);
  CALL(cuEventCreate, &start_event, 0);
  CALL(cuEventCreate, &end_event, 0);

  cc_nvrtc compiler;
  bool has_compiler = false;
  for (const texts::Text &text : texts::programs()) {
    const std::string path = folder + "/" + text.name + ".sm_" + std::to_string(the_facts.capability) + ".cubin";
    std::string image = contents(path);
    if (image.empty()) {
      if (!has_compiler) {
        void *nvrtc = library("PINION_NVRTC", {"libnvrtc.so.13", "libnvrtc.so.12"}, reason);
        if (!nvrtc || cc_nvrtc_load(nvrtc, &compiler)) return "there is no image " + path + ", and no NVRTC to make it: " + reason;
        has_compiler = true;
        the_facts.images = "made by NVRTC";
      }
      image = compile(compiler, text, the_facts.capability);
      if (image.empty()) return std::string(text.name) + " does not compile";
    } else if (!has_compiler) {
      the_facts.images = folder;
    }
    void *module = nullptr;
    if (int status = api.cuModuleLoadData(&module, image.data())) return std::string(text.name) + ": cuModuleLoadData: " + message(status);
    modules.push_back(module);
  }
  return "";
}

void *kernel(const std::string &symbol) {
  auto found = kernels.find(symbol);
  if (found != kernels.end()) return found->second;
  void *function = nullptr;
  for (void *module : modules)
    if (api.cuModuleGetFunction(&function, module, symbol.c_str()) == 0 && function) break;
  return kernels[symbol] = function;
}

cc_address allocate(size_t bytes) {
  cc_address address = 0;
  CALL(cuMemAlloc_v2, &address, bytes ? bytes : 1);
  return address;
}
void release(cc_address address) { CALL(cuMemFree_v2, address); }
void upload(cc_address to, const void *from, size_t bytes) {
  if (bytes) CALL(cuMemcpyHtoDAsync_v2, to, from, bytes, stream);
}
void download(void *to, cc_address from, size_t bytes) {
  if (bytes) CALL(cuMemcpyDtoHAsync_v2, to, from, bytes, stream);
}
int synchronize() { return api.cuStreamSynchronize(stream); }

int launch(void *function, const unsigned (&grid)[3], unsigned threads, size_t shared_bytes, void **arguments) {
  if (shared_bytes > 48 << 10)
    if (int status = api.cuFuncSetAttribute(function, CC_FUNCTION_MAX_DYNAMIC_SHARED, (int)shared_bytes)) return status;
  return api.cuLaunchKernel(function, grid[0], grid[1], grid[2], threads, 1, 1, (unsigned)shared_bytes, stream, arguments, nullptr);
}

double milliseconds(void *function, const unsigned (&grid)[3], unsigned threads, size_t shared_bytes, void **arguments, int launches) {
  CALL(cuEventRecord, start_event, stream);
  for (int i = 0; i < launches; i++) check(launch(function, grid, threads, shared_bytes, arguments), "cuLaunchKernel");
  CALL(cuEventRecord, end_event, stream);
  check(synchronize(), "cuStreamSynchronize");
  float elapsed = 0;
  CALL(cuEventElapsedTime, &elapsed, start_event, end_event);
  return elapsed;
}

}  // namespace device
