#include "ckernels_test.h"

/// What the weights are XORed with while they are packed.
static uint8_t flip;

/// The code by the definition: (x - x_zero) * w over the window, in 64 bits.
static int32_t code_of(const pk_conv_int8 *c, const uint8_t *x, const uint8_t *w, size_t m, size_t oh, size_t ow) {
  const pk_conv_shape *s = &c->shape;
  int64_t sum = c->bias ? c->bias[m] : 0;
  for (size_t ch = 0; ch < s->channels; ch++)
    for (size_t i = 0; i < s->kernel[1]; i++)
      for (size_t j = 0; j < s->kernel[2]; j++) {
        const long long h = (long long)(oh * s->stride[1] + i * s->dilation[1]) - (long long)s->pad[1];
        const long long v = (long long)(ow * s->stride[2] + j * s->dilation[2]) - (long long)s->pad[2];
        if (h < 0 || v < 0 || h >= (long long)s->in[1] || v >= (long long)s->in[2]) continue;
        const uint8_t a = x[(ch * s->in[1] + (size_t)h) * s->in[2] + (size_t)v];
        const uint8_t b = w[((m * s->channels + ch) * s->kernel[1] + i) * s->kernel[2] + j] ^ flip;
        sum += ((c->x_signed ? (int8_t)a : a) - c->x_zero) * (int64_t)(c->w_signed ? (int8_t)b : b);
      }
  float v = (float)sum * c->scale[m];
  const float low = (float)(c->low - c->y_zero), high = (float)(c->high - c->y_zero);
  v = v > low ? v : low;
  return (int32_t)nearbyintf(v < high ? v : high) + c->y_zero;
}

static void test_random(pk_isa isa) {
  pk_conv_shape s = {.images = 1, .groups = 1, .channels = random_in(3, random_bits() % 4 == 0 ? 70 : 12), .outputs = random_in(1, 40),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .out = {1, 1, 1}};
  const bool pointwise = random_bits() % 4 == 0;
  for (int i = random_bits() % 5 == 0 ? 2 : 1; i < 3; i++) {
    s.in[i] = random_in(1, 40);
    size_t pads = 0;
    if (!pointwise) {
      s.kernel[i] = random_in(1, 5), s.stride[i] = random_bits() & 1 ? 1 : random_in(1, 3), s.dilation[i] = random_bits() % 4 == 0 ? 2 : 1;
      s.pad[i] = random_in(0, 3), pads = s.pad[i] + random_in(0, 3);
    }
    const size_t reach = (s.kernel[i] - 1) * s.dilation[i] + 1;
    if (s.in[i] + pads < reach) return;
    s.out[i] = (s.in[i] + pads - reach) / s.stride[i] + 1;
  }
  if (!pk_conv_int8_fits(isa, &s)) return;
  const size_t in = s.in[1] * s.in[2], out = s.out[1] * s.out[2], taps = s.kernel[1] * s.kernel[2];
  // Exactly as many bytes as there are, so that a sanitizer sees what is read behind them.
  uint8_t *x = malloc(s.channels * in), *w = malloc(s.outputs * s.channels * taps), *y = buffer(s.outputs * out + 64, 0x5a);
  for (size_t i = 0; i < s.channels * in; i++) x[i] = (uint8_t)random_bits();
  for (size_t i = 0; i < s.outputs * s.channels * taps; i++) w[i] = (uint8_t)random_bits();
  int32_t *bias = buffer(s.outputs * sizeof *bias, 0);
  float *scale = random_floats(s.outputs);
  for (size_t i = 0; i < s.outputs; i++) bias[i] = (int32_t)random_bits() >> 16, scale[i] = fabsf(scale[i]) * 0.01f;
  pk_conv_int8 c = {.shape = s, .x_signed = random_bits() & 1, .w_signed = random_bits() & 1, .bias = random_bits() & 1 ? bias : NULL,
                    .scale = scale, .y = y};
  flip = random_bits() & 1 ? 128 : 0;
  const bool y_signed = random_bits() & 1;
  c.low = y_signed ? -128 : 0, c.high = y_signed ? 127 : 255;
  c.x_zero = c.x_signed ? (int8_t)random_bits() : (uint8_t)random_bits(), c.y_zero = c.low + (int32_t)random_in(0, 255);
  const pk_conv_int8_layout l = pk_conv_int8_layout_of(&s);
  uint8_t *padded = NULL;
  c.x = x;
  if (!l.in_place) {
    c.x = padded = buffer(s.channels * l.plane + PK_CONV_INT8_SLACK, 0xff);
    for (size_t ch = 0; ch < s.channels; ch++) pk_conv_int8_pad(&s, x + ch * in, (uint8_t)c.x_zero, padded + ch * l.plane);
  }
  void *packed = buffer(pk_conv_int8_packed_bytes(isa, &s), 0xff);
  scratch room = scratch_of(pk_conv_int8_pack_bytes(isa, &s));
  pk_conv_int8_pack(isa, &s, c.w_signed, flip, w, room.bytes, packed);
  CHECK(scratch_end(room), "%s: packing wrote behind its room", pk_isa_name(isa));
  c.weights = packed;
  size_t rows, columns;
  pk_conv_int8_grid(isa, &s, 1, random_in(1, 4), &rows, &columns);
  if (random_bits() & 1) columns = random_in(1, 3) * 32;
  scratch t = scratch_of(pk_conv_int8_scratch_bytes(isa, &s, columns));
  for (size_t m = 0; m < s.outputs; m += rows)
    for (size_t n = 0; n < l.positions; n += columns)
      pk_conv_int8_block(isa, &c, m, m + rows < s.outputs ? m + rows : s.outputs, n, n + columns < l.positions ? n + columns : l.positions,
                         t.bytes);
  CHECK(scratch_end(t), "%s: wrote behind its scratch", pk_isa_name(isa));
  bool bad = false;
  for (size_t m = 0; m < s.outputs && !bad; m++)
    for (size_t p = 0; p < out && !bad; p++) {
      const uint8_t byte = y[m * out + p];
      const int32_t code = y_signed ? (int8_t)byte : byte, want = code_of(&c, x, w, m, p / s.out[2], p % s.out[2]);
      bad = code != want;
      CHECK(!bad, "%s: %zu channels, %zux%zu kernel, output %zu at %zu of %zux%zu: %d, not %d", pk_isa_name(isa), s.channels, s.kernel[1],
            s.kernel[2], m, p, s.out[1], s.out[2], code, want);
    }
  for (size_t i = 0; i < 64; i++) CHECK(y[s.outputs * out + i] == 0x5a, "%s: wrote behind the result", pk_isa_name(isa));
  free(x), free(w), free(y), free(bias), free(scale), free(padded), free(packed);
}

