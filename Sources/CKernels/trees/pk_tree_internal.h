#ifndef PINION_PK_TREE_INTERNAL_H
#define PINION_PK_TREE_INTERNAL_H

#include "pk_isa.h"
#include "pk_tree.h"

/// Rows that meet a branch together, and the most features that are laid out for them.
enum { PK_TREE_ROWS = 16, PK_TREE_FEATURES = 512 };

/// The numbers of the leaves that the rows reach. `columns` has PK_TREE_ROWS numbers for each feature, aligned to 64 bytes.
typedef void (*pk_tree_leaves_fn)(const pk_tree_mask *masks, size_t count, const float *columns, uint8_t *leaves);

void pk_tree_leaves_scalar(const pk_tree_mask *masks, size_t count, const float *columns, uint8_t *leaves);
#if defined(__x86_64__)
void pk_tree_leaves_avx2(const pk_tree_mask *masks, size_t count, const float *columns, uint8_t *leaves);
void pk_tree_leaves_avx512(const pk_tree_mask *masks, size_t count, const float *columns, uint8_t *leaves);
#endif

#endif
