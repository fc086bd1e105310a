// What the tests of convolutions share, a file for each way to compute one: convolutions by the definition, random shapes, and a run of
// a way that is held against the definition.
#ifndef PINION_CONV_TEST_H
#define PINION_CONV_TEST_H

#include "ckernels_test.h"

/// y = conv(x, w) by the definition, in double; `size` gets the sum of magnitudes.
static inline void reference(const pk_conv_shape *s, const float *x, const float *w, double *y, double *size) {
  const size_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
               taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  for (size_t n = 0; n < s->images; n++)
    for (size_t m = 0; m < s->groups * s->outputs; m++)
      for (size_t p = 0; p < out; p++) {
        double sum = 0, all = 0;
        for (size_t c = 0; c < s->channels; c++)
          for (size_t t = 0; t < taps; t++) {
            const long long tap[3] = {(long long)(t / s->kernel[2] / s->kernel[1]), (long long)(t / s->kernel[2] % s->kernel[1]),
                                      (long long)(t % s->kernel[2])};
            const long long o[3] = {(long long)(p / s->out[2] / s->out[1]), (long long)(p / s->out[2] % s->out[1]),
                                    (long long)(p % s->out[2])};
            long long at[3];
            bool inside = true;
            for (int i = 0; i < 3; i++) {
              at[i] = o[i] * (long long)s->stride[i] + tap[i] * (long long)s->dilation[i] - (long long)s->pad[i];
              inside &= at[i] >= 0 && at[i] < (long long)s->in[i];
            }
            if (!inside) continue;
            const size_t plane = (n * s->groups + m / s->outputs) * s->channels + c;
            const double term = (double)x[plane * in + (size_t)((at[0] * (long long)s->in[1] + at[1]) * (long long)s->in[2] + at[2])] *
                                w[(m * s->channels + c) * taps + t];
            sum += term;
            all += fabs(term);
          }
        y[(n * s->groups * s->outputs + m) * out + p] = sum;
        size[(n * s->groups * s->outputs + m) * out + p] = all;
      }
}

/// y = transposed conv(x, w) by scattering, in double.
static inline void reference_transposed(const pk_conv_shape *s, const float *x, const float *w, double *y, double *size) {
  const size_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
               taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  for (size_t i = 0; i < s->images * s->groups * s->outputs * out; i++) y[i] = size[i] = 0;
  for (size_t n = 0; n < s->images; n++)
    for (size_t c = 0; c < s->groups * s->channels; c++)
      for (size_t m = 0; m < s->outputs; m++)
        for (size_t i = 0; i < in; i++)
          for (size_t t = 0; t < taps; t++) {
            const size_t tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
            const size_t at[3] = {i / s->in[2] / s->in[1], i / s->in[2] % s->in[1], i % s->in[2]};
            long long o[3];
            bool inside = true;
            for (int a = 0; a < 3; a++) {
              o[a] = (long long)(at[a] * s->stride[a] + tap[a] * s->dilation[a]) - (long long)s->pad[a];
              inside &= o[a] >= 0 && o[a] < (long long)s->out[a];
            }
            if (!inside) continue;
            const size_t plane = n * s->groups * s->outputs + c / s->channels * s->outputs + m;
            const size_t to = plane * out + (size_t)((o[0] * (long long)s->out[1] + o[1]) * (long long)s->out[2] + o[2]);
            const double term = (double)x[(n * s->groups * s->channels + c) * in + i] * w[(c * s->outputs + m) * taps + t];
            y[to] += term;
            size[to] += fabs(term);
          }
}

/// Gives the shape its outputs; false where the kernel does not fit.
static inline bool finish_shape(pk_conv_shape *s, const size_t pad_end[3], bool transposed) {
  for (int i = 0; i < 3; i++) {
    const long long reach = (long long)((s->kernel[i] - 1) * s->dilation[i] + 1), pads = (long long)(s->pad[i] + pad_end[i]);
    const long long o = transposed
                            ? ((long long)s->in[i] - 1) * (long long)s->stride[i] + reach - pads
                            : ((long long)s->in[i] + pads < reach ? 0 : ((long long)s->in[i] + pads - reach) / (long long)s->stride[i] + 1);
    if (o <= 0) return false;
    s->out[i] = (size_t)o;
  }
  return true;
}

static inline void describe(const pk_conv_shape *s) {
  printf("images %zu groups %zu channels %zu outputs %zu", s->images, s->groups, s->channels, s->outputs);
  for (int i = 0; i < 3; i++)
    printf("; in %zu kernel %zu stride %zu dilation %zu pad %zu out %zu", s->in[i], s->kernel[i], s->stride[i], s->dilation[i], s->pad[i],
           s->out[i]);
  printf("\n");
}

/// A way to compute a convolution.
typedef struct conv_way {
  const char *name;
  bool is_transposed;
  /// What of an epilogue it does besides the bias.
  bool has_activation, has_residual;
  /// Of the sum of magnitudes.
  double tolerance;
  /// Computes `c->y` of `c->x` and the weights as they are given, `c->weights`, which it may replace by a form of its own.
  void (*run)(pk_isa isa, pk_conv *c);
} conv_way;

