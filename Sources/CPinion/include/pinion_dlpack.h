#ifndef PINION_DLPACK_LAYOUT_H
#define PINION_DLPACK_LAYOUT_H

#include <stdint.h>

// The layout of DLPack's structures (https://dmlc.github.io/dlpack), which is an ABI shared with other libraries.

typedef struct pinion_dl_device {
  int32_t type; // 1: CPU, 3: CUDA host
  int32_t id;
} pinion_dl_device;

typedef struct pinion_dl_type {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} pinion_dl_type;

typedef struct pinion_dl_tensor {
  void *data;
  pinion_dl_device device;
  int32_t ndim;
  pinion_dl_type dtype;
  int64_t *shape;
  int64_t *strides; // in elements, NULL for contiguous row-major
  uint64_t byte_offset;
} pinion_dl_tensor;

typedef struct pinion_dl_managed {
  pinion_dl_tensor tensor;
  void *context;
  void (*deleter)(struct pinion_dl_managed *self);
} pinion_dl_managed;

typedef struct pinion_dl_versioned {
  uint32_t major, minor;
  void *context;
  void (*deleter)(struct pinion_dl_versioned *self);
  uint64_t flags; // bit 0: read-only
  pinion_dl_tensor tensor;
} pinion_dl_versioned;

#endif
