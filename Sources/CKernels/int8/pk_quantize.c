#include "pk_quantize.h"

#include "pk_quantize_internal.h"
#include "levels/pk_select.h"

bool pk_quantize_f32(pk_isa isa, pk_type to, const pk_quantization *q, const float *x, void *y, size_t n) {
  if ((unsigned)to >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).quantize[to]) return false;
  PK_SELECT(isa, pk_quantize_table).quantize[to](q, x, y, n);
  return true;
}

bool pk_requantize_i32(pk_isa isa, pk_type to, const pk_quantization *q, int32_t bias, const int32_t *x, void *y, size_t n) {
  if ((unsigned)to >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).requantize[to]) return false;
  PK_SELECT(isa, pk_quantize_table).requantize[to](q, bias, x, y, n);
  return true;
}

bool pk_dequantize_f32(pk_isa isa, pk_type from, const pk_quantization *q, const void *x, float *y, size_t n) {
  if ((unsigned)from >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).dequantize[from]) return false;
  PK_SELECT(isa, pk_quantize_table).dequantize[from](q, x, y, n);
  return true;
}

void pk_scale_sums(pk_isa isa, const pk_sum_scale *q, const int32_t *x, float *y, size_t n) {
  PK_SELECT(isa, pk_quantize_table).scale_sums(q, x, y, n);
}

bool pk_add_int8(pk_isa isa, pk_type type, const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n) {
  if ((unsigned)type >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).add[type]) return false;
  PK_SELECT(isa, pk_quantize_table).add[type](q, a, b, c, n);
  return true;
}

bool pk_multiply_int8(pk_isa isa, pk_type type, const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n) {
  if ((unsigned)type >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).multiply[type]) return false;
  PK_SELECT(isa, pk_quantize_table).multiply[type](q, a, b, c, n);
  return true;
}

void pk_range_f32(pk_isa isa, const float *x, size_t n, float *least, float *greatest) {
  PK_SELECT(isa, pk_quantize_table).range(x, n, least, greatest);
}

/// The part of a window that lies inside the input, and how many of its places count.
typedef struct window_part {
  size_t first, last, counted;
} window_part;

static window_part part_of(const pk_average_int8 *s, int axis, size_t out) {
  const size_t start = out * s->stride[axis], end = start + s->kernel[axis], pad = s->pad[axis];
  const size_t limit = pad + s->in[axis], padded = limit + s->pad_end[axis];
  const size_t first = start > pad ? start : pad, last = end < limit ? end : limit;
  const size_t counted_end = end < padded ? end : padded;
  window_part part = {first - pad, last > first ? last - pad : first - pad, 0};
  part.counted = s->count_pad ? (counted_end > start ? counted_end - start : 0) : part.last - part.first;
  return part;
}

/// Sum of n bytes that lie one after another, at most 2^23 of them.
static int32_t sum_of_bytes(bool is_signed, const void *x, size_t n) {
  int32_t sum = 0;
  if (is_signed)
    for (size_t i = 0; i < n; i++) sum += ((const int8_t *)x)[i];
  else
    for (size_t i = 0; i < n; i++) sum += ((const uint8_t *)x)[i];
  return sum;
}

void pk_average_int8_positions(pk_isa isa, const pk_average_int8 *s, const void *x, size_t p0, size_t p1, float *y) {
  for (size_t p = p0; p < p1; p++, y += s->inner) {
    const window_part d = part_of(s, 0, p / s->out[2] / s->out[1]);
    const window_part h = part_of(s, 1, p / s->out[2] % s->out[1]);
    const window_part w = part_of(s, 2, p % s->out[2]);
    const size_t counted = d.counted * h.counted * w.counted;
    const size_t seen = (d.last - d.first) * (h.last - h.first) * (w.last - w.first);
    if (s->inner == 1 && seen == s->in[0] * s->in[1] * s->in[2] && seen < (size_t)1 << 23) {
      const int64_t sum = sum_of_bytes(s->x_signed, x, seen) - (int64_t)seen * s->x_zero;
      y[0] = counted == 0 ? 0 : (float)sum * s->x_scale / (float)counted;
      continue;
    }
    // Sums of so many bytes fit 32 bits.
    if (s->inner > 1 && seen < (size_t)1 << 23) {
      const size_t width = w.last - w.first;
      for (size_t c = 0; c < s->inner; c += 256) {
        const size_t lanes = s->inner - c < 256 ? s->inner - c : 256;
        int32_t sums[256] = {0};
        for (size_t i = d.first; i < d.last; i++)
          for (size_t j = h.first; j < h.last; j++)
            PK_SELECT(isa, pk_quantize_table)
                .sum_rows(s->x_signed, (const uint8_t *)x + ((i * s->in[1] + j) * s->in[2] + w.first) * s->inner + c, width, s->inner, sums, lanes);
        for (size_t k = 0; k < lanes; k++) {
          const int64_t sum = sums[k] - (int64_t)seen * s->x_zero;
          y[c + k] = counted == 0 ? 0 : (float)sum * s->x_scale / (float)counted;
        }
      }
      continue;
    }
    for (size_t c = 0; c < s->inner; c++) {
      int64_t sum = 0;
      for (size_t i = d.first; i < d.last; i++)
        for (size_t j = h.first; j < h.last; j++) {
          const size_t row = ((i * s->in[1] + j) * s->in[2]) * s->inner + c;
          if (s->x_signed)
            for (size_t k = w.first; k < w.last; k++) sum += ((const int8_t *)x)[row + k * s->inner];
          else
            for (size_t k = w.first; k < w.last; k++) sum += ((const uint8_t *)x)[row + k * s->inner];
        }
      sum -= (int64_t)seen * s->x_zero;
      y[c] = counted == 0 ? 0 : (float)sum * s->x_scale / (float)counted;
    }
  }
}
