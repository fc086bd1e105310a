#ifndef PINION_CC_DRIVER_H
#define PINION_CC_DRIVER_H

#include <stddef.h>
#include <stdint.h>

// The part of NVIDIA's driver interface (libcuda.so.1, CUDA 12.0 and later) that Pinion calls, as far as a caller must know it:
// names with their version suffix, arguments, numbers. Handles are pointers to nothing known, enumerations are int.

/// An address in a device's memory.
typedef uint64_t cc_address;

/// What cuGraphExecUpdate_v2 found.
typedef struct cc_update_info {
  int result;
  void *error_node;
  void *error_from_node;
} cc_update_info;

/// FUNCTION(name, result, (arguments)): every one must be in the driver.
#define CC_DRIVER_FUNCTIONS(FUNCTION) \
  FUNCTION(cuInit, int, (unsigned flags)) \
  FUNCTION(cuDriverGetVersion, int, (int *version)) \
  FUNCTION(cuGetErrorName, int, (int status, const char **name)) \
  FUNCTION(cuGetErrorString, int, (int status, const char **text)) \
  FUNCTION(cuDeviceGetCount, int, (int *count)) \
  FUNCTION(cuDeviceGet, int, (int *device, int ordinal)) \
  FUNCTION(cuDeviceGetName, int, (char *name, int capacity, int device)) \
  FUNCTION(cuDeviceTotalMem_v2, int, (size_t *bytes, int device)) \
  FUNCTION(cuDeviceGetAttribute, int, (int *value, int attribute, int device)) \
  FUNCTION(cuDevicePrimaryCtxRetain, int, (void **context, int device)) \
  FUNCTION(cuDevicePrimaryCtxRelease_v2, int, (int device)) \
  FUNCTION(cuCtxPushCurrent_v2, int, (void *context)) \
  FUNCTION(cuCtxPopCurrent_v2, int, (void **context)) \
  FUNCTION(cuCtxSynchronize, int, (void)) \
  FUNCTION(cuMemGetInfo_v2, int, (size_t *free, size_t *total)) \
  FUNCTION(cuMemAlloc_v2, int, (cc_address *address, size_t bytes)) \
  FUNCTION(cuMemFree_v2, int, (cc_address address)) \
  FUNCTION(cuMemHostAlloc, int, (void **pointer, size_t bytes, unsigned flags)) \
  FUNCTION(cuMemFreeHost, int, (void *pointer)) \
  FUNCTION(cuMemcpyHtoDAsync_v2, int, (cc_address to, const void *from, size_t bytes, void *stream)) \
  FUNCTION(cuMemcpyDtoHAsync_v2, int, (void *to, cc_address from, size_t bytes, void *stream)) \
  FUNCTION(cuMemcpyDtoDAsync_v2, int, (cc_address to, cc_address from, size_t bytes, void *stream)) \
  FUNCTION(cuMemsetD8Async, int, (cc_address to, unsigned char value, size_t count, void *stream)) \
  FUNCTION(cuStreamCreate, int, (void **stream, unsigned flags)) \
  FUNCTION(cuStreamDestroy_v2, int, (void *stream)) \
  FUNCTION(cuStreamSynchronize, int, (void *stream)) \
  FUNCTION(cuStreamQuery, int, (void *stream)) \
  FUNCTION(cuStreamWaitEvent, int, (void *stream, void *event, unsigned flags)) \
  FUNCTION(cuStreamBeginCapture_v2, int, (void *stream, int mode)) \
  FUNCTION(cuStreamEndCapture, int, (void *stream, void **graph)) \
  FUNCTION(cuEventCreate, int, (void **event, unsigned flags)) \
  FUNCTION(cuEventRecord, int, (void *event, void *stream)) \
  FUNCTION(cuEventQuery, int, (void *event)) \
  FUNCTION(cuEventSynchronize, int, (void *event)) \
  FUNCTION(cuEventElapsedTime, int, (float *milliseconds, void *start, void *end)) \
  FUNCTION(cuEventDestroy_v2, int, (void *event)) \
  FUNCTION(cuGraphDestroy, int, (void *graph)) \
  FUNCTION(cuGraphInstantiateWithFlags, int, (void **executable, void *graph, uint64_t flags)) \
  FUNCTION(cuGraphUpload, int, (void *executable, void *stream)) \
  FUNCTION(cuGraphLaunch, int, (void *executable, void *stream)) \
  FUNCTION(cuGraphExecDestroy, int, (void *executable)) \
  FUNCTION(cuGraphExecUpdate_v2, int, (void *executable, void *graph, cc_update_info *info)) \
  FUNCTION(cuModuleLoadData, int, (void **module, const void *image)) \
  FUNCTION(cuModuleUnload, int, (void *module)) \
  FUNCTION(cuModuleGetFunction, int, (void **function, void *module, const char *name)) \
  FUNCTION(cuFuncSetAttribute, int, (void *function, int attribute, int value)) \
  FUNCTION(cuFuncGetAttribute, int, (int *value, int attribute, void *function)) \
  FUNCTION(cuOccupancyMaxActiveBlocksPerMultiprocessor, int, (int *blocks, void *function, int threads, size_t dynamic_shared)) \
  FUNCTION(cuLaunchKernel, int, \
    (void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z, \
     unsigned dynamic_shared, void *stream, void **arguments, void **extra))

