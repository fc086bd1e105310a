#include "ckernels_test.h"

static int32_t value(const uint8_t *p, size_t i, bool is_signed) { return is_signed ? (int8_t)p[i] : p[i]; }

static uint8_t *random_bytes(size_t count) {
  uint8_t *p = buffer(count, 0);
  const bool extreme = random_bits() % 4 == 0; // saturation would show with the largest magnitudes
  for (size_t i = 0; i < count; i++)
    p[i] = extreme ? (uint8_t)((random_bits() & 1 ? 0x80 : 0x7f) ^ (random_bits() & 1 ? 0xff : 0)) : (uint8_t)random_bits();
  return p;
}

static void test_product(pk_isa isa, size_t m, size_t n, size_t k, unsigned variant) {
  const bool ta = variant & 1, tb = variant & 2, packed_a = variant & 4, packed_b = variant & 8, as = variant & 16, bs = variant & 32;
  const size_t lda = (ta ? m : k) + random_in(0, 3), ldb = (tb ? k : n) + random_in(0, 3), ldc = n + random_in(0, 3);
  uint8_t *a = random_bytes((ta ? k : m) * lda), *b = random_bytes((tb ? n : k) * ldb);
  int32_t *c = buffer(m * ldc * sizeof *c, 0x5a), *az = buffer(m * sizeof *az, 0), *bz = buffer(n * sizeof *bz, 0);
  for (size_t i = 0; i < m; i++) az[i] = as ? (int8_t)random_bits() : (uint8_t)random_bits();
  for (size_t j = 0; j < n; j++) bz[j] = bs ? (int8_t)random_bits() : (uint8_t)random_bits();
  pk_igemm g = {.m = m,
                .n = n,
                .k = k,
                .a = a,
                .lda = lda,
                .trans_a = ta,
                .a_signed = as,
                .b = b,
                .ldb = ldb,
                .trans_b = tb,
                .b_signed = bs,
                .c = c,
                .ldc = ldc};
  if (random_bits() & 1) g.a_zero = az, g.a_zero_per_row = random_bits() & 1;
  if (random_bits() & 1) g.b_zero = bz, g.b_zero_per_column = random_bits() & 1;
  void *pa = NULL, *pb = NULL;
  if (packed_a) {
    g.packed_a = pa = buffer(pk_igemm_packed_a_bytes(isa, m, k), 0xff);
    pk_igemm_pack_a(isa, ta, as, m, k, a, lda, pa);
    g.a = NULL;
  }
  if (packed_b) {
    const size_t half = n / 2 / pk_igemm_panel_cols(isa) * pk_igemm_panel_cols(isa);
    g.packed_b = pb = buffer(pk_igemm_packed_b_bytes(isa, k, n), 0xff);
    pk_igemm_pack_b(isa, tb, as, bs, k, n, b, ldb, 0, half, pb);
    pk_igemm_pack_b(isa, tb, as, bs, k, n, b, ldb, half, n, pb);
    g.b = NULL;
  }
  size_t rows, cols;
  pk_igemm_grid(isa, &g, random_in(1, 4), &rows, &cols);
  scratch s = scratch_of(pk_igemm_scratch_bytes(isa, &g, rows, cols));
  for (size_t i = 0; i < m; i += rows)
    for (size_t j = 0; j < n; j += cols) pk_igemm_block(isa, &g, i, i + rows < m ? i + rows : m, j, j + cols < n ? j + cols : n, s.bytes);
  CHECK(scratch_end(s), "%s: wrote behind its scratch", pk_isa_name(isa));
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < ldc; j++) {
      int64_t sum = 0;
      for (size_t p = 0; j < n && p < k; p++)
        sum += (int64_t)(value(a, ta ? p * lda + i : i * lda + p, as) - (g.a_zero ? az[g.a_zero_per_row ? i : 0] : 0)) *
               (value(b, tb ? j * ldb + p : p * ldb + j, bs) - (g.b_zero ? bz[g.b_zero_per_column ? j : 0] : 0));
      const int32_t want = j < n ? (int32_t)(uint32_t)sum : 0x5a5a5a5a;
      CHECK(c[i * ldc + j] == want, "%s %zux%zux%zu variant %u: c[%zu,%zu] = %d, not %d", pk_isa_name(isa), m, n, k, variant, i, j,
            c[i * ldc + j], want);
    }
  free(a), free(b), free(c), free(az), free(bz), free(pa), free(pb);
}

static void test_im2col(void) {
  size_t in[3], kernel[3], stride[3], dilation[3], pad[3], out[3];
  const size_t channels = random_in(1, 3);
  size_t taps = 1, plane = 1, positions = 1;
  for (int i = 0; i < 3; i++) {
    in[i] = random_in(1, 8), kernel[i] = random_in(1, 3), stride[i] = random_in(1, 3), dilation[i] = random_in(1, 2),
    pad[i] = random_in(0, 3);
    const size_t reach = (kernel[i] - 1) * dilation[i] + 1, padded = in[i] + 2 * pad[i];
    if (padded < reach) return;
    out[i] = (padded - reach) / stride[i] + 1;
    taps *= kernel[i], plane *= in[i], positions *= out[i];
  }
  uint8_t *x = random_bytes(channels * plane);
  const size_t row0 = random_in(0, channels * taps - 1), row1 = random_in(row0, channels * taps), p0 = random_in(0, positions - 1),
               p1 = random_in(p0, positions);
  const size_t ld = p1 - p0 + 2;
  uint8_t *to = buffer((row1 - row0) * ld, 0);
  pk_im2col_8(in, kernel, stride, dilation, pad, out, x, 77, row0, row1, p0, p1, to, ld);
  for (size_t r = row0; r < row1; r++)
    for (size_t p = p0; p < p1; p++) {
      const size_t tap = r % taps;
      const long long k[3] = {(long long)(tap / kernel[2] / kernel[1]), (long long)(tap / kernel[2] % kernel[1]),
                              (long long)(tap % kernel[2])};
      const long long o[3] = {(long long)(p / out[2] / out[1]), (long long)(p / out[2] % out[1]), (long long)(p % out[2])};
      long long at = (long long)(r / taps);
      bool inside = true;
      for (int i = 0; i < 3; i++) {
        const long long w = o[i] * (long long)stride[i] + k[i] * (long long)dilation[i] - (long long)pad[i];
        inside &= w >= 0 && w < (long long)in[i];
        at = at * (long long)in[i] + w;
      }
      const uint8_t want = inside ? x[at] : 77;
      CHECK(to[(r - row0) * ld + p - p0] == want, "im2col row %zu position %zu: %d, not %d", r, p, to[(r - row0) * ld + p - p0], want);
    }
  free(x), free(to);
}

int main(void) {
  for (int i = 0; i < 3000; i++) test_im2col();
  FOR_EACH_ISA(isa) {
    for (unsigned variant = 0; variant < 64; variant++) {
      test_product(isa, 1, 1, 0, variant);
      test_product(isa, 15, 33, 2100, variant);
      test_product(isa, 3, 130, 1500, variant);
      for (int i = 0; i < 25; i++)
        test_product(isa, random_in(1, i % 2 ? 6 : 70), random_in(1, 140), random_in(1, i % 5 ? 40 : 300), variant);
    }
    CHECK(pk_igemm_packed_b_bytes(isa, SIZE_MAX, 100) == SIZE_MAX && pk_igemm_packed_a_bytes(isa, SIZE_MAX, SIZE_MAX) == SIZE_MAX,
          "overflow");
  }
  return test_end("gemm_int8_test");
}
