// The pools of one ISA level that go row by row.

#include "pk_pool_internal.h"

#define POOL_INLINE static inline __attribute__((always_inline))
enum { OP_MAX, OP_MAX_NAN, OP_SUM };

/// Positions of a window on an axis that count for its mean.
static float counted(const pk_pool_axes *s, int axis, size_t out, bool count_pad) {
  const size_t low = count_pad ? 0 : s->pad[axis], high = s->pad[axis] + s->in[axis] + (count_pad ? s->pad_end[axis] : 0);
  const size_t start = out * s->stride[axis], step = s->dilation[axis];
  const size_t first = pk_min(start < low ? (low - start + step - 1) / step : 0, s->kernel[axis]);
  const size_t last = pk_min(start < high ? (high - start - 1) / step + 1 : 0, s->kernel[axis]);
  return (float)(last > first ? last - first : 0);
}

#define T float
#define U uint32_t
#define U2 uint64_t
#define LOWEST (-INFINITY)
#define HAS_NAN 1
#define NAME(FUNCTION) FUNCTION##_f32
#include "pk_pool_rows.inl.h"

#include "pk_pool_direct.inl.h"

static void average_rows(const pk_pool_axes *s, bool count_pad, const float *x, float *y, size_t row0, size_t row1, void *scratch) {
  float *divisors = scratch;
  const size_t columns = pk_pool_lanes(s->out[2], sizeof(float));
  for (size_t j = 0; j < columns; j++) divisors[j] = j < s->out[2] ? counted(s, 2, j, count_pad) : 1.0f;
#if PK_LEVEL >= 1
  if (direct_pool_fits(s)) {
    direct_pool(s, x, y, row0, row1, divisors, count_pad);
    return;
  }
#endif
  each_row_f32(s, x, y, row0, row1, divisors + columns, divisors, count_pad, OP_SUM);
}

static void max_rows(const pk_pool_axes *s, const void *x, void *y, size_t row0, size_t row1, void *scratch) {
#if PK_LEVEL >= 1
  // With stride 1 the maxima of several rows as one run take fewer steps, unless the rows are short.
  if (direct_pool_fits(s) && (!pk_pool_is_flat(s) || s->out[2] <= BETWEEN_LANES)) {
    direct_pool(s, x, y, row0, row1, NULL, false);
    return;
  }
#endif
  max_rows_f32(s, x, y, row0, row1, scratch);
}

#undef T
#undef U
#undef U2
#undef LOWEST
#undef HAS_NAN
#undef NAME
#define U uint8_t
#define U2 uint16_t
#define HAS_NAN 0

#define T uint8_t
#define LOWEST 0
#define NAME(FUNCTION) FUNCTION##_u8
#include "pk_pool_last.inl.h"
#include "pk_pool_rows.inl.h"
#undef T
#undef LOWEST
#undef NAME

#define T int8_t
#define LOWEST INT8_MIN
#define NAME(FUNCTION) FUNCTION##_i8
#include "pk_pool_last.inl.h"
#include "pk_pool_rows.inl.h"

const pk_pool_table PK_FN(pk_pool_table) = {
    .max_f32 = max_rows, .max_u8 = max_rows_u8, .max_i8 = max_rows_i8, .max_last_u8 = max_last_u8, .max_last_i8 = max_last_i8,
    .average_f32 = average_rows};
