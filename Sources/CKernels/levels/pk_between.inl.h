// Vectors of which only some neighbouring lanes are there: rows are read up to their edges without a copy. For levels with masks.

#if PK_LEVEL == 2
#define BETWEEN_LANES 16
typedef __m512 wide;
typedef __mmask16 between;
/// The lanes [low, high).
static inline __attribute__((always_inline)) between between_of(ptrdiff_t low, ptrdiff_t high) {
  const unsigned below = high >= 16 ? 0xffff : high <= 0 ? 0 : (1u << high) - 1;
  return (between)(low >= 16 ? 0 : low <= 0 ? below : below & (0xffffu << low));
}
/// Elements of memory in those lanes, `other` in the rest, whose memory is not touched.
static inline __attribute__((always_inline)) wide load_between(const float *p, between lanes, wide other) {
  return _mm512_mask_loadu_ps(other, lanes, p);
}
static inline __attribute__((always_inline)) void store_between(float *p, between lanes, wide v) { _mm512_mask_storeu_ps(p, lanes, v); }
/// The elements at even (or odd) places of a and b behind each other.
static inline __attribute__((always_inline)) wide every_second(wide a, wide b, bool odd) {
  const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(a, odd ? _mm512_add_epi32(evens, _mm512_set1_epi32(1)) : evens, b);
}
#elif PK_LEVEL == 1
#define BETWEEN_LANES 8
typedef __m256 wide;
typedef __m256i between;
static inline __attribute__((always_inline)) between between_of(ptrdiff_t low, ptrdiff_t high) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int from = low > 8 ? 8 : low < 0 ? 0 : (int)low, to = high > 8 ? 8 : high < 0 ? 0 : (int)high;
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), lanes), _mm256_cmpgt_epi32(_mm256_set1_epi32(to), lanes));
}
static inline __attribute__((always_inline)) wide load_between(const float *p, between lanes, wide other) {
  return _mm256_blendv_ps(other, _mm256_maskload_ps(p, lanes), _mm256_castsi256_ps(lanes));
}
static inline __attribute__((always_inline)) void store_between(float *p, between lanes, wide v) { _mm256_maskstore_ps(p, lanes, v); }
static inline __attribute__((always_inline)) wide every_second(wide a, wide b, bool odd) {
  const __m256 both = odd ? _mm256_shuffle_ps(a, b, 0xdd) : _mm256_shuffle_ps(a, b, 0x88);
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(both), 0xd8));
}
#endif
