#include "pk_pool.h"

#include <math.h>
#include <string.h>

#include "conv/pk_conv_internal.h"
#include "pk_pool_internal.h"
#include "levels/pk_select.h"

// One output's window over the input, tap by tap in row-major order.

typedef struct window {
  size_t start[PK_POOL_RANK_LIMIT]; ///< Position of the first tap plus the padding.
  size_t tap[PK_POOL_RANK_LIMIT];
  bool done;
} window;

static void plane_sizes(const pk_pool_shape *s, size_t *in, size_t *out) {
  *in = *out = 1;
  for (size_t i = 0; i < s->rank; i++) *in *= s->in[i], *out *= s->out[i];
}

static void window_start(const pk_pool_shape *s, size_t o, window *w) {
  w->done = false;
  for (size_t i = s->rank; i-- > 0; o /= s->out[i]) {
    w->start[i] = o % s->out[i] * s->stride[i];
    w->tap[i] = 0;
  }
}

/// The next tap inside the input as an index in the plane; false at the end.
static bool window_next(const pk_pool_shape *s, window *w, size_t *at) {
  while (!w->done) {
    size_t index = 0;
    bool inside = true;
    for (size_t i = 0; i < s->rank; i++) {
      const size_t x = w->start[i] + w->tap[i] * s->dilation[i] - s->pad[i]; // wraps to a huge number in front of the input
      inside &= x < s->in[i];
      index = index * s->in[i] + x;
    }
    w->done = true;
    for (size_t i = s->rank; i-- > 0;) {
      if (++w->tap[i] < s->kernel[i]) {
        w->done = false;
        break;
      }
      w->tap[i] = 0;
    }
    if (!inside) continue;
    *at = index;
    return true;
  }
  return false;
}

/// Taps inside the input and its padding.
static size_t window_padded_count(const pk_pool_shape *s, size_t o) {
  size_t count = 1;
  for (size_t i = s->rank; i-- > 0; o /= s->out[i]) {
    const size_t start = o % s->out[i] * s->stride[i], end = s->in[i] + s->pad[i] + s->pad_end[i];
    const size_t taps = start < end ? pk_ceil_div(end - start, s->dilation[i]) : 0;
    count *= pk_min(taps, s->kernel[i]);
  }
  return count;
}

static size_t column_major_index(const pk_pool_shape *s, size_t index) {
  size_t position[PK_POOL_RANK_LIMIT], at = 0;
  for (size_t i = s->rank; i-- > 0; index /= s->in[i]) position[i] = index % s->in[i];
  for (size_t i = s->rank; i-- > 0;) at = at * s->in[i] + position[i];
  return at;
}

// 16-bit floating types, without relying on the compiler's support for them.

