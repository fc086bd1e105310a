#include "ckernels_test.h"

static const struct {
  pk_type type;
  int32_t low, high;
  size_t width;
} types[] = {{PK_U8, 0, 255, 1}, {PK_I8, -128, 127, 1}, {PK_I8, -8, 7, 1}, {PK_U16, 0, 65535, 2}, {PK_I16, -32768, 32767, 2}};

static int32_t code_at(pk_type type, const void *codes, size_t i) {
  switch (type) {
  case PK_U8: return ((const uint8_t *)codes)[i];
  case PK_I8: return ((const int8_t *)codes)[i];
  case PK_U16: return ((const uint16_t *)codes)[i];
  default: return ((const int16_t *)codes)[i];
  }
}

/// Round first, clamp afterwards: the specification's order.
static int32_t code_of(double quotient, int32_t zero, int32_t low, int32_t high) {
  const double code = nearbyint(quotient) + zero;
  return code < low ? low : code > high ? high : (int32_t)code;
}

static void test_codes(pk_isa isa, size_t kind, size_t n, bool per_element, bool has_zero) {
  const pk_type type = types[kind].type;
  const int32_t low = types[kind].low, high = types[kind].high;
  float *x = random_floats(n), *scale = random_floats(n), *back = random_floats(n);
  int32_t *zero = buffer(n * sizeof *zero, 0), *sums = buffer(n * sizeof *sums, 0);
  void *codes = buffer(n * types[kind].width, 0x77);
  for (size_t i = 0; i < n; i++) {
    scale[i] = fabsf(scale[i]) / (float)high + 1e-6f;
    zero[i] = low + (int32_t)(random_bits() % (unsigned)(high - low + 1));
    sums[i] = (int32_t)random_bits() >> random_in(0, 24);
    if (i % 3 == 0) x[i] = scale[per_element ? i : 0] * ((float)(random_bits() % 64) + 0.5f); // ties
    if (i % 17 == 0) x[i] *= 1e6f;
  }
  const pk_quantization q = {.scale = scale, .zero = has_zero ? zero : NULL, .per_element = per_element, .low = low, .high = high};
  CHECK(pk_quantize_f32(isa, type, &q, x, codes, n), "no kernel");
  for (size_t i = 0; i < n; i++) {
    const size_t at = per_element ? i : 0;
    const int32_t want = code_of(x[i] / scale[at], has_zero ? zero[at] : 0, low, high);
    CHECK(code_at(type, codes, i) == want, "%s type %d: code %d, not %d", pk_isa_name(isa), type, code_at(type, codes, i), want);
  }
  CHECK(pk_dequantize_f32(isa, type, &q, codes, back, n), "no kernel");
  for (size_t i = 0; i < n; i++) {
    const size_t at = per_element ? i : 0;
    const float want = (float)(code_at(type, codes, i) - (has_zero ? zero[at] : 0)) * scale[at];
    CHECK(back[i] == want, "%s type %d: %g, not %g", pk_isa_name(isa), type, (double)back[i], (double)want);
  }
  CHECK(pk_requantize_i32(isa, type, &q, -5, sums, codes, n), "no kernel");
  for (size_t i = 0; i < n; i++) {
    const float product = (float)(sums[i] - 5) * scale[per_element ? i : 0];
    const int32_t want = code_of(product, has_zero ? zero[0] : 0, low, high);
    CHECK(code_at(type, codes, i) == want, "%s type %d: code %d of a sum, not %d", pk_isa_name(isa), type, code_at(type, codes, i), want);
  }
  free(x), free(scale), free(back), free(zero), free(sums), free(codes);
}

static void test_sums(pk_isa isa, size_t n, bool per_element, bool has_bias) {
  float *scale = random_floats(n + 1), *bias = random_floats(n), *y = random_floats(n + 1);
  int32_t *sums = buffer((n + 1) * sizeof *sums, 0);
  for (size_t i = 0; i < n; i++) sums[i] = (int32_t)random_bits() >> random_in(0, 24);
  const float guard = y[n];
  const pk_sum_scale q = {.factor = 0.37f, .scale = scale, .bias = has_bias ? bias : NULL, .per_element = per_element};
  pk_scale_sums(isa, &q, sums, y, n);
  for (size_t i = 0; i < n; i++) {
    const float unit = 0.37f * scale[per_element ? i : 0];
    volatile float want = (float)sums[i] * unit; // rounded before the bias is added
    if (has_bias) want = want + bias[i];
    CHECK(y[i] == want, "%s sum %zu of %zu: %g, not %g", pk_isa_name(isa), i, n, (double)y[i], (double)want);
  }
  CHECK(y[n] == guard, "%s: wrote behind %zu sums", pk_isa_name(isa), n);
  free(scale), free(bias), free(y), free(sums);
}

