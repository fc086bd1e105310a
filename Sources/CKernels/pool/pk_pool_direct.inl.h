// Small windows over planes, read where they lie. Between rows there is no work but to find where they start, which is most of what
// short rows take otherwise.

#if PK_LEVEL >= 1
#include "levels/pk_between.inl.h"

typedef float lanes __attribute__((ext_vector_type(BETWEEN_LANES)));

/// Measured: long rows of narrow vectors are done faster after a pass over whole rows.
static bool direct_pool_fits(const pk_pool_axes *s) {
  const bool flat = s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
  const bool small = s->kernel[1] <= 3 && s->kernel[2] >= 2 && s->kernel[2] <= 3 && s->stride[2] <= 2;
  return flat && small && s->dilation[1] == 1 && s->dilation[2] == 1 && s->out[2] <= (PK_LEVEL == 2 ? 128 : 32);
}

/// Outputs [j, j + lanes) of the rows [row0, row1). divisors: of a mean, for each column; NULL for a maximum.
POOL_INLINE void direct_column(
    const pk_pool_axes *s, const float *x, float *y, size_t row0, size_t row1, size_t j, const float *divisors, bool count_pad, int width, int step) {
  const bool mean = divisors != NULL;
  const lanes none = mean ? 0.0f : -INFINITY;
  const ptrdiff_t base = (ptrdiff_t)(j * (size_t)step) - (ptrdiff_t)s->pad[2], in = (ptrdiff_t)s->in[2];
  const between stored = between_of(0, (ptrdiff_t)(s->out[2] - j));
  between mask[4];
  // Of one column of the window each, or of the halves of the two stretches that two and the third of them lie in.
  for (int q = 0; q < 4; q++) {
    const ptrdiff_t start = base + (step == 1 ? q : q % 2 * BETWEEN_LANES + q / 2 * 2);
    mask[q] = between_of(-start, in - start);
  }
  const lanes per_column = mean ? *(const lanes *)(divisors + j) : (lanes)1.0f;
  size_t oh = row0 % s->out[1];
  const float *plane = x + row0 / s->out[1] * s->in[1] * s->in[2];
  for (size_t row = row0; row < row1; row++) {
    size_t h0, h1;
    seen_f32(s, 1, oh, &h0, &h1);
    lanes sum = none, found = 0;
    const float *from = plane + (ptrdiff_t)(oh * s->stride[1] + h0 - s->pad[1]) * in + base;
    for (size_t h = h0; h < h1; h++, from += in) {
      lanes v[3];
      if (step == 1) {
        for (int q = 0; q < width; q++) v[q] = (lanes)load_between(from + q, mask[q], (wide)none);
      } else {
        const wide a = load_between(from, mask[0], (wide)none), b = load_between(from + BETWEEN_LANES, mask[1], (wide)none);
        v[0] = (lanes)every_second(a, b, false), v[1] = (lanes)every_second(a, b, true);
        if (width == 3) {
          const wide c = load_between(from + 2, mask[2], (wide)none), d = load_between(from + 2 + BETWEEN_LANES, mask[3], (wide)none);
          v[2] = (lanes)every_second(c, d, false);
        }
      }
      for (int q = 0; q < width; q++) {
        if (mean) {
          sum += v[q];
        } else {
          // NaN compares as false, and is remembered instead.
          found = v[q] != v[q] ? v[q] : found;
          sum = v[q] > sum ? v[q] : sum;
        }
      }
    }
    if (mean) {
      const lanes divisor = counted(s, 1, oh, count_pad) * per_column;
      sum = sum / (divisor > 0 ? divisor : (lanes)1.0f);
    } else {
      sum = found != found ? found : sum;
    }
    store_between(y + row * s->out[2] + j, stored, (wide)sum);
    if (++oh == s->out[1]) oh = 0, plane += s->in[1] * s->in[2];
  }
}

static void direct_pool(const pk_pool_axes *s, const float *x, float *y, size_t row0, size_t row1, const float *divisors, bool count_pad) {
  // A plane at a time where its rows have several vectors, so that it stays in the cache from one to the next.
  for (size_t row = row0; row < row1;) {
    const size_t last = s->out[2] <= BETWEEN_LANES ? row1 : pk_min(row1, row - row % s->out[1] + s->out[1]);
    for (size_t j = 0; j < s->out[2]; j += BETWEEN_LANES) {
#define COLUMN(MEAN, WIDTH, STEP) direct_column(s, x, y, row, last, j, MEAN, count_pad, WIDTH, STEP)
#define COLUMNS(MEAN)                                             \
  if (s->kernel[2] == 2 && s->stride[2] == 1) COLUMN(MEAN, 2, 1); \
  else if (s->kernel[2] == 2) COLUMN(MEAN, 2, 2);                 \
  else if (s->stride[2] == 1) COLUMN(MEAN, 3, 1);                 \
  else COLUMN(MEAN, 3, 2);
      if (divisors) {
        COLUMNS(divisors)
      } else {
        COLUMNS(NULL)
      }
#undef COLUMNS
#undef COLUMN
    }
    row = last;
  }
}

#endif
