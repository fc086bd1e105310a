// What pk_gemm_int8.c and the per-ISA files share.
#ifndef PINION_PK_GEMM_INT8_INTERNAL_H
#define PINION_PK_GEMM_INT8_INTERNAL_H

#include "pk_gemm_int8.h"
#include "gemm/pk_gemm_internal.h"

typedef struct pk_igemm_table {
  size_t mr, nr;
  size_t group; ///< Consecutive depths in one 32-bit word: 4 bytes, or 2 values of 16 bits.
  void (*pack_a)(bool trans, bool a_signed, size_t m, size_t k, const uint8_t *a, size_t lda, size_t mr, uint32_t *words, uint32_t *sums);
  void (*pack_b)(bool trans, bool a_signed, bool b_signed, size_t k, size_t n, const uint8_t *b, size_t ldb, uint32_t *packed);
  void (*block)(const pk_igemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);
} pk_igemm_table;

extern const pk_igemm_table pk_igemm_table_scalar;
#if defined(__x86_64__)
extern const pk_igemm_table pk_igemm_table_avx2, pk_igemm_table_avx512;
#endif

/// The level whose kernels and panels the products of bytes have at `isa`.
static inline pk_isa pk_igemm_isa(pk_isa isa) { return isa == PK_ISA_AVX512 && !pk_has_vnni() ? PK_ISA_AVX2 : isa; }

static inline const pk_igemm_table *pk_igemm_table_of(pk_isa isa) {
  isa = pk_igemm_isa(isa);
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) return &pk_igemm_table_avx512;
  if (isa == PK_ISA_AVX2) return &pk_igemm_table_avx2;
#endif
  (void)isa;
  return &pk_igemm_table_scalar;
}

/// Words of packed A or of scratch before the row sums.
static inline size_t pk_igemm_a_words(size_t rows, size_t words) { return (rows * words + 15) / 16 * 16; }

#endif
