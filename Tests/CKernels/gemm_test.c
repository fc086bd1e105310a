#include "ckernels_test.h"

/// The activations by their definitions, in double.
static double activation(pk_activation act, double p0, double p1, double x) {
  switch (act) {
  case PK_ACT_NONE: return x;
  case PK_ACT_RELU: return x > 0 ? x : 0;
  case PK_ACT_CLIP: return fmin(fmax(x, p0), p1);
  case PK_ACT_LEAKY_RELU: return x >= 0 ? x : p0 * x;
  case PK_ACT_SIGMOID: return 1 / (1 + exp(-x));
  case PK_ACT_TANH: return tanh(x);
  case PK_ACT_SILU: return x / (1 + exp(-p0 * x));
  case PK_ACT_HARDSWISH: return x * fmin(fmax(x / 6 + 0.5, 0), 1);
  case PK_ACT_HARDSIGMOID: return fmin(fmax(p0 * x + p1, 0), 1);
  case PK_ACT_GELU_ERF: return x * 0.5 * erfc(-x / sqrt(2));
  case PK_ACT_GELU_TANH: return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  }
  return NAN;
}

static void test_activations(pk_isa isa) {
  enum { COUNT = 40001 };
  float *x = buffer(COUNT * sizeof *x, 0), *y = buffer(COUNT * sizeof *y, 0);
  for (int i = 0; i < COUNT; i++) x[i] = (float)(i - COUNT / 2) * (12.0f / (COUNT / 2));
  for (int i = 0; i < 2000; i++) x[i * 20] = random_unit() * powf(10.0f, (float)random_in(0, 12) - 10);
  for (int act = PK_ACT_NONE; act <= PK_ACT_GELU_TANH; act++) {
    const float p0 = act == PK_ACT_CLIP ? -0.7f : act == PK_ACT_LEAKY_RELU ? 0.01f : act == PK_ACT_HARDSIGMOID ? 0.2f : 1.0f;
    const float p1 = act == PK_ACT_HARDSIGMOID ? 0.5f : 2.5f;
    pk_activate_f32(isa, (pk_activation)act, p0, p1, COUNT, x, y);
    double worst = 0, at = 0;
    for (int i = 0; i < COUNT; i++) {
      const double want = activation((pk_activation)act, p0, p1, x[i]);
      // Hard functions round their linear part once; an ulp of 1 is the unit there.
      const bool hard = act == PK_ACT_HARDSWISH || act == PK_ACT_HARDSIGMOID;
      // Results below the normal range may be flushed to zero.
      const double error = fmax(fabs(y[i] - want) - 1.5e-38 * fmax(1, fabs(x[i])), 0) /
                           fmax(fabs(want), hard ? fmin(1.0, fabs((double)x[i]) + 1e-30) : 1e-36);
      if (error > worst) worst = error, at = x[i];
    }
    // Errors of the argument grow with it in the tails of the exponential functions.
    const double limit = act == PK_ACT_GELU_TANH ? 2e-5 : act == PK_ACT_GELU_ERF ? 4e-7 : act >= PK_ACT_SIGMOID ? 6e-7 : 1.3e-7;
    CHECK(worst <= limit, "%s activation %d: relative error %g at %g", pk_isa_name(isa), act, worst, at);
    const float special[] = {NAN, INFINITY, -INFINITY, 0.0f};
    float out[4];
    pk_activate_f32(isa, (pk_activation)act, p0, p1, 4, special, out);
    CHECK(isnan(out[0]), "%s activation %d: NaN became %g", pk_isa_name(isa), act, out[0]);
    const double plus = activation((pk_activation)act, p0, p1, INFINITY), zero = activation((pk_activation)act, p0, p1, 0);
    CHECK(out[1] == (float)plus && out[3] == (float)zero, "%s activation %d: inf gave %g, 0 gave %g", pk_isa_name(isa), act, out[1],
          out[3]);
  }
  // Gelu's vectors go another way where one of their lanes lies far out: the lanes do not see each other.
  for (int i = 0; i < 160; i++) x[i] = random_unit() * (i % 16 == 3 ? 12.0f : 5.0f);
  pk_activate_f32(isa, PK_ACT_GELU_ERF, 0, 0, 160, x, y);
  for (int i = 0; i < 160; i++) {
    float alone;
    pk_activate_f32(isa, PK_ACT_GELU_ERF, 0, 0, 1, x + i, &alone);
    CHECK(alone == y[i], "%s gelu of %g: %g among others, %g alone", pk_isa_name(isa), x[i], y[i], alone);
  }
  free(x);
  free(y);
}

