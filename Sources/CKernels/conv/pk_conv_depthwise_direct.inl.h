// Depthwise 3x3 over long rows, read where they lie: lanes that would meet padding are masked out of the loads, and rows of padding
// are one row of zeros. Sums are in the order of the other kernels, bit for bit.

#if PK_LEVEL >= 1

#include "levels/pk_between.inl.h"

enum { DIRECT_ROWS = 4 };

/// DIRECT_ROWS output rows, of which `rows` are stored. row: the input rows that they read, y: rows of ldy floats.
typedef struct direct {
  const float *row[(DIRECT_ROWS - 1) * 2 + 3], *w;
  ptrdiff_t in, pad;
  size_t width, rows, ldy;
  float bias, low, high;
  float *y;
} direct;

/// Outputs [j, j + VW). With `is_inner` all that they read lies in the row.
PK_INLINE void direct_3x3(const direct *d, const vf *w, size_t j, int step, bool is_inner) {
  const ptrdiff_t base = (ptrdiff_t)j * step - d->pad;
  vf acc[DIRECT_ROWS];
  between mask[4];
  // Of one column of the kernel each, or of the halves of the two stretches that three columns lie in.
  PK_UNROLL for (int q = 0; q < 4; q++) {
    const ptrdiff_t start = base + (step == 1 ? q : q % 2 * VW + q / 2 * 2);
    mask[q] = between_of(-start, d->in - start);
  }
  PK_UNROLL for (int r = 0; r < DIRECT_ROWS; r++) acc[r] = d->bias;
  PK_UNROLL for (int row = 0; row < (DIRECT_ROWS - 1) * step + 3; row++) {
    const float *x = d->row[row] + base;
    vf v[3];
    if (step == 1) {
      PK_UNROLL for (int q = 0; q < 3; q++) v[q] = is_inner ? vf_load(x + q) : (vf)load_between(x + q, mask[q], (wide)(vf)0.0f);
    } else {
      vf part[4];
      PK_UNROLL for (int q = 0; q < 4; q++) {
        const float *from = x + q % 2 * VW + q / 2 * 2;
        part[q] = is_inner ? vf_load(from) : (vf)load_between(from, mask[q], (wide)(vf)0.0f);
      }
      v[0] = (vf)every_second((wide)part[0], (wide)part[1], false);
      v[1] = (vf)every_second((wide)part[0], (wide)part[1], true);
      v[2] = (vf)every_second((wide)part[2], (wide)part[3], false);
    }
    PK_UNROLL for (int q = 0; q < 3; q++) PK_UNROLL for (int r = 0; r < DIRECT_ROWS; r++) {
      if (row - r * step >= 0 && row - r * step < 3) acc[r] += w[(row - r * step) * 3 + q] * v[q];
    }
  }
  // All sums before the first store: the compiler would else put each behind its branch, one chain of nine after the other.
  PK_UNROLL for (int r = 0; r < DIRECT_ROWS; r++) __asm__("" : "+v"(acc[r]));
  PK_UNROLL for (int r = 0; r < DIRECT_ROWS; r++) {
    if ((size_t)r >= d->rows) break;
    const vf y = vf_at_most(vf_at_least(acc[r], d->low), d->high);
    float *to = d->y + (size_t)r * d->ldy + j;
    if (d->width - j >= VW) vf_store(to, y);
    else vf_store_n(to, y, d->width - j);
  }
}

PK_INLINE void direct_rows(const direct *d, int step) {
  vf w[9];
  PK_UNROLL for (int i = 0; i < 9; i++) w[i] = (vf)d->w[i];
  const ptrdiff_t reach = step == 1 ? VW + 2 : 2 * VW + 2;
  for (size_t j = 0; j < d->width; j += VW) {
    const ptrdiff_t base = (ptrdiff_t)j * step - d->pad;
    if (base >= 0 && base + reach <= d->in) direct_3x3(d, w, j, step, true);
    else direct_3x3(d, w, j, step, false);
  }
}

static void direct_rows_1(const direct *d) { direct_rows(d, 1); }
static void direct_rows_2(const direct *d) { direct_rows(d, 2); }

static bool direct_fits(const pk_conv_shape *s) {
  return s->kernel[1] == 3 && s->kernel[2] == 3 && s->dilation[1] == 1 && s->dilation[2] == 1 && s->stride[1] == s->stride[2] && s->stride[1] <= 2;
}

/// The rows [row0, row1) of one plane. zeros: in[2] floats.
static void depthwise_direct(const pk_conv *c, size_t plane, size_t row0, size_t row1, float *zeros) {
  const pk_conv_shape *s = &c->shape;
  const size_t channels = s->groups * s->outputs, channel = plane % channels, image = plane / channels, out = s->out[1] * s->out[2],
               step = s->stride[1];
  const float *x = c->x + (image * s->groups + channel / s->outputs) * s->in[1] * s->in[2];
  const pk_epilogue *e = &c->epilogue;
  direct d = {
      .w = c->weights + channel * 9,
      .in = (ptrdiff_t)s->in[2],
      .pad = (ptrdiff_t)s->pad[2],
      .width = s->out[2],
      .ldy = s->out[2],
      .bias = e->row_bias ? e->row_bias[channel] : 0,
      .low = -INFINITY,
      .high = INFINITY};
  if (e->activation == PK_ACT_RELU) d.low = 0;
  if (e->activation == PK_ACT_CLIP) d.low = e->p0, d.high = e->p1;
  for (size_t oh = row0; oh < row1; oh += DIRECT_ROWS) {
    d.rows = pk_min(DIRECT_ROWS, row1 - oh);
    d.y = c->y + plane * out + oh * s->out[2];
    for (size_t i = 0; i < (DIRECT_ROWS - 1) * step + 3; i++) {
      const size_t h = oh * step + i - s->pad[1]; // Above the plane it wraps round.
      d.row[i] = h < s->in[1] ? x + h * s->in[2] : zeros;
    }
    if (step == 1) direct_rows_1(&d);
    else direct_rows_2(&d);
    if (e->activation > PK_ACT_CLIP) activate_rows(e->activation, e->p0, e->p1, 1, d.rows * s->out[2], d.y, 0, d.y, 0);
  }
}

#endif
