#ifndef PINION_PK_STRIDED_H
#define PINION_PK_STRIDED_H

#include "pk_isa.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// An axis of a strided copy; the strides are in bytes, 0 repeats and a negative one goes backwards.
typedef struct pk_strided_axis {
  size_t extent;
  ptrdiff_t from, to;
} pk_strided_axis;

/// Most axes a copy may have: more with extents above 1 than any tensor in memory has.
enum { PK_STRIDED_RANK_LIMIT = 48 };

/// Moves the units first ..< last of a copy of elements of 1, 2, 4, 8 or 16 bytes. The last two axes, of which there must be at
/// least two, are cut into blocks of at most row_block by col_block; a unit is one such block at one index of the other axes,
/// counted in row-major order of other axes, row blocks, column blocks. No extent or block is 0; the areas do not overlap.
typedef void (*pk_strided_fn)(const pk_strided_axis *axes, size_t rank, size_t width, size_t row_block, size_t col_block,
                              const void *from, void *to, size_t first, size_t last);

pk_strided_fn pk_strided_kernel(pk_isa isa);

#ifdef __cplusplus
}
#endif
#endif