static void test_range(pk_isa isa, size_t n) {
  float *x = random_floats(n);
  float least = 0, greatest = 0, low, high;
  for (size_t i = 0; i < n; i++) {
    if (i % 13 == 5) x[i] = NAN;
    least = fminf(least, x[i]), greatest = fmaxf(greatest, x[i]);
  }
  pk_range_f32(isa, x, n, &low, &high);
  CHECK(low == least && high == greatest, "%s: range %g to %g, not %g to %g", pk_isa_name(isa), (double)low, (double)high, (double)least,
        (double)greatest);
  free(x);
}

static void test_mean(pk_isa isa) {
  // A row 1 2 3 4 less 1, windows of two with one place of padding on either side, stride 2: 0, 1.5 and 3.
  const uint8_t x[4] = {1, 2, 3, 4};
  pk_average_int8 s = {.in = {1, 1, 4}, .kernel = {1, 1, 2}, .stride = {1, 1, 2}, .pad = {0, 0, 1}, .pad_end = {0, 0, 1}, .out = {1, 1, 3},
                       .inner = 1, .x_zero = 1, .x_scale = 1};
  float y[3];
  pk_average_int8_positions(isa, &s, x, 0, 3, y);
  CHECK(y[0] == 0 && y[1] == 1.5f && y[2] == 3, "means %g %g %g", (double)y[0], (double)y[1], (double)y[2]);
  s.count_pad = true;
  pk_average_int8_positions(isa, &s, x, 0, 3, y);
  CHECK(y[0] == 0 && y[1] == 1.5f && y[2] == 1.5f, "means with padding %g %g %g", (double)y[0], (double)y[1], (double)y[2]);
}

/// Means of channels that lie together, by what the declaration says.
static void test_means_of_channels(pk_isa isa) {
  pk_average_int8 s = {.in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .out = {1, 1, 1}, .inner = random_in(2, 600),
                       .x_signed = random_bits() & 1, .count_pad = random_bits() & 1, .x_zero = (int32_t)random_in(0, 20), .x_scale = 0.5f};
  const bool whole = random_bits() & 1;
  for (int i = 0; i < 3; i++) {
    s.in[i] = random_in(1, i == 2 && random_bits() % 8 == 0 ? 300 : 9), s.kernel[i] = whole ? s.in[i] : random_in(1, s.in[i]);
    s.stride[i] = random_in(1, 2), s.pad[i] = whole ? 0 : random_in(0, s.kernel[i] - 1);
    s.out[i] = (s.in[i] + s.pad[i] - s.kernel[i]) / s.stride[i] + 1;
  }
  const size_t in = s.in[0] * s.in[1] * s.in[2], out = s.out[0] * s.out[1] * s.out[2];
  uint8_t *x = malloc(in * s.inner);
  for (size_t i = 0; i < in * s.inner; i++) x[i] = random_bits() % 3 ? 255 : (uint8_t)random_bits();
  float *y = buffer(out * s.inner * sizeof *y, 0);
  pk_average_int8_positions(isa, &s, x, 0, out, y);
  bool bad = false;
  for (size_t i = 0; i < out * s.inner && !bad; i++) {
    const size_t c = i % s.inner, p = i / s.inner, at[3] = {p / s.out[2] / s.out[1], p / s.out[2] % s.out[1], p % s.out[2]};
    int64_t sum = 0, count = 0;
    for (size_t d = 0; d < s.kernel[0]; d++)
      for (size_t h = 0; h < s.kernel[1]; h++)
        for (size_t w = 0; w < s.kernel[2]; w++) {
          const size_t a = at[0] * s.stride[0] + d - s.pad[0], b = at[1] * s.stride[1] + h - s.pad[1], e = at[2] * s.stride[2] + w - s.pad[2];
          if (a >= s.in[0] || b >= s.in[1] || e >= s.in[2]) continue;
          const uint8_t byte = x[((a * s.in[1] + b) * s.in[2] + e) * s.inner + c];
          sum += (s.x_signed ? (int8_t)byte : byte) - s.x_zero, count++;
        }
    if (s.count_pad) count = (int64_t)(s.kernel[0] * s.kernel[1] * s.kernel[2]);
    const float want = count ? (float)sum * s.x_scale / (float)count : 0;
    bad = y[i] != want;
    CHECK(!bad, "%s: mean of channel %zu at %zu is %g, not %g", pk_isa_name(isa), c, p, (double)y[i], (double)want);
  }
  free(x), free(y);
}

