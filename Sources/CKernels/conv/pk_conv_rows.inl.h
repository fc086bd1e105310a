// Convolutions with short sums: the input rows of some output rows are copied with their padding, split into the phases of the strides, and every
// tap of a tile of outputs is a vector of such rows. Making patches would take as long as multiplying them.

#define ROWS_FUNCTION(M, N)                                                                                                               \
  static void rows_##M##x##N(size_t k, const float *restrict a, const float *restrict x, const size_t *restrict at, float *restrict tile, size_t ts)
#define ROWS_STORE(M, N)                                                                                                                  \
  PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < N; j++) vf_store(tile + (size_t)i * ts + j * VW, acc[i][j])

/// tile[i * ts + j] = sum over p < k of a[p][i] * x[at[p] + j], for two vectors of j.
#define MICRO_ROWS(M)                                                                                                                     \
  ROWS_FUNCTION(M, 2) {                                                                                                                   \
    vf acc[M][2];                                                                                                                         \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] = 0.0f;                                         \
    for (size_t p = 0; p < k; p++, a += M) {                                                                                              \
      const float *b = x + at[p];                                                                                                         \
      const vf b0 = vf_load(b), b1 = vf_load(b + VW);                                                                                     \
      PK_UNROLL for (int i = 0; i < M; i++) acc[i][0] += a[i] * b0, acc[i][1] += a[i] * b1;                                               \
    }                                                                                                                                     \
    ROWS_STORE(M, 2);                                                                                                                     \
  }

/// The same for few rows and N vectors, so that sums need not wait for each other.
#define MICRO_WIDE(M, N)                                                                                                                  \
  ROWS_FUNCTION(M, N) {                                                                                                                   \
    vf acc[M][N];                                                                                                                         \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < N; j++) acc[i][j] = 0.0f;                                         \
    for (size_t p = 0; p < k; p++, a += M) {                                                                                              \
      const float *b = x + at[p];                                                                                                         \
      PK_UNROLL for (int j = 0; j < N; j++) {                                                                                             \
        const vf v = vf_load(b + j * VW);                                                                                                 \
        PK_UNROLL for (int i = 0; i < M; i++) acc[i][j] += a[i] * v;                                                                      \
      }                                                                                                                                   \
    }                                                                                                                                     \
    ROWS_STORE(M, N);                                                                                                                     \
  }

typedef void (*micro_rows)(size_t k, const float *a, const float *x, const size_t *at, float *tile, size_t ts);
MICRO_ROWS(1) MICRO_ROWS(2) MICRO_ROWS(3) MICRO_ROWS(4)
MICRO_WIDE(1, 8) MICRO_WIDE(2, 4) MICRO_WIDE(3, 4)
#if PK_LEVEL >= 1
MICRO_ROWS(5) MICRO_ROWS(6)
#endif
#if PK_LEVEL == 2
MICRO_ROWS(7) MICRO_ROWS(8) MICRO_ROWS(9) MICRO_ROWS(10) MICRO_ROWS(11) MICRO_ROWS(12) MICRO_ROWS(13) MICRO_ROWS(14)
#endif

PK_INLINE micro_rows rows_kernel(size_t rows) {
  static const micro_rows table[MR] = {
      rows_1x2, rows_2x2, rows_3x2, rows_4x2,
#if PK_LEVEL >= 1
      rows_5x2, rows_6x2,
#endif
#if PK_LEVEL == 2
      rows_7x2, rows_8x2, rows_9x2, rows_10x2, rows_11x2, rows_12x2, rows_13x2, rows_14x2,
#endif
  };
  return table[rows - 1];
}

/// The tile of `rows` rows and `count` sums, of which whole pairs of vectors are written.
static void rows_tile(size_t rows, size_t count, size_t k, const float *a, const float *x, const size_t *at, float *tile, size_t ts) {
  size_t j = 0;
  if (rows == 1) for (; j + 8 * VW <= count; j += 8 * VW) rows_1x8(k, a, x + j, at, tile + j, ts);
  if (rows == 2) for (; j + 4 * VW <= count; j += 4 * VW) rows_2x4(k, a, x + j, at, tile + j, ts);
  if (rows == 3) for (; j + 4 * VW <= count; j += 4 * VW) rows_3x4(k, a, x + j, at, tile + j, ts);
  const micro_rows kernel = rows_kernel(rows);
  for (; j < count; j += NR) kernel(k, a, x + j, at, tile + j, ts);
}

#if PK_LEVEL >= 1
/// Four runs of eight elements out of 32: to[phase * step + i] = x[4 * i + phase].
PK_INLINE void split_in_four(const float *x, float *to, size_t step) {
  __m256 r[4];
  PK_UNROLL for (int i = 0; i < 4; i++) r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + 4 * i)), _mm_loadu_ps(x + 16 + 4 * i), 1);
  const __m256 low0 = _mm256_unpacklo_ps(r[0], r[1]), high0 = _mm256_unpackhi_ps(r[0], r[1]);
  const __m256 low1 = _mm256_unpacklo_ps(r[2], r[3]), high1 = _mm256_unpackhi_ps(r[2], r[3]);
  _mm256_storeu_ps(to, _mm256_shuffle_ps(low0, low1, 0x44));
  _mm256_storeu_ps(to + step, _mm256_shuffle_ps(low0, low1, 0xee));
  _mm256_storeu_ps(to + 2 * step, _mm256_shuffle_ps(high0, high1, 0x44));
  _mm256_storeu_ps(to + 3 * step, _mm256_shuffle_ps(high0, high1, 0xee));
}
#endif

