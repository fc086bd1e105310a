#ifndef PINION_PK_BINARY_H
#define PINION_PK_BINARY_H

#include "pk_isa.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Operands of which one element serves all n.
enum {
  PK_A_SCALAR = 1,
  PK_B_SCALAR = 2,
  PK_CONDITION_SCALAR = 4, ///< pk_where only
};

/// Operations of two operands of one type; the result has the same type.
typedef enum pk_binary_op {
  PK_BINARY_ADD,
  PK_BINARY_SUB,
  PK_BINARY_MUL,
  PK_BINARY_DIV,         ///< integers truncate; x / 0 gives 0 and least / -1 wraps
  PK_BINARY_POW,         ///< integers wrap; a negative exponent gives the truncated quotient, and 0 for base 0
  PK_BINARY_MOD,         ///< the sign of the divisor, as in Python; integers give 0 for a divisor 0
  PK_BINARY_FMOD,        ///< the sign of the dividend, as in C; integers give 0 for a divisor 0
  PK_BINARY_MIN,         ///< NaN if either is
  PK_BINARY_MAX,         ///< NaN if either is
  PK_BINARY_PRELU,       ///< a < 0 ? a * b : a
  PK_BINARY_SQUARED_DIFFERENCE,
  PK_BINARY_AND,         ///< bool
  PK_BINARY_OR,          ///< bool
  PK_BINARY_XOR,         ///< bool
  PK_BINARY_BITAND,      ///< integers
  PK_BINARY_BITOR,       ///< integers
  PK_BINARY_BITXOR,      ///< integers
  PK_BINARY_SHIFT_LEFT,  ///< unsigned integers; shifts by the width or more give 0
  PK_BINARY_SHIFT_RIGHT, ///< unsigned integers; shifts by the width or more give 0
  PK_BINARY_COUNT,
} pk_binary_op;

/// y[i] = op(a[i], b[i]) for n elements; y is a, is b, or overlaps neither. flags: PK_A_SCALAR, PK_B_SCALAR.
typedef void (*pk_binary_fn)(const void *a, const void *b, void *y, size_t n, int flags);

/// NULL where the operation is not defined for the type. f16 and bf16 compute in f32 and round once.
pk_binary_fn pk_binary_kernel(pk_isa isa, pk_binary_op op, pk_type type);

typedef enum pk_compare_op {
  PK_COMPARE_EQ,
  PK_COMPARE_LT,
  PK_COMPARE_LE,
  PK_COMPARE_GT,
  PK_COMPARE_GE,
  PK_COMPARE_COUNT,
} pk_compare_op;

/// y[i] = 1 if a[i] op b[i], else 0, for n elements; y overlaps neither unless the operands are bool. flags as above.
typedef void (*pk_compare_fn)(const void *a, const void *b, uint8_t *y, size_t n, int flags);

/// Every type; bool counts any byte but 0 as 1.
pk_compare_fn pk_compare_kernel(pk_isa isa, pk_compare_op op, pk_type type);

/// y[i] = condition[i] ? a[i] : b[i] for n elements; y is a, is b, or overlaps neither. flags: all three.
typedef void (*pk_where_fn)(const uint8_t *condition, const void *a, const void *b, void *y, size_t n, int flags);

/// By the size of an element: 1, 2, 4, 8 or 16 bytes, else NULL.
pk_where_fn pk_where_kernel(pk_isa isa, size_t element_size);

#ifdef __cplusplus
}
#endif
#endif
