#ifndef PINION_PK_DOT_H
#define PINION_PK_DOT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Sums over two rows of n numbers, for models too small for a matrix product. The order of the additions is fixed.

/// Sum of a[i] * b[i].
float pk_dot_f32(const float *a, const float *b, size_t n);

/// The same, of which nothing is rounded to float: for terms that cancel.
double pk_dot_f32_in_f64(const float *a, const float *b, size_t n);

/// Sum of (a[i] - b[i])^2.
float pk_square_distance_f32(const float *a, const float *b, size_t n);

#ifdef __cplusplus
}
#endif
#endif
