#ifndef PINION_PK_CONV_INT8_FEW_H
#define PINION_PK_CONV_INT8_FEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_conv_int8_last.h"

#ifdef __cplusplus
extern "C" {
#endif

// Convolutions as of pk_conv_int8_last.h with few outputs, which would leave most columns of a tile empty. Each column of the kernel has columns of the tile
// of its own: these are sums over the kernel's rows alone, at every column of the input, of which an output adds one for each column of the kernel.

/// Whether there is such a kernel and it is worth while: on AVX2, at most 8 outputs, columns one apart.
bool pk_conv_int8_few_fits(pk_isa isa, const pk_conv_shape *shape);

/// Bytes of the packed weights.
size_t pk_conv_int8_few_packed_bytes(const pk_conv_shape *shape);

/// Packs weights as of pk_conv_int8_last_pack.
void pk_conv_int8_few_pack(const pk_conv_shape *shape, uint8_t flip, const uint8_t *w, const int32_t *zero, void *packed);

/// Bytes of what pk_conv_int8_few_terms writes.
size_t pk_conv_int8_few_terms_bytes(const pk_conv_shape *shape);

/// What all blocks share, of bias and scales.
void pk_conv_int8_few_terms(const pk_conv_int8_last *c, void *terms);

/// Pieces of rows of an image's output, counted row by row.
size_t pk_conv_int8_few_pieces(const pk_conv_shape *shape);

/// How many pieces to call pk_conv_int8_few_block with; `products` is how many images and groups there are.
size_t pk_conv_int8_few_grid(const pk_conv_shape *shape, size_t products, size_t threads);

/// Scratch bytes of a call of pk_conv_int8_few_block.
size_t pk_conv_int8_few_scratch_bytes(const pk_conv_shape *shape);

/// Computes the pieces [piece0, piece1) of a group's outputs in an image.
void pk_conv_int8_few_block(const pk_conv_int8_last *c, size_t image, size_t group, size_t piece0, size_t piece1, void *scratch);

#ifdef __cplusplus
}
#endif
#endif
