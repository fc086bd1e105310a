#ifndef PINION_PK_PRODUCT_H
#define PINION_PK_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/// C[m0..<m1, n0..<n1] = A[m, k] * B[k, n] of one element type, row-major. `trans_a` false: `a[i * lda + p]`, true: `a[p * lda + i]`;
/// B likewise; C is `c[i * ldc + j]`. Integers wrap. Scratch: PK_PRODUCT_SCRATCH_BYTES, aligned to 64 bytes.
typedef struct pk_product {
  size_t k;
  const void *a;
  size_t lda;
  bool trans_a;
  const void *b;
  size_t ldb;
  bool trans_b;
  void *c;
  size_t ldc;
} pk_product;

typedef void (*pk_product_fn)(const pk_product *p, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

/// The product of PK_F64, PK_I32, PK_U32, PK_I64 or PK_U64 matrices; NULL for other types.
pk_product_fn pk_product_kernel(pk_isa isa, pk_type type);

/// y[r] = sum over i of a[r * lda + i] * x[i], for i below k. A row's sum does not depend on the other rows.
typedef void (*pk_dots_fn)(const void *a, size_t lda, const void *x, void *y, size_t rows, size_t k);

/// For PK_F32 and PK_F64; NULL for other types.
pk_dots_fn pk_dots_kernel(pk_isa isa, pk_type type);

enum { PK_PRODUCT_SCRATCH_BYTES = 112 << 10 };

#ifdef __cplusplus
}
#endif
#endif
