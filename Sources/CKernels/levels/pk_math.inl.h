// f32 functions without branches, so that loops over them vectorise. Polynomials are minimax fits; each bound is the fit's
// error relative to the result. The rounding trick "add 1.5 * 2^23" leaves the nearest integer in the low bits of the sum.
#include "pk_number.inl.h"

// exp(r) - 1 - r over r^2 for |r| <= 0.35; 1.2e-10.
static inline float PK_FN(pk_exp_tail)(float r) {
  float p = 0x1.a24712p-13f;
  p = p * r + 0x1.6d5280p-10f;
  p = p * r + 0x1.111002p-7f;
  p = p * r + 0x1.5554e4p-5f;
  p = p * r + 0x1.555556p-3f;
  return p * r + 0.5f;
}

// exp(x) = 2^n * p for |x| < 2^20; n in the low bits of the second result.
static inline float PK_FN(pk_exp_parts)(float x, uint32_t *n_bits) {
  const float shifted = x * 0x1.715476p0f + 0x1.8p23f;
  const float n = shifted - 0x1.8p23f;
  // log 2 in two parts; the first has so few bits that n times it is exact.
  const float r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
  *n_bits = PK_FN(pk_bits)(shifted) - PK_FN(pk_bits)(0x1.8p23f);
  return 1 + (r + r * r * PK_FN(pk_exp_tail)(r));
}

// exp(x) for -87.3 <= x <= 88.
static inline float PK_FN(pk_exp_normal)(float x) {
  uint32_t n;
  const float p = PK_FN(pk_exp_parts)(x, &n);
  return p * PK_FN(pk_float)((n + 127) << 23);
}

// exp(x) for x <= 0, with results below the normal numbers as 0: what softmax takes of its differences.
static inline float PK_FN(pk_exp_below_f32)(float x) { return x < -87.3f ? 0 : PK_FN(pk_exp_normal)(x < -87.3f ? -87.3f : x); }

static inline float PK_FN(pk_exp_f32)(float x) {
  x = x > 89 ? 89 : x;
  x = x < -104 ? -104 : x;
  uint32_t n;
  const float p = PK_FN(pk_exp_parts)(x, &n);
  // 2^n as a product of two factors, since n exceeds the range of exponents at both ends.
  const uint32_t half = (uint32_t)((int32_t)n >> 1);
  return p * PK_FN(pk_float)((half + 127) << 23) * PK_FN(pk_float)((n - half + 127) << 23);
}

#if PK_LEVEL == 2
// exp(x), where an instruction multiplies by 2^n.
static inline __m512 pk_exp_wide(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-104), _mm512_min_ps(_mm512_set1_ps(89), x));
  const __m512 magic = _mm512_set1_ps(0x1.8p23f), n = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(0x1.715476p0f), magic), magic);
  const __m512 high = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e4p-1f), x), r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.7f7d1cp-20f), high);
  __m512 p = _mm512_set1_ps(0x1.a24712p-13f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.6d5280p-10f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.111002p-7f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.5554e4p-5f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.555556p-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
  p = _mm512_add_ps(_mm512_set1_ps(1), _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, r));
  return _mm512_scalef_ps(p, n);
}
// exp(x) for x <= 0, with results below the normal numbers as 0.
static inline __m512 pk_exp_below_wide(__m512 x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.3f), _CMP_NLT_UQ), pk_exp_wide(x));
}
#endif

// exp(x) - 1 for x <= 88.
static inline float PK_FN(pk_expm1_f32)(float x) {
  x = x > 88 ? 88 : x;
  x = x < -25 ? -25 : x;
  const float shifted = x * 0x1.715476p0f + 0x1.8p23f;
  const float n = shifted - 0x1.8p23f;
  const float r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
  const float p = r + r * r * PK_FN(pk_exp_tail)(r);
  const float scale = PK_FN(pk_float)((PK_FN(pk_bits)(shifted) - PK_FN(pk_bits)(0x1.8p23f) + 127) << 23);
  return scale * p + (scale - 1);
}

// log of a normal positive number times 2^exponent.
static inline float PK_FN(pk_log_normal)(float x, float exponent) {
  const uint32_t u = PK_FN(pk_bits)(x) - PK_FN(pk_bits)(0x1.6a09e6p-1f);
  const float e = (float)((int32_t)u >> 23) + exponent;
  // x = 2^e * (1 + f) with 1 + f between sqrt(1/2) and sqrt(2)
  const float f = PK_FN(pk_float)((u & 0x7fffff) + PK_FN(pk_bits)(0x1.6a09e6p-1f)) - 1;
  // log(1 + f) - f + f^2/2 over f^3; 7.6e-10
  float p = 0x1.1bd026p-4f;
  p = p * f - 0x1.e38512p-4f;
  p = p * f + 0x1.e661d6p-4f;
  p = p * f - 0x1.fb2cbep-4f;
  p = p * f + 0x1.2330ccp-3f;
  p = p * f - 0x1.556366p-3f;
  p = p * f + 0x1.99a556p-3f;
  p = p * f - 0x1.ffffecp-3f;
  p = p * f + 0x1.555546p-2f;
  const float square = f * f;
  const float small = e * 0x1.7f7d1cp-20f + (square * f * p - 0.5f * square);
  return e * 0x1.62e4p-1f + (f + small);
}

