// Small transpositions in registers; included after pk_gemm_vec.inl.h.

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