typedef struct shape {
  size_t m, n, k;
} shape;

/// A number that float16, or bfloat16, has, and its bits.
static float random_half(bool is_bfloat, uint16_t *bits) {
  if (is_bfloat) {
    const float x = random_unit();
    uint32_t wide;
    memcpy(&wide, &x, 4);
    *bits = (uint16_t)(wide >> 16);
    wide = (uint32_t)*bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
  }
  // 2 ^ (exponent - 15) * (1 + fraction / 1024), or with exponent 0 fraction / 2 ^ 24.
  const unsigned sign = random_bits() & 1, exponent = random_in(0, 16), fraction = random_in(0, 1023);
  *bits = (uint16_t)(sign << 15 | exponent << 10 | fraction);
  const float size = exponent ? ldexpf(1 + (float)fraction / 1024, (int)exponent - 15) : ldexpf((float)fraction, -24);
  return sign ? -size : size;
}

/// Panels of half precision give the bits of float32 panels.
static void test_half_panels(pk_isa isa, shape z, unsigned variant) {
  const bool tb = variant & 1, is_bfloat = variant & 2, packed_a = variant & 4;
  const size_t ldb = (tb ? z.k : z.n) + random_in(0, 3), count = (tb ? z.n : z.k) * ldb;
  float *a = random_floats(z.m * z.k), *b = random_floats(count), *c = random_floats(z.m * z.n), *d = random_floats(z.m * z.n), *pa = NULL;
  uint16_t *half = buffer(count * sizeof *half, 0), *packed_half = buffer(pk_sgemm_packed_b_half_bytes(isa, z.k, z.n), 0xff);
  for (size_t i = 0; i < count; i++) b[i] = random_half(is_bfloat, half + i);
  float *packed = buffer(pk_sgemm_packed_b_bytes(isa, z.k, z.n), 0xff);
  pk_sgemm_pack_b(isa, tb, z.k, z.n, b, ldb, 0, z.n, packed);
  pk_sgemm_pack_b_half(isa, tb, z.k, z.n, half, ldb, packed_half);
  pk_sgemm g = {.m = z.m, .n = z.n, .k = z.k, .a = a, .lda = z.k, .trans_b = tb, .ldb = ldb, .c = c, .ldc = z.n, .alpha = 1, .packed_b = packed};
  if (packed_a) {
    g.packed_a = pa = buffer(pk_sgemm_packed_a_bytes(isa, z.m, z.k), 0xff);
    pk_sgemm_pack_a(isa, false, z.m, z.k, a, z.k, 0, z.m, pa);
  }
  for (int turn = 0; turn < 2; turn++) {
    if (turn == 1) g.packed_b = NULL, g.packed_b_half = packed_half, g.half_is_bfloat = is_bfloat, g.c = d;
    size_t rows, cols;
    pk_sgemm_grid(isa, &g, random_in(1, 4), &rows, &cols);
    scratch s = scratch_of(pk_sgemm_scratch_bytes(isa, &g, rows, cols));
    for (size_t i = 0; i < z.m; i += rows)
      for (size_t j = 0; j < z.n; j += cols)
        pk_sgemm_block(isa, &g, i, i + rows < z.m ? i + rows : z.m, j, j + cols < z.n ? j + cols : z.n, s.bytes);
    CHECK(scratch_end(s), "%s %zux%zux%zu half: wrote behind its scratch", pk_isa_name(isa), z.m, z.n, z.k);
  }
  CHECK(memcmp(c, d, z.m * z.n * sizeof *c) == 0, "%s %zux%zux%zu variant %u: half panels give other bits", pk_isa_name(isa), z.m, z.n, z.k, variant);
  free(a), free(b), free(c), free(d), free(pa), free(half), free(packed_half), free(packed);
}

