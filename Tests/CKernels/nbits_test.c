#include "ckernels_test.h"

static void test_weights(pk_isa isa, int bits, size_t block, size_t k, size_t n) {
  const size_t blocks = (k + block - 1) / block, bytes = block * (size_t)bits / 8;
  uint8_t *codes = buffer(n * blocks * bytes, 0);
  for (size_t i = 0; i < n * blocks * bytes; i++) codes[i] = (uint8_t)random_bits();
  float *scale = random_floats(n * blocks), *zero = buffer(n * blocks * sizeof(float), 0), *w = random_floats(n * k), *a = random_floats(k);
  for (size_t i = 0; i < n * blocks; i++) zero[i] = (float)(random_bits() % (1u << bits));
  const pk_nbits b = {.k = k, .blocks = blocks, .block = block, .bits = bits, .codes = codes, .scale = scale, .zero = zero};
  const size_t half = random_in(0, n);
  pk_nbits_dequantize(isa, &b, 0, half, w);
  pk_nbits_dequantize(isa, &b, half, n, w + half * k);
  for (size_t row = 0; row < n; row++)
    for (size_t p = 0; p < k; p++) {
      const size_t at = row * blocks + p / block, bit = p % block * (size_t)bits;
      const int code = codes[at * bytes + bit / 8] >> bit % 8 & ((1 << bits) - 1);
      const float want = ((float)code - zero[at]) * scale[at];
      CHECK(w[row * k + p] == want, "%s %d bits: weight %g, not %g", pk_isa_name(isa), bits, (double)w[row * k + p], (double)want);
    }
  if (bits == 4) {
    float *prepared = buffer(pk_nbits_row_floats(&b) * sizeof(float), 0xff), *y = random_floats(n);
    pk_nbits_prepare_row(&b, a, prepared);
    pk_nbits_gemv(isa, &b, prepared, 0, half, y);
    pk_nbits_gemv(isa, &b, prepared, half, n, y + half);
    for (size_t row = 0; row < n; row++) {
      double sum = 0, size = 0;
      for (size_t p = 0; p < k; p++) sum += (double)a[p] * w[row * k + p], size += fabs((double)a[p]) * 16;
      CHECK(fabs(y[row] - sum) <= 1e-6 * (1 + size), "%s block %zu: %g, not %g", pk_isa_name(isa), block, (double)y[row], sum);
    }
    free(prepared), free(y);
  }
  free(codes), free(scale), free(zero), free(w), free(a);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int bits = 2; bits <= 8; bits *= 2)
      for (size_t block = 16; block <= 256; block *= 2)
        for (int i = 0; i < 10; i++) test_weights(isa, bits, block, random_in(1, 600), random_in(1, 9));
  }
  return test_end("nbits_test");
}
