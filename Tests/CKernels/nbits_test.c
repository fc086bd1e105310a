#include "ckernels_test.h"

/// Weights of random codes, and what they stand for: w[row * k + p] = (code - zero) * scale.
typedef struct weights {
  pk_nbits b;
  size_t n;
  float *w;
} weights;

static weights random_weights(int bits, size_t block, size_t k, size_t n, bool has_zeros) {
  const size_t blocks = (k + block - 1) / block, bytes = block * (size_t)bits / 8;
  uint8_t *codes = buffer(n * blocks * bytes, 0);
  for (size_t i = 0; i < n * blocks * bytes; i++) codes[i] = (uint8_t)random_bits();
  float *scale = random_floats(n * blocks), *zero = has_zeros ? buffer(n * blocks * sizeof(float), 0) : NULL, *w = random_floats(n * k);
  for (size_t i = 0; zero && i < n * blocks; i++) zero[i] = (float)(random_bits() % (1u << bits));
  for (size_t row = 0; row < n; row++)
    for (size_t p = 0; p < k; p++) {
      const size_t at = row * blocks + p / block, bit = p % block * (size_t)bits;
      const int code = codes[at * bytes + bit / 8] >> bit % 8 & ((1 << bits) - 1);
      w[row * k + p] = ((float)code - (zero ? zero[at] : (float)(1 << (bits - 1)))) * scale[at];
    }
  return (weights){{.k = k, .blocks = blocks, .block = block, .bits = bits, .codes = codes, .scale = scale, .zero = zero}, n, w};
}

static void free_weights(weights w) { free((void *)w.b.codes), free((void *)w.b.scale), free((void *)w.b.zero), free(w.w); }

static void test_panels(pk_isa isa, int bits, size_t block, size_t k, size_t n, bool has_zeros) {
  const weights w = random_weights(bits, block, k, n, has_zeros);
  const size_t bytes = pk_sgemm_packed_b_bytes(isa, k, n), first = random_in(0, n - 1);
  float *want = buffer(bytes, 0), *have = buffer(bytes, 0xff);
  pk_sgemm_pack_b(isa, true, k, n - first, w.w + first * k, k, 0, n - first, want);
  pk_nbits_panels(isa, &w.b, first, n, have);
  const size_t columns = pk_sgemm_panel_cols(isa), count = (n - first + columns - 1) / columns * columns * k;
  for (size_t i = 0; i < count; i++)
    CHECK(have[i] == want[i], "%s %d bits: element %zu is %g, not %g", pk_isa_name(isa), bits, i, (double)have[i], (double)want[i]);
  free(want), free(have), free_weights(w);
}

typedef void (*product)(pk_isa isa, const weights *w, const void *prepared, size_t m, size_t n0, size_t n1, float *y);

static void floats_product(pk_isa isa, const weights *w, const void *prepared, size_t m, size_t n0, size_t n1, float *y) {
  pk_nbits_gemv(isa, &w->b, prepared, m, n0, n1, y, w->n);
}

static void bytes_product(pk_isa isa, const weights *w, const void *prepared, size_t m, size_t n0, size_t n1, float *y) {
  pk_nbits_product_bytes(isa, &w->b, prepared, m, n0, n1, y, w->n);
}

/// The whole product and one in two parts, which has the same bits; `slack` for each row and column is what else a sum may be off.
static void check_product(pk_isa isa, const weights *w, const float *a, size_t m, product product, const void *prepared, const double *slack) {
  const size_t n = w->n, k = w->b.k, half = random_in(0, n);
  float *y = random_floats(m * n), *parts = random_floats(m * n);
  product(isa, w, prepared, m, 0, n, y);
  product(isa, w, prepared, m, 0, half, parts);
  product(isa, w, prepared, m, half, n, parts + half);
  CHECK(memcmp(y, parts, m * n * sizeof *y) == 0, "%s block %zu: other bits in parts", pk_isa_name(isa), w->b.block);
  for (size_t row = 0; row < m; row++)
    for (size_t col = 0; col < n; col++) {
      double sum = 0, size = 0;
      for (size_t p = 0; p < k; p++) sum += (double)a[row * k + p] * w->w[col * k + p], size += fabs((double)a[row * k + p]) * 16;
      const double limit = 1e-6 * (1 + size) + (slack ? slack[row * n + col] : 0), have = y[row * n + col];
      CHECK(fabs(have - sum) <= limit, "%s block %zu: %g, not %g", pk_isa_name(isa), w->b.block, have, sum);
    }
  free(y), free(parts);
}

