#include "pk_index.h"

typedef struct { uint64_t half[2]; } wide_element;

// Where a piece of indices points to first, which vectors do, then the elements.
enum { PIECE = 256 };
#define GATHER(type, index)                                                                                  \
  {                                                                                                          \
    const index *given = indices;                                                                            \
    const type *source = x;                                                                                  \
    type *target = y;                                                                                        \
    uint64_t places[PIECE];                                                                                  \
    if (extent == 0) return n == 0;                                                                          \
    for (size_t at = 0; at < n; at += PIECE) {                                                               \
      const size_t count = n - at < PIECE ? n - at : PIECE;                                                  \
      uint64_t outside = 0;                                                                                  \
      for (size_t i = 0; i < count; i++) {                                                                   \
        const int64_t value = given[at + i];                                                                 \
        const uint64_t place = (uint64_t)value + ((uint64_t)(value >> 63) & extent);                         \
        /* The sign of either is set where the place is none. */                                             \
        outside |= place | ((uint64_t)extent - 1 - place);                                                   \
        places[i] = place;                                                                                   \
      }                                                                                                      \
      if (outside >> 63) return false;                                                                       \
      if (step == 1 && drift == 0) {                                                                         \
        for (size_t i = 0; i < count; i++) target[at + i] = source[places[i]];                               \
      } else {                                                                                               \
        for (size_t i = 0; i < count; i++) target[at + i] = source[places[i] * step + (at + i) * drift];     \
      }                                                                                                      \
    }                                                                                                        \
    return true;                                                                                             \
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
