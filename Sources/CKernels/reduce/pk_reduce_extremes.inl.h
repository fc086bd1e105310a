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
    /* What is behind whole vectors is the end of the row, in lanes of its own: a vector of which some is taken twice. */ \
    const size_t whole = width / 16 * 16, last = width < 16 ? 0 : width - 16;                                         \
    T best[TILE], rest[16];                                                                                           \
    PK_VECTORISE for (size_t i = 0; i < whole; i++) best[i] = (empty);                                                \
    for (size_t i = 0; i < 16; i++) rest[i] = (empty);                                                                \
    for (size_t row = 0; row < axis; row++) {                                                                         \
      NAME(step_##name)(x + row * stride, best, whole);                                                               \
      if (last > 0 && whole < width) NAME(step_##name)(x + row * stride + last, rest, 16);                            \
      if (last == 0) NAME(step_##name)(x + row * stride, rest, width - whole);                                        \
    }                                                                                                                 \
    PK_VECTORISE for (size_t i = 0; i < whole; i++) y[i] = best[i];                                                   \
    for (size_t i = whole; i < width; i++) y[i] = rest[last > 0 ? i - last : i];                                      \
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
