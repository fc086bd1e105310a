#include "levels/pk_number.inl.h"
#include "reduce/pk_pairwise.inl.h"

// The remainder with the sign of the dividend. Below 2^28 a quotient in double precision that is not whole stays on its side of every
// whole number, and the product taken off is exact.
static inline float PK_FN(pk_remainder_f32)(float a, float b) {
  const double quotient = (double)a / (double)b, size = fabs(quotient);
  // No way of its own for quotients below 1: which they are, no processor foresees.
  if (!(size < 0x1p28) || fabsf(b) == INFINITY) return fmodf(a, b);
  return copysignf((float)((double)a - (double)(int64_t)quotient * (double)b), a);
}
static inline double PK_FN(pk_remainder_f64)(double a, double b) { return fmod(a, b); }

// The remainder with the sign of the divisor.
static inline float PK_FN(pk_floored_f32)(float a, float b) {
  const float r = PK_FN(pk_remainder_f32)(a, b);
  return r == 0 ? copysignf(0, b) : (r < 0) != (b < 0) ? r + b : r;
}
static inline double PK_FN(pk_floored_f64)(double a, double b) {
  const double r = fmod(a, b);
  return r == 0 ? copysign(0, b) : (r < 0) != (b < 0) ? r + b : r;
}

// sqrt as pow(x, 0.5) has it: +0 for -0 and infinity for -infinity.
static inline float PK_FN(pk_half_power_f32)(float x) { return x == -INFINITY ? INFINITY : __builtin_sqrtf(x + 0.0f); }
static inline double PK_FN(pk_half_power_f64)(double x) { return x == -INFINITY ? INFINITY : __builtin_sqrt(x + 0.0); }

#define NO_PRAGMA
// Vectors would take both ways of every element.
#define ONE_BY_ONE _Pragma("clang loop vectorize(disable) unroll_count(4)")
#define NARROW_f32(v) (v)
#define NARROW_f64(v) (v)
#define NARROW_f16(v) PK_FN(pk_f16_of_f32)(v)
#define NARROW_bf16(v) PK_FN(pk_bf16_of_f32)(v)

#define BINARY(LOOP, name, type, T, READ, ...)                                                                \
  static void PK_FN(pk_##name##_##type)(const void *av, const void *bv, void *yv, size_t n, int flags) {      \
    PK_PAIRWISE(LOOP, T, T, READ, av, bv, yv, n, flags, __VA_ARGS__);                                         \
  }