static inline float PK_FN(pk_log_f32)(float x) {
  const bool tiny = x < FLT_MIN;
  const float y = PK_FN(pk_log_normal)(tiny ? x * 0x1p23f : x, tiny ? -23.0f : 0.0f);
  const float finite = x > 0 ? y : x == 0 ? -INFINITY : NAN;
  return x == INFINITY ? x : finite;
}

// log(1 + x) for x in 0...1.
static inline float PK_FN(pk_log1p_f32)(float x) {
  const float sum = 1 + x;
  return PK_FN(pk_log_normal)(sum, 0) + (x - (sum - 1)) / sum;
}

static inline float PK_FN(pk_tanh_f32)(float x) {
  const float a = fabsf(x);
  const float e = PK_FN(pk_expm1_f32)(2 * (a > 10 ? 10 : a));
  return copysignf(e / (e + 2), x);
}

static inline float PK_FN(pk_sigmoid_f32)(float x) {
  const float e = PK_FN(pk_exp_f32)(-fabsf(x));
  return (x < 0 ? e : 1) / (1 + e);
}

// erf(a) - a for 0 <= a < 0.93; 1e-9.
static inline float PK_FN(pk_erf_small)(float a) {
  const float z = a * a;
  float p = 0x1.4e459cp-14f;
  p = p * z - 0x1.a5ba96p-11f;
  p = p * z + 0x1.54426ep-8f;
  p = p * z - 0x1.b80080p-6f;
  p = p * z + 0x1.ce2d60p-4f;
  p = p * z - 0x1.812740p-2f;
  return a * (p * z + 0x1.06eba8p-3f);
}

// erfc(a) for 0.9 < a; 4e-10 of erf(a). Zero where erf(a) rounds to 1.
static inline float PK_FN(pk_erfc_large)(float a) {
  const bool beyond = a > 4;
  a = beyond ? 4 : a;
  float p = -0x1.7fcf40p-20f;
  p = p * a + 0x1.622420p-15f;
  p = p * a - 0x1.291ce6p-11f;
  p = p * a + 0x1.2f64aap-8f;
  p = p * a - 0x1.ab538ap-6f;
  p = p * a + 0x1.c0a7b6p-4f;
  p = p * a + 0x1.43c3e6p-1f;
  p = p * a + 0x1.214480p0f;
  p = p * a - 0x1.0ce6b4p-12f;
  return beyond ? 0 : PK_FN(pk_exp_normal)(-p);
}

static inline float PK_FN(pk_erf_f32)(float x) {
  const float a = fabsf(x);
  const float small = a + PK_FN(pk_erf_small)(a), large = 1 - PK_FN(pk_erfc_large)(a);
  return copysignf(a < 0.92f ? small : large, x) + (x != x ? x : 0);
}

// x * Phi(x), Phi the normal distribution; keeps its relative precision for negative x until erfc vanishes. NaN for -infinity, which
// is -infinity times 0.
static inline float PK_FN(pk_gelu_erf_f32)(float x) {
  const float a = fabsf(x) * 0x1.6a09e6p-1f;
  const float tail = a < 0.92f ? 1 - (a + PK_FN(pk_erf_small)(a)) : PK_FN(pk_erfc_large)(a);
  const float product = 0.5f * x * tail;
  const float lower = a > 4 ? 0.0f * x : product;
  const float upper = a > 4 ? x : x - product;
  return x > 0 ? upper : x != x ? x : lower;
}

// Sine (quarters 0) or cosine (quarters 1) for |x| < PK_TRIG_LIMIT: pi/2 in two parts whose first times n is exact.
#define PK_TRIG_LIMIT 1e6f
static inline float PK_FN(pk_reduce_quarter)(float x, uint32_t *quadrant) {
  const double wide = x, shifted = wide * 0x1.45f306dc9c883p-1 + 0x1.8p52;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  *quadrant = (uint32_t)bits;
  const double n = shifted - 0x1.8p52;
  return (float)((wide - n * 0x1.921fb544p0) - n * 0x1.0b4611a626331p-34);
}

static inline float PK_FN(pk_sin_quarter)(float r) {
  const float z = r * r;
  float p = 0x1.7bf19ap-19f;
  p = p * z - 0x1.a058e4p-13f;
  p = p * z + 0x1.111174p-7f;
  p = p * z - 0x1.555556p-3f;
  return r + r * z * p;
}

static inline float PK_FN(pk_cos_quarter)(float r) {
  const float z = r * r;
  float p = 0x1.99e1d6p-16f;
  p = p * z - 0x1.6c0c1cp-10f;
  p = p * z + 0x1.55554ap-5f;
  return 1 - 0.5f * z + z * z * p;
}

