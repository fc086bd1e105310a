// Memory of the device and pinned memory, and copies.
#include "fake.h"

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
