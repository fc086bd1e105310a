#ifndef PINION_PK_RESAMPLE_H
#define PINION_PK_RESAMPLE_H

#include "pk_isa.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Loops of one-dimensional interpolation in one compute type, float or double.
typedef struct pk_resample_kernels {
  /// y[i] = sum over k of weights[k] * rows[k][i], for n elements and at least one row; y overlaps no row.
  void (*blend)(const void *const *rows, const void *weights, size_t taps, void *y, size_t n);
  /// y[i * run + j] = sum over k of weights[k * n + i] * x[indices[k * n + i] * run + j], for n places and j below run.
  void (*gather)(const void *x, const int32_t *indices, const void *weights, size_t taps, size_t run, void *y, size_t n);
  /// The greatest of the products instead of their sum; NaN if any is.
  void (*gather_max)(const void *x, const int32_t *indices, const void *weights, size_t taps, size_t run, void *y, size_t n);
  /// As gather for two taps and a run of 1, where indices[n + i] is indices[i] + 1 for each i from first up to last.
  void (*gather_pairs)(const void *x, const int32_t *indices, const void *weights, size_t first, size_t last, void *y, size_t n);
  /// x[i] = x[i] rounded to the nearest, halves to even, and held between low and high; NaN becomes low.
  void (*round_clamp)(void *x, size_t n, double low, double high);
} pk_resample_kernels;

/// The kernels that compute in double for PK_F64, in float for any other type.
pk_resample_kernels pk_resample(pk_isa isa, pk_type compute);

/// y[i * factor + j] = x[i] for n elements of 1, 2, 4, 8 or 16 bytes and j below factor.
void pk_repeat_elements(const void *x, size_t width, size_t factor, void *y, size_t n);

/// y[i] = x[indices[i]] for n elements of 1, 2, 4, 8 or 16 bytes.
void pk_take(const void *x, const int32_t *indices, size_t width, void *y, size_t n);

#ifdef __cplusplus
}
#endif
#endif