static float float_of_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
static uint32_t bits_of_float(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}
static float load_bf16(uint16_t h) { return float_of_bits((uint32_t)h << 16); }
static uint16_t save_bf16(float f) {
  const uint32_t bits = bits_of_float(f);
  if (f != f) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
static float load_f16(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;
  if (rest >= 0x7c00) return float_of_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  // Scaling by a power of two puts the exponent right, for subnormal numbers as well.
  return float_of_bits(sign | bits_of_float(float_of_bits(rest << 13) * 0x1p112f));
}
static uint16_t save_f16(float f) {
  const uint32_t bits = bits_of_float(f), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00);
  if (size >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (size < 0x38800000) {
    // Adding 1/2 shifts the 24 bits of subnormal results to the low end, rounded by the addition.
    return (uint16_t)(sign | (bits_of_float(float_of_bits(size) + 0.5f) - 0x3f000000));
  }
  return (uint16_t)(sign | (size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13);
}

#define SAME(V) (V)
#define IS_NAN(V) ((V) != (V))

#define T float
#define A float
#define LOAD SAME
#define SAVE SAME
#define LOWEST -INFINITY
#define NAME(FUNCTION) FUNCTION##_f32
#include "pk_pool_any.inl.h"
#include "pk_pool_mean.inl.h"
#undef T
#undef A
#undef NAME

#define T double
#define A double
#define NAME(FUNCTION) FUNCTION##_f64
#include "pk_pool_any.inl.h"
#include "pk_pool_mean.inl.h"
#undef T
#undef A
#undef LOAD
#undef SAVE
#undef NAME

#define T uint16_t
#define A float
#define LOAD load_f16
#define SAVE save_f16
#define NAME(FUNCTION) FUNCTION##_f16
#include "pk_pool_any.inl.h"
#include "pk_pool_mean.inl.h"
#undef LOAD
#undef SAVE
#undef NAME

#define LOAD load_bf16
#define SAVE save_bf16
#define NAME(FUNCTION) FUNCTION##_bf16
#include "pk_pool_any.inl.h"
#include "pk_pool_mean.inl.h"
#undef T
#undef A
#undef LOAD
#undef SAVE
#undef LOWEST
#undef NAME

#undef IS_NAN
#define IS_NAN(V) false
#define LOAD SAME
#define SAVE(V) (T)(V)
#define T int8_t
#define A int
#define LOWEST INT8_MIN
#define NAME(FUNCTION) FUNCTION##_i8
#include "pk_pool_any.inl.h"
#undef T
#undef LOWEST
#undef NAME

#define T uint8_t
#define LOWEST 0
#define NAME(FUNCTION) FUNCTION##_u8
#include "pk_pool_any.inl.h"

/// Element bytes of the types whose maxima go row by row; 0 for others.
static size_t row_width(pk_type type) { return type == PK_F32 ? 4 : type == PK_U8 || type == PK_I8 ? 1 : 0; }

static pk_pool_axes axes_of(const pk_pool_shape *s, size_t planes) {
  pk_pool_axes to = {.in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .out = {1, 1, 1}, .planes = planes};
  for (size_t i = 0; i < s->rank; i++) {
    const size_t axis = 3 - s->rank + i;
    to.in[axis] = s->in[i], to.kernel[axis] = s->kernel[i], to.stride[axis] = s->stride[i], to.dilation[axis] = s->dilation[i];
    to.pad[axis] = s->pad[i], to.pad_end[axis] = s->pad_end[i], to.out[axis] = s->out[i];
  }
  return to;
}

/// Above this, a pool goes by plain loops: windows far beyond the input would need buffers of their size.
enum { ROW_SCRATCH_LIMIT = 64 << 20 };

/// Scratch of a pool that goes row by row; 0 where it does not.
static size_t row_scratch_bytes(pk_type type, const pk_pool_shape *s) {
  const size_t width = row_width(type);
  if (width == 0 || s->rank < 1 || s->rank > 3) return 0;
  const pk_pool_axes a = axes_of(s, 0);
  for (int i = 0; i < 3; i++)
    if (pk_mul(a.kernel[i], a.dilation[i]) > ROW_SCRATCH_LIMIT || pk_max(a.pad[i], a.stride[i]) > ROW_SCRATCH_LIMIT ||
        pk_max(a.in[i], a.out[i]) > ROW_SCRATCH_LIMIT)
      return 0;
  const size_t line = pk_pool_line(&a, width), flat = pk_mul(pk_pool_flat_rows(&a, width) + pk_pool_reach(&a, 1), pk_pool_flat_line(&a));
  const size_t rows = 2 * line + pk_pool_lanes(a.out[2], width), copies = pk_pool_is_flat(&a) ? pk_mul(3, pk_add(flat, 256 / width)) : 0;
  const size_t bytes = pk_mul(pk_max(rows, copies), width);
  return bytes <= ROW_SCRATCH_LIMIT ? pk_round64(bytes) : 0;
}

size_t pk_pool_scratch_bytes(pk_isa isa, pk_type type, const pk_pool_shape *s) {
  (void)isa;
  return row_scratch_bytes(type, s);
}

size_t pk_pool_rows(pk_type type, const pk_pool_shape *s, bool max) {
  if (row_scratch_bytes(type, s) == 0 || (!max && type != PK_F32)) return 0;
  const pk_pool_axes a = axes_of(s, 0);
  return a.out[0] * a.out[1];
}

bool pk_pool_max_rows(pk_isa isa, pk_type type, const pk_pool_shape *s, size_t planes, const void *x, void *y, size_t row0, size_t row1,
                      void *scratch) {
  const pk_pool_axes a = axes_of(s, planes);
  const pk_pool_table t = PK_SELECT(isa, pk_pool_table);
  switch (type) {
  case PK_F32: t.max_f32(&a, x, y, row0, row1, scratch); return true;
  case PK_U8: t.max_u8(&a, x, y, row0, row1, scratch); return true;
  case PK_I8: t.max_i8(&a, x, y, row0, row1, scratch); return true;
  default: return false;
  }
}

bool pk_pool_max_last(pk_isa isa, pk_type type, const pk_pool_shape *s, size_t channels, const void *x, void *y, size_t p0, size_t p1) {
  if (s->rank < 1 || s->rank > 3) return false;
  const pk_pool_axes a = axes_of(s, 0);
  const pk_pool_table t = PK_SELECT(isa, pk_pool_table);
  switch (type) {
  case PK_U8: t.max_last_u8(&a, channels, x, y, p0, p1); return true;
  case PK_I8: t.max_last_i8(&a, channels, x, y, p0, p1); return true;
  default: return false;
  }
}

bool pk_pool_average_rows(pk_isa isa, pk_type type, const pk_pool_shape *s, bool count_pad, size_t planes, const void *x, void *y,
                          size_t row0, size_t row1, void *scratch) {
  if (type != PK_F32) return false;
  const pk_pool_axes a = axes_of(s, planes);
  PK_SELECT(isa, pk_pool_table).average_f32(&a, count_pad, x, y, row0, row1, scratch);
  return true;
}

bool pk_pool_max(pk_isa isa, pk_type type, const pk_pool_shape *s, const void *x, void *y, int64_t *indices, bool column_major,
                 size_t plane0, size_t plane1, void *scratch) {
  const size_t rows = indices || !scratch ? 0 : pk_pool_rows(type, s, true);
  if (rows) return pk_pool_max_rows(isa, type, s, plane1, x, y, plane0 * rows, plane1 * rows, scratch);
  switch (type) {
  case PK_F32: max_f32(s, x, y, indices, column_major, plane0, plane1); return true;
  case PK_F64: max_f64(s, x, y, indices, column_major, plane0, plane1); return true;
  case PK_F16: max_f16(s, x, y, indices, column_major, plane0, plane1); return true;
  case PK_BF16: max_bf16(s, x, y, indices, column_major, plane0, plane1); return true;
  case PK_I8: max_i8(s, x, y, indices, column_major, plane0, plane1); return true;
  case PK_U8: max_u8(s, x, y, indices, column_major, plane0, plane1); return true;
  default: return false;
  }
}

bool pk_pool_average(pk_isa isa, pk_type type, const pk_pool_shape *s, bool count_pad, const void *x, void *y, size_t plane0, size_t plane1,
                     void *scratch) {
  const size_t rows = scratch ? pk_pool_rows(type, s, false) : 0;
  if (rows) return pk_pool_average_rows(isa, type, s, count_pad, plane1, x, y, plane0 * rows, plane1 * rows, scratch);
  switch (type) {
  case PK_F32: average_f32(s, count_pad, x, y, plane0, plane1); return true;
  case PK_F64: average_f64(s, count_pad, x, y, plane0, plane1); return true;
  case PK_F16: average_f16(s, count_pad, x, y, plane0, plane1); return true;
  case PK_BF16: average_bf16(s, count_pad, x, y, plane0, plane1); return true;
  default: return false;
  }
}

bool pk_pool_lp(pk_type type, const pk_pool_shape *s, double p, const void *x, void *y, size_t plane0, size_t plane1) {
  switch (type) {
  case PK_F32: lp_f32(s, p, x, y, plane0, plane1); return true;
  case PK_F64: lp_f64(s, p, x, y, plane0, plane1); return true;
  case PK_F16: lp_f16(s, p, x, y, plane0, plane1); return true;
  case PK_BF16: lp_bf16(s, p, x, y, plane0, plane1); return true;
  default: return false;
  }
}

static bool global(pk_isa isa, pk_type type, bool max, size_t count, const void *x, void *y, size_t plane0, size_t plane1) {
  switch (type) {
  case PK_F32:
    if (count < 8) {
      global_f32(max, count, x, y, plane0, plane1);
      return true;
    }
    for (size_t plane = plane0; plane < plane1; plane++) {
      const pk_conv_table *t = pk_conv_table_of(isa);
      const float *from = (const float *)x + plane * count;
      ((float *)y)[plane] = max ? t->max(from, count) : t->sum(from, count) / (float)count;
    }
    return true;
  case PK_F64: global_f64(max, count, x, y, plane0, plane1); return true;
  case PK_F16: global_f16(max, count, x, y, plane0, plane1); return true;
  case PK_BF16: global_bf16(max, count, x, y, plane0, plane1); return true;
  default: return false;
  }
}

bool pk_pool_global_max(pk_isa isa, pk_type type, size_t count, const void *x, void *y, size_t plane0, size_t plane1) {
  return global(isa, type, true, count, x, y, plane0, plane1);
}

bool pk_pool_global_average(pk_isa isa, pk_type type, size_t count, const void *x, void *y, size_t plane0, size_t plane1) {
  return global(isa, type, false, count, x, y, plane0, plane1);
}
