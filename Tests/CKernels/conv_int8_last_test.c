#include "ckernels_test.h"

/// What the weights are XORed with while they are packed, to be signed.
static uint8_t flip;
/// The zero points of the signed weights.
static const int32_t *w_zero;

/// The code of a channel by the definition: (x - x_zero) * (w - w_zero) over the window, in 64 bits.
static int32_t code_of(const pk_conv_int8_last *c, const uint8_t *w, size_t image, size_t channel, size_t oh, size_t ow) {
  const pk_conv_shape *s = &c->shape;
  const size_t group = channel / s->outputs, pixel = s->groups * s->channels;
  int64_t sum = c->bias ? c->bias[channel] : 0;
  for (size_t ch = 0; ch < s->channels; ch++)
    for (size_t i = 0; i < s->kernel[1]; i++)
      for (size_t j = 0; j < s->kernel[2]; j++) {
        const long long h = (long long)(oh * s->stride[1] + i * s->dilation[1]) - (long long)s->pad[1];
        const long long v = (long long)(ow * s->stride[2] + j * s->dilation[2]) - (long long)s->pad[2];
        if (h < 0 || v < 0 || h >= (long long)s->in[1] || v >= (long long)s->in[2]) continue;
        const uint8_t a = c->x[((image * s->in[1] + (size_t)h) * s->in[2] + (size_t)v) * pixel + group * s->channels + ch];
        const uint8_t b = w[((channel * s->channels + ch) * s->kernel[1] + i) * s->kernel[2] + j] ^ flip;
        sum += ((c->x_signed ? (int8_t)a : a) - c->x_zero) * (int64_t)((int8_t)b - (c->w_has_zero ? w_zero[channel] : 0));
      }
  const float low = (float)((c->y_signed ? -128 : 0) - c->y_zero), high = (float)((c->y_signed ? 127 : 255) - c->y_zero);
  float v = (float)sum * c->scale[channel];
  v = v > low ? v : low; // NaN gives the lowest code
  return (int32_t)nearbyintf(v < high ? v : high) + c->y_zero;
}

/// All codes against the definition, and what lies behind them.
static void check_codes(pk_isa isa, const pk_conv_int8_last *c, const uint8_t *w, const char *what) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[1] * s->out[2], channels = s->groups * s->outputs, size = s->images * out * channels;
  bool bad = false;
  for (size_t i = 0; i < size && !bad; i++) {
    const size_t channel = i % channels, p = i / channels % out;
    const int32_t code = c->y_signed ? (int8_t)c->y[i] : c->y[i], want = code_of(c, w, i / channels / out, channel, p / s->out[2], p % s->out[2]);
    bad = code != want;
    CHECK(!bad, "%s, %s: %zu groups of %zu to %zu channels, %zux%zu kernel, channel %zu at %zu of %zux%zu: %d, not %d", pk_isa_name(isa), what, s->groups,
          s->channels, s->outputs, s->kernel[1], s->kernel[2], channel, p, s->out[1], s->out[2], code, want);
  }
  for (size_t i = 0; i < 64; i++) CHECK(c->y[size + i] == 0x5a, "%s, %s: wrote behind the result", pk_isa_name(isa), what);
}

/// The same convolution where outputs are few.
static void test_few(pk_isa isa, pk_conv_int8_last *c, const uint8_t *w, const int32_t *zeros) {
  const pk_conv_shape *s = &c->shape;
  const size_t size = s->images * s->out[1] * s->out[2] * s->groups * s->outputs, pieces = pk_conv_int8_few_pieces(s);
  void *packed = buffer(pk_conv_int8_few_packed_bytes(s), 0xff), *terms = buffer(pk_conv_int8_few_terms_bytes(s), 0xff);
  pk_conv_int8_few_pack(s, flip, w, c->w_has_zero ? zeros : NULL, packed);
  pk_conv_int8_few_terms(c, terms);
  c->weights = packed, c->terms = terms;
  memset(c->y, 0x33, size);
  const size_t each = random_bits() & 1 ? random_in(1, 5) : pk_conv_int8_few_grid(s, s->images * s->groups, random_in(1, 4));
  scratch t = scratch_of(pk_conv_int8_few_scratch_bytes(s));
  for (size_t product = s->images * s->groups; product-- > 0;)
    for (size_t p = 0; p < pieces; p += each)
      pk_conv_int8_few_block(c, product / s->groups, product % s->groups, p, p + each < pieces ? p + each : pieces, t.bytes);
  CHECK(scratch_end(t), "%s: few outputs wrote behind the scratch", pk_isa_name(isa));
  check_codes(isa, c, w, "few outputs");
  free(packed), free(terms);
}

