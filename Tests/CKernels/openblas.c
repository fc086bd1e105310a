// Products against OpenBLAS: sizes, transposes and leading dimensions at random, larger than sums in a plain loop could check.
#include "ckernels_test.h"

#include <cblas.h>

/// Operands of a product as lists of doubles, which hold every number of the tested types, laid out like the operands themselves.
typedef struct product {
  size_t m, n, k, lda, ldb, ldc;
  bool ta, tb;
  double *a, *b;
} product;

static size_t a_count(const product *p) { return (p->ta ? p->k : p->m) * p->lda; }
static size_t b_count(const product *p) { return (p->tb ? p->n : p->k) * p->ldb; }

/// Extents of all magnitudes up to 2000, mostly small ones in one place or another; 2^25 multiplications at most.
static product random_product(void) {
  product p;
  do {
    size_t *extents[] = {&p.m, &p.n, &p.k};
    for (int i = 0; i < 3; i++) *extents[i] = (size_t)exp(log(2000) * (double)random_bits() / UINT32_MAX);
  } while (p.m * p.n * p.k > (size_t)1 << 25);
  p.ta = random_bits() & 1, p.tb = random_bits() & 1;
  p.lda = (p.ta ? p.m : p.k) + random_in(0, 5), p.ldb = (p.tb ? p.k : p.n) + random_in(0, 5), p.ldc = p.n + random_in(0, 5);
  p.a = buffer(a_count(&p) * sizeof *p.a, 0), p.b = buffer(b_count(&p) * sizeof *p.b, 0);
  return p;
}
static void product_end(product *p) { free(p->a), free(p->b); }

/// alpha * A * B + beta * C, or with `absolute` of the operands' magnitudes, which is what rounding errors are measured by.
static void dgemm(const product *p, bool absolute, double alpha, double beta, double *c) {
  double *a = p->a, *b = p->b;
  if (absolute) {
    a = buffer(a_count(p) * sizeof *a, 0), b = buffer(b_count(p) * sizeof *b, 0);
    for (size_t i = 0; i < a_count(p); i++) a[i] = fabs(p->a[i]);
    for (size_t i = 0; i < b_count(p); i++) b[i] = fabs(p->b[i]);
  }
  cblas_dgemm(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans, p->tb ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n, (int)p->k, alpha, a,
              (int)p->lda, b, (int)p->ldb, beta, c, (int)p->ldc);
  if (absolute) free(a), free(b);
}

#define SAID "%s %zux%zux%zu lda %zu ldb %zu ldc %zu%s%s: "
#define SAYING(isa, p) pk_isa_name(isa), (p)->m, (p)->n, (p)->k, (p)->lda, (p)->ldb, (p)->ldc, (p)->ta ? " A'" : "", (p)->tb ? " B'" : ""

