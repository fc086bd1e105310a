// Depthwise convolution with a channel in each lane: VW planes are transposed on the way in and out. Rows of a few elements fill
// no vectors, and a wide kernel needs no shifted copies of its rows. Sums are in the order of the other kernels, bit for bit.

#if PK_LEVEL >= 1

/// U neighbouring outputs of one row. x: the padded rows, line: floats from those of one row of taps to the next, w: [kh][KW][VW].
#define LANES(KW, STEP, U)                                                                                        \
  static void lanes_##KW##s##STEP##x##U(size_t kh, size_t line, const float *x, const float *w, vf bias, float *y, size_t step, size_t tap) { \
    (void)step, (void)tap;                                                                                        \
    vf acc[U];                                                                                                    \
    PK_UNROLL for (int u = 0; u < U; u++) acc[u] = bias;                                                          \
    for (size_t p = 0; p < kh; p++, x += line, w += KW * VW) {                                                    \
      vf wv[KW];                                                                                                  \
      PK_UNROLL for (int q = 0; q < KW; q++) wv[q] = vf_load(w + q * VW);                                         \
      PK_UNROLL for (int t = 0; t < (U - 1) * STEP + KW; t++) {                                                   \
        const vf v = vf_load(x + t * VW);                                                                         \
        PK_UNROLL for (int u = 0; u < U; u++)                                                                     \
          if (t - u * STEP >= 0 && t - u * STEP < KW) acc[u] += wv[t - u * STEP] * v;                             \
      }                                                                                                           \
    }                                                                                                             \
    PK_UNROLL for (int u = 0; u < U; u++) vf_store(y + u * VW, acc[u]);                                           \
  }
/// The same with dilation: floats from one output's first tap to the next output's, and from one tap to the next.
#define LANES_APART(KW, U)                                                                                       \
  static void lanes_apart_##KW##x##U(size_t kh, size_t line, const float *x, const float *w, vf bias, float *y, size_t step, size_t tap) { \
    vf acc[U];                                                                                                    \
    PK_UNROLL for (int u = 0; u < U; u++) acc[u] = bias;                                                          \
    for (size_t p = 0; p < kh; p++, x += line) {                                                                  \
      const float *from = x;                                                                                      \
      for (int q = 0; q < KW; q++, from += tap, w += VW) {                                                        \
        const vf v = vf_load(w);                                                                                  \
        PK_UNROLL for (int u = 0; u < U; u++) acc[u] += v * vf_load(from + u * step);                             \
      }                                                                                                           \
    }                                                                                                             \
    PK_UNROLL for (int u = 0; u < U; u++) vf_store(y + u * VW, acc[u]);                                           \
  }
LANES_APART(3, 5) LANES_APART(3, 7) LANES_APART(3, 8) LANES_APART(5, 5) LANES_APART(5, 7) LANES_APART(5, 8)
LANES_APART(7, 5) LANES_APART(7, 7) LANES_APART(7, 8)

#define LANES_OF(KW, STEP) LANES(KW, STEP, 5) LANES(KW, STEP, 7) LANES(KW, STEP, 8)
LANES_OF(3, 1) LANES_OF(3, 2) LANES_OF(5, 1) LANES_OF(5, 2) LANES_OF(7, 1) LANES_OF(7, 2)

typedef void (*lanes_kernel)(size_t kh, size_t line, const float *x, const float *w, vf bias, float *y, size_t step, size_t tap);

/// The kernel and how many outputs it makes; a row takes `blocks` of them.
static lanes_kernel lanes_kernel_for(const pk_conv_shape *s, size_t *together, size_t *blocks) {
#define ROW(KW, STEP) {lanes_##KW##s##STEP##x5, lanes_##KW##s##STEP##x7, lanes_##KW##s##STEP##x8}
  static const lanes_kernel table[3][2][3] = {{ROW(3, 1), ROW(3, 2)}, {ROW(5, 1), ROW(5, 2)}, {ROW(7, 1), ROW(7, 2)}};
#undef ROW
#define APART(KW) {lanes_apart_##KW##x5, lanes_apart_##KW##x7, lanes_apart_##KW##x8}
  static const lanes_kernel apart[3][3] = {APART(3), APART(5), APART(7)};
#undef APART
  *blocks = pk_ceil_div(s->out[2], 8);
  const size_t width = pk_ceil_div(s->out[2], *blocks);
  *together = width <= 5 ? 5 : width <= 7 ? 7 : 8;
  const size_t size = width <= 5 ? 0 : width <= 7 ? 1 : 2, row = (s->kernel[2] - 3) / 2;
  return s->dilation[2] == 1 ? table[row][s->stride[2] - 1][size] : apart[row][size];
}

