// Extremes of one type: T the type, KEY an integer type that orders as T does, MAX_KEY, MIN_KEY and OF_KEY between them,
// LEAST and GREATEST the type's ends, NAME(name) its names. Columns need no keys: their lanes are never put together.

#include "pk_short_rows.inl.h"

#define EXTREME_KERNEL(name, key_of, empty, better)                                                                   \
  static inline void NAME(step_##name)(const T *x, T *best, size_t width) {                                           \
    PK_VECTORISE for (size_t i = 0; i < width; i++) {                                                                 \
      const T v = x[i], most = v better best[i] ? v : best[i];                                                        \
      best[i] = v != v ? v : most;                                                                                    \
    }                                                                                                                 \
  }                                                                                                                   \
  static void NAME(columns_##name)(const T *x, T *y, size_t axis, size_t width, size_t stride) {                      \
    T best[TILE];                                                                                                     \
    PK_VECTORISE for (size_t i = 0; i < width; i++) best[i] = (empty);                                                \
    /* What is behind whole vectors is taken with elements that were taken already, which changes nothing. */         \
    const size_t whole = width / 16 * 16, last = width < 16 ? 0 : width - 16;                                         \
    for (size_t row = 0; row < axis; row++) {                                                                         \
      NAME(step_##name)(x + row * stride, best, whole);                                                               \
      if (whole < width) NAME(step_##name)(x + row * stride + last, best + last, width - last);                       \
    }                                                                                                                 \
    PK_VECTORISE for (size_t i = 0; i < width; i++) y[i] = best[i];                                                   \
  }                                                                                                                   \
  static void NAME(name)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride) {          \
    const T *x = xs;                                                                                                  \
    T *y = ys;                                                                                                        \
    if (IS_SHORT(SHORT_AXIS)) {                                                                                       \
      FOR_SHORT_ROWS(NAME(columns_##name)(strip, y + at, axis, rows, lanes));                                         \
      return;                                                                                                         \
    }                                                                                                                 \
    for (size_t o = 0; o < outer; o++, x += axis * stride, y += inner) {                                              \
      if (inner == 1 && stride == 1) {                                                                                \
        KEY best = key_of(empty);                                                                                     \
        PK_VECTORISE for (size_t i = 0; i < axis; i++) {                                                              \
          const KEY key = key_of(x[i]);                                                                               \
          best = key better best ? key : best;                                                                        \
        }                                                                                                             \
        *y = OF_KEY(best);                                                                                            \
      } else {                                                                                                        \
        for (size_t at = 0; at < inner; at += TILE)                                                                   \
          NAME(columns_##name)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride);                  \
      }                                                                                                               \
    }                                                                                                                 \
  }
EXTREME_KERNEL(max, MAX_KEY, LEAST, >)
EXTREME_KERNEL(min, MIN_KEY, GREATEST, <)
