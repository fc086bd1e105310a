#include "ckernels_test.h"

/// What the weights are XORed with while they are packed, to be signed.
static uint8_t flip;

/// The code of a channel by the definition: (x - x_zero) * (w - w_zero) over the window, in 64 bits.
static int32_t code_of(const pk_conv_int8_last *c, const uint8_t *w, const int32_t *w_zero, size_t image, size_t channel, size_t oh, size_t ow) {
  const pk_conv_shape *s = &c->shape;
  const size_t group = channel / s->outputs, pixel = s->groups * s->channels;
  int64_t sum = c->bias ? c->bias[channel] : 0;
  for (size_t ch = 0; ch < s->channels; ch++)
    for (size_t i = 0; i < 3; i++)
      for (size_t j = 0; j < 3; j++) {
        const long long h = (long long)(oh + i) - (long long)s->pad[1], v = (long long)(ow + j) - (long long)s->pad[2];
        if (h < 0 || v < 0 || h >= (long long)s->in[1] || v >= (long long)s->in[2]) continue;
        const uint8_t a = c->x[((image * s->in[1] + (size_t)h) * s->in[2] + (size_t)v) * pixel + group * s->channels + ch];
        const uint8_t b = w[((channel * s->channels + ch) * 3 + i) * 3 + j] ^ flip;
        sum += ((c->x_signed ? (int8_t)a : a) - c->x_zero) * (int64_t)((int8_t)b - (c->w_has_zero ? w_zero[channel] : 0));
      }
  const float low = (float)((c->y_signed ? -128 : 0) - c->y_zero), high = (float)((c->y_signed ? 127 : 255) - c->y_zero);
  float v = (float)sum * c->scale[channel];
  v = v > low ? v : low; // NaN gives the lowest code
  return (int32_t)nearbyintf(v < high ? v : high) + c->y_zero;
}

/// A byte from all, from the ends alone, or always the same one: what sums can be at most.
static uint8_t byte_of(int kind, uint8_t low, uint8_t high) {
  return kind == 0 ? (uint8_t)random_bits() : kind == 1 ? (random_bits() & 1 ? low : high) : kind == 2 ? low : high;
}

