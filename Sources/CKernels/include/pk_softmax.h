#ifndef PINION_PK_SOFTMAX_H
#define PINION_PK_SOFTMAX_H

#include "pk_isa.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// y = softmax (or its logarithm) of x along the axis of [outer, axis, inner], in both arrays with rows (of inner elements)
/// `stride` elements apart, as in pk_reduce_fn. y is x or does not overlap it. Whole rows (inner = stride = 1) are the fast case.
typedef void (*pk_softmax_fn)(const void *x, void *y, size_t outer, size_t axis, size_t inner, size_t stride);

/// f32 and f64, else NULL. Probabilities below the normal numbers relative to the greatest are 0.
pk_softmax_fn pk_softmax_kernel(pk_isa isa, pk_type type);
pk_softmax_fn pk_log_softmax_kernel(pk_isa isa, pk_type type);

/// y[r, :] = softmax(x[r, :] * scale + mask[r, :]) for the scores of attention: rows of n elements, x_stride, y_stride and
/// mask_stride elements apart (mask_stride 0: one mask row for all; mask NULL: none). y is x or does not overlap it. A row
/// masked with -infinity throughout becomes 0 if zero_masked, else NaN.
typedef void (*pk_attention_softmax_fn)(const float *x, const float *mask, float *y, size_t rows, size_t n, size_t x_stride,
                                        size_t mask_stride, size_t y_stride, float scale, bool zero_masked);

pk_attention_softmax_fn pk_attention_softmax_kernel(pk_isa isa);

#ifdef __cplusplus
}
#endif
#endif
