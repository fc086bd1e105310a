#ifndef PINION_PK_MOVE_H
#define PINION_PK_MOVE_H

#include "pk_isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PK_RANK_LIMIT = 16 };

/// y[sum of i_k * y_strides[k]] = x[sum of i_k * x_strides[k]] for every index of dims. Strides are in elements and may be
/// negative (reversal) or, in x, 0 (broadcast); x and y do not overlap. Transposes, slices, concatenations, expansions,
/// DepthToSpace and its inverse are such copies; one along whose last axis y is contiguous is fast, whatever x's order.
/// False, with nothing done, if rank exceeds PK_RANK_LIMIT or element_size is not 1, 2, 4, 8 or 16.
typedef bool (*pk_strided_copy_fn)(const void *x, const int64_t *x_strides, void *y, const int64_t *y_strides, const int64_t *dims,
                                   size_t rank, size_t element_size);
pk_strided_copy_fn pk_strided_copy_kernel(pk_isa isa);

/// Running sums or products along the axis of [outer, axis, inner], both arrays contiguous: of the lines first ..< last, where
/// line l is index l / inner of the outer and l % inner of the inner axis. exclusive: without the element itself; reverse: from the
/// end. y is x or does not overlap it.
typedef void (*pk_cumulative_fn)(const void *x, void *y, size_t axis, size_t inner, size_t first, size_t last, bool exclusive, bool reverse);

/// f32, f64, f16, bf16 (both in f32, rounded at each store), i32, i64, u32 and u64 (wrapping), else NULL.
pk_cumulative_fn pk_cumulative_sum_kernel(pk_isa isa, pk_type type);
pk_cumulative_fn pk_cumulative_product_kernel(pk_isa isa, pk_type type);

/// y row r = x row indices[r], for rows of row_bytes bytes; negative indices count from the end of x's `rows` rows. Returns the
/// number of rows copied: fewer than count if the index there is out of range.
size_t pk_gather_rows_i64(const void *x, const int64_t *indices, void *y, size_t count, size_t row_bytes, size_t rows);
size_t pk_gather_rows_i32(const void *x, const int32_t *indices, void *y, size_t count, size_t row_bytes, size_t rows);

/// y = n copies of the element.
void pk_fill(void *y, const void *element, size_t element_size, size_t n);

/// y = the elements of x whose flag is not 0, of which there are `count`, one after the other. Elements of 1, 2, 4, 8 or 16 bytes.
void pk_compress(const void *x, const uint8_t *flags, size_t n, size_t element_size, void *y, size_t count);

/// y[indices[i]] = x[i] for n elements of 1, 2, 4, 8 or 16 bytes, in order; negative indices count from the end of y's `extent`.
/// Returns the number of elements placed: fewer than n if the index there is out of range.
size_t pk_place_elements(const void *x, const int64_t *indices, size_t n, size_t element_size, void *y, size_t extent);

/// y = contiguous x of dims, repeated repeats[k] times along each axis k. No extent or number is 0, and rank is at least 1.
void pk_tile(const void *x, const size_t *dims, const size_t *repeats, size_t rank, size_t element_size, void *y);

/// Extends the first block_bytes bytes of y to `times` copies of them (Tile).
void pk_repeat(void *y, size_t block_bytes, size_t times);

/// What ONNX Pad puts around an array.
typedef enum pk_pad_mode {
  PK_PAD_CONSTANT,
  PK_PAD_EDGE,
  PK_PAD_REFLECT, ///< as often as it takes, the border itself not repeated
  PK_PAD_WRAP,
} pk_pad_mode;

/// y, of dims[k] + before[k] + after[k] per axis, from contiguous x of dims; negative amounts crop. value: the constant's element.
/// False, with nothing done, if rank exceeds PK_RANK_LIMIT, an axis would be negative, or a mode other than PK_PAD_CONSTANT is
/// to make elements from an empty axis.
bool pk_pad(const void *x, const int64_t *dims, void *y, const int64_t *before, const int64_t *after, size_t rank, pk_pad_mode mode,
            const void *value, size_t element_size);

#ifdef __cplusplus
}
#endif
#endif