static void test_depthwise(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 5), .channels = 1, .outputs = random_in(1, 2),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .out = {1, 1, 1}};
  for (int i = random_bits() % 5 == 0 ? 2 : 1; i < 3; i++) {
    s.in[i] = random_in(1, 40), s.kernel[i] = random_in(1, 7), s.stride[i] = random_bits() & 1 ? 1 : random_in(1, 3);
    s.dilation[i] = random_bits() % 4 == 0 ? 2 : 1, s.pad[i] = random_in(0, 4);
    const size_t reach = (s.kernel[i] - 1) * s.dilation[i] + 1, pads = s.pad[i] + random_in(0, 4);
    if (s.in[i] + pads < reach) return;
    s.out[i] = (s.in[i] + pads - reach) / s.stride[i] + 1;
  }
  if (!pk_conv_int8_depthwise_fits(isa, &s)) return;
  const size_t in = s.in[1] * s.in[2], out = s.out[1] * s.out[2], taps = s.kernel[1] * s.kernel[2], channels = s.groups * s.outputs;
  const size_t planes = s.images * channels;
  uint8_t *x = malloc(s.images * s.groups * in), *w = malloc(channels * taps), *y = buffer(planes * out + 64, 0x5a);
  for (size_t i = 0; i < s.images * s.groups * in; i++) x[i] = (uint8_t)random_bits();
  for (size_t i = 0; i < channels * taps; i++) w[i] = (uint8_t)random_bits();
  int32_t *bias = buffer(channels * sizeof *bias, 0);
  float *scale = random_floats(channels);
  for (size_t i = 0; i < channels; i++) bias[i] = (int32_t)random_bits() >> 18, scale[i] = fabsf(scale[i]) * 0.05f;
  flip = random_bits() & 1 ? 128 : 0;
  pk_conv_int8 c = {.shape = s, .x_signed = random_bits() & 1, .w_signed = random_bits() & 1, .bias = random_bits() & 1 ? bias : NULL,
                    .scale = scale, .x = x, .y = y};
  const bool y_signed = random_bits() & 1;
  c.low = y_signed ? -128 : 0, c.high = y_signed ? 127 : 255;
  c.x_zero = c.x_signed ? (int8_t)random_bits() : (uint8_t)random_bits(), c.y_zero = c.low + (int32_t)random_in(0, 255);
  void *packed = buffer(pk_conv_int8_depthwise_packed_bytes(&s), 0xff);
  pk_conv_int8_depthwise_pack(&s, c.w_signed, flip, w, packed);
  c.weights = packed;
  scratch t = scratch_of(pk_conv_int8_depthwise_scratch_bytes(&s));
  const size_t half = random_in(0, planes);
  pk_conv_int8_depthwise(isa, &c, 0, half, t.bytes);
  pk_conv_int8_depthwise(isa, &c, half, planes, t.bytes);
  CHECK(scratch_end(t), "%s: depthwise wrote behind its scratch", pk_isa_name(isa));
  bool bad = false;
  for (size_t p = 0; p < planes * out && !bad; p++) {
    const size_t plane = p / out, m = plane % channels;
    const int32_t code = y_signed ? (int8_t)y[p] : y[p];
    const int32_t want = code_of(&c, x + plane / s.outputs * in, w, m, p % out / s.out[2], p % s.out[2]);
    bad = code != want;
    CHECK(!bad, "%s: depthwise %zux%zu, plane %zu at %zu: %d, not %d", pk_isa_name(isa), s.kernel[1], s.kernel[2], plane, p % out, code, want);
  }
  for (size_t i = 0; i < 64; i++) CHECK(y[planes * out + i] == 0x5a, "%s: depthwise wrote behind the result", pk_isa_name(isa));
  free(x), free(w), free(y), free(bias), free(scale), free(packed);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 3000; i++) test_random(isa), test_depthwise(isa);
    pk_conv_shape huge = {.images = 1, .groups = 1, .channels = SIZE_MAX / 64, .outputs = 8, .in = {1, 8, 8}, .kernel = {1, 3, 3},
                          .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .pad = {0, 1, 1}, .out = {1, 8, 8}};
    CHECK(pk_conv_int8_packed_bytes(isa, &huge) == SIZE_MAX, "packed weights overflow");
    CHECK(!pk_conv_int8_fits(PK_ISA_AVX2, &huge), "there is no kernel for AVX2");
  }
  return test_end("conv_int8_test");
}