static inline float PK_FN(pk_wave)(float x, uint32_t quarters) {
  uint32_t quadrant;
  const float r = PK_FN(pk_reduce_quarter)(x, &quadrant);
  quadrant += quarters;
  const float value = quadrant & 1 ? PK_FN(pk_cos_quarter)(r) : PK_FN(pk_sin_quarter)(r);
  return PK_FN(pk_float)(PK_FN(pk_bits)(value) ^ (quadrant & 2) << 30);
}

static inline float PK_FN(pk_sin_f32)(float x) { return PK_FN(pk_wave)(x, 0); }
static inline float PK_FN(pk_cos_f32)(float x) { return PK_FN(pk_wave)(x, 1); }

static inline float PK_FN(pk_tan_f32)(float x) {
  uint32_t quadrant;
  const float r = PK_FN(pk_reduce_quarter)(x, &quadrant);
  const float s = PK_FN(pk_sin_quarter)(r), c = PK_FN(pk_cos_quarter)(r);
  return quadrant & 1 ? -c / s : s / c;
}

// asin(r) for 0 <= r <= 0.55 with z = r * r; the tail's fit 2e-9.
static inline float PK_FN(pk_asin_core)(float r, float z) {
  float p = 0x1.72d0dcp-5f;
  p = p * z + 0x1.19b112p-7f;
  p = p * z + 0x1.11efa2p-5f;
  p = p * z + 0x1.6aff54p-5f;
  p = p * z + 0x1.334446p-4f;
  p = p * z + 0x1.555532p-3f;
  return r + r * (z * p);
}

// Above 0.55, asin(a) is pi/2 - 2 asin(sqrt((1 - a) / 2)), whose second part stays below 1 and so rounds finely; beyond 1 the root is NaN.
static inline float PK_FN(pk_asin_f32)(float x) {
  const float a = fabsf(x);
  const bool small = a <= 0.55f;
  const float z = small ? a * a : (1 - a) * 0.5f;
  const float p = PK_FN(pk_asin_core)(small ? a : __builtin_elementwise_sqrt(z), z);
  return copysignf(small ? p : 0x1.921fb6p0f - (2 * p + 0x1.777a5cp-25f), x);
}

static inline float PK_FN(pk_acos_f32)(float x) {
  const float a = fabsf(x);
  const bool small = a <= 0.55f;
  const float z = small ? a * a : (1 - a) * 0.5f;
  const float p = PK_FN(pk_asin_core)(small ? a : __builtin_elementwise_sqrt(z), z);
  const float inner = 0x1.921fb6p0f - (copysignf(p, x) + 0x1.777a5cp-25f);
  const float outer = x < 0 ? 0x1.921fb6p1f - (2 * p + 0x1.777a5cp-24f) : 2 * p;
  return small ? inner : outer;
}

// The argument comes to at most a half in magnitude by taking off the angle pi/4 or pi/2; the tail's fit 4e-9.
static inline float PK_FN(pk_atan_f32)(float x) {
  const float a = fabsf(x);
  const bool middle = a > 0.5f, large = a > 0x1.3504f4p1f;
  const float q = (large ? -1 : middle ? a - 1 : a) / (large ? a : middle ? a + 1 : 1), z = q * q;
  float p = 0x1.3db432p-5f;
  p = p * z - 0x1.47352ep-4f;
  p = p * z + 0x1.c0315cp-4f;
  p = p * z - 0x1.244b9cp-3f;
  p = p * z + 0x1.9996f8p-3f;
  p = p * z - 0x1.555552p-2f;
  const float high = large ? 0x1.921fb6p0f : middle ? 0x1.921fb6p-1f : 0;
  const float low = large ? -0x1.777a5cp-25f : middle ? -0x1.777a5cp-26f : 0;
  return copysignf(high + (q + (q * (z * p) + low)), x);
}

// exp(x) / 2 for x >= 0, which is finite where sinh and cosh are.
static inline float PK_FN(pk_half_exp)(float x) {
  uint32_t n;
  const float p = PK_FN(pk_exp_parts)(x > 90 ? 90 : x, &n);
  const uint32_t half = (uint32_t)((int32_t)(n - 1) >> 1);
  return p * PK_FN(pk_float)((half + 127) << 23) * PK_FN(pk_float)((n - 1 - half + 127) << 23);
}

static inline float PK_FN(pk_cosh_f32)(float x) {
  const float h = PK_FN(pk_half_exp)(fabsf(x));
  return h + 0.25f / h;
}

// The difference of exponentials cancels below 1, where a polynomial stands; 7e-9.
static inline float PK_FN(pk_sinh_f32)(float x) {
  const float a = fabsf(x), r = a > 1 ? 1 : a, z = r * r;
  float p = 0x1.7a26b4p-19f;
  p = p * z + 0x1.9ffe10p-13f;
  p = p * z + 0x1.111136p-7f;
  p = p * z + 0x1.555556p-3f;
  const float h = PK_FN(pk_half_exp)(a);
  return copysignf(a > 1 ? h - 0.25f / h : a != a ? a : r + r * (z * p), x);
}

#include "pk_math_f64.inl.h"
