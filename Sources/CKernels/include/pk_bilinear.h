#ifndef PINION_PK_BILINEAR_H
#define PINION_PK_BILINEAR_H

#include "pk_isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Of a point: which elements of its pairs take part, and whether any element does.
enum { PK_BILINEAR_LEFT_IS_SECOND = 1, PK_BILINEAR_RIGHT_IS_FIRST = 2, PK_BILINEAR_INSIDE = 4 };

/// Where the elements around n points of a plane lie: pairs of neighbours in two rows.
typedef struct pk_bilinear {
  int32_t *upper, *lower; ///< [n]: the first element of each pair
  int32_t *flags;         ///< [n]
  float *weights;         ///< [4][n]: upper left, upper right, lower left, lower right
} pk_bilinear;

/// Bilinear interpolation in planes of floats outside of which there are zeros. Thread-safe on memory that does not overlap.
typedef struct pk_bilinear_kernels {
  /// Coordinates between -1 and 1, `step` apart, as coordinates in elements: x[i] = ((grid[i * step] + 1) * extent - 1) / 2, or with
  /// `aligns` (grid[i * step] + 1) / 2 * (extent - 1).
  void (*denormalise)(const float *grid, size_t step, float extent, bool aligns, float *x, size_t n);
  /// The taps of points in a plane of at least 1 x 2 and at most 2^24 x 2^24 and less than 2^31 elements. Points may be any
  /// numbers; what is no number is outside.
  void (*taps)(const float *y, const float *x, size_t n, size_t height, size_t width, const pk_bilinear *taps);
  /// y[i] = the value of the plane x at point i.
  void (*gather)(const float *x, const pk_bilinear *taps, float *y, size_t n);
} pk_bilinear_kernels;

pk_bilinear_kernels pk_bilinear_of(pk_isa isa);

#ifdef __cplusplus
}
#endif
#endif
