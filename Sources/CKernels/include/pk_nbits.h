#ifndef PINION_PK_NBITS_H
#define PINION_PK_NBITS_H

#include <stddef.h>
#include <stdint.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Weights of 2, 4 or 8 bits in blocks along k: row n of B holds `blocks` blocks of `block` codes, the first code of a byte
/// in its low bits. Weight = (code - zero) * scale, with a scale and a zero for each block of each row.
typedef struct pk_nbits {
  size_t k, blocks, block; ///< block: a power of two, at least 16; blocks * block >= k > (blocks - 1) * block.
  int bits;
  const uint8_t *codes; ///< [rows][blocks][block * bits / 8]
  const float *scale;   ///< [rows][blocks]
  const float *zero;    ///< [rows][blocks], or NULL for the middle code everywhere
} pk_nbits;

// Thread-safe on memory that does not overlap. Sums have the same bits wherever the rows of B are cut.

/// Rows [n0, n1) as float32 columns in panels of depth k, as pk_sgemm_pack_b of the same level makes them of a transposed B that begins at n0.
void pk_nbits_panels(pk_isa isa, const pk_nbits *b, size_t n0, size_t n1, float *packed);

/// Floats of one row of activations as pk_nbits_gemv reads it.
size_t pk_nbits_row_floats(const pk_nbits *b);

/// Prepares a row of k activations for weights of 4 bits: those at even and odd places apart, and the sum of each block.
void pk_nbits_prepare_row(const pk_nbits *b, const float *a, float *prepared);

/// y[i * ldy + n - n0] = sum over p of a[i, p] * w[n, p] for rows [n0, n1) of B with 4 bits and m rows of activations, prepared one behind another.
void pk_nbits_gemv(pk_isa isa, const pk_nbits *b, const float *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy);

/// Bytes of one row of activations as pk_nbits_product_bytes reads it, a multiple of 64.
size_t pk_nbits_row_bytes(const pk_nbits *b);

/// Prepares a row of k activations in 8 bits for weights of 4: in each block, the codes are the activations divided by the largest magnitude
/// of the block and multiplied by 127, rounded to the nearest integer, to even where two are. A block with an activation that is no finite
/// number makes the row's products NaN; one whose activations are all below 2^-119 counts as zeros. `prepared` starts at a multiple of 64 bytes.
void pk_nbits_prepare_bytes(pk_isa isa, const pk_nbits *b, const float *a, void *prepared);

/// As pk_nbits_gemv, of activations in bytes: the products of codes of a block are summed as integers, in parts that cannot overflow.
void pk_nbits_product_bytes(pk_isa isa, const pk_nbits *b, const void *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy);

#ifdef __cplusplus
}
#endif
#endif
