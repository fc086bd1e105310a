#include "levels/pk_math.inl.h"

enum { BLOCK = 16, STRIP = 256 };

#define REAL float
#define NAME(name) PK_FN(pk_##name##_of_f32)
#define MATH(name) PK_FN(pk_##name##_f32)
#define LIBM(name) name##f
#define HUGE_EVEN 0x1p23f
#include "pk_unary_real.inl.h"
#define DEAR_KERNEL(name) BLOCK_KERNEL(PK_VECTORISE_16, name)
LIBM_FORMULAS(DEAR_KERNEL)
OWN_FORMULAS(DEAR_KERNEL)
#if PK_LEVEL == 2
static void NAME(blocks_exp)(const float *x, float *y, size_t blocks, float a, float b) {
  (void)a, (void)b;
  for (size_t i = 0; i < blocks * BLOCK; i += BLOCK) _mm512_storeu_ps(y + i, pk_exp_wide(_mm512_loadu_ps(x + i)));
}
DRIVEN_KERNEL(exp)
#else
DEAR_KERNEL(exp)
#endif
#define DEAR_FUNCTION(name)                                                                                \
  FORMULA(name, MATH(name)(x))                                                                             \
  DEAR_KERNEL(name)
DEAR_FUNCTION(asin)
DEAR_FUNCTION(acos)
DEAR_FUNCTION(atan)
DEAR_FUNCTION(sinh)
DEAR_FUNCTION(cosh)

