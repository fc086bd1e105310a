// What pk_gemm.c, the convolutions and the per-ISA files share.
#ifndef PINION_PK_GEMM_INTERNAL_H
#define PINION_PK_GEMM_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "pk_gemm.h"

/// Rows up to which B is streamed: not packed for the purpose, a packed one not cut along k.
enum { PK_SKINNY_ROWS = 4 };

typedef struct pk_sgemm_table {
  size_t mr, nr; ///< Largest micro-kernel.
  void (*pack_a)(bool trans, size_t m, size_t k, const float *a, size_t lda, size_t mr, float *packed);
  void (*pack_b)(bool trans, size_t k, size_t n, const float *b, size_t ldb, float *packed);
  void (*block)(const pk_sgemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);
  void (*activate)(pk_activation activation, float p0, float p1, size_t count, const float *x, float *y);
  void (*square_distances)(size_t rows, size_t n, size_t k, const float *x, size_t ldx, const float *packed, float *d, size_t ldd);
} pk_sgemm_table;

extern const pk_sgemm_table pk_sgemm_table_scalar;
#if defined(__x86_64__)
extern const pk_sgemm_table pk_sgemm_table_avx2, pk_sgemm_table_avx512;
#endif

static inline const pk_sgemm_table *pk_sgemm_table_of(pk_isa isa) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) return &pk_sgemm_table_avx512;
  if (isa == PK_ISA_AVX2) return &pk_sgemm_table_avx2;
#endif
  (void)isa;
  return &pk_sgemm_table_scalar;
}

static inline size_t pk_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t pk_max(size_t a, size_t b) { return a > b ? a : b; }
/// Without overflow for any a; b > 0.
static inline size_t pk_ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }
static inline size_t pk_mul(size_t a, size_t b) {
  size_t r;
  return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}
static inline size_t pk_add(size_t a, size_t b) {
  size_t r;
  return __builtin_add_overflow(a, b, &r) ? SIZE_MAX : r;
}

static inline bool pk_sgemm_has_panels(const pk_sgemm *g) { return g->packed_b || g->packed_b_half; }

/// Whether panels of half precision are widened before they are multiplied: where several panels of A share the work.
static inline bool pk_sgemm_widens(const pk_sgemm *g, int level, size_t mr) { return level == 0 || g->m > (level == 1 ? 2 : 8) * mr; }

/// Whether few rows are multiplied with an unpacked B row by row of B, in long runs: measured to pay where B comes from
/// behind the L2 cache. It decides the order of sums, so it looks at the whole product.
static inline bool pk_sgemm_streams(const pk_sgemm *g) {
  return !pk_sgemm_has_panels(g) && !g->trans_b && g->m <= PK_SKINNY_ROWS && g->n >= 512 && pk_mul(g->n, g->k) >= (size_t)1 << 20;
}

/// A multiple of 64, or SIZE_MAX.
static inline size_t pk_round64(size_t bytes) { return bytes > SIZE_MAX - 63 ? SIZE_MAX : (bytes + 63) / 64 * 64; }

/// Equal panels instead of full ones and a rest: a rest of a few rows would leave the FMA units waiting.
static inline size_t pk_even_part(size_t total, size_t limit) { return total == 0 ? limit : pk_ceil_div(total, pk_ceil_div(total, limit)); }

/// Depth of one pass over k, in even parts, measured on Zen 5: the FMA loop is long enough to hide loads and stores of C,
/// and PK_SGEMM_MC rows of A of that depth stay in the L2 cache while columns pass. Where the rows make one panel of A,
/// that panel is to stay in the L1 cache and B is only streamed.
enum { PK_SGEMM_KC = 512, PK_SGEMM_NC = 128, PK_SGEMM_MC = 256 };
/// `rows` are those of the whole product: where k is cut decides the bits of the sums.
static inline size_t pk_sgemm_kc(bool packed_b, size_t rows, size_t mr, size_t k) {
  if (packed_b && rows <= PK_SKINNY_ROWS) return k;
  return pk_even_part(k, packed_b && rows <= mr ? pk_max(PK_SGEMM_KC, 8192 / rows) : PK_SGEMM_KC);
}

#endif
