// Convolutions with short sums over wide rows: the input rows of some output rows are copied with their padding, split into the phases of the
// stride, and every tap of a tile of outputs is a vector of such a row. Making patches would take as long as multiplying them.

/// tile[i * ts + j] = sum over p < k of a[p][i] * x[at[p] + j], for two vectors of j.
#define MICRO_ROWS(M)                                                                                                                     \
  static void rows_##M(size_t k, const float *restrict a, const float *restrict x, const size_t *restrict at, float *restrict tile, size_t ts) { \
    vf acc[M][2];                                                                                                                         \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] = 0.0f;                                         \
    for (size_t p = 0; p < k; p++, a += M) {                                                                                              \
      const float *b = x + at[p];                                                                                                         \
      const vf b0 = vf_load(b), b1 = vf_load(b + VW);                                                                                     \
      PK_UNROLL for (int i = 0; i < M; i++) acc[i][0] += a[i] * b0, acc[i][1] += a[i] * b1;                                               \
    }                                                                                                                                     \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) vf_store(tile + (size_t)i * ts + j * VW, acc[i][j]);      \
  }

typedef void (*micro_rows)(size_t k, const float *a, const float *x, const size_t *at, float *tile, size_t ts);
MICRO_ROWS(1) MICRO_ROWS(2) MICRO_ROWS(3) MICRO_ROWS(4)
#if PK_LEVEL >= 1
MICRO_ROWS(5) MICRO_ROWS(6)
#endif
#if PK_LEVEL == 2
MICRO_ROWS(7) MICRO_ROWS(8) MICRO_ROWS(9) MICRO_ROWS(10) MICRO_ROWS(11) MICRO_ROWS(12) MICRO_ROWS(13) MICRO_ROWS(14)
#endif

PK_INLINE micro_rows rows_kernel(size_t rows) {
  static const micro_rows table[MR] = {
      rows_1, rows_2, rows_3, rows_4,
#if PK_LEVEL >= 1
      rows_5, rows_6,
#endif
#if PK_LEVEL == 2
      rows_7, rows_8, rows_9, rows_10, rows_11, rows_12, rows_13, rows_14,
#endif
  };
  return table[rows - 1];
}

/// Rows [m0, m1) of the product `g` at the output positions [n0, n1).
static void conv_rows(const pk_conv_shape *s, const float *x, const float *weights, const pk_sgemm *g, size_t m0, size_t m1, size_t n0, size_t n1,
                      void *scratch) {
  const pk_conv_rows z = pk_conv_rows_sizes(s);
  const size_t k = pk_conv_depth(s), mr = pk_even_part(s->outputs, MR), width = s->out[2], plane = s->in[1] * s->in[2];
  size_t *at = scratch;
  float *tile = (float *)((char *)scratch + pk_round64(k * sizeof(size_t))), *rows = tile + z.tile;
  for (size_t c = 0, p = 0; c < s->channels; c++)
    for (size_t i = 0; i < s->kernel[1]; i++)
      for (size_t j = 0; j < s->kernel[2]; j++) {
        const size_t column = j * s->dilation[2];
        at[p++] = (c * z.lines + i * s->dilation[1]) * z.line + column % s->stride[2] * z.phase + column / s->stride[2];
      }
  const store target = store_of(g);
  for (size_t row = n0 / width; row * width < n1; row += z.band) {
    const size_t end = pk_min(row + z.band, (n1 - 1) / width + 1), lines = (end - 1 - row) * s->stride[1] + pk_reach(s, 1);
    for (size_t c = 0; c < s->channels; c++)
      for (size_t i = 0; i < lines; i++)
        copy_row(s, x + c * plane, (ptrdiff_t)(row * s->stride[1] + i) - (ptrdiff_t)s->pad[1], 0, z.phase, rows + (c * z.lines + i) * z.line);
    for (size_t r = row; r < end; r++) {
      const size_t first = r * width < n0 ? n0 - r * width : 0, last = pk_min(n1 - r * width, width);
      const float *from = rows + (r - row) * s->stride[1] * z.line;
      for (size_t i = m0; i < m1; i += mr) {
        const size_t height = pk_min(mr, m1 - i);
        const micro_rows kernel = rows_kernel(height);
        for (size_t j = first; j < last; j += NR) kernel(k, weights + i * k, from + j, at, tile + (j - first), z.ld);
        finish_tile(&target, tile, z.ld, height, last - first, i, r * width + first);
      }
    }
  }
}
