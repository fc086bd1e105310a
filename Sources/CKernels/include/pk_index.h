#ifndef PINION_PK_INDEX_H
#define PINION_PK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// y[i] = x[p * step + i * drift] for n elements of 1, 2, 4, 8 or 16 bytes, where p is indices[i], or that plus extent where it
/// is negative. The indices have 8 bytes if wide, else 4. False where one is out of range, with y undefined; nothing outside
/// of x is read for it.
bool pk_gather_elements(const void *x, const void *indices, bool wide, size_t extent, size_t step, size_t drift, size_t width, void *y,
                        size_t n);

/// The first i from start on for which x[i] is above the bound (below it if not above) or NaN; n if there is none.
size_t pk_find_beyond(const float *x, size_t start, size_t n, float bound, bool above);

#ifdef __cplusplus
}
#endif
#endif