/// Any weight; small ones, of which no two saturate 16 bits with any codes; these and a few large ones; those around the bounds of that.
static uint8_t weight(int kind) {
  static const int8_t bounds[] = {-128, -127, -65, -64, -63, -1, 0, 1, 2, 63, 64, 65, 126, 127};
  if (kind == 0) return (uint8_t)random_bits();
  if (kind == 3) return (uint8_t)bounds[random_in(0, sizeof bounds - 1)];
  return kind == 2 && random_bits() % 200 == 0 ? (uint8_t)random_bits() : (uint8_t)((int)random_in(0, 120) - 60);
}

static bool shape_of(pk_conv_shape *s, bool pointwise) {
  for (int i = random_bits() % 5 == 0 ? 2 : 1; i < 3; i++) {
    s->in[i] = random_in(1, i == 2 && random_bits() % 16 == 0 ? 300 : 20);
    size_t pads = 0;
    if (!pointwise) {
      s->kernel[i] = random_in(1, random_bits() % 8 == 0 ? 9 : 5), s->stride[i] = random_bits() & 1 ? 1 : random_in(1, 3);
      s->dilation[i] = random_bits() % 4 == 0 ? 2 : 1, s->pad[i] = random_in(0, 3), pads = s->pad[i] + random_in(0, 3);
    }
    const size_t reach = (s->kernel[i] - 1) * s->dilation[i] + 1;
    if (s->in[i] + pads < reach) return false;
    s->out[i] = (s->in[i] + pads - reach) / s->stride[i] + 1;
  }
  return true;
}

