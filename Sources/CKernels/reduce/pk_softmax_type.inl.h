// Softmax of one type: T the type, TOTAL what sums are kept in, MATH(f) its functions, MATH_LOOP the pragma of loops over
// them, BLOCK_LOOP that of loops over whole blocks, NAME(name) its names. OWN_EXPONENTIALS: NAME(exponentials) is there already.

#ifndef OWN_EXPONENTIALS
// The n < BLOCK elements behind the whole blocks. A call of memcpy takes as long as a block.
static inline void NAME(copy_rest)(T *restrict y, const T *restrict x, size_t n) {
  for (size_t step = BLOCK / 2; step > 0; step /= 2) {
    if (!(n & step)) continue;
    memcpy(y, x, step * sizeof(T));
    y += step, x += step;
  }
}

// y = exp(x - shift), and its sum; the last elements as a block padded with what gives 0.
static TOTAL NAME(exponentials)(const T *x, T *y, size_t n, T shift) {
  TOTAL total = 0;
  size_t at = 0;
  for (const size_t whole = n / BLOCK * BLOCK; at < whole;) {
    const size_t end = whole - at < PIECE ? whole : at + PIECE;
    T part = 0;
    BLOCK_LOOP for (size_t i = at; i < end; i++) {
      _Pragma("clang fp reassociate(on)") const T e = MATH(exp_below)(x[i] - shift);
      y[i] = e;
      part += e;
    }
    total += (TOTAL)part;
    at = end;
  }
  if (at == n) return total;
  T padded[BLOCK];
  for (size_t i = 0; i < BLOCK; i++) padded[i] = -(T)INFINITY;
  NAME(copy_rest)(padded, x + at, n - at);
  T part = 0;
  BLOCK_LOOP for (size_t i = 0; i < BLOCK; i++) {
    _Pragma("clang fp reassociate(on)") const T e = MATH(exp_below)(padded[i] - shift);
    padded[i] = e;
    part += e;
  }
  NAME(copy_rest)(y + at, padded, n - at);
  return total + (TOTAL)part;
}
#endif

static void NAME(softmax_row)(const T *x, T *y, size_t n, T most) {
  const T factor = (T)(1 / NAME(exponentials)(x, y, n, most));
  PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] *= factor;
}

// The sum needs no place for its terms, but y may be x: they go to a strip.
static void NAME(log_softmax_row)(const T *x, T *y, size_t n, T most) {
  TOTAL total = 0;
  T strip[PIECE];
  for (size_t at = 0; at < n; at += PIECE) total += NAME(exponentials)(x + at, strip, n - at < PIECE ? n - at : PIECE, most);
  const T shift = (T)log((double)total);
  PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (x[i] - most) - shift;
}

static void NAME(columns)(const T *x, T *y, size_t axis, size_t width, size_t stride, bool logarithm) {
  T most[TILE], total[TILE];
  for (size_t i = 0; i < width; i++) most[i] = -(T)INFINITY, total[i] = 0;
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) {
      const T v = x[row * stride + i];
      most[i] = most[i] != most[i] ? most[i] : most[i] >= v ? most[i] : v;
    }
  for (size_t row = 0; row < axis; row++)
    MATH_LOOP for (size_t i = 0; i < width; i++) {
      const T difference = x[row * stride + i] - most[i], e = MATH(exp_below)(difference);
      y[row * stride + i] = logarithm ? difference : e;
      total[i] += e;
    }
  if (logarithm) {
    MATH_LOOP for (size_t i = 0; i < width; i++) total[i] = MATH(log)(total[i]);
  } else {
    PK_VECTORISE for (size_t i = 0; i < width; i++) total[i] = 1 / total[i];
  }
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) {
      const T v = y[row * stride + i];
      y[row * stride + i] = logarithm ? v - total[i] : v * total[i];
    }
}

#include "pk_short_rows.inl.h"

#define SOFTMAX_KERNEL(name, logarithm)                                                                               \
  static void NAME(name)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride) {          \
    const T *x = xs;                                                                                                  \
    T *y = ys;                                                                                                        \
    if (axis == 0) return;                                                                                            \
    if (IS_SHORT(SHORT_DEAR_AXIS)) {                                                                                  \
      FOR_SHORT_ROWS({                                                                                                \
        for (size_t i = 0; i < lanes; i += TILE)                                                                      \
          NAME(columns)(strip + i, strip + i, axis, lanes - i < TILE ? lanes - i : TILE, lanes, logarithm);           \
        NAME(turn_back)(strip, y + at * axis, rows, lanes, axis);                                                     \
      });                                                                                                             \
      return;                                                                                                         \
    }                                                                                                                 \
    for (size_t o = 0; o < outer; o++, x += axis * stride, y += axis * stride) {                                      \
      if (inner == 1 && stride == 1) {                                                                                \
        NAME(name##_row)(x, y, axis, GREATEST_OF(x, axis));                                                           \
      } else {                                                                                                        \
        for (size_t at = 0; at < inner; at += TILE)                                                                   \
          NAME(columns)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride, logarithm);              \
      }                                                                                                               \
    }                                                                                                                 \
  }
SOFTMAX_KERNEL(softmax, false)
SOFTMAX_KERNEL(log_softmax, true)
