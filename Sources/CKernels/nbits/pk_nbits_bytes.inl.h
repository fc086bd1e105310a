// Weights of 4 bits times activations of 8, with sums of integers, one ISA level.

#include "gemm/pk_gemm_vec.inl.h"
#include "pk_nbits_internal.h"

#if PK_LEVEL == 2
#define NBITS_SOME 4
typedef __m512i nbits_codes;
#else
#define NBITS_SOME 2
typedef __m256i nbits_codes;
#endif

/// A vector's codes at even and odd places; where it is not whole, of the first `words` groups of eight, with zeros behind.
PK_INLINE void PK_FN(nbits_load)(const uint8_t *codes, bool is_whole, size_t words, nbits_codes *low, nbits_codes *high) {
#if PK_LEVEL == 2
  const __m512i both = is_whole ? _mm512_loadu_si512(codes) : _mm512_maskz_loadu_epi32((__mmask16)((1u << words) - 1), codes);
  const __m512i mask = _mm512_set1_epi8(15);
  *low = _mm512_and_si512(both, mask);
  *high = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
#else
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), mask = _mm256_set1_epi8(15);
  const __m256i both = is_whole ? _mm256_loadu_si256((const __m256i *)codes)
                                : _mm256_maskload_epi32((const int *)codes, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)words), lanes));
  *low = _mm256_and_si256(both, mask);
  *high = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
#endif
}

/// The sum of each group's eight products.
PK_INLINE vf PK_FN(nbits_dot)(nbits_codes low, nbits_codes high, const uint8_t *even, const uint8_t *odd) {
#if PK_LEVEL == 2
  const __m512i first = _mm512_dpbusd_epi32(_mm512_setzero_si512(), low, _mm512_load_si512(even));
  return (vf)_mm512_cvtepi32_ps(_mm512_dpbusd_epi32(first, high, _mm512_load_si512(odd)));
#else
  // Pairs of products are at most 2 * 15 * 127, and four of those fit 16 bits.
  const __m256i first = _mm256_maddubs_epi16(low, _mm256_load_si256((const __m256i *)even));
  const __m256i second = _mm256_maddubs_epi16(high, _mm256_load_si256((const __m256i *)odd));
  return (vf)_mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1)));
#endif
}

/// Which blocks' scales the groups of a vector have.
typedef struct PK_FN(nbits_spread) {
  size_t blocks; ///< In one vector, at most.
  vi from;       ///< Of each group, counted from the vector's first.
} PK_FN(nbits_spread);

static PK_FN(nbits_spread) PK_FN(nbits_spread_of)(const pk_nbits *b) {
  PK_FN(nbits_spread) spread = {b->block >= 8 * VW ? 1 : 8 * VW / b->block, 0};
  for (int i = 0; i < VW; i++) spread.from[i] = b->block >= 8 * VW ? 0 : i * 8 / (int)b->block;
  return spread;
}

PK_INLINE vf PK_FN(nbits_scales)(vi from, size_t blocks, const float *scale) {
  const vf some = vf_load_n(scale, blocks);
#if PK_LEVEL == 2
  return (vf)_mm512_permutexvar_ps((__m512i)from, (__m512)some);
#else
  return (vf)_mm256_permutevar8x32_ps((__m256)some, (__m256i)from);
#endif
}

// One vector of R rows of weights times M of activations; where it is not whole, of HERE groups and BLOCKS blocks.
#define NBITS_STEP(R, M, IS_WHOLE, HERE, BLOCKS)                                                                                    \
  nbits_codes low[R], high[R];                                                                                                      \
  vf scales[R];                                                                                                                     \
  PK_UNROLL for (size_t r = 0; r < R; r++) {                                                                                        \
    PK_FN(nbits_load)(codes + (r * words + w) * 4, IS_WHOLE, HERE, low + r, high + r);                                              \
    scales[r] = PK_FN(nbits_scales)(spread.from, BLOCKS, scale + r * b->blocks + w * 8 / b->block);                                 \
  }                                                                                                                                 \
  PK_UNROLL for (size_t m = 0; m < M; m++) {                                                                                        \
    const uint8_t *even = prepared + m * step + 4 * w, *odd = even + 4 * row_words;                                                 \
    const vf own = vf_load((const float *)(prepared + m * step + 8 * row_words) + w);                                               \
    PK_UNROLL for (size_t r = 0; r < R; r++) total[r][m] += PK_FN(nbits_dot)(low[r], high[r], even, odd) * (scales[r] * own);       \
  }

