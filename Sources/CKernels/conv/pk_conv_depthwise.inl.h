// Depthwise convolution: rows of a plane are copied with their padding, then every tap is a plain vector load.

/// Row `h` of the input plane (`fill` outside it) as phases: to[phase * length + i] = padded[i * stride + phase].
static void copy_row(const pk_conv_shape *s, const float *plane, ptrdiff_t h, float fill, size_t length, float *to) {
  const size_t stride = s->stride[2], width = s->in[2], pad = s->pad[2];
  for (size_t i = 0; i < length * stride; i += VW) vf_store(to + i, (vf)fill); // length is a multiple of 16
  if ((size_t)h >= s->in[1]) return;
  const float *from = plane + (size_t)h * width;
  if (stride == 1) {
    if (pad >= length) return;
    const size_t count = pk_min(width, length - pad);
    size_t w = 0;
    for (; w + VW <= count; w += VW) vf_store(to + pad + w, vf_load(from + w));
    if (w < count) vf_store_n(to + pad + w, vf_load_n(from + w, count - w), count - w);
    return;
  }
  for (size_t phase = 0; phase < stride; phase++) {
    // Elements w with (w + pad) % stride == phase.
    size_t i = phase >= pad % stride ? pad / stride : pad / stride + 1;
    size_t w = i * stride + phase - pad;
    float *out = to + phase * length;
#if PK_LEVEL >= 1
    if (stride == 2)
      for (; i + 8 <= length && w + 16 <= width; i += 8, w += 16) {
        const __m256 both = _mm256_shuffle_ps(_mm256_loadu_ps(from + w), _mm256_loadu_ps(from + w + 8), 0x88);
        _mm256_storeu_pd((double *)(out + i), _mm256_permute4x64_pd((__m256d)both, 0xd8));
      }
#endif
    for (; i < length && w < width; i++, w += stride) out[i] = from[w];
  }
}

/// `rows` output rows (at most R where a kernel has a fixed shape) of sums. x: the padded rows, w: weights,
/// column: offset of each kernel column in a padded row, line: floats of a padded row, y: rows of ldy floats.
typedef struct taps {
  const float *x, *w;
  const size_t *column;
  size_t line, kh, kw, dilation, width;
  float bias;
} taps;

#define DEPTHWISE(KH, KW, STEP, R)                                                                                \
  static void depthwise_##KH##x##KW##s##STEP(const taps *t, float *y, size_t ldy) {                              \
    const size_t line = t->line;                                                                                  \
    vf w[KH * KW];                                                                                                \
    PK_UNROLL for (int i = 0; i < KH * KW; i++) w[i] = (vf)t->w[i];                                               \
    for (size_t j = 0; j < t->width; j += VW) {                                                                   \
      vf acc[R];                                                                                                  \
      PK_UNROLL for (int r = 0; r < R; r++) acc[r] = t->bias;                                                       \
      PK_UNROLL for (int row = 0; row < (R - 1) * STEP + KH; row++) PK_UNROLL for (int q = 0; q < KW; q++) {      \
        const vf v = vf_load(t->x + (size_t)row * line + t->column[q] + j);                                       \
        PK_UNROLL for (int r = 0; r < R; r++) {                                                                   \
          if (row - r * STEP >= 0 && row - r * STEP < KH) acc[r] += w[(row - r * STEP) * KW + q] * v;             \
        }                                                                                                         \
      }                                                                                                           \
      PK_UNROLL for (int r = 0; r < R; r++) vf_store(y + (size_t)r * ldy + j, acc[r]);                            \
    }                                                                                                             \
  }

DEPTHWISE(3, 3, 1, 4) DEPTHWISE(3, 3, 2, 4) DEPTHWISE(5, 5, 1, 4) DEPTHWISE(5, 5, 2, 4)

/// One output row of any kernel.
static void depthwise_row(const taps *t, float *y) {
  size_t j = 0;
  for (; j + 4 * VW <= t->width; j += 4 * VW) {
    vf acc[4] = {t->bias, t->bias, t->bias, t->bias};
    for (size_t p = 0; p < t->kh; p++)
      for (size_t q = 0; q < t->kw; q++) {
        const float *x = t->x + p * t->dilation * t->line + t->column[q] + j;
        const float w = t->w[p * t->kw + q];
        PK_UNROLL for (int i = 0; i < 4; i++) acc[i] += w * vf_load(x + i * VW);
      }
    PK_UNROLL for (int i = 0; i < 4; i++) vf_store(y + j + i * VW, acc[i]);
  }
  for (; j < t->width; j += VW) {
    vf acc = t->bias;
    for (size_t p = 0; p < t->kh; p++)
      for (size_t q = 0; q < t->kw; q++) acc += t->w[p * t->kw + q] * vf_load(t->x + p * t->dilation * t->line + t->column[q] + j);
    vf_store(y + j, acc);
  }
}

