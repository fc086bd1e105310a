#include "pk_peak.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>

// Eleven chains hide four cycles of latency on two units. What is multiplied stays near 1, so that no subnormal number slows it.
enum { CHAINS = 11 };

#define KEEP(v) __asm__ volatile("" : "+x"(v))
#define KEEP_WIDE(v) __asm__ volatile("" : "+v"(v))

#define DEFINE_FMA(name, features, vector, set, multiply_add, keep)   \
  __attribute__((target(features))) static void name(size_t rounds) { \
    vector sums[CHAINS], a = set(0.5), b = set(0.25);                 \
    keep(a);                                                          \
    keep(b);                                                          \
    for (int i = 0; i < CHAINS; i++) sums[i] = set(0.5);              \
    for (size_t round = 0; round < rounds; round++) {                 \
      _Pragma("GCC unroll 11") for (int i = 0; i < CHAINS; i++) {     \
        sums[i] = multiply_add(sums[i], a, b);                        \
        keep(sums[i]);                                                \
      }                                                               \
    }                                                                 \
  }

DEFINE_FMA(fma_f32_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, KEEP_WIDE)
DEFINE_FMA(fma_f64_avx512, "avx512f", __m512d, _mm512_set1_pd, _mm512_fmadd_pd, KEEP_WIDE)
DEFINE_FMA(fma_f32_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, KEEP)
DEFINE_FMA(fma_f64_avx2, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_fmadd_pd, KEEP)

static inline __m128 multiply_add_f32(__m128 x, __m128 a, __m128 b) { return _mm_add_ps(_mm_mul_ps(x, a), b); }
static inline __m128d multiply_add_f64(__m128d x, __m128d a, __m128d b) { return _mm_add_pd(_mm_mul_pd(x, a), b); }
DEFINE_FMA(fma_f32_scalar, "sse2", __m128, _mm_set1_ps, multiply_add_f32, KEEP)
DEFINE_FMA(fma_f64_scalar, "sse2", __m128d, _mm_set1_pd, multiply_add_f64, KEEP)

__attribute__((target("avx512f,avx512vnni"))) static void dot_int8_avx512(size_t rounds) {
  __m512i sums[CHAINS], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(1);
  KEEP_WIDE(a);
  KEEP_WIDE(b);
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_setzero_si512();
  for (size_t round = 0; round < rounds; round++) {
    _Pragma("GCC unroll 11") for (int i = 0; i < CHAINS; i++) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
      KEEP_WIDE(sums[i]);
    }
  }
}

// The three instructions that stand for dpbusd where it is missing, without what keeps sums from saturating.
__attribute__((target("avx2"))) static void dot_int8_avx2(size_t rounds) {
  __m256i sums[CHAINS], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);
  KEEP(a);
  KEEP(b);
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm256_setzero_si256();
  for (size_t round = 0; round < rounds; round++) {
    _Pragma("GCC unroll 11") for (int i = 0; i < CHAINS; i++) {
      __m256i pairs = _mm256_maddubs_epi16(a, b);
      KEEP(pairs);
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
      KEEP(sums[i]);
    }
  }
}

double pk_peak_arithmetic(pk_isa isa, pk_peak_kind kind, size_t rounds) {
  static const struct {
    void (*run)(size_t rounds);
    int lanes;
  } table[PK_ISA_COUNT][3] = {
      [PK_ISA_SCALAR] = {{fma_f32_scalar, 4}, {fma_f64_scalar, 2}, {0, 0}},
      [PK_ISA_AVX2] = {{fma_f32_avx2, 8}, {fma_f64_avx2, 4}, {dot_int8_avx2, 32}},
      [PK_ISA_AVX512] = {{fma_f32_avx512, 16}, {fma_f64_avx512, 8}, {dot_int8_avx512, 64}},
  };
  if (kind == PK_PEAK_INT8 && isa == PK_ISA_AVX512 && !pk_has_vnni()) isa = PK_ISA_AVX2;
  if (!table[isa][kind].run) return 0;
  table[isa][kind].run(rounds);
  return (double)rounds * CHAINS * table[isa][kind].lanes * 2;
}

__attribute__((target("avx512f"))) static unsigned long long read_avx512(const char *x, size_t bytes) {
  __m512i sums[8];
  for (int i = 0; i < 8; i++) sums[i] = _mm512_setzero_si512();
  for (size_t at = 0; at < bytes; at += 512) {
    _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) sums[i] = _mm512_or_si512(sums[i], _mm512_load_si512(x + at + 64 * i));
  }
  for (int i = 1; i < 8; i++) sums[0] = _mm512_or_si512(sums[0], sums[i]);
  return (unsigned long long)_mm512_reduce_or_epi64(sums[0]);
}

__attribute__((target("avx2"))) static unsigned long long read_avx2(const char *x, size_t bytes) {
  __m256i sums[8];
  for (int i = 0; i < 8; i++) sums[i] = _mm256_setzero_si256();
  for (size_t at = 0; at < bytes; at += 256) {
    _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) sums[i] =
        _mm256_or_si256(sums[i], _mm256_load_si256((const __m256i *)(const void *)(x + at + 32 * i)));
  }
  for (int i = 1; i < 8; i++) sums[0] = _mm256_or_si256(sums[0], sums[i]);
  unsigned long long words[4];
  _mm256_storeu_si256((__m256i *)(void *)words, sums[0]);
  return words[0] | words[1] | words[2] | words[3];
}
#else
double pk_peak_arithmetic(pk_isa isa, pk_peak_kind kind, size_t rounds) {
  enum { LANES = 64 };
  (void)isa;
  if (kind == PK_PEAK_INT8) return 0;
  if (kind == PK_PEAK_F64) {
    double sums[LANES] = {0};
    for (size_t round = 0; round < rounds; round++)
      for (int i = 0; i < LANES; i++) sums[i] = sums[i] * 0.5 + 0.25;
    __asm__ volatile("" : : "r"(sums) : "memory");
  } else {
    float sums[LANES] = {0};
    for (size_t round = 0; round < rounds; round++)
      for (int i = 0; i < LANES; i++) sums[i] = sums[i] * 0.5f + 0.25f;
    __asm__ volatile("" : : "r"(sums) : "memory");
  }
  return (double)rounds * LANES * 2;
}
#endif

static unsigned long long read_words(const unsigned long long *x, size_t count) {
  unsigned long long sums[8] = {0};
  for (size_t at = 0; at < count; at += 8)
    for (int i = 0; i < 8; i++) sums[i] |= x[at + (size_t)i];
  for (int i = 1; i < 8; i++) sums[0] |= sums[i];
  return sums[0];
}

unsigned long long pk_peak_read(pk_isa isa, const void *x, size_t bytes) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) return read_avx512(x, bytes);
  if (isa == PK_ISA_AVX2) return read_avx2(x, bytes);
#endif
  (void)isa;
  return read_words(x, bytes / sizeof(unsigned long long));
}
