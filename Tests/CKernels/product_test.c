#include "ckernels_test.h"

#define DEFINE_TEST(NAME, T, TYPE, RANDOM)                                                                                   \
  static void NAME(pk_isa isa, size_t m, size_t n, size_t k, bool ta, bool tb) {                                             \
    const size_t lda = (ta ? m : k) + random_in(0, 2), ldb = (tb ? k : n) + random_in(0, 2), ldc = n + random_in(0, 2);      \
    T *a = buffer((ta ? k : m) * lda * sizeof(T), 0), *b = buffer((tb ? n : k) * ldb * sizeof(T), 0);                        \
    T *c = buffer(m * ldc * sizeof(T), 0x5a);                                                                                \
    for (size_t i = 0; i < (ta ? k : m) * lda; i++) a[i] = RANDOM;                                                           \
    for (size_t i = 0; i < (tb ? n : k) * ldb; i++) b[i] = RANDOM;                                                           \
    const pk_product g = {.k = k, .a = a, .lda = lda, .trans_a = ta, .b = b, .ldb = ldb, .trans_b = tb, .c = c, .ldc = ldc}; \
    scratch s = scratch_of(PK_PRODUCT_SCRATCH_BYTES);                                                                        \
    const size_t row = random_in(0, m), column = random_in(0, n);                                                            \
    const pk_product_fn run = pk_product_kernel(isa, TYPE);                                                                  \
    run(&g, 0, row, 0, column, s.bytes), run(&g, row, m, 0, column, s.bytes);                                                \
    run(&g, 0, row, column, n, s.bytes), run(&g, row, m, column, n, s.bytes);                                                \
    CHECK(scratch_end(s), "%s: wrote behind its scratch", pk_isa_name(isa));                                                 \
    for (size_t i = 0; i < m; i++)                                                                                           \
      for (size_t j = 0; j < n; j++) {                                                                                       \
        T sum = 0;                                                                                                           \
        for (size_t p = 0; p < k; p++) sum += a[ta ? p * lda + i : i * lda + p] * b[tb ? j * ldb + p : p * ldb + j];         \
        CHECK(c[i * ldc + j] == sum, "%s %zux%zux%zu: wrong at %zu,%zu", pk_isa_name(isa), m, n, k, i, j);                   \
      }                                                                                                                      \
    free(a), free(b), free(c);                                                                                               \
  }

// Small whole numbers make sums exact in every order; unsigned products wrap by definition.
DEFINE_TEST(test_f64, double, PK_F64, (double)(int)(random_bits() % 17) - 8)
DEFINE_TEST(test_u32, uint32_t, PK_U32, random_bits())
DEFINE_TEST(test_u64, uint64_t, PK_U64, ((uint64_t)random_bits() << 32 | random_bits()))

// Whole numbers again; one row alone has the bits of the row among others, with numbers that round.
#define DEFINE_DOTS(NAME, T, TYPE)                                                                                           \
  static void NAME(pk_isa isa, size_t rows, size_t k) {                                                                      \
    const size_t lda = k + random_in(0, 3);                                                                                  \
    T *a = buffer((rows * lda + 1) * sizeof(T), 0), *x = buffer((k + 1) * sizeof(T), 0), *y = buffer((rows + 1) * sizeof(T), 0x5a); \
    for (int rounded = 0; rounded < 2; rounded++) {                                                                          \
      for (size_t i = 0; i < rows * lda; i++) a[i] = rounded ? (T)random_bits() / 3 : (T)(int)(random_bits() % 17) - 8;      \
      for (size_t i = 0; i < k; i++) x[i] = rounded ? (T)random_bits() / 7 : (T)(int)(random_bits() % 17) - 8;               \
      pk_dots_kernel(isa, TYPE)(a, lda, x, y, rows, k);                                                                      \
      for (size_t r = 0; r < rows; r++) {                                                                                    \
        T sum = 0, alone;                                                                                                    \
        for (size_t i = 0; i < k; i++) sum += a[r * lda + i] * x[i];                                                         \
        pk_dots_kernel(isa, TYPE)(a + r * lda, lda, x, &alone, 1, k);                                                        \
        CHECK((rounded || y[r] == sum) && memcmp(&alone, y + r, sizeof alone) == 0, "%s dots %zux%zu: row %zu", pk_isa_name(isa), rows, k, r); \
      }                                                                                                                      \
    }                                                                                                                        \
    free(a), free(x), free(y);                                                                                               \
  }
DEFINE_DOTS(test_dots_f32, float, PK_F32)
DEFINE_DOTS(test_dots_f64, double, PK_F64)

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int variant = 0; variant < 4; variant++)
      for (int i = 0; i < 60; i++) {
        const size_t m = random_in(1, 20), n = random_in(1, 80), k = random_in(0, i % 10 ? 30 : 600);
        test_f64(isa, m, n, k, variant & 1, variant & 2);
        test_u32(isa, m, n, k, variant & 1, variant & 2);
        test_u64(isa, m, n, k, variant & 1, variant & 2);
      }
    // More rows than are copied at once.
    for (int variant = 0; variant < 4; variant++) test_f64(isa, random_in(96, 260), random_in(1, 40), random_in(100, 300), variant & 1, variant & 2);
    for (int i = 0; i < 200; i++) test_dots_f32(isa, random_in(1, 12), random_in(0, 200)), test_dots_f64(isa, random_in(1, 12), random_in(0, 200));
    CHECK(pk_dots_kernel(isa, PK_F32) && !pk_dots_kernel(isa, PK_I32), "types");
    CHECK(pk_product_kernel(isa, PK_I32) && pk_product_kernel(isa, PK_I64) && !pk_product_kernel(isa, PK_F32), "types");
  }
  return test_end("product_test");
}