// Arguments beyond the reach of the short reduction are rare and go to libm one by one. LIMIT is that reach in the type.
#define TRIG_KERNEL(name)                                                                                  \
  static void NAME(blocks_##name)(const REAL *x, REAL *y, size_t blocks, REAL a, REAL b) {                 \
    (void)a, (void)b;                                                                                      \
    BLOCK_LOOP for (size_t i = 0; i < blocks * BLOCK; i++) y[i] = MATH(name)(x[i]);                        \
  }                                                                                                        \
  static void NAME(name)(const void *x, void *y, size_t n, const pk_params *params) {                      \
    const REAL *source = x;                                                                                \
    REAL *target = y;                                                                                      \
    (void)params;                                                                                          \
    for (size_t at = 0; at < n; at += STRIP) {                                                             \
      const size_t count = n - at < STRIP ? n - at : STRIP;                                                \
      REAL kept[STRIP];                                                                                    \
      const bool far = NAME(any_far)(source + at, count);                                                  \
      if (far) memcpy(kept, source + at, count * sizeof(REAL));                                            \
      NAME(drive)(NAME(blocks_##name), source + at, target + at, count, NULL);                             \
      for (size_t i = 0; far && i < count; i++)                                                            \
        if (__builtin_elementwise_abs(kept[i]) > LIMIT) target[at + i] = LIBM(name)(kept[i]);              \
    }                                                                                                      \
  }
#define ANY_FAR                                                                                            \
  static bool NAME(any_far)(const REAL *x, size_t n) {                                                     \
    uint32_t far = 0;                                                                                      \
    PK_VECTORISE for (size_t i = 0; i < n; i++) far |= __builtin_elementwise_abs(x[i]) > LIMIT;            \
    return far != 0;                                                                                       \
  }
#define LIMIT PK_TRIG_LIMIT
#define BLOCK_LOOP PK_VECTORISE_16
ANY_FAR
TRIG_KERNEL(sin)
TRIG_KERNEL(cos)
TRIG_KERNEL(tan)
#undef LIMIT
#undef BLOCK_LOOP
#undef REAL
#undef NAME
#undef MATH
#undef LIBM
#undef HUGE_EVEN

#define REAL double
#define NAME(name) PK_FN(pk_##name##_of_f64)
#define MATH(name) PK_FN(pk_##name##_f64)
#define LIBM(name) name
#define HUGE_EVEN 0x1p52
#include "pk_unary_real.inl.h"
#define WIDE_KERNEL(name) BLOCK_KERNEL(PK_VECTORISE_8, name)
#define LOOP_KERNEL(name)                                                                                  \
  static void NAME(name)(const void *x, void *y, size_t n, const pk_params *params) {                      \
    const double *source = x, a = params ? params->d[0] : 0, b = params ? params->d[1] : 0;                \
    double *target = y;                                                                                    \
    for (size_t i = 0; i < n; i++) target[i] = NAME(formula_##name)(source[i], a, b);                      \
  }
OWN_FORMULAS(WIDE_KERNEL)
WIDE_KERNEL(exp)
LIBM_FORMULAS(LOOP_KERNEL)
#define LIMIT PK_TRIG_LIMIT_F64
#define BLOCK_LOOP PK_VECTORISE_8
ANY_FAR
TRIG_KERNEL(sin)
TRIG_KERNEL(cos)
#undef LIMIT
#undef BLOCK_LOOP
LIBM_KERNEL(tan)
LIBM_KERNEL(asin)
LIBM_KERNEL(acos)
LIBM_KERNEL(atan)
LIBM_KERNEL(sinh)
LIBM_KERNEL(cosh)
#undef REAL
#undef NAME

// The 16-bit floats pass through f32 in strips that stay in the first-level cache.
#define HALF_DRIVER(half)                                                                                  \
  static void PK_FN(pk_drive_##half)(pk_unary_fn run, const void *x, void *y, size_t n, const pk_params *params) { \
    const uint16_t *source = x;                                                                            \
    uint16_t *target = y;                                                                                  \
    float strip[STRIP];                                                                                    \
    for (size_t at = 0; at < n; at += STRIP) {                                                             \
      const size_t count = n - at < STRIP ? n - at : STRIP;                                                \
      PK_VECTORISE for (size_t i = 0; i < count; i++) strip[i] = PK_FN(pk_f32_of_##half)(source[at + i]);  \
      run(strip, strip, count, params);                                                                    \
      PK_VECTORISE for (size_t i = 0; i < count; i++) target[at + i] = PK_FN(pk_##half##_of_f32)(strip[i]); \
    }                                                                                                      \
  }
HALF_DRIVER(f16)
HALF_DRIVER(bf16)

#define ALL_FLOAT_OPERATIONS(EACH)                                                                         \
  VECTOR_FORMULAS(EACH) MATH_FORMULAS(EACH) EACH(sin) EACH(cos) EACH(tan) EACH(asin) EACH(acos) EACH(atan) \
  EACH(sinh) EACH(cosh) EACH(asinh) EACH(acosh) EACH(atanh)
#define HALF_KERNELS(name)                                                                                 \
  static void PK_FN(pk_##name##_of_f16)(const void *x, void *y, size_t n, const pk_params *params) {       \
    PK_FN(pk_drive_f16)(PK_FN(pk_##name##_of_f32), x, y, n, params);                                       \
  }                                                                                                        \
  static void PK_FN(pk_##name##_of_bf16)(const void *x, void *y, size_t n, const pk_params *params) {      \
    PK_FN(pk_drive_bf16)(PK_FN(pk_##name##_of_f32), x, y, n, params);                                      \
  }
ALL_FLOAT_OPERATIONS(HALF_KERNELS)

// Integers: U is the type's unsigned kin, in which arithmetic wraps.
#define INTEGER_KERNEL(name, type, T, U, ...)                                                              \
  static void PK_FN(pk_##name##_of_##type)(const void *xs, void *ys, size_t n, const pk_params *params) {  \
    const T *source = xs;                                                                                  \
    T *target = ys;                                                                                        \
    const T low = params ? (T)params->i[0] : 0, high = params ? (T)params->i[1] : 0;                       \
    (void)low, (void)high;                                                                                 \
    PK_VECTORISE for (size_t i = 0; i < n; i++) {                                                          \
      const T x = source[i];                                                                               \
      target[i] = (T)(__VA_ARGS__);                                                                        \
    }                                                                                                      \
  }
#define ANY_INTEGER_KERNELS(type, T, U)                                                                    \
  INTEGER_KERNEL(bitnot, type, T, U, ~x)                                                                   \
  INTEGER_KERNEL(clip, type, T, U, (x < low ? low : x) > high ? high : x < low ? low : x)                  \
  INTEGER_KERNEL(square, type, T, U, (U)x * (uint64_t)(U)x)
#define SIGNED_KERNELS(type, T, U)                                                                         \
  ANY_INTEGER_KERNELS(type, T, U)                                                                          \
  INTEGER_KERNEL(abs, type, T, U, x < 0 ? (U)(0 - (U)x) : (U)x)                                            \
  INTEGER_KERNEL(neg, type, T, U, (U)(0 - (U)x))                                                           \
  INTEGER_KERNEL(sign, type, T, U, (x > 0) - (x < 0))                                                      \
  INTEGER_KERNEL(relu, type, T, U, x < 0 ? 0 : x)
#define UNSIGNED_KERNELS(type, T)                                                                          \
  ANY_INTEGER_KERNELS(type, T, T)                                                                          \
  INTEGER_KERNEL(abs, type, T, T, x)                                                                       \
  INTEGER_KERNEL(sign, type, T, T, x > 0)
SIGNED_KERNELS(i8, int8_t, uint8_t)
SIGNED_KERNELS(i16, int16_t, uint16_t)
SIGNED_KERNELS(i32, int32_t, uint32_t)
SIGNED_KERNELS(i64, int64_t, uint64_t)
UNSIGNED_KERNELS(u8, uint8_t)
UNSIGNED_KERNELS(u16, uint16_t)
UNSIGNED_KERNELS(u32, uint32_t)
UNSIGNED_KERNELS(u64, uint64_t)
INTEGER_KERNEL(not, b8, uint8_t, uint8_t, x == 0)

#define K(name, type) PK_FN(pk_##name##_of_##type)
#define FLOATS(name) [PK_F32] = K(name, f32), [PK_F64] = K(name, f64), [PK_F16] = K(name, f16), [PK_BF16] = K(name, bf16)
#define SIGNED(name) [PK_I8] = K(name, i8), [PK_I16] = K(name, i16), [PK_I32] = K(name, i32), [PK_I64] = K(name, i64)
#define UNSIGNED(name) [PK_U8] = K(name, u8), [PK_U16] = K(name, u16), [PK_U32] = K(name, u32), [PK_U64] = K(name, u64)

const pk_unary_fn PK_FN(pk_unary_table)[PK_UNARY_COUNT][PK_TYPE_LIMIT] = {
    [PK_UNARY_ABS] = {FLOATS(abs), SIGNED(abs), UNSIGNED(abs)},
    [PK_UNARY_NEG] = {FLOATS(neg), SIGNED(neg)},
    [PK_UNARY_SIGN] = {FLOATS(sign), SIGNED(sign), UNSIGNED(sign)},
    [PK_UNARY_NOT] = {[PK_BOOL] = K(not, b8)},
    [PK_UNARY_BITNOT] = {SIGNED(bitnot), UNSIGNED(bitnot)},
    [PK_UNARY_CEIL] = {FLOATS(ceil)},
    [PK_UNARY_FLOOR] = {FLOATS(floor)},
    [PK_UNARY_ROUND] = {FLOATS(round)},
    [PK_UNARY_SQRT] = {FLOATS(sqrt)},
    [PK_UNARY_RSQRT] = {FLOATS(rsqrt)},
    [PK_UNARY_RECIPROCAL] = {FLOATS(reciprocal)},
    [PK_UNARY_EXP] = {FLOATS(exp)},
    [PK_UNARY_LOG] = {FLOATS(log)},
    [PK_UNARY_ERF] = {FLOATS(erf)},
    [PK_UNARY_SIN] = {FLOATS(sin)},
    [PK_UNARY_COS] = {FLOATS(cos)},
    [PK_UNARY_TAN] = {FLOATS(tan)},
    [PK_UNARY_ASIN] = {FLOATS(asin)},
    [PK_UNARY_ACOS] = {FLOATS(acos)},
    [PK_UNARY_ATAN] = {FLOATS(atan)},
    [PK_UNARY_SINH] = {FLOATS(sinh)},
    [PK_UNARY_COSH] = {FLOATS(cosh)},
    [PK_UNARY_TANH] = {FLOATS(tanh)},
    [PK_UNARY_ASINH] = {FLOATS(asinh)},
    [PK_UNARY_ACOSH] = {FLOATS(acosh)},
    [PK_UNARY_ATANH] = {FLOATS(atanh)},
    [PK_UNARY_SIGMOID] = {FLOATS(sigmoid)},
    [PK_UNARY_RELU] = {FLOATS(relu), SIGNED(relu)},
    [PK_UNARY_LEAKY_RELU] = {FLOATS(leaky_relu)},
    [PK_UNARY_THRESHOLDED_RELU] = {FLOATS(thresholded_relu)},
    [PK_UNARY_ELU] = {FLOATS(elu)},
    [PK_UNARY_CELU] = {FLOATS(celu)},
    [PK_UNARY_SELU] = {FLOATS(selu)},
    [PK_UNARY_HARD_SIGMOID] = {FLOATS(hard_sigmoid)},
    [PK_UNARY_HARD_SWISH] = {FLOATS(hard_swish)},
    [PK_UNARY_SWISH] = {FLOATS(swish)},
    [PK_UNARY_MISH] = {FLOATS(mish)},
    [PK_UNARY_SOFTPLUS] = {FLOATS(softplus)},
    [PK_UNARY_SOFTSIGN] = {FLOATS(softsign)},
    [PK_UNARY_GELU_ERF] = {FLOATS(gelu_erf)},
    [PK_UNARY_GELU_TANH] = {FLOATS(gelu_tanh)},
    [PK_UNARY_CLIP] = {FLOATS(clip), SIGNED(clip), UNSIGNED(clip)},
    [PK_UNARY_SHRINK] = {FLOATS(shrink)},
    [PK_UNARY_SQUARE] = {FLOATS(square), SIGNED(square), UNSIGNED(square)},
    [PK_UNARY_AFFINE] = {FLOATS(affine)},
};

// Predicates of the formats' bits: bits without the sign above or at the infinity's.
#define PREDICATE(name, type, U, ...)                                                                      \
  static void PK_FN(pk_##name##_##type)(const void *x, uint8_t *y, size_t n) {                             \
    const U *source = x;                                                                                   \
    PK_VECTORISE for (size_t i = 0; i < n; i++) {                                                          \
      const U u = source[i];                                                                               \
      y[i] = __VA_ARGS__;                                                                                  \
    }                                                                                                      \
  }
#define PREDICATES(type, U, sign, infinity)                                                                \
  PREDICATE(isnan, type, U, (U)(u & ~(sign)) > (infinity))                                                 \
  PREDICATE(isinf, type, U, (U)(u & ~(sign)) == (infinity))                                                \
  PREDICATE(isposinf, type, U, u == (infinity))                                                            \
  PREDICATE(isneginf, type, U, u == ((sign) | (infinity)))
PREDICATES(f32, uint32_t, 0x80000000, 0x7f800000)
PREDICATES(f64, uint64_t, 0x8000000000000000, 0x7ff0000000000000)
PREDICATES(f16, uint16_t, 0x8000, 0x7c00)
PREDICATES(bf16, uint16_t, 0x8000, 0x7f80)

#define P(name)                                                                                            \
  {[PK_F32] = PK_FN(pk_##name##_f32), [PK_F64] = PK_FN(pk_##name##_f64), [PK_F16] = PK_FN(pk_##name##_f16), \
   [PK_BF16] = PK_FN(pk_##name##_bf16)}
const pk_predicate_fn PK_FN(pk_predicate_table)[PK_PREDICATE_COUNT][PK_TYPE_LIMIT] = {
    [PK_PREDICATE_ISNAN] = P(isnan),
    [PK_PREDICATE_ISINF] = P(isinf),
    [PK_PREDICATE_ISINF_POSITIVE] = P(isposinf),
    [PK_PREDICATE_ISINF_NEGATIVE] = P(isneginf),
};