typedef struct cc_driver {
#define CC_FIELD(name, result, arguments) result(*name) arguments;
  CC_DRIVER_FUNCTIONS(CC_FIELD)
#undef CC_FIELD
} cc_driver;

/// The oldest driver that has all of the functions, as cuDriverGetVersion counts: 1000 * major + 10 * minor.
enum { CC_OLDEST_DRIVER = 12000 };

enum {
  CC_ATTRIBUTE_CLOCK_KILOHERTZ = 13,
  CC_ATTRIBUTE_MULTIPROCESSORS = 16,
  CC_ATTRIBUTE_MEMORY_KILOHERTZ = 36,
  CC_ATTRIBUTE_MEMORY_BITS = 37,
  CC_ATTRIBUTE_L2_BYTES = 38,
  CC_ATTRIBUTE_CAPABILITY_MAJOR = 75,
  CC_ATTRIBUTE_CAPABILITY_MINOR = 76,
  CC_ATTRIBUTE_SHARED_PER_BLOCK_OPTIN = 97,
};
enum { CC_FUNCTION_LOCAL_BYTES = 3, CC_FUNCTION_REGISTERS = 4, CC_FUNCTION_MAX_DYNAMIC_SHARED = 8 };
enum { CC_STREAM_NON_BLOCKING = 1, CC_EVENT_DISABLE_TIMING = 2, CC_CAPTURE_THREAD_LOCAL = 1 };

enum {
  CC_ERROR_INVALID_VALUE = 1,
  CC_ERROR_OUT_OF_MEMORY = 2,
  CC_ERROR_NOT_INITIALIZED = 3,
  CC_ERROR_DEINITIALIZED = 4,
  CC_ERROR_STUB_LIBRARY = 34,
  CC_ERROR_DEVICE_UNAVAILABLE = 46,
  CC_ERROR_NO_DEVICE = 100,
  CC_ERROR_INVALID_DEVICE = 101,
  CC_ERROR_INVALID_IMAGE = 200,
  CC_ERROR_INVALID_CONTEXT = 201,
  CC_ERROR_NO_BINARY_FOR_GPU = 209,
  CC_ERROR_ECC_UNCORRECTABLE = 214,
  CC_ERROR_UNSUPPORTED_LIMIT = 215,
  CC_ERROR_INVALID_PTX = 218,
  CC_ERROR_NVLINK_UNCORRECTABLE = 220,
  CC_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CC_ERROR_OPERATING_SYSTEM = 304,
  CC_ERROR_INVALID_HANDLE = 400,
  CC_ERROR_NOT_FOUND = 500,
  CC_ERROR_NOT_READY = 600,
  CC_ERROR_ILLEGAL_ADDRESS = 700,
  CC_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CC_ERROR_LAUNCH_TIMEOUT = 702,
  CC_ERROR_ASSERT = 710,
  CC_ERROR_HARDWARE_STACK = 714,
  CC_ERROR_LAUNCH_FAILED = 719,
  CC_ERROR_NOT_PERMITTED = 800,
  CC_ERROR_NOT_SUPPORTED = 801,
  CC_ERROR_SYSTEM_NOT_READY = 802,
  CC_ERROR_DRIVER_MISMATCH = 803,
  CC_ERROR_CAPTURE_UNSUPPORTED = 900,
  CC_ERROR_CAPTURE_INVALIDATED = 901,
  CC_ERROR_CAPTURE_UNJOINED = 904,
  CC_ERROR_GRAPH_UPDATE = 910,
  CC_ERROR_UNKNOWN = 999,
};

#endif
