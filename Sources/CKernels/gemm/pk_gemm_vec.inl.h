// The vector vocabulary the f32 kernel texts are written in. The including file sets PK_LEVEL (a pk_isa number) and
// includes this under the target attribute of that level.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PK_INLINE static inline __attribute__((always_inline))
#define PK_UNROLL _Pragma("clang loop unroll(full)")

#if PK_LEVEL == 2
#define VW 16
#elif PK_LEVEL == 1
#define VW 8
#else
#define VW 4
#endif

typedef float vf __attribute__((ext_vector_type(VW)));
typedef int32_t vi __attribute__((ext_vector_type(VW)));
typedef float vf_any __attribute__((ext_vector_type(VW), aligned(4), may_alias));

PK_INLINE vf vf_load(const float *p) { return *(const vf_any *)p; }
PK_INLINE void vf_store(float *p, vf v) { *(vf_any *)p = v; }

// The operand order keeps a NaN in `v`.
PK_INLINE vf vf_at_least(vf v, vf low) { return v < low ? low : v; }
PK_INLINE vf vf_at_most(vf v, vf high) { return v > high ? high : v; }
PK_INLINE vf vf_abs(vf v) { return (vf)((vi)v & 0x7fffffff); }

/// VW elements of half precision.
PK_INLINE vf vf_load_f16(const uint16_t *p) {
#if PK_LEVEL == 2
  return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif PK_LEVEL == 1
  return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
  float t[VW];
  for (int i = 0; i < VW; i++) {
    // The exponent is 112 less than float32's, whichever it is; only infinities and NaN have none to move.
    const uint32_t bits = (uint32_t)(p[i] & 0x7fff) << 13, special = bits | 0x7f800000, sign = (uint32_t)(p[i] & 0x8000) << 16;
    float size;
    memcpy(&size, &bits, 4);
    size *= 0x1p112f;
    if ((p[i] & 0x7c00) == 0x7c00) memcpy(&size, &special, 4);
    uint32_t result;
    memcpy(&result, &size, 4);
    result |= sign;
    memcpy(t + i, &result, 4);
  }
  return vf_load(t);
#endif
}

PK_INLINE vf vf_load_bf16(const uint16_t *p) {
#if PK_LEVEL == 2
  return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif PK_LEVEL == 1
  return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#else
  vi bits;
  for (int i = 0; i < VW; i++) bits[i] = (int32_t)((uint32_t)p[i] << 16);
  return (vf)bits;
#endif
}

/// The first `n` < VW elements, zeros behind; memory behind them is not touched.
PK_INLINE vf vf_load_n(const float *p, size_t n) {
#if PK_LEVEL == 2
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif PK_LEVEL == 1
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return (vf)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lanes));
#else
  float t[VW] = {0};
  memcpy(t, p, n * sizeof *p);
  return vf_load(t);
#endif
}

PK_INLINE void vf_store_n(float *p, vf v, size_t n) {
#if PK_LEVEL == 2
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif PK_LEVEL == 1
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lanes), (__m256)v);
#else
  float t[VW];
  vf_store(t, v);
  for (size_t i = 0; i < n; i++) p[i] = t[i];
#endif
}

PK_INLINE float vf_sum(vf v) {
#if PK_LEVEL == 2
  return _mm512_reduce_add_ps((__m512)v);
#else
  float t[VW], sum = 0;
  vf_store(t, v);
  for (int i = 0; i < VW; i++) sum += t[i];
  return sum;
#endif
}