/// float32: within 2^-20 of the sum of the magnitudes, 16 units of the last place, where a sum in any order is off by about sqrt(k) half units.
static void test_f32(void) {
  product p = random_product();
  float *a = random_floats(a_count(&p)), *b = random_floats(b_count(&p)), *c = buffer(p.m * p.ldc * sizeof *c, 0);
  float *before = random_floats(p.m * p.ldc);
  for (size_t i = 0; i < a_count(&p); i++) p.a[i] = a[i];
  for (size_t i = 0; i < b_count(&p); i++) p.b[i] = b[i];
  pk_sgemm g = {.m = p.m, .n = p.n, .k = p.k, .a = a, .lda = p.lda, .trans_a = p.ta, .trans_b = p.tb, .b = b, .ldb = p.ldb, .c = c, .ldc = p.ldc};
  g.alpha = random_bits() & 1 ? 1.0f : -0.5f, g.beta = random_bits() & 1 ? 0.0f : 0.75f;
  double *wanted = buffer(p.m * p.ldc * sizeof *wanted, 0), *size = buffer(p.m * p.ldc * sizeof *size, 0);
  for (size_t i = 0; i < p.m * p.ldc; i++) wanted[i] = before[i], size[i] = fabs(before[i]);
  dgemm(&p, false, g.alpha, g.beta, wanted), dgemm(&p, true, fabs(g.alpha), g.beta, size);
  // What BLAS rounds to the same type tells a bound that is too narrow from a kernel that is wrong.
  float *peer = buffer(p.m * p.ldc * sizeof *peer, 0);
  memcpy(peer, before, p.m * p.ldc * sizeof *peer);
  cblas_sgemm(CblasRowMajor, p.ta ? CblasTrans : CblasNoTrans, p.tb ? CblasTrans : CblasNoTrans, (int)p.m, (int)p.n, (int)p.k, g.alpha, a,
              (int)p.lda, b, (int)p.ldb, g.beta, peer, (int)p.ldc);
  FOR_EACH_ISA(isa) {
    const bool packed_a = random_bits() & 1, packed_b = random_bits() & 1;
    float *pa = NULL, *pb = NULL;
    g.packed_a = g.packed_b = NULL;
    if (packed_a) {
      g.packed_a = pa = buffer(pk_sgemm_packed_a_bytes(isa, p.m, p.k), 0xff);
      pk_sgemm_pack_a(isa, p.ta, p.m, p.k, a, p.lda, 0, p.m, pa);
    }
    if (packed_b) {
      g.packed_b = pb = buffer(pk_sgemm_packed_b_bytes(isa, p.k, p.n), 0xff);
      pk_sgemm_pack_b(isa, p.tb, p.k, p.n, b, p.ldb, 0, p.n, pb);
    }
    memcpy(c, before, p.m * p.ldc * sizeof *c);
    size_t rows, cols;
    pk_sgemm_grid(isa, &g, random_in(1, 4), &rows, &cols);
    scratch s = scratch_of(pk_sgemm_scratch_bytes(isa, &g, rows, cols));
    for (size_t i = 0; i < p.m; i += rows)
      for (size_t j = 0; j < p.n; j += cols)
        pk_sgemm_block(isa, &g, i, i + rows < p.m ? i + rows : p.m, j, j + cols < p.n ? j + cols : p.n, s.bytes);
    CHECK(scratch_end(s), SAID "wrote behind its scratch", SAYING(isa, &p));
    for (size_t i = 0; i < p.m; i++)
      for (size_t j = 0; j < p.ldc; j++) {
        const size_t at = i * p.ldc + j;
        if (j >= p.n) CHECK(c[at] == before[at], SAID "wrote between the rows of C", SAYING(isa, &p));
        else
          CHECK(fabs(c[at] - wanted[at]) <= 0x1p-20 * size[at], SAID "packed %d %d, c[%zu,%zu] = %.9g, dgemm %.9g, sgemm %.9g",
                SAYING(isa, &p), packed_a, packed_b, i, j, c[at], wanted[at], peer[at]);
      }
    free(pa), free(pb);
  }
  free(a), free(b), free(c), free(before), free(wanted), free(size), free(peer), product_end(&p);
}

/// float64: both sums are off by at most k units of half the last place of the sum of the magnitudes.
static void test_f64(void) {
  product p = random_product();
  for (size_t i = 0; i < a_count(&p); i++) p.a[i] = random_unit() + random_unit() * 0x1p-30;
  for (size_t i = 0; i < b_count(&p); i++) p.b[i] = random_unit() + random_unit() * 0x1p-30;
  double *c = buffer(p.m * p.ldc * sizeof *c, 0), *wanted = buffer(p.m * p.ldc * sizeof *c, 0), *size = buffer(p.m * p.ldc * sizeof *c, 0);
  dgemm(&p, false, 1, 0, wanted), dgemm(&p, true, 1, 0, size);
  FOR_EACH_ISA(isa) {
    for (size_t i = 0; i < p.m * p.ldc; i++) c[i] = 77;
    const pk_product g = {.k = p.k, .a = p.a, .lda = p.lda, .trans_a = p.ta, .b = p.b, .ldb = p.ldb, .trans_b = p.tb, .c = c, .ldc = p.ldc};
    scratch s = scratch_of(PK_PRODUCT_SCRATCH_BYTES);
    const size_t row = random_in(0, p.m), column = random_in(0, p.n);
    const pk_product_fn run = pk_product_kernel(isa, PK_F64);
    run(&g, 0, row, 0, column, s.bytes), run(&g, row, p.m, 0, column, s.bytes);
    run(&g, 0, row, column, p.n, s.bytes), run(&g, row, p.m, column, p.n, s.bytes);
    CHECK(scratch_end(s), SAID "wrote behind its scratch", SAYING(isa, &p));
    for (size_t i = 0; i < p.m; i++)
      for (size_t j = 0; j < p.ldc; j++) {
        const size_t at = i * p.ldc + j;
        if (j >= p.n) CHECK(c[at] == 77, SAID "wrote between the rows of C", SAYING(isa, &p));
        else
          CHECK(fabs(c[at] - wanted[at]) <= (double)(p.k + 2) * 0x1p-52 * size[at], SAID "c[%zu,%zu] = %.17g, dgemm %.17g", SAYING(isa, &p), i, j,
                c[at], wanted[at]);
      }
  }
  free(c), free(wanted), free(size), product_end(&p);
}