static void test_random(pk_isa isa, bool depthwise) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = 1, .channels = 1, .outputs = 1, .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1},
                     .dilation = {1, 1, 1}, .out = {1, 1, 1}};
  if (depthwise)
    s.groups = random_in(1, random_bits() & 1 ? 20 : 150);
  else
    s.groups = random_bits() % 4 ? 1 : random_in(1, 3), s.channels = random_in(1, random_bits() & 1 ? 70 : 12), s.outputs = random_in(1, 70);
  if (!depthwise && random_bits() % 4 == 0) s.outputs = random_in(1, 8);
  if (!depthwise && random_bits() % 16 == 0) s.channels = 2048, s.outputs = 130, s.groups = 1;
  if (!shape_of(&s, !depthwise && (random_bits() % 3 == 0 || s.channels == 2048)) || !pk_conv_int8_last_fits(isa, &s)) return;
  const size_t in = s.in[1] * s.in[2], out = s.out[1] * s.out[2], taps = s.kernel[1] * s.kernel[2], channels = s.groups * s.outputs;
  const size_t x_size = s.images * in * s.groups * s.channels, y_size = s.images * out * channels, w_size = channels * s.channels * taps;
  // Exactly as many bytes as there are, so that a sanitizer sees what is read behind them.
  uint8_t *x = malloc(x_size), *w = malloc(w_size), *y = buffer(y_size + 64, 0x5a);
  const bool extremes = random_bits() % 4 == 0;
  for (size_t i = 0; i < x_size; i++) x[i] = extremes ? (uint8_t[]){0, 255, 127, 128}[random_in(0, 3)] : (uint8_t)random_bits();
  flip = random_bits() & 1 ? 128 : 0;
  const int kind = (int)random_in(0, 3);
  for (size_t i = 0; i < w_size; i++) w[i] = weight(kind) ^ flip;
  int32_t *bias = buffer(channels * sizeof *bias, 0), *zeros = buffer(channels * sizeof *zeros, 0);
  float *scale = random_floats(channels);
  for (size_t i = 0; i < channels; i++) {
    zeros[i] = (int8_t)random_in(0, kind == 0 ? 255 : 3), bias[i] = (int32_t)random_bits() >> 17, scale[i] = fabsf(scale[i]) * 0.02f;
    if (random_bits() % 32 == 0) scale[i] = random_bits() & 1 ? NAN : 1e9f;
    if (random_bits() % 32 == 0) scale[i] = 0.5f; // ties
  }
  pk_conv_int8_last c = {.shape = s, .x_signed = random_bits() & 1, .y_signed = random_bits() & 1, .bias = random_bits() & 1 ? bias : NULL,
                         .scale = scale, .x = x, .y = y, .w_has_zero = random_bits() & 1};
  w_zero = zeros;
  c.x_zero = c.x_signed ? (int8_t)random_bits() : (uint8_t)random_bits(), c.y_zero = (c.y_signed ? -128 : 0) + (int32_t)random_in(0, 255);
  void *packed = buffer(pk_conv_int8_last_packed_bytes(isa, &s), 0xff), *terms = buffer(pk_conv_int8_last_terms_bytes(isa, &s), 0xff);
  pk_conv_int8_last_pack(isa, &s, flip, w, c.w_has_zero ? zeros : NULL, packed);
  c.weights = packed;
  pk_conv_int8_last_terms(isa, &c, terms);
  c.terms = terms;
  if (pk_conv_int8_last_is_depthwise(&s)) {
    scratch t = scratch_of(pk_conv_int8_last_rows_scratch_bytes(isa, &s));
    const size_t all = s.images * s.out[1], half = random_in(0, all);
    pk_conv_int8_last_rows(isa, &c, half, all, t.bytes);
    pk_conv_int8_last_rows(isa, &c, 0, half, t.bytes);
    CHECK(scratch_end(t), "%s: depthwise wrote behind its scratch", pk_isa_name(isa));
  } else {
    size_t rows, columns;
    pk_conv_int8_last_grid(isa, &s, s.images * s.groups, random_in(1, 4), &rows, &columns);
    if (random_bits() & 1) columns = random_in(1, 40), rows = 32;
    scratch t = scratch_of(pk_conv_int8_last_scratch_bytes(isa, &s, columns));
    for (size_t product = 0; product < s.images * s.groups; product++)
      for (size_t m = 0; m < s.outputs; m += rows)
        for (size_t p = 0; p < out; p += columns)
          pk_conv_int8_last_block(isa, &c, product / s.groups, product % s.groups, m, m + rows < s.outputs ? m + rows : s.outputs, p,
                                  p + columns < out ? p + columns : out, t.bytes);
    CHECK(scratch_end(t), "%s: wrote behind its scratch", pk_isa_name(isa));
  }
  check_codes(isa, &c, w, "products");
  if (pk_conv_int8_few_fits(isa, &s)) test_few(isa, &c, w, zeros);
  free(x), free(w), free(y), free(bias), free(zeros), free(scale), free(packed), free(terms);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 2000; i++) test_random(isa, false), test_random(isa, true);
    pk_conv_shape huge = {.images = 1, .groups = 1, .channels = SIZE_MAX / 64, .outputs = 8, .in = {1, 8, 8}, .kernel = {1, 3, 3},
                          .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .pad = {0, 1, 1}, .out = {1, 8, 8}};
    CHECK(pk_conv_int8_last_packed_bytes(isa, &huge) == SIZE_MAX, "packed weights overflow");
    CHECK(!pk_conv_int8_last_fits(PK_ISA_SCALAR, &huge), "there is no kernel without vectors");
  }
  return test_end("conv_int8_last_test");
}
