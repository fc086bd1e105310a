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
  size_t k, blocks, block; ///< block: a power of two, at least 16; blocks * block >= k.
  int bits;
  const uint8_t *codes; ///< [rows][blocks][block * bits / 8]
  const float *scale;   ///< [rows][blocks]
  const float *zero;    ///< [rows][blocks]
} pk_nbits;

// Thread-safe on memory that does not overlap.

/// Rows [n0, n1) as floats: w[(n - n0) * k + p].
void pk_nbits_dequantize(pk_isa isa, const pk_nbits *b, size_t n0, size_t n1, float *w);

/// Floats of one row of activations as pk_nbits_gemv reads it.
size_t pk_nbits_row_floats(const pk_nbits *b);

/// Prepares a row of k activations for weights of 4 bits: codes at even and odd places apart, and the sum of each block.
void pk_nbits_prepare_row(const pk_nbits *b, const float *a, float *prepared);

/// y[n - n0] = sum of a[p] * w[n, p] for rows [n0, n1) of B with 4 bits and one prepared row of activations.
void pk_nbits_gemv(pk_isa isa, const pk_nbits *b, const float *prepared, size_t n0, size_t n1, float *y);

#ifdef __cplusplus
}
#endif
#endif