/// The row h of a plane, `pitch` elements of each of its phases `step` apart; zeros where it is padding.
static void split_row(const pk_conv_shape *s, const float *plane, ptrdiff_t h, size_t pitch, float *to, size_t step) {
  const size_t stride = s->stride[2], width = s->in[2], pad = s->pad[2];
  if ((size_t)h >= s->in[1]) {
    for (size_t phase = 0; phase < stride; phase++) memset(to + phase * step, 0, pitch * sizeof(float));
    return;
  }
  const float *from = plane + (size_t)h * width;
  // Of each phase the elements [first, last) lie in the row, and all phases have [start, end).
  size_t start = pk_min(pk_ceil_div(pad, stride), pitch), end = pk_min((width + pad) / stride, pitch);
  for (size_t phase = 0; phase < stride; phase++) {
    const size_t first = pad > phase ? pk_min(pk_ceil_div(pad - phase, stride), pitch) : 0;
    const size_t last = width + pad > phase ? pk_max(pk_min(pk_ceil_div(width + pad - phase, stride), pitch), first) : first;
    float *out = to + phase * step;
    memset(out, 0, first * sizeof(float));
    memset(out + last, 0, (pitch - last) * sizeof(float));
    if (stride == 1) {
      memcpy(out + first, from + first - pad, (last - first) * sizeof(float));
      return;
    }
    size_t i = first;
#if PK_LEVEL >= 1
    if (stride == 4 && start < end) {
      // The vectors below do the rest.
      for (; i < start; i++) out[i] = from[i * stride + phase - pad];
      i = start + (end - start) / 8 * 8;
    }
    if (stride == 2)
      for (; i + 8 <= last && i * 2 + phase - pad + 16 <= width; i += 8) {
        const float *x = from + i * 2 + phase - pad;
        const __m256 both = _mm256_shuffle_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8), 0x88);
        _mm256_storeu_pd((double *)(out + i), _mm256_permute4x64_pd((__m256d)both, 0xd8));
      }
#endif
    for (; i < last; i++) out[i] = from[i * stride + phase - pad];
  }
#if PK_LEVEL >= 1
  if (stride == 4)
    for (; start + 8 <= end; start += 8) split_in_four(from + start * 4 - pad, to + start, step);
#endif
}

/// Rows [m0, m1) of the product `g` at the output positions [n0, n1).
static void conv_rows(const pk_conv_shape *s, const float *x, const float *weights, const pk_sgemm *g, size_t m0, size_t m1, size_t n0, size_t n1,
                      void *scratch) {
  const pk_conv_rows z = pk_conv_rows_sizes(s);
  const size_t k = pk_conv_depth(s), mr = pk_even_part(s->outputs, MR), width = s->out[2], plane = s->in[1] * s->in[2];
  const size_t down = s->stride[1], across = s->stride[2], more = (pk_reach(s, 1) - 1) / down;
  size_t *at = scratch;
  float *tile = (float *)((char *)scratch + pk_round64(k * sizeof(size_t))), *rows = tile + z.tile;
  for (size_t c = 0, p = 0; c < s->channels; c++)
    for (size_t i = 0; i < s->kernel[1]; i++)
      for (size_t j = 0; j < s->kernel[2]; j++) {
        const size_t line = i * s->dilation[1], column = j * s->dilation[2];
        at[p++] = c * z.channel + (line % down * across + column % across) * z.plane + line / down * z.pitch + column / across;
      }
  const store target = store_of(g);
  for (size_t row = n0 / width; row * width < n1; row += z.band) {
    const size_t end = pk_min(row + z.band, (n1 - 1) / width + 1);
    for (size_t c = 0; c < s->channels; c++)
      for (size_t i = 0; i < (end - row + more) * down; i++)
        split_row(s, x + c * plane, (ptrdiff_t)(row * down + i) - (ptrdiff_t)s->pad[1], z.pitch,
                  rows + c * z.channel + i % down * across * z.plane + i / down * z.pitch, z.plane);
    for (size_t r = row; r < end; r += z.chunk) {
      const size_t stop = pk_min(r + z.chunk, end), count = (stop - 1 - r) * z.pitch + width;
      for (size_t i = m0; i < m1; i += mr) {
        const size_t height = pk_min(mr, m1 - i);
        rows_tile(height, count, k, weights + i * k, rows + (r - row) * z.pitch, at, tile, z.ld);
        for (size_t o = r; o < stop; o++) {
          const size_t first = o * width < n0 ? n0 - o * width : 0, last = pk_min(n1 - o * width, width);
          finish_tile(&target, tile + (o - r) * z.pitch + first, z.ld, height, last - first, i, o * width + first);
        }
      }
    }
  }
}
