#ifndef PINION_PK_GEMM_H
#define PINION_PK_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_gemm_epilogue.h"
#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// Single-precision matrix product, row-major, computed block by block.
//
// No function here allocates, keeps state or starts threads; all are thread-safe as long as the memory written by
// simultaneous calls does not overlap. Packed operands and scratch must start at a multiple of 64 bytes. Something
// packed for one ISA level is valid for that level only. Sizes are in bytes; SIZE_MAX means that the size does not fit
// a size_t (the caller reports "out of memory"). Leading dimensions count elements.

/// Columns of one panel of a packed B: 8 (scalar), 16 (AVX2) or 32 (AVX-512). Blocks of columns start at multiples of it.
size_t pk_sgemm_panel_cols(pk_isa isa);

/// Rows of one panel of a packed A with `m` rows. Blocks of rows of a packed A start at multiples of it.
size_t pk_sgemm_panel_rows(pk_isa isa, size_t m);

/// Bytes of a packed `m` x `k` A.
size_t pk_sgemm_packed_a_bytes(pk_isa isa, size_t m, size_t k);

/// Packs A. `trans` false: `a[i * lda + p]`, true: `a[p * lda + i]`, for row i < m and depth p < k.
/// Packs the panels of rows [m0, m1) so that threads can share the work; m0 must be a multiple of
/// `pk_sgemm_panel_rows(isa, m)`, m1 another one or `m`. Whole matrix: 0 and `m`.
void pk_sgemm_pack_a(pk_isa isa, bool trans, size_t m, size_t k, const float *a, size_t lda, size_t m0, size_t m1, float *packed);

/// Bytes of a packed `k` x `n` B.
size_t pk_sgemm_packed_b_bytes(pk_isa isa, size_t k, size_t n);

/// Packs B. `trans` false: `b[p * ldb + j]`, true: `b[j * ldb + p]`, for depth p < k and column j < n.
/// Packs the panels of columns [n0, n1); n0 must be a multiple of `pk_sgemm_panel_cols(isa)`, n1 another one or `n`.
void pk_sgemm_pack_b(pk_isa isa, bool trans, size_t k, size_t n, const float *b, size_t ldb, size_t n0, size_t n1, float *packed);

/// The same for a B of float16 or bfloat16, which stays so: panels are widened as they are multiplied, to the same bits as those of a
/// B that was float32 from the start. Packs the whole matrix.
size_t pk_sgemm_packed_b_half_bytes(pk_isa isa, size_t k, size_t n);
void pk_sgemm_pack_b_half(pk_isa isa, bool trans, size_t k, size_t n, const uint16_t *b, size_t ldb, uint16_t *packed);

/// C[m, n] = epilogue(alpha * A[m, k] * B[k, n] + beta * C). With beta == 0, C is not read (it may hold NaN).
/// k == 0 gives epilogue(beta * C).
typedef struct pk_sgemm {
  size_t m, n, k;
  const float *a; ///< As for pk_sgemm_pack_a; ignored where `packed_a` is set.
  size_t lda;
  bool trans_a;
  bool trans_b;
  const float *b; ///< As for pk_sgemm_pack_b; ignored where `packed_b` or `packed_b_half` is set.
  size_t ldb;
  const float *packed_a;         ///< From pk_sgemm_pack_a with the same isa, m and k, or NULL.
  const float *packed_b;         ///< From pk_sgemm_pack_b with the same isa and n, and k or `packed_b_depth`, or NULL.
  size_t packed_b_depth;         ///< The k that B was packed with, where that is more than `k`; or 0.
  const uint16_t *packed_b_half; ///< From pk_sgemm_pack_b_half in the place of `packed_b`, or NULL.
  bool half_is_bfloat;           ///< Whether its elements are bfloat16.
  float *c;                      ///< c[i * ldc + j]
  size_t ldc;
  float alpha, beta;
  pk_epilogue epilogue;
} pk_sgemm;

/// Rows and columns of the blocks that `pk_sgemm_block` should be called with, so that `threads` threads are busy and no
/// call takes more than a few milliseconds. Both come back as legal block sizes (multiples of the panel sizes, or m and n).
/// Blocks that start at multiples of these sizes give the same bits for every number of threads.
void pk_sgemm_grid(pk_isa isa, const pk_sgemm *g, size_t threads, size_t *block_rows, size_t *block_cols);

/// Scratch bytes that a call of pk_sgemm_block on up to `rows` x `cols` of C needs; 0 if none.
size_t pk_sgemm_scratch_bytes(pk_isa isa, const pk_sgemm *g, size_t rows, size_t cols);

/// Computes C[m0..<m1, n0..<n1]. n0 must be a multiple of pk_sgemm_panel_cols if B is packed, m0 one of
/// pk_sgemm_panel_rows(isa, g->m) if A is packed; otherwise the bounds are free, but sums have the bits that they have in the whole
/// product where m0 is such a multiple and m1 another one or g->m. Blocks may be computed in any order and at the same time, each
/// thread with its own scratch.
void pk_sgemm_block(pk_isa isa, const pk_sgemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

/// d[i * ldd + j] = sum over p < k of (x[i * ldx + p] - b[j][p])^2 for `n` vectors b packed as pk_sgemm_pack_b packs their transposed matrix.
void pk_square_distances_f32(pk_isa isa, size_t rows, size_t n, size_t k, const float *x, size_t ldx, const float *packed, float *d, size_t ldd);

#ifdef __cplusplus
}
#endif
#endif