static void test_half_specials(pk_isa isa) {
  const uint16_t half[] = {0x0000, 0x8000, 0x0001, 0x83ff, 0x7bff, 0x7c00, 0xfc00, 0x7e00};
  const float wanted[] = {0, -0.0f, 0x1p-24f, -0x1.ff8p-15f, 65504, INFINITY, -INFINITY, NAN};
  for (size_t m = 1; m <= 40; m += 39) {
    uint16_t *packed = buffer(pk_sgemm_packed_b_half_bytes(isa, 1, 8), 0xff);
    pk_sgemm_pack_b_half(isa, false, 1, 8, half, 8, packed);
    float a[40], c[40 * 8];
    for (size_t i = 0; i < m; i++) a[i] = 1;
    pk_sgemm g = {.m = m, .n = 8, .k = 1, .a = a, .lda = 1, .c = c, .ldc = 8, .alpha = 1, .packed_b_half = packed};
    scratch s = scratch_of(pk_sgemm_scratch_bytes(isa, &g, m, 8));
    pk_sgemm_block(isa, &g, 0, m, 0, 8, s.bytes);
    CHECK(scratch_end(s), "%s half specials: wrote behind its scratch", pk_isa_name(isa));
    for (size_t i = 0; i < 8 * m; i++)
      CHECK(isnan(wanted[i % 8]) ? isnan(c[i]) : c[i] == wanted[i % 8], "%s half %04x: %g", pk_isa_name(isa), half[i % 8], c[i]);
    free(packed);
  }
}

