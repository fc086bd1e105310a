#ifndef PINION_PK_POOL_H
#define PINION_PK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// Pooling over dense channels-first tensors. A plane is one channel of one image. Nothing allocates or starts threads;
// calls on different planes may run at the same time, each with its own 64-byte aligned scratch.
// NaN in a window makes the result NaN. Half-precision types are computed in float and rounded once (ties to even).

enum { PK_POOL_RANK_LIMIT = 8 };

/// Windows with `rank` spatial axes (1 to PK_POOL_RANK_LIMIT). The caller has checked that `out` follows from the rest; a
/// window of ceil_mode may reach beyond in + pad_end, where it sees nothing.
typedef struct pk_pool_shape {
  size_t rank;
  size_t in[PK_POOL_RANK_LIMIT], kernel[PK_POOL_RANK_LIMIT], stride[PK_POOL_RANK_LIMIT], dilation[PK_POOL_RANK_LIMIT];
  size_t pad[PK_POOL_RANK_LIMIT], pad_end[PK_POOL_RANK_LIMIT], out[PK_POOL_RANK_LIMIT];
} pk_pool_shape;

/// Scratch bytes of one pk_pool_max or pk_pool_average call; 0 if none, SIZE_MAX if it does not fit.
size_t pk_pool_scratch_bytes(pk_isa isa, pk_type type, const pk_pool_shape *s);

/// Planes [plane0, plane1) of y = maximum of each window of x. Types: f32, f64, f16, bf16, i8, u8; false for others.
/// `indices` (or NULL): the flat index in all of x of each first maximum; within the plane it counts row-major, or
/// column-major if `column_major` (ONNX storage_order 1). Without `scratch` it goes by plain loops. A window that sees nothing gives the lowest value
/// (-infinity for floating types) and index -1.
bool pk_pool_max(pk_isa isa, pk_type type, const pk_pool_shape *s, const void *x, void *y, int64_t *indices, bool column_major,
                 size_t plane0, size_t plane1, void *scratch);

/// Planes [plane0, plane1) of y = mean of each window of x. `count_pad`: the divisor counts positions in the padding
/// (up to in + pad_end). A window that sees nothing gives 0. Types: f32, f64, f16, bf16; false for others. Without `scratch` by plain loops.
bool pk_pool_average(pk_isa isa, pk_type type, const pk_pool_shape *s, bool count_pad, const void *x, void *y, size_t plane0, size_t plane1,
                     void *scratch);

/// Rows of a plane's output (runs along the last axis) where the maximum, or else the mean, can be taken of any range of them;
/// 0 where not. The results are those of the functions above.
size_t pk_pool_rows(pk_type type, const pk_pool_shape *s, bool max);

/// Rows [row0, row1) of the maxima or means, counted through all `planes`; false as above. x has all planes.
bool pk_pool_max_rows(pk_isa isa, pk_type type, const pk_pool_shape *s, size_t planes, const void *x, void *y, size_t row0, size_t row1,
                      void *scratch);
bool pk_pool_average_rows(pk_isa isa, pk_type type, const pk_pool_shape *s, bool count_pad, size_t planes, const void *x, void *y,
                          size_t row0, size_t row1, void *scratch);

/// Maxima at positions [p0, p1), counted as image * positions + position, of tensors [images][positions][channels]. Up to three
/// spatial axes; types: i8, u8; false for others. A window that sees nothing gives the lowest value.
bool pk_pool_max_last(pk_isa isa, pk_type type, const pk_pool_shape *s, size_t channels, const void *x, void *y, size_t p0, size_t p1);

/// Planes [plane0, plane1) of y = (sum |x|^p)^(1/p) over each window, p >= 1. Types as pk_pool_average.
bool pk_pool_lp(pk_type type, const pk_pool_shape *s, double p, const void *x, void *y, size_t plane0, size_t plane1);

/// One maximum or mean for each plane [plane0, plane1) of `count` >= 1 elements. Types as pk_pool_average.
bool pk_pool_global_max(pk_isa isa, pk_type type, size_t count, const void *x, void *y, size_t plane0, size_t plane1);
bool pk_pool_global_average(pk_isa isa, pk_type type, size_t count, const void *x, void *y, size_t plane0, size_t plane1);

#ifdef __cplusplus
}
#endif
#endif