typedef void (*depthwise_kernel)(const taps *t, float *y, size_t ldy);

static depthwise_kernel depthwise_kernel_for(const pk_conv_shape *s) {
  const size_t k = s->kernel[1], step = s->stride[1];
  if (s->kernel[2] != k || s->dilation[1] != 1) return NULL;
  if (k == 3) return step == 1 ? depthwise_3x3s1 : step == 2 ? depthwise_3x3s2 : NULL;
  if (k == 5) return step == 1 ? depthwise_5x5s1 : step == 2 ? depthwise_5x5s2 : NULL;
  return NULL;
}

static void depthwise(const pk_conv *c, size_t plane0, size_t plane1, size_t row0, size_t row1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t channels = s->groups * s->outputs, size = s->kernel[1] * s->kernel[2], out = s->out[1] * s->out[2];
  const size_t phase = pk_depthwise_phase(s, 16), line = phase * s->stride[2], band = pk_depthwise_band(s, line);
  const size_t ldy = (s->out[2] + 15) / 16 * 16;
  const depthwise_kernel kernel = depthwise_kernel_for(s);
  size_t *column = scratch;
  float *sums = (float *)((char *)scratch + pk_round64(s->kernel[2] * sizeof(size_t))), *rows = sums + 4 * ldy;
  for (size_t q = 0; q < s->kernel[2]; q++)
    column[q] = q * s->dilation[2] % s->stride[2] * phase + q * s->dilation[2] / s->stride[2];
#if PK_LEVEL >= 1
  const bool by_lanes = pk_depthwise_lanes_pay(s);
  const size_t padded = ((pk_min(band, s->out[1]) - 1) * s->stride[1] + (s->kernel[1] - 1) * s->dilation[1] + 1) * line;
  const bool is_direct = !c->epilogue.residual && s->out[1] > 0 && direct_fits(s) && s->in[2] <= padded;
  if (is_direct) memset(rows, 0, s->in[2] * sizeof(float));
#endif
  for (size_t plane = plane0; plane < plane1; plane++) {
#if PK_LEVEL >= 1
    if (by_lanes && plane1 - plane >= VW && channels - plane % channels >= VW) {
      depthwise_lanes(c, plane, row0, row1, (char *)scratch + pk_round64(pk_plane_scratch_bytes(s)));
      plane += VW - 1;
      continue;
    }
    if (is_direct) {
      depthwise_direct(c, plane, row0, row1, rows);
      continue;
    }
#endif
    const size_t channel = plane % channels, image = plane / channels;
    const float *x = c->x + (image * s->groups + channel / s->outputs) * s->in[1] * s->in[2];
    pk_epilogue e = c->epilogue;
    e.row_bias = NULL; // one number for the plane: the sums start with it
    if (e.residual) e.residual += plane * out;
    e.ld_residual = s->out[2];
    const store to = {.c = c->y + plane * out, .ldc = s->out[2], .alpha = 1, .e = &e};
    taps t = {.w = c->weights + channel * size, .column = column, .line = line, .kh = s->kernel[1], .kw = s->kernel[2],
              .dilation = s->dilation[1], .width = s->out[2], .bias = c->epilogue.row_bias ? c->epilogue.row_bias[channel] : 0};
    for (size_t oh = row0; oh < row1; oh += band) {
      const size_t count = pk_min(band, row1 - oh);
      const size_t lines = (count - 1) * s->stride[1] + (s->kernel[1] - 1) * s->dilation[1] + 1;
      for (size_t i = 0; i < lines; i++)
        copy_row(s, x, (ptrdiff_t)(oh * s->stride[1] + i) - (ptrdiff_t)s->pad[1], 0, phase, rows + i * line);
      for (size_t r = 0; r < count;) {
        t.x = rows + r * s->stride[1] * line;
        const size_t done = kernel && count - r >= 4 ? 4 : 1;
        if (done == 4)
          kernel(&t, sums, ldy);
        else
          depthwise_row(&t, sums);
        finish_tile(&to, sums, ldy, done, s->out[2], oh + r, 0);
        r += done;
      }
    }
  }
}
