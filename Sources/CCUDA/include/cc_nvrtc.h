#ifndef PINION_CC_NVRTC_H
#define PINION_CC_NVRTC_H

#include <stddef.h>

// The part of NVIDIA's run-time compiler (libnvrtc.so.13, .12) that Pinion calls.

#define CC_NVRTC_FUNCTIONS(FUNCTION) \
  FUNCTION(nvrtcVersion, int, (int *major, int *minor)) \
  FUNCTION(nvrtcGetErrorString, const char *, (int status)) \
  FUNCTION(nvrtcGetNumSupportedArchs, int, (int *count)) \
  FUNCTION(nvrtcGetSupportedArchs, int, (int *architectures)) \
  FUNCTION(nvrtcCreateProgram, int, \
    (void **program, const char *source, const char *name, int header_count, const char *const *headers, \
     const char *const *header_names)) \
  FUNCTION(nvrtcDestroyProgram, int, (void **program)) \
  FUNCTION(nvrtcCompileProgram, int, (void *program, int option_count, const char *const *options)) \
  FUNCTION(nvrtcGetCUBINSize, int, (void *program, size_t *bytes)) \
  FUNCTION(nvrtcGetCUBIN, int, (void *program, char *image)) \
  FUNCTION(nvrtcGetProgramLogSize, int, (void *program, size_t *bytes)) \
  FUNCTION(nvrtcGetProgramLog, int, (void *program, char *log))

typedef struct cc_nvrtc {
#define CC_FIELD(name, result, arguments) result(*name) arguments;
  CC_NVRTC_FUNCTIONS(CC_FIELD)
#undef CC_FIELD
} cc_nvrtc;

enum { CC_NVRTC_OUT_OF_MEMORY = 1, CC_NVRTC_COMPILATION = 6 };

#endif
