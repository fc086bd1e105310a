// Matrix products of the types without a tuned GEMM. B is copied in panels of PANEL columns; C is accumulated four rows by one
// panel at a time in an array that the compiler keeps in registers.

#include "pk_product.h"

#define DEPTH 256

#define DEFINE_PRODUCT(NAME, T, PANEL)                                                                                            \
  static void PK_FN(NAME##_pack)(const pk_product *g, size_t p0, size_t depth, size_t j0, size_t width, T *panel) {                \
    const T *b = g->b;                                                                                                             \
    const size_t row = g->trans_b ? 1 : g->ldb, column = g->trans_b ? g->ldb : 1;                                                  \
    for (size_t p = 0; p < depth; p++)                                                                                             \
      for (size_t j = 0; j < PANEL; j++) panel[p * PANEL + j] = j < width ? b[(p0 + p) * row + (j0 + j) * column] : 0;             \
  }                                                                                                                                \
                                                                                                                                   \
  static inline __attribute__((always_inline)) void PK_FN(NAME##_rows)(const pk_product *g, size_t i0, size_t rows, size_t p0,     \
                                                                       size_t depth, size_t j0, size_t width, const T *panel) {    \
    const T *a = g->a;                                                                                                             \
    const size_t row = g->trans_a ? 1 : g->lda, column = g->trans_a ? g->lda : 1;                                                  \
    T sum[4][PANEL] = {{0}};                                                                                                       \
    const T *start = a + i0 * row + p0 * column;                                                                                   \
    for (size_t p = 0; p < depth; p++)                                                                                             \
      for (size_t i = 0; i < rows; i++) {                                                                                          \
        const T factor = start[i * row + p * column];                                                                              \
        PK_VECTORISE for (size_t j = 0; j < PANEL; j++) sum[i][j] += factor * panel[p * PANEL + j];                                \
      }                                                                                                                            \
    for (size_t i = 0; i < rows; i++) {                                                                                            \
      T *c = (T *)g->c + (i0 + i) * g->ldc + j0;                                                                                   \
      for (size_t j = 0; j < width; j++) c[j] = p0 == 0 ? sum[i][j] : c[j] + sum[i][j];                                            \
    }                                                                                                                              \
  }                                                                                                                                \
                                                                                                                                   \
  static void PK_FN(NAME)(const pk_product *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {                        \
    for (size_t j = n0; j < n1; j += PANEL) {                                                                                      \
      const size_t width = n1 - j < PANEL ? n1 - j : PANEL;                                                                        \
      size_t p = 0;                                                                                                                \
      do {                                                                                                                         \
        const size_t depth = g->k - p < DEPTH ? g->k - p : DEPTH;                                                                  \
        PK_FN(NAME##_pack)(g, p, depth, j, width, scratch);                                                                        \
        size_t i = m0;                                                                                                             \
        for (; i + 4 <= m1; i += 4) PK_FN(NAME##_rows)(g, i, 4, p, depth, j, width, scratch);                                      \
        for (; i < m1; i++) PK_FN(NAME##_rows)(g, i, 1, p, depth, j, width, scratch);                                              \
        p += depth;                                                                                                                \
      } while (p < g->k);                                                                                                          \
    }                                                                                                                              \
  }

#include "pk_product_f64.inl.h"
#include "pk_dots.inl.h"

DEFINE_PRODUCT(product_u32, uint32_t, PK_LANES * 2)
DEFINE_PRODUCT(product_u64, uint64_t, PK_LANES)

// Unsigned and signed products agree modulo 2^bits.
const pk_product_fn PK_FN(pk_product_table)[PK_TYPE_LIMIT] = {
    [PK_F64] = PK_FN(product_f64), [PK_I32] = PK_FN(product_u32), [PK_U32] = PK_FN(product_u32),
    [PK_I64] = PK_FN(product_u64), [PK_U64] = PK_FN(product_u64),
};