/// Holds a way against the definition, with random numbers and a random epilogue.
static inline void test_shape(pk_isa isa, const conv_way *way, const pk_conv_shape *s) {
  const size_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
               taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const size_t planes = s->images * s->groups * s->outputs, channels = s->groups * s->outputs;
  float *x = random_floats(s->images * s->groups * s->channels * in), *w = random_floats(channels * s->channels * taps);
  float *y = buffer(planes * out * sizeof(float), 0xff), *bias = random_floats(channels), *residual = random_floats(planes * out);
  double *want = buffer(planes * out * sizeof(double), 0), *size = buffer(planes * out * sizeof(double), 0);
  (way->is_transposed ? reference_transposed : reference)(s, x, w, want, size);
  pk_conv c = {.shape = *s, .x = x, .weights = w, .y = y};
  if (random_bits() & 1) c.epilogue.row_bias = bias;
  if (way->has_residual && random_bits() & 1) c.epilogue.residual = residual, c.epilogue.residual_last = random_bits() & 1;
  static const pk_activation activations[] = {PK_ACT_NONE, PK_ACT_LEAKY_RELU, PK_ACT_RELU, PK_ACT_CLIP};
  if (way->has_activation) c.epilogue.activation = activations[random_bits() % 4], c.epilogue.p0 = 0.25f, c.epilogue.p1 = 2;
  way->run(isa, &c);
  bool bad = false;
  for (size_t i = 0; i < planes * out && !bad; i++) {
    double v = want[i] + (c.epilogue.row_bias ? bias[i / out % channels] : 0);
    const double r = c.epilogue.residual ? residual[i] : 0;
    if (!c.epilogue.residual_last) v += r;
    if (c.epilogue.activation == PK_ACT_LEAKY_RELU) v = v < 0 ? v * 0.25 : v;
    if (c.epilogue.activation == PK_ACT_RELU) v = fmax(v, 0);
    if (c.epilogue.activation == PK_ACT_CLIP) v = fmin(fmax(v, 0.25), 2);
    if (c.epilogue.residual_last) v += r;
    bad = !(fabs(v - y[i]) <= way->tolerance * (size[i] + 4));
    CHECK(!bad, "%s %s: y[%zu] = %g, not %g", pk_isa_name(isa), way->name, i, y[i], v);
  }
  if (bad && failures < 20) describe(s);
  free(x), free(w), free(y), free(bias), free(residual), free(want), free(size);
}

/// A shape of up to three axes, without its outputs yet.
static inline pk_conv_shape random_shape(bool is_small) {
  return (pk_conv_shape){.images = random_in(1, 2),
                         .groups = random_in(1, 3),
                         .channels = random_in(1, is_small ? 4 : 70),
                         .outputs = random_in(1, is_small ? 6 : 40)};
}

/// The axes of a shape, of which the last `rank` are used.
/// `has_points`: often kernels of one tap.
static inline void random_axes(pk_conv_shape *s, size_t pad_end[3], int rank, bool has_points) {
  const size_t square = random_in(1, 4);
  for (int i = 0; i < 3; i++) {
    const bool used = i >= 3 - rank;
    s->in[i] = used ? random_in(1, rank == 3 ? 9 : rank == 2 ? 24 : 150) : 1;
    s->kernel[i] = used ? (square == 1 ? 3 : square == 2 ? 5 : random_in(1, 7)) : 1;
    if (square == 3 && has_points) s->kernel[i] = 1;
    s->stride[i] = used && random_bits() & 1 ? random_in(1, 4) : 1;
    s->dilation[i] = used && random_bits() % 4 == 0 ? random_in(1, 3) : 1;
    s->pad[i] = used && random_bits() & 1 ? random_in(0, 4) : 0;
    pad_end[i] = used && random_bits() & 1 ? random_in(0, 4) : 0;
  }
}

/// Now and then a shape of one column.
static inline void narrow_some(pk_conv_shape *s, size_t pad_end[3]) {
  if (random_bits() % 8 == 0) s->in[2] = s->kernel[2] = s->stride[2] = 1, s->pad[2] = pad_end[2] = 0;
}

/// A random convolution of a way that takes every shape.
static inline void test_random(pk_isa isa, const conv_way *way, bool is_small, bool has_points) {
  pk_conv_shape s = random_shape(is_small);
  size_t pad_end[3];
  random_axes(&s, pad_end, (int)random_in(1, 3), has_points);
  narrow_some(&s, pad_end);
  if (finish_shape(&s, pad_end, way->is_transposed)) test_shape(isa, way, &s);
}

static inline scratch patches_of(pk_isa isa, const pk_conv_shape *s, bool turned) { return scratch_of(pk_conv_patch_bytes(isa, s, turned)); }

/// The patches of one image and group, made in three calls.
static inline const float *make_patches(pk_isa isa, const pk_conv *c, bool turned, size_t image, size_t group, scratch to) {
  const size_t channels = c->shape.channels, a = random_in(0, channels), b = random_in(a, channels);
  memset(to.bytes, 0xff, to.size);
  pk_conv_patches(isa, c, turned, image, group, b, channels, (float *)to.bytes);
  pk_conv_patches(isa, c, turned, image, group, 0, a, (float *)to.bytes);
  pk_conv_patches(isa, c, turned, image, group, a, b, (float *)to.bytes);
  return (const float *)to.bytes;
}

#endif
