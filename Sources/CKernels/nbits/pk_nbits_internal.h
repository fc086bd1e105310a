// What pk_nbits.c and the per-ISA files share.
#ifndef PINION_PK_NBITS_INTERNAL_H
#define PINION_PK_NBITS_INTERNAL_H

#include "pk_nbits.h"

typedef struct pk_nbits_table {
  void (*panels)(const pk_nbits *b, size_t n0, size_t n1, float *packed);
  void (*gemv)(const pk_nbits *b, const float *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy);
  void (*prepare_bytes)(const pk_nbits *b, const float *a, uint8_t *prepared);
} pk_nbits_table;

typedef struct pk_nbits_bytes_table {
  void (*product)(const pk_nbits *b, const uint8_t *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy);
} pk_nbits_bytes_table;

extern const pk_nbits_table pk_nbits_table_scalar;
extern const pk_nbits_bytes_table pk_nbits_bytes_table_scalar;
#if defined(__x86_64__)
extern const pk_nbits_table pk_nbits_table_avx2, pk_nbits_table_avx512;
/// AVX-512's with VNNI.
extern const pk_nbits_bytes_table pk_nbits_bytes_table_avx2, pk_nbits_bytes_table_avx512;
#endif

/// The zero point of a block, counted over all rows.
static inline float pk_nbits_zero(const pk_nbits *b, size_t block) { return b->zero ? b->zero[block] : (float)(1 << (b->bits - 1)); }

/// A row of activations in bytes, all parts at multiples of 64 bytes: the codes at even places, the codes at odd places, the scale of
/// every eight codes, and the sum of each block times its scale. What no code fills is 0.
typedef struct pk_nbits_row {
  size_t words; ///< Groups of eight codes, four at even and four at odd places, in whole vectors.
  size_t blocks; ///< The same.
} pk_nbits_row;

static inline pk_nbits_row pk_nbits_row_of(const pk_nbits *b) {
  return (pk_nbits_row){(b->blocks * b->block / 8 + 15) / 16 * 16, (b->blocks + 15) / 16 * 16};
}

#endif