static void test_floats(pk_isa isa, size_t block, size_t k, size_t n, size_t m) {
  const weights w = random_weights(4, block, k, n, random_bits() % 2);
  float *a = random_floats(m * k), *prepared = buffer(m * pk_nbits_row_floats(&w.b) * sizeof(float), 0xff);
  for (size_t i = 0; i < m; i++) pk_nbits_prepare_row(&w.b, a + i * k, prepared + i * pk_nbits_row_floats(&w.b));
  check_product(isa, &w, a, m, floats_product, prepared, NULL);
  free(a), free(prepared), free_weights(w);
}

static void test_bytes(pk_isa isa, size_t block, size_t k, size_t n, size_t m, bool is_exact) {
  const weights w = random_weights(4, block, k, n, random_bits() % 2);
  float *a = random_floats(m * k);
  uint8_t *prepared = buffer(m * pk_nbits_row_bytes(&w.b), 0xff);
  double *slack = buffer(m * n * sizeof(double), 0);
  for (size_t i = 0; i < m; i++) {
    for (size_t b = 0; b < w.b.blocks; b++) {
      float *from = a + i * k + b * block, largest = 0;
      const size_t count = k - b * block < block ? k - b * block : block;
      if (is_exact) {
        // Codes themselves, times a power of two: 127 among them makes that the scale.
        const float scale = ldexpf(1, (int)random_in(0, 6) - 3);
        for (size_t p = 0; p < count; p++) from[p] = ((float)(random_bits() % 255) - 127) * scale;
        from[random_in(0, count - 1)] = random_bits() % 2 ? 127 * scale : -127 * scale;
        if (random_bits() % 8 == 0) memset(from, 0, count * sizeof *from);
      }
      for (size_t p = 0; p < count; p++) largest = fmaxf(largest, fabsf(from[p]));
      // Rounding to codes moves an activation by at most half of the scale.
      for (size_t col = 0; !is_exact && col < n; col++)
        for (size_t p = 0; p < count; p++) slack[i * n + col] += largest / 127 * 0.501 * fabs((double)w.w[col * k + b * block + p]);
    }
    pk_nbits_prepare_bytes(isa, &w.b, a + i * k, prepared + i * pk_nbits_row_bytes(&w.b));
  }
  if (is_exact)
    // Sums here are of numbers a hundred times as large as the other tests'.
    for (size_t i = 0; i < m; i++)
      for (size_t col = 0; col < n; col++)
        for (size_t p = 0; p < k; p++) slack[i * n + col] += 1e-6 * fabs((double)a[i * k + p]) * 16;
  check_product(isa, &w, a, m, bytes_product, prepared, slack);
  free(a), free(prepared), free(slack), free_weights(w);
}

/// Activations that are no finite numbers, and such as are too small for a scale.
static void test_extremes(pk_isa isa) {
  const float extremes[] = {NAN, INFINITY, -INFINITY, 0x1p-149f, -0x1p-120f, 0x1p100f};
  const weights w = random_weights(4, 32, 100, 5, false);
  uint8_t *prepared = buffer(pk_nbits_row_bytes(&w.b), 0xff);
  for (size_t e = 0; e < sizeof extremes / sizeof *extremes; e++) {
    float a[100] = {0}, y[5];
    a[random_in(0, 99)] = extremes[e];
    pk_nbits_prepare_bytes(isa, &w.b, a, prepared);
    pk_nbits_product_bytes(isa, &w.b, prepared, 1, 0, 5, y, 5);
    for (int i = 0; i < 5; i++) {
      const bool expected = e < 3 ? isnan(y[i]) : e < 5 ? y[i] == 0 : isfinite(y[i]);
      CHECK(expected, "%s: %g of an activation of %g", pk_isa_name(isa), (double)y[i], (double)extremes[e]);
    }
  }
  free(prepared), free_weights(w);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (size_t block = 16; block <= 512; block *= 2)
      for (int i = 0; i < 10; i++) {
        for (int bits = 2; bits <= 8; bits *= 2) test_panels(isa, bits, block, random_in(1, 600), random_in(1, 70), i % 2);
        test_floats(isa, block, random_in(1, 600), random_in(1, 9), random_in(1, 9));
        test_bytes(isa, block, random_in(1, 1100), random_in(1, 9), random_in(1, 9), i % 2);
      }
    test_extremes(isa);
  }
  return test_end("nbits_test");
}
