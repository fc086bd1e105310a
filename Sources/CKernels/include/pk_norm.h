#ifndef PINION_PK_NORM_H
#define PINION_PK_NORM_H

#include "pk_isa.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Normalisations for f32, f64, f16 and bf16; the getters give NULL for other types. The 16-bit types compute in f32 and round
// once. "Real" below is double for f64, else float. y is x or does not overlap it; no other operand overlaps y.

/// y[r, :] = (x[r, :] - mean) / sqrt(variance + epsilon) * scale + bias for rows of n elements. scale and bias: n elements of
/// x's type or NULL. mean and inverse_deviation: NULL or `rows` Reals to write.
typedef void (*pk_layer_norm_fn)(const void *x, const void *scale, const void *bias, void *y, void *mean, void *inverse_deviation,
                                 size_t rows, size_t n, double epsilon);
pk_layer_norm_fn pk_layer_norm_kernel(pk_isa isa, pk_type type);

/// y[r, :] = x[r, :] / sqrt(mean of squares + epsilon) * scale for rows of n elements. scale: n elements of x's type or NULL.
typedef void (*pk_rms_norm_fn)(const void *x, const void *scale, void *y, size_t rows, size_t n, double epsilon);
pk_rms_norm_fn pk_rms_norm_kernel(pk_isa isa, pk_type type);

/// Each of `groups` groups of [channels, inner] elements to mean 0 and variance 1, then channel c of group g times
/// scale[g * channels + c] plus bias of the same index (elements of x's type; NULL: without). channels = 1 is instance norm.
typedef void (*pk_group_norm_fn)(const void *x, const void *scale, const void *bias, void *y, size_t groups, size_t channels,
                                 size_t inner, double epsilon);
pk_group_norm_fn pk_group_norm_kernel(pk_isa isa, pk_type type);

/// y[o, c, i] = (x[o, c, i] - center[c]) * scale[c] + bias[c] for [outer, channels, inner]: batch normalisation once its
/// statistics are three numbers a channel. center, scale and bias are Reals.
typedef void (*pk_channel_affine_fn)(const void *x, const void *center, const void *scale, const void *bias, void *y, size_t outer,
                                     size_t channels, size_t inner);
pk_channel_affine_fn pk_channel_affine_kernel(pk_isa isa, pk_type type);

/// y = x over its p-norm (p = 1 or 2) along the axis of [outer, axis, inner]; 0 where the norm is 0. Rows `stride` elements
/// apart in both, as in pk_reduce_fn.
typedef void (*pk_lp_normalize_fn)(const void *x, void *y, size_t outer, size_t axis, size_t inner, size_t stride, int p);
pk_lp_normalize_fn pk_lp_normalize_kernel(pk_isa isa, pk_type type);

#ifdef __cplusplus
}
#endif
#endif