/// Sums and products of bytes, by what the declarations say.
static void test_pairwise(pk_isa isa, bool is_signed, size_t n) {
  const pk_type type = is_signed ? PK_I8 : PK_U8;
  const double low = is_signed ? -128 : 0, high = is_signed ? 127 : 255;
  const size_t steps[3][2] = {{1, 1}, {1, 0}, {0, 1}};
  unsigned char *a = buffer(n, 0), *b = buffer(n, 0), *c = buffer(n + 1, 0x77);
  for (size_t i = 0; i < n; i++) a[i] = (unsigned char)random_bits(), b[i] = (unsigned char)random_bits();
  for (int way = 0; way < 6; way++) {
    const bool sum = way < 3;
    const size_t *step = steps[way % 3];
    pk_pairwise_int8 q = {.a_walks = step[0], .b_walks = step[1], .zero_a = (float)random_in(0, 100), .zero_b = (float)random_in(0, 100)};
    q.factor_a = sum ? fabsf(random_unit()) : fabsf(random_unit()) * 0.02f, q.factor_b = fabsf(random_unit()), q.offset = 40 * random_unit();
    // Ties: halves that both orders of rounding give exactly.
    if (random_bits() & 1) q.factor_a = 0.5f, q.factor_b = 0.25f, q.offset = (float)random_in(0, 9) * 0.25f;
    c[n] = 0x77;
    CHECK(sum ? pk_add_int8(isa, type, &q, a, b, c, n) : pk_multiply_int8(isa, type, &q, a, b, c, n), "no kernel");
    CHECK(c[n] == 0x77, "%s: wrote behind its end", pk_isa_name(isa));
    for (size_t i = 0; i < n; i++) {
      const unsigned char p = a[i * step[0]], r = b[i * step[1]];
      const float x = is_signed ? (float)(int8_t)p : (float)p, y = is_signed ? (float)(int8_t)r : (float)r;
      float value;
      if (sum) {
        value = fmaf(x, q.factor_a, fmaf(y, q.factor_b, q.offset));
      } else {
        volatile float product = (x - q.zero_a) * (y - q.zero_b);
        product = product * q.factor_a;
        value = product + q.offset;
      }
      const double rounded = nearbyint(value), want = rounded < low ? low : rounded > high ? high : rounded;
      const int got = is_signed ? (int8_t)c[i] : c[i];
      CHECK(got == (int)want, "%s way %d: %d, not %g", pk_isa_name(isa), way, got, want);
    }
    // The result may take the place of an operand.
    unsigned char *over = step[0] ? a : b, *kept = buffer(n, 0);
    memcpy(kept, over, n);
    (void)(sum ? pk_add_int8(isa, type, &q, a, b, over, n) : pk_multiply_int8(isa, type, &q, a, b, over, n));
    CHECK(memcmp(over, c, n) == 0, "%s way %d: another result in place", pk_isa_name(isa), way);
    memcpy(over, kept, n);
    free(kept);
  }
  free(a), free(b), free(c);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    test_mean(isa);
    for (int i = 0; i < 200; i++) test_means_of_channels(isa);
    for (size_t kind = 0; kind < sizeof types / sizeof *types; kind++)
      for (int variant = 0; variant < 4; variant++)
        for (size_t n = 1; n < 200; n += 1 + n / 7) test_codes(isa, kind, n, variant & 1, variant & 2);
    for (size_t n = 0; n < 100; n++) test_range(isa, n), test_sums(isa, n, n & 1, n & 2);
    for (size_t n = 1; n < 300; n += 1 + n / 9) test_pairwise(isa, false, n), test_pairwise(isa, true, n);
    CHECK(!pk_quantize_f32(isa, PK_F32, NULL, NULL, NULL, 0) && !pk_dequantize_f32(isa, PK_I64, NULL, NULL, NULL, 0), "unknown types");
    CHECK(!pk_add_int8(isa, PK_F32, NULL, NULL, NULL, NULL, 0) && !pk_multiply_int8(isa, PK_I16, NULL, NULL, NULL, NULL, 0), "unknown types");
  }
  return test_end("quantize_test");
}
