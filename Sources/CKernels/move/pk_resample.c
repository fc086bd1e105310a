#include "pk_resample.h"

#include "levels/pk_select.h"

#include <string.h>

extern const pk_resample_kernels pk_resample_f32_scalar, pk_resample_f32_avx2, pk_resample_f32_avx512;
extern const pk_resample_kernels pk_resample_f64_scalar, pk_resample_f64_avx2, pk_resample_f64_avx512;

pk_resample_kernels pk_resample(pk_isa isa, pk_type compute) {
  if (compute == PK_F64) return PK_SELECT(isa, pk_resample_f64);
  return PK_SELECT(isa, pk_resample_f32);
}

#define TAKE(type)                                                       \
  {                                                                      \
    const type *source = x;                                              \
    type *target = y;                                                    \
    for (size_t i = 0; i < n; i++) target[i] = source[indices[i]];       \
    return;                                                              \
  }

void pk_take(const void *x, const int32_t *indices, size_t width, void *y, size_t n) {
  typedef struct { uint64_t half[2]; } wide;
  switch (width) {
  case 1: TAKE(uint8_t)
  case 2: TAKE(uint16_t)
  case 4: TAKE(uint32_t)
  case 8: TAKE(uint64_t)
  default: TAKE(wide)
  }
}

#define REPEAT(type)                                                                            \
  {                                                                                             \
    const type *restrict source = x;                                                            \
    type *restrict target = y;                                                                  \
    if (factor == 2)                                                                            \
      for (size_t i = 0; i < n; i++) target[2 * i] = target[2 * i + 1] = source[i];             \
    else if (factor == 4)                                                                       \
      for (size_t i = 0; i < n; i++)                                                            \
        target[4 * i] = target[4 * i + 1] = target[4 * i + 2] = target[4 * i + 3] = source[i];  \
    else                                                                                        \
      for (size_t i = 0; i < n; i++, target += factor)                                          \
        for (size_t j = 0; j < factor; j++) target[j] = source[i];                              \
    return;                                                                                     \
  }

void pk_repeat_elements(const void *x, size_t width, size_t factor, void *y, size_t n) {
  typedef struct { uint64_t half[2]; } wide;
  switch (width) {
  case 1: REPEAT(uint8_t)
  case 2: REPEAT(uint16_t)
  case 4: REPEAT(uint32_t)
  case 8: REPEAT(uint64_t)
  default: REPEAT(wide)
  }
}
