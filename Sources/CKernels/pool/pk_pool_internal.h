// What pk_pool.c and the per-ISA files share.
#ifndef PINION_PK_POOL_INTERNAL_H
#define PINION_PK_POOL_INTERNAL_H

#include "gemm/pk_gemm_internal.h"
#include "pk_pool.h"

/// A pool over depth, height and width; missing axes come first and have one element and a window of one.
typedef struct pk_pool_axes {
  size_t in[3], kernel[3], stride[3], dilation[3], pad[3], pad_end[3], out[3];
  size_t planes; ///< Of the whole input: how far may be read behind a row.
} pk_pool_axes;

/// Rows [row0, row1) of the output, counted through all planes.
typedef struct pk_pool_table {
  void (*max_f32)(const pk_pool_axes *s, const void *x, void *y, size_t row0, size_t row1, void *scratch);
  void (*max_u8)(const pk_pool_axes *s, const void *x, void *y, size_t row0, size_t row1, void *scratch);
  void (*max_i8)(const pk_pool_axes *s, const void *x, void *y, size_t row0, size_t row1, void *scratch);
  void (*max_last_u8)(const pk_pool_axes *s, size_t channels, const uint8_t *x, uint8_t *y, size_t p0, size_t p1);
  void (*max_last_i8)(const pk_pool_axes *s, size_t channels, const int8_t *x, int8_t *y, size_t p0, size_t p1);
  void (*average_f32)(const pk_pool_axes *s, bool count_pad, const float *x, float *y, size_t row0, size_t row1, void *scratch);
} pk_pool_table;

extern const pk_pool_table pk_pool_table_scalar;
#if defined(__x86_64__)
extern const pk_pool_table pk_pool_table_avx2, pk_pool_table_avx512;
#endif

static inline size_t pk_pool_reach(const pk_pool_axes *s, int axis) { return (s->kernel[axis] - 1) * s->dilation[axis] + 1; }

/// A whole number of vectors of 64 bytes, the longest of any level, as elements of `width` bytes.
static inline size_t pk_pool_lanes(size_t elements, size_t width) { return (elements + 64 / width - 1) / (64 / width) * (64 / width); }

/// Elements of a row of a padded copy of several rows as one run of elements.
static inline size_t pk_pool_flat_line(const pk_pool_axes *s) { return pk_max(s->out[2] + pk_pool_reach(s, 2) - 1, s->pad[2] + s->in[2]); }

/// Whether a maximum is taken over such a copy. Rows longer than a cache have no use for it.
static inline bool pk_pool_is_flat(const pk_pool_axes *s) { return s->stride[1] == 1 && s->stride[2] == 1 && pk_pool_flat_line(s) <= 1 << 18; }

/// Output rows of one such copy: it stays in the L1 cache, but its padding is shared by some rows.
static inline size_t pk_pool_flat_rows(const pk_pool_axes *s, size_t width) {
  const size_t reach = pk_pool_reach(s, 1), lines = 12288 / (pk_pool_flat_line(s) * width);
  return pk_min(s->out[1], pk_max(lines > reach ? lines - reach + 1 : 1, pk_min(2 * reach, 8)));
}

/// Elements of one phase of a padded row: of its elements that lie a stride apart.
static inline size_t pk_pool_phase(const pk_pool_axes *s, size_t width) {
  return pk_pool_lanes(pk_pool_lanes(s->out[2], width) + (pk_pool_reach(s, 2) - 1) / s->stride[2], width);
}

/// Elements of a padded row.
static inline size_t pk_pool_line(const pk_pool_axes *s, size_t width) {
  return pk_pool_lanes(pk_max(s->stride[2] * pk_pool_phase(s, width), s->pad[2] + pk_pool_lanes(s->in[2], width)), width);
}

#endif
