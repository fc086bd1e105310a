// Modules of emulated kernels, and their launches.
#include "fake.h"

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
