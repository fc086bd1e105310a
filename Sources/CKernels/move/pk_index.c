#include "pk_index.h"

typedef struct { uint64_t half[2]; } wide_element;

#define GATHER(type, index)                                                                                  \
  {                                                                                                          \
    const index *places = indices;                                                                           \
    const type *source = x;                                                                                  \
    type *target = y;                                                                                        \
    bool all = extent > 0;                                                                                   \
    if (!all) return n == 0;                                                                                 \
    for (size_t i = 0; i < n; i++) {                                                                         \
      const int64_t given = places[i];                                                                       \
      const uint64_t place = (uint64_t)given + (given < 0 ? extent : 0);                                     \
      const bool inside = place < extent;                                                                    \
      all &= inside;                                                                                         \
      target[i] = source[(inside ? place : 0) * step + i * drift];                                           \
    }                                                                                                        \
    return all;                                                                                              \
  }
#define GATHER_BY(type)                  \
  if (wide) GATHER(type, int64_t)        \
  else GATHER(type, int32_t)

bool pk_gather_elements(const void *x, const void *indices, bool wide, size_t extent, size_t step, size_t drift, size_t width, void *y,
                        size_t n) {
  switch (width) {
  case 1: GATHER_BY(uint8_t)
  case 2: GATHER_BY(uint16_t)
  case 4: GATHER_BY(uint32_t)
  case 8: GATHER_BY(uint64_t)
  default: GATHER_BY(wide_element)
  }
}

size_t pk_find_beyond(const float *x, size_t start, size_t n, float bound, bool above) {
  enum { block = 32 };
  size_t i = start;
  if (above) {
    for (; i + block <= n; i += block) {
      int any = 0;
      for (int k = 0; k < block; k++) any |= !(x[i + k] <= bound);
      if (any) break;
    }
    while (i < n && x[i] <= bound) i++;
  } else {
    for (; i + block <= n; i += block) {
      int any = 0;
      for (int k = 0; k < block; k++) any |= !(x[i + k] >= bound);
      if (any) break;
    }
    while (i < n && x[i] >= bound) i++;
  }
  return i;
}