static void test_product(pk_isa isa, shape z, unsigned variant) {
  const bool ta = variant & 1, tb = variant & 2, packed_a = variant & 4, packed_b = variant & 8;
  const size_t lda = (ta ? z.m : z.k) + random_in(0, 3), ldb = (tb ? z.k : z.n) + random_in(0, 3), ldc = z.n + random_in(0, 3);
  float *a = random_floats((ta ? z.k : z.m) * lda), *b = random_floats((tb ? z.n : z.k) * ldb);
  float *c = random_floats(z.m * ldc), *before = random_floats(z.m * ldc), *residual = random_floats(z.m * ldc);
  float *rb = random_floats(z.m), *cb = random_floats(z.n);
  memcpy(before, c, z.m * ldc * sizeof *c);
  pk_sgemm g = {.m = z.m, .n = z.n, .k = z.k, .a = a, .lda = lda, .trans_a = ta, .trans_b = tb, .b = b, .ldb = ldb, .c = c, .ldc = ldc};
  g.alpha = random_bits() & 1 ? 1.0f : 0.3f;
  g.beta = random_bits() & 1 ? 0.0f : random_bits() & 1 ? 1.0f : -0.25f;
  if (g.beta == 0) memset(c, 0xff, z.m * ldc * sizeof *c);
  if (random_bits() & 1) g.epilogue.row_bias = rb;
  if (random_bits() & 1) g.epilogue.col_bias = cb;
  if (random_bits() & 1) g.epilogue.residual = residual, g.epilogue.ld_residual = ldc, g.epilogue.residual_last = random_bits() & 1;
  g.epilogue.activation = (pk_activation)random_in(0, PK_ACT_GELU_TANH);
  g.epilogue.p0 = g.epilogue.activation == PK_ACT_CLIP ? -1.0f : 0.75f;
  g.epilogue.p1 = 0.5f;
  float *pa = NULL, *pb = NULL;
  if (packed_a) {
    const size_t half = z.m / 2 / pk_sgemm_panel_rows(isa, z.m) * pk_sgemm_panel_rows(isa, z.m);
    g.packed_a = pa = buffer(pk_sgemm_packed_a_bytes(isa, z.m, z.k), 0xff);
    pk_sgemm_pack_a(isa, ta, z.m, z.k, a, lda, 0, half, pa);
    pk_sgemm_pack_a(isa, ta, z.m, z.k, a, lda, half, z.m, pa);
    g.a = NULL;
  }
  if (packed_b) {
    const size_t half = z.n / 2 / pk_sgemm_panel_cols(isa) * pk_sgemm_panel_cols(isa);
    // Of a B that was packed with more depth the first k are read.
    const size_t more = random_bits() & 1 ? random_in(1, 5) : 0, depth = z.k + more, rows = tb ? z.n : depth;
    float *deep = b;
    size_t stride = ldb;
    if (more) {
      stride = tb ? depth : ldb;
      deep = buffer(rows * stride * sizeof *deep, 0xff);
      for (size_t i = 0; i < (tb ? z.n : z.k); i++) memcpy(deep + i * stride, b + i * ldb, (tb ? z.k : z.n) * sizeof *deep);
    }
    g.packed_b_depth = more ? depth : random_bits() & 1 ? depth : 0;
    g.packed_b = pb = buffer(pk_sgemm_packed_b_bytes(isa, depth, z.n), 0xff);
    pk_sgemm_pack_b(isa, tb, depth, z.n, deep, stride, 0, half, pb);
    pk_sgemm_pack_b(isa, tb, depth, z.n, deep, stride, half, z.n, pb);
    if (more) free(deep);
    g.b = NULL;
  }
  size_t rows, cols;
  pk_sgemm_grid(isa, &g, random_in(1, 4), &rows, &cols);
  CHECK(rows > 0 && cols > 0, "grid of nothing");
  scratch s = scratch_of(pk_sgemm_scratch_bytes(isa, &g, rows, cols));
  for (size_t i = 0; i < z.m; i += rows)
    for (size_t j = 0; j < z.n; j += cols)
      pk_sgemm_block(isa, &g, i, i + rows < z.m ? i + rows : z.m, j, j + cols < z.n ? j + cols : z.n, s.bytes);
  CHECK(scratch_end(s), "%s %zux%zux%zu variant %u: wrote behind its scratch", pk_isa_name(isa), z.m, z.n, z.k, variant);
  for (size_t i = 0; i < z.m; i++)
    for (size_t j = 0; j < ldc; j++) {
      if (j >= z.n) {
        const bool same = memcmp(&c[i * ldc + j], g.beta == 0 ? "\xff\xff\xff\xff" : (const char *)&before[i * ldc + j], 4) == 0;
        CHECK(same, "%s: wrote between the rows of C", pk_isa_name(isa));
        continue;
      }
      double sum = 0, size = 0;
      for (size_t p = 0; p < z.k; p++) {
        const double term = (double)a[ta ? p * lda + i : i * lda + p] * b[tb ? j * ldb + p : p * ldb + j];
        sum += term;
        size += fabs(term);
      }
      double v = g.alpha * sum;
      if (g.beta != 0) v += g.beta * (double)before[i * ldc + j];
      if (g.epilogue.row_bias) v += rb[i];
      if (g.epilogue.col_bias) v += cb[j];
      const double r = g.epilogue.residual ? residual[i * ldc + j] : 0;
      v = g.epilogue.residual_last ? activation(g.epilogue.activation, g.epilogue.p0, g.epilogue.p1, v) + r
                                   : activation(g.epilogue.activation, g.epilogue.p0, g.epilogue.p1, v + r);
      CHECK(fabs(c[i * ldc + j] - v) <= 2e-6 * (size + 4),
            "%s %zux%zux%zu variant %u activation %d alpha %g beta %g: c[%zu,%zu] = %g, not %g", pk_isa_name(isa), z.m, z.n, z.k, variant,
            g.epilogue.activation, g.alpha, g.beta, i, j, c[i * ldc + j], v);
    }
  free(a), free(b), free(c), free(before), free(residual), free(rb), free(cb), free(pa), free(pb);
}