// R is the type the operation computes in, M its suffix.
#define FLOAT_KERNELS(type, T, R, M, READ)                                                                    \
  BINARY(PK_VECTORISE, add, type, T, READ, NARROW_##type((R)(a + b)))                                         \
  BINARY(PK_VECTORISE, sub, type, T, READ, NARROW_##type((R)(a - b)))                                         \
  BINARY(PK_VECTORISE, mul, type, T, READ, NARROW_##type((R)(a * b)))                                         \
  BINARY(PK_VECTORISE, div, type, T, READ, NARROW_##type((R)(a / b)))                                         \
  BINARY(PK_VECTORISE, min, type, T, READ, NARROW_##type(a != a ? a : a <= b ? a : b))                        \
  BINARY(PK_VECTORISE, max, type, T, READ, NARROW_##type(a != a ? a : a >= b ? a : b))                        \
  BINARY(PK_VECTORISE, prelu, type, T, READ, NARROW_##type(a < 0 ? a * b : a))                                \
  BINARY(PK_VECTORISE, sqdiff, type, T, READ, NARROW_##type((a - b) * (a - b)))                               \
  BINARY(NO_PRAGMA, anypow, type, T, READ, NARROW_##type((R)PK_LIBM_##M(pow)(a, b)))                          \
  BINARY(ONE_BY_ONE, mod, type, T, READ, NARROW_##type(PK_FN(pk_floored_##M)(a, b)))                               \
  BINARY(ONE_BY_ONE, fmod, type, T, READ, NARROW_##type(PK_FN(pk_remainder_##M)(a, b)))                            \
  BINARY(PK_VECTORISE, square, type, T, READ, ((void)b, NARROW_##type(a * a)))                                \
  BINARY(PK_VECTORISE, cube, type, T, READ, ((void)b, NARROW_##type(a * a * a)))                              \
  BINARY(PK_VECTORISE, root, type, T, READ, ((void)b, NARROW_##type(PK_FN(pk_half_power_##M)(a))))            \
  BINARY(PK_VECTORISE, rroot, type, T, READ, ((void)b, NARROW_##type(1 / PK_FN(pk_half_power_##M)(a))))       \
  BINARY(PK_VECTORISE, inverse, type, T, READ, ((void)b, NARROW_##type(1 / a)))                               \
  static void PK_FN(pk_pow_##type)(const void *a, const void *b, void *y, size_t n, int flags) {              \
    pk_binary_fn kernel = PK_FN(pk_anypow_##type);                                                            \
    if (n > 0 && (flags & PK_B_SCALAR)) {                                                                     \
      const R exponent = READ(*(const T *)b);                                                                 \
      kernel = exponent == 2 ? PK_FN(pk_square_##type) : exponent == 3 ? PK_FN(pk_cube_##type)                \
        : exponent == (R)0.5 ? PK_FN(pk_root_##type) : exponent == (R)-0.5 ? PK_FN(pk_rroot_##type)           \
        : exponent == -1 ? PK_FN(pk_inverse_##type) : kernel;                                                 \
    }                                                                                                         \
    kernel(a, b, y, n, flags);                                                                                \
  }
#define PK_LIBM_f32(name) name##f
#define PK_LIBM_f64(name) name
FLOAT_KERNELS(f32, float, float, f32, PK_AS_IT_IS)
FLOAT_KERNELS(f64, double, double, f64, PK_AS_IT_IS)
FLOAT_KERNELS(f16, uint16_t, float, f32, PK_FN(pk_f32_of_f16))
FLOAT_KERNELS(bf16, uint16_t, float, f32, PK_FN(pk_f32_of_bf16))

// Integers compute in the widest unsigned type, whose low bits are the wrapped result of every width.
static inline uint64_t PK_FN(pk_power_unsigned)(uint64_t base, uint64_t exponent) {
  uint64_t power = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) power *= base;
  return power;
}
static inline uint64_t PK_FN(pk_power_signed)(int64_t base, int64_t exponent) {
  if (exponent >= 0) return PK_FN(pk_power_unsigned)((uint64_t)base, (uint64_t)exponent);
  return base == 1 ? 1 : base != -1 ? 0 : exponent & 1 ? (uint64_t)-1 : 1;
}
static inline int64_t PK_FN(pk_divide)(int64_t a, int64_t b) {
  return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
static inline int64_t PK_FN(pk_remainder)(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
static inline int64_t PK_FN(pk_modulo)(int64_t a, int64_t b) {
  const int64_t r = PK_FN(pk_remainder)(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// Quotients of integers by way of floats of at least twice their bits: the nearest quotient that is no integer is further from one
// than the rounding goes, so that truncating it is exact. The least number by -1 leaves the type and is kept out.
#define QUOTIENT_KERNEL(type, T, F, I, LEAST, margin)                                                         \
  static inline T PK_FN(pk_quotient_##type)(T a, T b) {                                                       \
    const bool wraps = (LEAST) < 0 && b == (T)-1 && a == (LEAST);                                             \
    const I q = (I)((F)a / (F)(b == 0 || wraps ? 1 : b));                                                     \
    return b == 0 ? 0 : (T)q;                                                                                 \
  }                                                                                                           \
  BINARY(PK_VECTORISE, quotients, type, T, PK_AS_IT_IS, PK_FN(pk_quotient_##type)(a, b))                      \
  static void PK_FN(pk_div_##type)(const void *a, const void *b, void *y, size_t n, int flags) {              \
    const T divisor = n > 0 && (flags & PK_B_SCALAR) ? *(const T *)b : 0;                                     \
    if ((flags & PK_A_SCALAR) || divisor == 0 || ((LEAST) < 0 && divisor == (T)-1)) {                         \
      PK_FN(pk_quotients_##type)(a, b, y, n, flags);                                                          \
      return;                                                                                                 \
    }                                                                                                         \
    /* A little too large, so that multiples of the divisor do not fall below their quotient. */              \
    const F inverse = 1 / (F)divisor * (F)(1 + (margin));                                                     \
    const T *const as = a;                                                                                    \
    T *const ys = y;                                                                                          \
    PK_VECTORISE for (size_t i = 0; i < n; i++) ys[i] = (T)(I)((F)as[i] * inverse);                           \
  }
QUOTIENT_KERNEL(i8, int8_t, float, int32_t, INT8_MIN, 0x1p-20)
QUOTIENT_KERNEL(i16, int16_t, float, int32_t, INT16_MIN, 0x1p-20)
QUOTIENT_KERNEL(u8, uint8_t, float, int32_t, 0, 0x1p-20)
QUOTIENT_KERNEL(u16, uint16_t, float, int32_t, 0, 0x1p-20)
QUOTIENT_KERNEL(i32, int32_t, double, int32_t, INT32_MIN, 0x1p-48)

// The same for 64 bits where the operands are small, which a piece is asked first: below 2^48 in magnitude.
#if PK_LEVEL >= 1
static inline double PK_FN(pk_f64_of_small)(int64_t a) {
  const double magic = 0x1.8p52;
  uint64_t bits;
  memcpy(&bits, &magic, 8);
  bits += (uint64_t)a;
  double x;
  memcpy(&x, &bits, 8);
  return x - magic;
}
static inline int64_t PK_FN(pk_small_of_f64)(double x) {
  const double magic = 0x1.8p52, sum = __builtin_elementwise_trunc(x) + magic;
  uint64_t bits, none;
  memcpy(&bits, &sum, 8);
  memcpy(&none, &magic, 8);
  return (int64_t)(bits - none);
}
static bool PK_FN(pk_is_small)(const int64_t *x, size_t n) {
  uint64_t any = 0;
  PK_VECTORISE for (size_t i = 0; i < n; i++) any |= (uint64_t)x[i] + (1ull << 48);
  return any < 1ull << 49;
}
static void PK_FN(pk_div_i64)(const void *av, const void *bv, void *yv, size_t n, int flags) {
  enum { PIECE = 256 };
  const int64_t *as = av, *bs = bv;
  int64_t *ys = yv;
  const bool one_a = flags & PK_A_SCALAR, one_b = flags & PK_B_SCALAR;
  if (n == 0) return;
  // A single operand is read before the first result is written over it.
  const int64_t a0 = *as, b0 = *bs;
  for (size_t at = 0; at < n; at += PIECE) {
    const size_t count = n - at < PIECE ? n - at : PIECE;
    const int64_t *a = one_a ? &a0 : as + at, *b = one_b ? &b0 : bs + at;
    int64_t *y = ys + at;
    if (!PK_FN(pk_is_small)(a, one_a ? 1 : count) || !PK_FN(pk_is_small)(b, one_b ? 1 : count)) {
      for (size_t i = 0; i < count; i++) y[i] = PK_FN(pk_divide)(a[one_a ? 0 : i], b[one_b ? 0 : i]);
    } else if (one_b && b0 != 0) {
      const double inverse = 1 / (double)b0 * (1 + 0x1p-51);
      if (one_a) for (size_t i = 0; i < count; i++) y[i] = a0 / b0;
      else PK_VECTORISE for (size_t i = 0; i < count; i++) y[i] = PK_FN(pk_small_of_f64)(PK_FN(pk_f64_of_small)(a[i]) * inverse);
    } else if (one_b) {
      memset(y, 0, count * sizeof *y);
    } else {
      const double first = PK_FN(pk_f64_of_small)(a0);
      PK_VECTORISE for (size_t i = 0; i < count; i++) {
        const double divisor = PK_FN(pk_f64_of_small)(b[i]), dividend = one_a ? first : PK_FN(pk_f64_of_small)(a[one_a ? 0 : i]);
        const int64_t q = PK_FN(pk_small_of_f64)(dividend / (divisor == 0 ? 1 : divisor));
        y[i] = divisor == 0 ? 0 : q;
      }
    }
  }
}
#else
BINARY(NO_PRAGMA, div, i64, int64_t, PK_AS_IT_IS, PK_FN(pk_divide)(a, b))
#endif
BINARY(NO_PRAGMA, div, u32, uint32_t, PK_AS_IT_IS, b == 0 ? 0 : a / b)
BINARY(NO_PRAGMA, div, u64, uint64_t, PK_AS_IT_IS, b == 0 ? 0 : a / b)

// Squares and cubes are products.
#define POWER_KERNEL(type, T, W)                                                                              \
  BINARY(PK_VECTORISE, square, type, T, PK_AS_IT_IS, ((void)b, (W)a * (W)a))                                  \
  BINARY(PK_VECTORISE, cube, type, T, PK_AS_IT_IS, ((void)b, (W)a * (W)a * (W)a))                             \
  static void PK_FN(pk_pow_##type)(const void *a, const void *b, void *y, size_t n, int flags) {              \
    pk_binary_fn kernel = PK_FN(pk_anypow_##type);                                                            \
    if (n > 0 && (flags & PK_B_SCALAR)) {                                                                     \
      const T exponent = *(const T *)b;                                                                       \
      kernel = exponent == 2 ? PK_FN(pk_square_##type) : exponent == 3 ? PK_FN(pk_cube_##type) : kernel;      \
    }                                                                                                         \
    kernel(a, b, y, n, flags);                                                                                \
  }

// "a < 1" in prelu is "a < 0" that unsigned types may ask too: for 0 both arms give 0.
#define ANY_INTEGER_KERNELS(type, T, U, W)                                                                    \
  BINARY(PK_VECTORISE, add, type, T, PK_AS_IT_IS, (U)a + (U)b)                                                \
  BINARY(PK_VECTORISE, sub, type, T, PK_AS_IT_IS, (U)a - (U)b)                                                \
  BINARY(PK_VECTORISE, mul, type, T, PK_AS_IT_IS, (W)a * (W)b)                                                \
  BINARY(PK_VECTORISE, min, type, T, PK_AS_IT_IS, a <= b ? a : b)                                             \
  BINARY(PK_VECTORISE, max, type, T, PK_AS_IT_IS, a >= b ? a : b)                                             \
  BINARY(PK_VECTORISE, prelu, type, T, PK_AS_IT_IS, a < 1 ? (W)a * (W)b : (W)a)                               \
  BINARY(PK_VECTORISE, sqdiff, type, T, PK_AS_IT_IS, ((W)a - (W)b) * ((W)a - (W)b))                           \
  BINARY(PK_VECTORISE, bitand, type, T, PK_AS_IT_IS, a & b)                                                   \
  BINARY(PK_VECTORISE, bitor, type, T, PK_AS_IT_IS, a | b)                                                    \
  BINARY(PK_VECTORISE, bitxor, type, T, PK_AS_IT_IS, a ^ b)
#define SIGNED_KERNELS(type, T, U, W)                                                                         \
  ANY_INTEGER_KERNELS(type, T, U, W)                                                                          \
  BINARY(NO_PRAGMA, mod, type, T, PK_AS_IT_IS, PK_FN(pk_modulo)(a, b))                                        \
  BINARY(NO_PRAGMA, fmod, type, T, PK_AS_IT_IS, PK_FN(pk_remainder)(a, b))                                    \
  BINARY(NO_PRAGMA, anypow, type, T, PK_AS_IT_IS, PK_FN(pk_power_signed)(a, b))                               \
  POWER_KERNEL(type, T, W)
#define UNSIGNED_KERNELS(type, T, W)                                                                          \
  ANY_INTEGER_KERNELS(type, T, T, W)                                                                          \
  BINARY(NO_PRAGMA, mod, type, T, PK_AS_IT_IS, b == 0 ? 0 : a % b)                                            \
  BINARY(NO_PRAGMA, anypow, type, T, PK_AS_IT_IS, PK_FN(pk_power_unsigned)(a, b))                             \
  POWER_KERNEL(type, T, W)                                                                                    \
  BINARY(PK_VECTORISE, shl, type, T, PK_AS_IT_IS, b < sizeof(T) * 8 ? (W)a << (b & (sizeof(T) * 8 - 1)) : 0)  \
  BINARY(PK_VECTORISE, shr, type, T, PK_AS_IT_IS, b < sizeof(T) * 8 ? a >> (b & (sizeof(T) * 8 - 1)) : 0)
SIGNED_KERNELS(i8, int8_t, uint8_t, uint32_t)
SIGNED_KERNELS(i16, int16_t, uint16_t, uint32_t)
SIGNED_KERNELS(i32, int32_t, uint32_t, uint32_t)
SIGNED_KERNELS(i64, int64_t, uint64_t, uint64_t)
UNSIGNED_KERNELS(u8, uint8_t, uint32_t)
UNSIGNED_KERNELS(u16, uint16_t, uint32_t)
UNSIGNED_KERNELS(u32, uint32_t, uint32_t)
UNSIGNED_KERNELS(u64, uint64_t, uint64_t)
BINARY(PK_VECTORISE, and, b8, uint8_t, PK_AS_IT_IS, (a != 0) & (b != 0))
BINARY(PK_VECTORISE, or, b8, uint8_t, PK_AS_IT_IS, (a != 0) | (b != 0))
BINARY(PK_VECTORISE, xor, b8, uint8_t, PK_AS_IT_IS, (a != 0) ^ (b != 0))

#define K(name, type) PK_FN(pk_##name##_##type)
#define FLOATS(name) [PK_F32] = K(name, f32), [PK_F64] = K(name, f64), [PK_F16] = K(name, f16), [PK_BF16] = K(name, bf16)
#define SIGNED(name) [PK_I8] = K(name, i8), [PK_I16] = K(name, i16), [PK_I32] = K(name, i32), [PK_I64] = K(name, i64)
#define UNSIGNED(name) [PK_U8] = K(name, u8), [PK_U16] = K(name, u16), [PK_U32] = K(name, u32), [PK_U64] = K(name, u64)
#define NUMBERS(name) {FLOATS(name), SIGNED(name), UNSIGNED(name)}

const pk_binary_fn PK_FN(pk_binary_table)[PK_BINARY_COUNT][PK_TYPE_LIMIT] = {
    [PK_BINARY_ADD] = NUMBERS(add),
    [PK_BINARY_SUB] = NUMBERS(sub),
    [PK_BINARY_MUL] = NUMBERS(mul),
    [PK_BINARY_DIV] = NUMBERS(div),
    [PK_BINARY_POW] = NUMBERS(pow),
    [PK_BINARY_MOD] = NUMBERS(mod),
    [PK_BINARY_FMOD] = {FLOATS(fmod), SIGNED(fmod), UNSIGNED(mod)},
    [PK_BINARY_MIN] = NUMBERS(min),
    [PK_BINARY_MAX] = NUMBERS(max),
    [PK_BINARY_PRELU] = NUMBERS(prelu),
    [PK_BINARY_SQUARED_DIFFERENCE] = NUMBERS(sqdiff),
    [PK_BINARY_AND] = {[PK_BOOL] = K(and, b8)},
    [PK_BINARY_OR] = {[PK_BOOL] = K(or, b8)},
    [PK_BINARY_XOR] = {[PK_BOOL] = K(xor, b8)},
    [PK_BINARY_BITAND] = {SIGNED(bitand), UNSIGNED(bitand)},
    [PK_BINARY_BITOR] = {SIGNED(bitor), UNSIGNED(bitor)},
    [PK_BINARY_BITXOR] = {SIGNED(bitxor), UNSIGNED(bitxor)},
    [PK_BINARY_SHIFT_LEFT] = {UNSIGNED(shl)},
    [PK_BINARY_SHIFT_RIGHT] = {UNSIGNED(shr)},
};