static void test_random(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_bits() % 4 ? 1 : random_in(1, 3), .channels = random_in(16, random_bits() & 1 ? 70 : 20),
                     .outputs = random_in(16, 50), .in = {1, 1, 1}, .kernel = {1, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .out = {1, 1, 1}};
  for (int i = 1; i < 3; i++) {
    s.in[i] = random_in(1, 30), s.pad[i] = random_in(0, 4);
    const size_t pads = s.pad[i] + random_in(0, 4);
    if (s.in[i] + pads < 3) return;
    s.out[i] = s.in[i] + pads - 2;
  }
  if (!pk_conv_int8_winograd_fits(isa, &s)) return;
  const size_t in = s.in[1] * s.in[2], out = s.out[1] * s.out[2], channels = s.groups * s.outputs, tiles = pk_conv_int8_winograd_tiles(&s);
  const size_t x_size = s.images * in * s.groups * s.channels, y_size = s.images * out * channels, w_size = channels * s.channels * 9;
  // Exactly as many bytes as there are, so that a sanitizer sees what is read behind them.
  uint8_t *x = malloc(x_size), *w = malloc(w_size), *y = buffer(y_size + 64, 0x5a);
  pk_conv_int8_last c = {.shape = s, .x_signed = random_bits() & 1, .y_signed = random_bits() & 1, .x = x, .y = y, .w_has_zero = random_bits() & 1};
  const int x_kind = (int)random_in(0, 3), w_kind = (int)random_in(0, 3);
  for (size_t i = 0; i < x_size; i++) x[i] = byte_of(x_kind, c.x_signed ? 0x80 : 0, c.x_signed ? 0x7f : 0xff);
  flip = random_bits() & 1 ? 128 : 0;
  for (size_t i = 0; i < w_size; i++) w[i] = byte_of(w_kind, 0x80, 0x7f) ^ flip;
  int32_t *bias = buffer(channels * sizeof *bias, 0), *zeros = buffer(channels * sizeof *zeros, 0);
  float *scale = random_floats(channels);
  for (size_t i = 0; i < channels; i++) {
    zeros[i] = (int8_t)byte_of((int)random_in(0, 3), 0x80, 0x7f), bias[i] = (int32_t)random_bits() >> 13, scale[i] = fabsf(scale[i]) * 0.002f;
    if (random_bits() % 4 == 0) scale[i] = 1e-5f;
    if (random_bits() % 32 == 0) scale[i] = random_bits() & 1 ? NAN : 1e9f;
    if (random_bits() % 32 == 0) scale[i] = 0.5f; // ties
  }
  c.scale = scale, c.bias = random_bits() & 1 ? bias : NULL;
  c.x_zero = c.x_signed ? (int8_t)byte_of((int)random_in(0, 3), 0x80, 0x7f) : byte_of((int)random_in(0, 3), 0, 0xff);
  c.y_zero = (c.y_signed ? -128 : 0) + (int32_t)random_in(0, 255);
  if (pk_conv_int8_winograd_is_exact(&s, flip, w, c.w_has_zero ? zeros : NULL)) {
    void *packed = buffer(pk_conv_int8_winograd_packed_bytes(&s), 0xff), *terms = buffer(pk_conv_int8_winograd_terms_bytes(&s), 0xff);
    const size_t panels = pk_conv_int8_winograd_panels(&s), part = random_in(0, panels);
    pk_conv_int8_winograd_pack(&s, flip, w, c.w_has_zero ? zeros : NULL, part, panels, packed);
    pk_conv_int8_winograd_pack(&s, flip, w, c.w_has_zero ? zeros : NULL, 0, part, packed);
    c.weights = packed;
    pk_conv_int8_winograd_terms(&c, terms);
    c.terms = terms;
    size_t rows, columns;
    pk_conv_int8_winograd_grid(&s, s.images * s.groups, random_in(1, 4), &rows, &columns);
    if (random_bits() & 1) columns = random_in(1, 40), rows = 32;
    scratch t = scratch_of(pk_conv_int8_winograd_scratch_bytes(&s, columns));
    for (size_t product = 0; product < s.images * s.groups; product++)
      for (size_t m = 0; m < s.outputs; m += rows)
        for (size_t p = 0; p < tiles; p += columns)
          pk_conv_int8_winograd_block(&c, product / s.groups, product % s.groups, m, m + rows < s.outputs ? m + rows : s.outputs, p,
                                      p + columns < tiles ? p + columns : tiles, t.bytes);
    CHECK(scratch_end(t), "%s: wrote behind its scratch", pk_isa_name(isa));
    bool bad = false;
    for (size_t i = 0; i < y_size && !bad; i++) {
      const size_t channel = i % channels, p = i / channels % out;
      const int32_t code = c.y_signed ? (int8_t)y[i] : y[i], want = code_of(&c, w, zeros, i / channels / out, channel, p / s.out[2], p % s.out[2]);
      bad = code != want;
      CHECK(!bad, "%s: %zu groups of %zu to %zu channels, channel %zu at %zu of %zux%zu: %d, not %d", pk_isa_name(isa), s.groups, s.channels, s.outputs,
            channel, p, s.out[1], s.out[2], code, want);
    }
    for (size_t i = 0; i < 64; i++) CHECK(y[y_size + i] == 0x5a, "%s: wrote behind the result", pk_isa_name(isa));
    free(packed), free(terms);
  }
  free(x), free(w), free(y), free(bias), free(zeros), free(scale);
}

/// The bound of sums: 131586 times 255 is below 2^25, one more is not.
static void test_bound(void) {
  pk_conv_shape s = {.images = 1, .groups = 1, .channels = 128, .outputs = 16, .in = {1, 16, 16}, .kernel = {1, 3, 3}, .stride = {1, 1, 1},
                     .dilation = {1, 1, 1}, .pad = {0, 1, 1}, .out = {1, 16, 16}};
  uint8_t *w = buffer(16 * 128 * 9, 0);
  size_t left = 131586;
  for (size_t i = 0; i < 128 * 9; i++) w[5 * 128 * 9 + i] = (uint8_t)(left < 127 ? left : 127), left -= left < 127 ? left : 127;
  CHECK(pk_conv_int8_winograd_is_exact(&s, 0, w, NULL), "the largest sums that fit");
  w[5 * 128 * 9 + 128 * 9 - 1]++;
  CHECK(!pk_conv_int8_winograd_is_exact(&s, 0, w, NULL), "sums that do not fit");
  free(w);
}

int main(void) {
  FOR_EACH_ISA(isa) for (int i = 0; i < 3000; i++) test_random(isa);
  test_bound();
  return test_end("conv_int8_winograd_test");
}