/// Against sums in double precision; distances are written between the rows' ends only.
static void test_distances(pk_isa isa, shape z) {
  const size_t ldx = z.k + random_in(0, 3), ldd = z.n + random_in(0, 3);
  float *x = random_floats(z.m * ldx + 1), *b = random_floats(z.n * z.k + 1), *d = buffer((z.m * ldd + 1) * sizeof *d, 0xff);
  float *packed = buffer(pk_sgemm_packed_b_bytes(isa, z.k, z.n) + 64, 0xff);
  pk_sgemm_pack_b(isa, true, z.k, z.n, b, z.k, 0, z.n, packed);
  pk_square_distances_f32(isa, z.m, z.n, z.k, x, ldx, packed, d, ldd);
  for (size_t i = 0; i < z.m; i++)
    for (size_t j = 0; j < ldd; j++) {
      double sum = 0;
      if (j < z.n)
        for (size_t p = 0; p < z.k; p++) sum += ((double)x[i * ldx + p] - b[j * z.k + p]) * ((double)x[i * ldx + p] - b[j * z.k + p]);
      if (j >= z.n)
        CHECK(isnan(d[i * ldd + j]), "%s distances %zux%zux%zu: wrote behind a row", pk_isa_name(isa), z.m, z.n, z.k);
      else
        CHECK(fabs(d[i * ldd + j] - sum) <= 1e-6 * (double)(z.k + 4) * (sum + 1e-30), "%s distances %zux%zux%zu: [%zu,%zu] is %g, not %g",
              pk_isa_name(isa), z.m, z.n, z.k, i, j, d[i * ldd + j], sum);
    }
  free(x), free(b), free(d), free(packed);
}

int main(void) {
  const shape fixed[] = {{1, 1, 1},     {1, 1, 0},       {5, 7, 0},      {14, 32, 256}, {15, 33, 257}, {6, 16, 512}, {1, 300, 700},
                         {4, 129, 513}, {128, 150, 300}, {61, 257, 520}, {1, 1500, 37}, {3, 1100, 21}, {4, 2100, 9}, {2, 1023, 8}};
  FOR_EACH_ISA(isa) {
    test_activations(isa);
    for (unsigned variant = 0; variant < 16; variant++) {
      for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) test_product(isa, fixed[i], variant);
      for (int i = 0; i < 60; i++) {
        const size_t limit = i < 30 ? 20 : 90;
        test_product(isa, (shape){random_in(1, i % 3 ? limit : 5), random_in(1, limit), random_in(1, i % 7 ? limit : 600)}, variant);
      }
    }
    for (int i = 0; i < 60; i++) test_distances(isa, (shape){random_in(1, 20), random_in(1, 90), random_in(0, i % 3 ? 40 : 300)});
    test_half_specials(isa);
    for (unsigned variant = 0; variant < 8; variant++) {
      for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) test_half_panels(isa, fixed[i], variant);
      for (int i = 0; i < 60; i++)
        test_half_panels(isa, (shape){random_in(1, i % 3 ? 70 : 5), random_in(1, i < 30 ? 20 : 90), random_in(1, i % 7 ? 90 : 1100)}, variant);
    }
    CHECK(pk_sgemm_packed_b_bytes(isa, SIZE_MAX / 8, 100) == SIZE_MAX && pk_sgemm_packed_b_bytes(isa, 1, SIZE_MAX) == SIZE_MAX,
          "packed B overflow");
    CHECK(pk_sgemm_packed_a_bytes(isa, SIZE_MAX / 2, 3) == SIZE_MAX, "packed A overflow");
    const pk_sgemm huge = {.m = SIZE_MAX, .n = 8, .k = 8};
    CHECK(pk_sgemm_scratch_bytes(isa, &huge, SIZE_MAX, 8) == SIZE_MAX, "scratch overflow");
  }
  return test_end("gemm_test");
}