// R rows of weights times M of activations. A sum's order is the same in each of them.
#define NBITS_TILE(R, M)                                                                                                            \
  static void PK_FN(nbits_tile_##R##_##M)(                                                                                          \
      const pk_nbits *b, PK_FN(nbits_spread) spread, const uint8_t *prepared, size_t n, float *y, size_t ldy) {                     \
    const size_t words = b->blocks * b->block / 8, step = pk_nbits_row_bytes(b), row_words = pk_nbits_row_of(b).words;              \
    const float *scale = b->scale + n * b->blocks;                                                                                  \
    const uint8_t *codes = b->codes + n * words * 4;                                                                                \
    vf total[R][M];                                                                                                                 \
    PK_UNROLL for (size_t r = 0; r < R; r++) PK_UNROLL for (size_t m = 0; m < M; m++) total[r][m] = 0;                              \
    size_t w = 0;                                                                                                                   \
    for (; w + VW <= words; w += VW) {                                                                                              \
      NBITS_STEP(R, M, true, VW, spread.blocks)                                                                                     \
    }                                                                                                                               \
    if (w < words) {                                                                                                                \
      NBITS_STEP(R, M, false, words - w, b->blocks - w * 8 / b->block)                                                              \
    }                                                                                                                               \
    for (size_t i = 0; i < b->blocks; i += VW) {                                                                                    \
      const size_t here = b->blocks - i < VW ? b->blocks - i : VW;                                                                  \
      PK_UNROLL for (size_t r = 0; r < R; r++) {                                                                                    \
        const vf zero = b->zero ? vf_load_n(b->zero + (n + r) * b->blocks + i, here) : (vf)8.0f;                                    \
        const vf shift = zero * vf_load_n(scale + r * b->blocks + i, here);                                                         \
        PK_UNROLL for (size_t m = 0; m < M; m++)                                                                                    \
            total[r][m] -= shift * vf_load((const float *)(prepared + m * step + 12 * row_words) + i);                              \
      }                                                                                                                             \
    }                                                                                                                               \
    PK_UNROLL for (size_t r = 0; r < R; r++) PK_UNROLL for (size_t m = 0; m < M; m++) y[m * ldy + r] = vf_sum(total[r][m]);         \
  }
#define NBITS_TILES(M) NBITS_TILE(1, M) NBITS_TILE(2, M)
NBITS_TILE(1, 1)
NBITS_TILE(4, 1)
#if PK_LEVEL == 2
NBITS_TILES(4)
#define NBITS_FUNCTION(R) PK_FN(nbits_tile_##R##_4)
#else
NBITS_TILES(2)
#define NBITS_FUNCTION(R) PK_FN(nbits_tile_##R##_2)
#endif

static void PK_FN(nbits_product_bytes)(const pk_nbits *b, const uint8_t *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy) {
  enum { M = NBITS_SOME, NBITS_PART = 32 };
  const size_t step = pk_nbits_row_bytes(b);
  const PK_FN(nbits_spread) spread = PK_FN(nbits_spread_of)(b);
  // Some rows of weights stay in the L2 cache while the activations pass, of which a few rows stay in the L1 cache.
  for (size_t start = n0; start < n1; start += NBITS_PART) {
    const size_t end = n1 - start < NBITS_PART ? n1 : start + NBITS_PART;
    size_t row = 0;
    for (; row + M <= m; row += M) {
      size_t n = start;
      for (; n + 2 <= end; n += 2) NBITS_FUNCTION(2)(b, spread, prepared + row * step, n, y + row * ldy + (n - n0), ldy);
      for (; n < end; n++) NBITS_FUNCTION(1)(b, spread, prepared + row * step, n, y + row * ldy + (n - n0), ldy);
    }
    for (; row < m; row++) {
      size_t n = start;
      for (; n + 4 <= end; n += 4) PK_FN(nbits_tile_4_1)(b, spread, prepared + row * step, n, y + row * ldy + (n - n0), ldy);
      for (; n < end; n++) PK_FN(nbits_tile_1_1)(b, spread, prepared + row * step, n, y + row * ldy + (n - n0), ldy);
    }
  }
}

const pk_nbits_bytes_table PK_FN(pk_nbits_bytes_table) = {.product = PK_FN(nbits_product_bytes)};

#undef NBITS_SOME
#undef NBITS_STEP
#undef NBITS_TILE
#undef NBITS_TILES
#undef NBITS_FUNCTION