/// Products of bytes are exact, and dgemm's as well: sums of 2000 products of bytes are far below 2^53.
static void test_bytes(void) {
  product p = random_product();
  const bool as = random_bits() & 1, bs = random_bits() & 1;
  uint8_t *a = buffer(a_count(&p), 0), *b = buffer(b_count(&p), 0);
  for (size_t i = 0; i < a_count(&p); i++) a[i] = (uint8_t)random_bits(), p.a[i] = as ? (int8_t)a[i] : a[i];
  for (size_t i = 0; i < b_count(&p); i++) b[i] = (uint8_t)random_bits(), p.b[i] = bs ? (int8_t)b[i] : b[i];
  double *wanted = buffer(p.m * p.ldc * sizeof *wanted, 0);
  dgemm(&p, false, 1, 0, wanted);
  int32_t *c = buffer(p.m * p.ldc * sizeof *c, 0);
  FOR_EACH_ISA(isa) {
    pk_igemm g = {.m = p.m, .n = p.n, .k = p.k, .a = a, .lda = p.lda, .trans_a = p.ta, .a_signed = as};
    g.b = b, g.ldb = p.ldb, g.trans_b = p.tb, g.b_signed = bs, g.c = c, g.ldc = p.ldc;
    void *pa = NULL, *pb = NULL;
    if (random_bits() & 1) {
      g.packed_a = pa = buffer(pk_igemm_packed_a_bytes(isa, p.m, p.k), 0xff);
      pk_igemm_pack_a(isa, p.ta, as, p.m, p.k, a, p.lda, pa);
    }
    if (random_bits() & 1) {
      g.packed_b = pb = buffer(pk_igemm_packed_b_bytes(isa, p.k, p.n), 0xff);
      pk_igemm_pack_b(isa, p.tb, as, bs, p.k, p.n, b, p.ldb, 0, p.n, pb);
    }
    for (size_t i = 0; i < p.m * p.ldc; i++) c[i] = 77;
    size_t rows, cols;
    pk_igemm_grid(isa, &g, random_in(1, 4), &rows, &cols);
    scratch s = scratch_of(pk_igemm_scratch_bytes(isa, &g, rows, cols));
    for (size_t i = 0; i < p.m; i += rows)
      for (size_t j = 0; j < p.n; j += cols) pk_igemm_block(isa, &g, i, i + rows < p.m ? i + rows : p.m, j, j + cols < p.n ? j + cols : p.n, s.bytes);
    CHECK(scratch_end(s), SAID "wrote behind its scratch", SAYING(isa, &p));
    for (size_t i = 0; i < p.m; i++)
      for (size_t j = 0; j < p.ldc; j++) {
        const double want = j < p.n ? wanted[i * p.ldc + j] : 77;
        CHECK(c[i * p.ldc + j] == want, SAID "c[%zu,%zu] = %d, dgemm %.0f", SAYING(isa, &p), i, j, c[i * p.ldc + j], want);
      }
    free(pa), free(pb);
  }
  free(a), free(b), free(c), free(wanted), product_end(&p);
}

/// openblas [COUNT [SEED]]: so many products of each type.
int main(int argc, char **argv) {
  const long count = argc > 1 ? atol(argv[1]) : 500;
  if (argc > 2) random_state ^= strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15u;
  openblas_set_num_threads(1);
  for (long i = 0; i < count; i++) test_f32(), test_f64(), test_bytes();
  return test_end("openblas");
}
