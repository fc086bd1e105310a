// The driver itself, devices and contexts.
#include "fake.h"

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
                                     {CC_ATTRIBUTE_CLOCK_KILOHERTZ, 1000000}, {CC_ATTRIBUTE_MEMORY_KILOHERTZ, 1000000},
                                     {CC_ATTRIBUTE_MEMORY_BITS, 256}, {CC_ATTRIBUTE_MULTIPROCESSORS, 4}, {CC_ATTRIBUTE_L2_BYTES, 1 << 20},
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
