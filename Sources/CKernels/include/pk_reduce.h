#ifndef PINION_PK_REDUCE_H
#define PINION_PK_REDUCE_H

#include "pk_isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What the elements along an axis become.
typedef enum pk_reduce_op {
  PK_REDUCE_SUM,
  PK_REDUCE_MEAN,        ///< floats
  PK_REDUCE_PROD,
  PK_REDUCE_MIN,         ///< NaN if any is; the greatest value (infinity) of an empty axis
  PK_REDUCE_MAX,         ///< NaN if any is; the least value (-infinity) of an empty axis
  PK_REDUCE_L1,
  PK_REDUCE_L2,          ///< floats
  PK_REDUCE_SUM_SQUARE,
  PK_REDUCE_LOG_SUM,     ///< floats
  PK_REDUCE_LOG_SUM_EXP, ///< floats
  PK_REDUCE_COUNT,
} pk_reduce_op;

/// y[o, i] = op over k of x[o, k, i], for x of shape [outer, axis, inner] whose rows (of inner elements) start `stride` elements
/// apart: stride = inner for a whole array, more for a part of its columns. y is contiguous and does not overlap x.
/// Whole rows (inner = stride = 1) are the fast case.
typedef void (*pk_reduce_fn)(const void *x, void *y, size_t outer, size_t axis, size_t inner, size_t stride);

/// f32, f64, i32 and i64, and MIN and MAX for i8, u8 and bool; else NULL. Integers wrap. f32 sums short pieces in f32, those in f64.
pk_reduce_fn pk_reduce_kernel(pk_isa isa, pk_reduce_op op, pk_type type);

/// y[o, i] = the k of the greatest or least x[o, k, i]; the first of equals, or the last. NaN counts as beyond all numbers, and
/// the zeros are equal. Layout as above; axis is not 0.
typedef void (*pk_arg_fn)(const void *x, int64_t *y, size_t outer, size_t axis, size_t inner, size_t stride, bool last);

/// f32, f64, i32, i64, i8 and u8; else NULL.
pk_arg_fn pk_arg_max_kernel(pk_isa isa, pk_type type);
pk_arg_fn pk_arg_min_kernel(pk_isa isa, pk_type type);

#ifdef __cplusplus
}
#endif
#endif
