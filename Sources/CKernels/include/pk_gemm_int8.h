#ifndef PINION_PK_GEMM_INT8_H
#define PINION_PK_GEMM_INT8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// 8-bit integer matrix product with 32-bit sums, computed block by block. Every combination of signed and unsigned
// operands is exact modulo 2^32 on every level (nothing saturates on the way). As in pk_gemm.h: no allocation, no
// threads, thread-safe on memory that does not overlap, packed operands and scratch are 64-byte aligned and belong to
// one ISA level, SIZE_MAX stands for a size that does not fit.

/// Columns of one panel of a packed B; blocks of columns start at multiples of it.
size_t pk_igemm_panel_cols(pk_isa isa);

/// Rows of one panel of a packed A with `m` rows; blocks of rows start at multiples of it.
size_t pk_igemm_panel_rows(pk_isa isa, size_t m);

/// Bytes of a packed `m` x `k` A, its row sums included.
size_t pk_igemm_packed_a_bytes(pk_isa isa, size_t m, size_t k);

/// Packs all of A. `trans` false: `a[i * lda + p]`, true: `a[p * lda + i]`.
void pk_igemm_pack_a(pk_isa isa, bool trans, bool a_signed, size_t m, size_t k, const void *a, size_t lda, void *packed);

/// Bytes of a packed `k` x `n` B, its column sums included.
size_t pk_igemm_packed_b_bytes(pk_isa isa, size_t k, size_t n);

/// Packs the panels of columns [n0, n1) of B for a product with an A of the given signedness; n0 must be a multiple of
/// `pk_igemm_panel_cols(isa)`, n1 another one or `n`. `trans` false: `b[p * ldb + j]`, true: `b[j * ldb + p]`.
void pk_igemm_pack_b(pk_isa isa, bool trans, bool a_signed, bool b_signed, size_t k, size_t n, const void *b, size_t ldb, size_t n0,
                     size_t n1, void *packed);

/// C[m, n] = sum over p of (A[i, p] - a_zero) * (B[p, j] - b_zero).
typedef struct pk_igemm {
  size_t m, n, k;
  const void *a; ///< uint8_t or int8_t, as for pk_igemm_pack_a; ignored where `packed_a` is set.
  size_t lda;
  bool trans_a, a_signed;
  bool trans_b, b_signed;
  const void *b; ///< uint8_t or int8_t, as for pk_igemm_pack_b; ignored where `packed_b` is set.
  size_t ldb;
  const void *packed_a; ///< From pk_igemm_pack_a with the same isa, m, k and signedness, or NULL.
  const void *packed_b; ///< From pk_igemm_pack_b with the same isa, k, n and signedness of both, or NULL.
  const int32_t *a_zero; ///< One value, or one for each row; NULL means 0.
  const int32_t *b_zero; ///< One value, or one for each column; NULL means 0.
  bool a_zero_per_row, b_zero_per_column;
  int32_t *c; ///< c[i * ldc + j]
  size_t ldc;
} pk_igemm;

/// Rows and columns of the blocks to call pk_igemm_block with, as in pk_sgemm_grid.
void pk_igemm_grid(pk_isa isa, const pk_igemm *g, size_t threads, size_t *block_rows, size_t *block_cols);

/// Scratch bytes of a pk_igemm_block call on up to `rows` x `cols` of C.
size_t pk_igemm_scratch_bytes(pk_isa isa, const pk_igemm *g, size_t rows, size_t cols);

/// Computes C[m0..<m1, n0..<n1]. n0 must be a multiple of pk_igemm_panel_cols if B is packed, m0 one of
/// pk_igemm_panel_rows(isa, g->m) if A is packed; otherwise the bounds are free.
void pk_igemm_block(pk_isa isa, const pk_igemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

/// Patches of one image and group of a convolution with up to three spatial axes (depth, height, width; missing ones come
/// first with size, kernel, stride and dilation 1): to[row * ld + p] for the rows (channel, kd, kh, kw) in [row0, row1)
/// and output positions p in [p0, p1), written at `to[(row - row0) * ld + p - p0]`. x: [channels][in], bytes of either
/// signedness; positions outside the input give `zero`, the bit pattern of the zero point. Thread-safe.
void pk_im2col_8(const size_t in[3], const size_t kernel[3], const size_t stride[3], const size_t dilation[3], const size_t pad[3],
                 const size_t out[3], const uint8_t *x, uint8_t zero, size_t row0, size_t row1, size_t p0, size_t p1, uint8_t *to,
                 size_t ld);

#ifdef __cplusplus
}
#endif
#endif
