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

typedef float f4 __attribute__((ext_vector_type(4)));
typedef float f4_any __attribute__((ext_vector_type(4), aligned(4), may_alias));

PK_INLINE void transpose4(const float *s, size_t lds, float *d, size_t ldd) {
  f4 r0 = *(const f4_any *)s, r1 = *(const f4_any *)(s + lds), r2 = *(const f4_any *)(s + 2 * lds), r3 = *(const f4_any *)(s + 3 * lds);
  f4 a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
  f4 e = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), f = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  *(f4_any *)d = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  *(f4_any *)(d + ldd) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  *(f4_any *)(d + 2 * ldd) = __builtin_shufflevector(e, f, 0, 1, 4, 5);
  *(f4_any *)(d + 3 * ldd) = __builtin_shufflevector(e, f, 2, 3, 6, 7);
}

#if PK_LEVEL >= 1
PK_INLINE void transpose8(const float *s, size_t lds, float *d, size_t ldd) {
  __m256 r[8], t[8];
  // Halves first: two 128-bit loads make a vector of rows i and i + 4, which saves the cross-lane shuffles at the end.
  PK_UNROLL for (int i = 0; i < 4; i++) {
    r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(s + (size_t)i * lds)), _mm_loadu_ps(s + (size_t)(i + 4) * lds), 1);
    r[i + 4] =
        _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(s + (size_t)i * lds + 4)), _mm_loadu_ps(s + (size_t)(i + 4) * lds + 4), 1);
  }
  PK_UNROLL for (int h = 0; h < 8; h += 4) {
    t[h] = _mm256_unpacklo_ps(r[h], r[h + 1]);
    t[h + 1] = _mm256_unpackhi_ps(r[h], r[h + 1]);
    t[h + 2] = _mm256_unpacklo_ps(r[h + 2], r[h + 3]);
    t[h + 3] = _mm256_unpackhi_ps(r[h + 2], r[h + 3]);
    _mm256_storeu_ps(d + (size_t)h * ldd, _mm256_shuffle_ps(t[h], t[h + 2], 0x44));
    _mm256_storeu_ps(d + (size_t)(h + 1) * ldd, _mm256_shuffle_ps(t[h], t[h + 2], 0xee));
    _mm256_storeu_ps(d + (size_t)(h + 2) * ldd, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0x44));
    _mm256_storeu_ps(d + (size_t)(h + 3) * ldd, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0xee));
  }
}
#endif

/// d[p * ldd + i] = s[i * lds + p] for i < rows, p < depth.
static void transpose(const float *s, size_t lds, size_t rows, size_t depth, float *d, size_t ldd) {
  size_t i = 0;
#if PK_LEVEL >= 1
  for (; i + 8 <= rows; i += 8) {
    size_t p = 0;
    for (; p + 8 <= depth; p += 8) transpose8(s + i * lds + p, lds, d + p * ldd + i, ldd);
    for (; p < depth; p++)
      for (size_t r = i; r < i + 8; r++) d[p * ldd + r] = s[r * lds + p];
  }
#endif
  for (; i + 4 <= rows; i += 4) {
    size_t p = 0;
    for (; p + 4 <= depth; p += 4) transpose4(s + i * lds + p, lds, d + p * ldd + i, ldd);
    for (; p < depth; p++)
      for (size_t r = i; r < i + 4; r++) d[p * ldd + r] = s[r * lds + p];
  }
  for (; i < rows; i++)
    for (size_t p = 0; p < depth; p++) d[p * ldd + i] = s[i * lds + p];
}
