#ifndef PINION_PK_UNARY_H
#define PINION_PK_UNARY_H

#include "pk_isa.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Constants of an operation: `d` for floats, `i` for the integer types (PK_UNARY_CLIP only; unsigned 64-bit bounds as their
/// bit pattern).
typedef struct pk_params {
  double d[4];
  int64_t i[4];
} pk_params;

/// Operations of one operand; the names are ONNX's, p is the operation's pk_params.
typedef enum pk_unary_op {
  PK_UNARY_ABS,
  PK_UNARY_NEG,
  PK_UNARY_SIGN,       ///< -1, 0 or 1; NaN stays
  PK_UNARY_NOT,        ///< bool
  PK_UNARY_BITNOT,     ///< integers
  PK_UNARY_CEIL,
  PK_UNARY_FLOOR,
  PK_UNARY_ROUND,      ///< halves to even
  PK_UNARY_SQRT,
  PK_UNARY_RSQRT,      ///< 1 / sqrt(x)
  PK_UNARY_RECIPROCAL,
  PK_UNARY_EXP,
  PK_UNARY_LOG,
  PK_UNARY_ERF,
  PK_UNARY_SIN,
  PK_UNARY_COS,
  PK_UNARY_TAN,
  PK_UNARY_ASIN,
  PK_UNARY_ACOS,
  PK_UNARY_ATAN,
  PK_UNARY_SINH,
  PK_UNARY_COSH,
  PK_UNARY_TANH,
  PK_UNARY_ASINH,
  PK_UNARY_ACOSH,
  PK_UNARY_ATANH,
  PK_UNARY_SIGMOID,
  PK_UNARY_RELU,
  PK_UNARY_LEAKY_RELU,       ///< p.d = {alpha}
  PK_UNARY_THRESHOLDED_RELU, ///< p.d = {alpha}
  PK_UNARY_ELU,              ///< p.d = {alpha}
  PK_UNARY_CELU,             ///< p.d = {alpha}, not 0
  PK_UNARY_SELU,             ///< p.d = {alpha, gamma}
  PK_UNARY_HARD_SIGMOID,     ///< p.d = {alpha, beta}
  PK_UNARY_HARD_SWISH,
  PK_UNARY_SWISH,            ///< x * sigmoid(alpha * x); p.d = {alpha}
  PK_UNARY_MISH,
  PK_UNARY_SOFTPLUS,
  PK_UNARY_SOFTSIGN,
  PK_UNARY_GELU_ERF,
  PK_UNARY_GELU_TANH,
  PK_UNARY_CLIP,             ///< p.d or p.i = {low, high}; high wins where they cross
  PK_UNARY_SHRINK,           ///< p.d = {lambd, bias}
  PK_UNARY_SQUARE,
  PK_UNARY_AFFINE,           ///< x * a + b; p.d = {a, b}
  PK_UNARY_COUNT,
} pk_unary_op;

/// y[i] = op(x[i]) for n elements of one type; y is x or does not overlap it. params may be NULL where the operation has none.
typedef void (*pk_unary_fn)(const void *x, void *y, size_t n, const pk_params *params);

/// NULL where the operation is not defined for the type. Floats have every operation but NOT and BITNOT; f16 and bf16 compute
/// in f32 and round once. Integers have ABS, NEG (signed), SIGN, RELU (signed), BITNOT, CLIP, SQUARE, and wrap. Bool has NOT.
/// f32: EXP, LOG, TANH, ERF, SIGMOID, SIN and COS stay within 3 units in the last place; infinities and NaN go as in C's libm.
pk_unary_fn pk_unary_kernel(pk_isa isa, pk_unary_op op, pk_type type);

typedef enum pk_predicate {
  PK_PREDICATE_ISNAN,
  PK_PREDICATE_ISINF,          ///< either sign
  PK_PREDICATE_ISINF_POSITIVE,
  PK_PREDICATE_ISINF_NEGATIVE,
  PK_PREDICATE_COUNT,
} pk_predicate;

/// y[i] = 1 if the predicate holds for x[i], else 0. y does not overlap x.
typedef void (*pk_predicate_fn)(const void *x, uint8_t *y, size_t n);

/// For the float types; NULL for others.
pk_predicate_fn pk_predicate_kernel(pk_isa isa, pk_predicate predicate, pk_type type);

#ifdef __cplusplus
}
#endif
#endif