/// The rows [row0, row1) of VW planes from `plane` on, all of one image.
static void depthwise_lanes(const pk_conv *c, size_t plane, size_t row0, size_t row1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_depthwise_lanes z = pk_depthwise_lanes_sizes(s, VW);
  const size_t channel = plane % s->groups, taps = s->kernel[1] * s->kernel[2], in = s->in[1] * s->in[2], out = s->out[1] * s->out[2];
  float *weights = scratch, *packed = weights + z.weights, *rows = packed + z.packed, *sums = rows + z.rows, *tile = sums + z.sums;
  size_t together, blocks;
  const lanes_kernel kernel = lanes_kernel_for(s, &together, &blocks);
  transpose(c->weights + channel * taps, taps, VW, taps, weights, VW);
  const vf bias = c->epilogue.row_bias ? vf_load(c->epilogue.row_bias + channel) : (vf)0.0f;
  const float *x = c->x + plane * in;
  const size_t line = z.line * VW, pad = s->pad[1], left = s->pad[2], reach = pk_reach(s, 1);
  // What lies before and behind the rows, as far as a kernel reads; the rows themselves are written for each band.
  const size_t used = (blocks * together - 1) * s->stride[2] + pk_reach(s, 2), right = pk_min(left + s->in[2], used);
  for (size_t i = 0; i < (pk_min(z.band, row1 - row0) - 1) * s->stride[1] + reach; i++) {
    memset(rows + i * line, 0, pk_min(left, used) * VW * sizeof(float));
    memset(rows + i * line + right * VW, 0, (used - right) * VW * sizeof(float));
  }
  for (size_t oh = row0; oh < row1; oh += z.band) {
    const size_t count = pk_min(z.band, row1 - oh), start = oh * s->stride[1];
    const size_t end = start + (count - 1) * s->stride[1] + reach;
    // Of the padded rows [start, end) those that lie in the input.
    const size_t first = pk_max(start, pad), last = pk_max(pk_min(end, pad + s->in[1]), first);
    transpose(x + (first - pad) * s->in[2], in, VW, (last - first) * s->in[2], packed, VW);
    const size_t width = left < z.line ? pk_min(s->in[2], z.line - left) : 0;
    for (size_t h = start; h < end; h++) {
      float *to = rows + (h - start) * line + left * VW;
      if (h < first || h >= last) {
        if (width > 0) memset(to, 0, width * VW * sizeof(float));
        continue;
      }
      const float *from = packed + (h - first) * s->in[2] * VW;
      for (size_t w = 0; w < width; w++) vf_store(to + w * VW, vf_load(from + w * VW));
    }
    // The last block of a row may reach into the next row, which is then written over.
    for (size_t r = 0; r < count; r++)
      for (size_t b = 0; b < blocks; b++)
        kernel(s->kernel[1], s->dilation[1] * line, rows + r * s->stride[1] * line + b * together * s->stride[2] * VW, weights, bias,
               sums + (r * s->out[2] + b * together) * VW, s->stride[2] * VW, s->dilation[2] * VW);
    const size_t positions = count * s->out[2];
    transpose(sums, VW, positions, VW, tile, z.ld_tile);
    pk_epilogue e = c->epilogue;
    e.row_bias = NULL; // the sums start with it
    if (e.residual) e.residual += plane * out + oh * s->out[2];
    e.ld_residual = out;
    const store to = {.c = c->y + plane * out + oh * s->out[2], .ldc = out, .alpha = 1, .e = &e};
    finish_tile(&to, tile, z.ld_tile, VW, positions, 0, 0);
  }
}

#endif
