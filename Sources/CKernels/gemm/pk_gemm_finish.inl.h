// From a tile of sums to C.

#include <math.h>

/// Where tiles go and what is done to them there. Rows and columns are those of the whole C.
typedef struct store {
  float *c;
  size_t ldc;
  float alpha, beta;
  bool read_c;
  const pk_epilogue *e; ///< NULL while sums over k are still partial.
} store;

PK_INLINE store store_of(const pk_sgemm *g) {
  return (store){.c = g->c, .ldc = g->ldc, .alpha = g->alpha, .beta = g->beta, .read_c = g->beta != 0, .e = &g->epilogue};
}

/// Settings for one pass over k: the first applies beta, later ones add up, the last ends the work.
PK_INLINE void store_part(store *s, const pk_sgemm *g, bool first, bool last) {
  s->beta = first ? g->beta : 1.0f;
  s->read_c = s->beta != 0;
  s->e = last ? &g->epilogue : NULL;
}

/// Every combination of the flags becomes a loop of its own by inlining.
PK_INLINE void finish_rows(
    const store *s, const float *tile, size_t ts, size_t rows, size_t cols, size_t row, size_t col, bool read_c, bool col_bias, bool residual,
    float low, float high) {
  const pk_epilogue *e = s->e;
  for (size_t i = 0; i < rows; i++, tile += ts) {
    float *c = s->c + (row + i) * s->ldc + col;
    const float *cb = col_bias ? e->col_bias + col : NULL;
    const float *r = residual ? e->residual + (row + i) * e->ld_residual + col : NULL;
    const float rb = e && e->row_bias ? e->row_bias[row + i] : 0.0f;
    size_t j = 0;
    for (; j + VW <= cols; j += VW) {
      vf v = vf_load(tile + j) * s->alpha + rb;
      if (read_c) v += s->beta * vf_load(c + j);
      if (col_bias) v += vf_load(cb + j);
      if (residual) v += vf_load(r + j);
      vf_store(c + j, vf_at_most(vf_at_least(v, low), high));
    }
    if (j < cols) {
      const size_t n = cols - j;
      vf v = vf_load(tile + j) * s->alpha + rb;
      if (read_c) v += s->beta * vf_load_n(c + j, n);
      if (col_bias) v += vf_load_n(cb + j, n);
      if (residual) v += vf_load_n(r + j, n);
      vf_store_n(c + j, vf_at_most(vf_at_least(v, low), high), n);
    }
  }
}

static void finish_tile(const store *s, const float *tile, size_t ts, size_t rows, size_t cols, size_t row, size_t col) {
  const pk_epilogue *e = s->e;
  float low = -INFINITY, high = INFINITY;
  bool later = false, col_bias = false, residual = false, residual_last = false;
  if (e) {
    later = e->activation > PK_ACT_CLIP;
    if (e->activation == PK_ACT_RELU) low = 0;
    if (e->activation == PK_ACT_CLIP) low = e->p0, high = e->p1;
    col_bias = e->col_bias != NULL;
    residual_last = e->residual && e->residual_last && e->activation != PK_ACT_NONE;
    residual = e->residual && !residual_last;
  }
#define CASE(C, B, R) \
  if (s->read_c == C && col_bias == B && residual == R) finish_rows(s, tile, ts, rows, cols, row, col, C, B, R, low, high);
  CASE(false, false, false)
  else CASE(true, false, false) else CASE(false, true, false) else CASE(true, true, false) else CASE(false, false, true) else CASE(
      true, false, true) else CASE(false, true, true) else CASE(true, true, true)
#undef CASE
      if (later) {
    float *c = s->c + row * s->ldc + col;
    activate_rows(e->activation, e->p0, e->p1, rows, cols, c, s->ldc, c, s->ldc);
  }
  if (!residual_last) return;
  for (size_t i = 0; i < rows; i++) {
    float *c = s->c + (row + i) * s->ldc + col;
    const float *r = e->residual + (row + i) * e->ld_residual + col;
    size_t j = 0;
    for (; j + VW <= cols; j += VW) vf_store(c + j, vf_load(c + j) + vf_load(r + j));
    for (; j < cols; j++) c[j] += r[j];
  }
}

static void finish_empty(const store *s, size_t m0, size_t m1, size_t n0, size_t n1) {
  const float zeros[NR] __attribute__((aligned(64))) = {0};
  for (size_t i = m0; i < m1; i++)
    for (size_t j = n0; j < n1; j += NR) finish_tile(s, zeros, NR, 1, pk_min(NR, n1 - j), i, j);
}

#if PK_LEVEL >= 1
// A whole panel's tile that goes from the registers to C, with what most products do there; the bits are those of the way over a tile.

/// What sums are multiplied by; what is then added to those of a tile, NULL where nothing is; and the bounds of the result.
typedef struct added {
  float alpha;
  const float *row_bias, *col_bias, *residual;
  size_t ld_residual;
  float low, high;
} added;

/// `AT(i)` is the element of row i at depth p: of a packed panel, or of A in place.
#define MICRO_DIRECT_OF(F, M, AT)                                                                                                      \
  static void F##_##M(size_t kc, const float *restrict a, size_t lda, const float *restrict b, float *c, size_t ldc, const added *d) { \
    (void)lda;                                                                                                                         \
    vf acc[M][2];                                                                                                                      \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] = 0.0f;                                      \
    for (size_t p = 0; p < kc; p++, b += NR) {                                                                                         \
      const vf b0 = vf_load(b), b1 = vf_load(b + VW);                                                                                  \
      PK_UNROLL for (int i = 0; i < M; i++) acc[i][0] += AT(M, i) * b0, acc[i][1] += AT(M, i) * b1;                                    \
    }                                                                                                                                  \
    if (d->alpha != 1.0f) {                                                                                                            \
      const float alpha = d->alpha;                                                                                                    \
      PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] *= alpha;                                  \
    }                                                                                                                                  \
    if (d->row_bias) { PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] += d->row_bias[i]; }      \
    if (d->col_bias) {                                                                                                                 \
      const vf b0 = vf_load(d->col_bias), b1 = vf_load(d->col_bias + VW);                                                              \
      PK_UNROLL for (int i = 0; i < M; i++) acc[i][0] += b0, acc[i][1] += b1;                                                          \
    }                                                                                                                                  \
    if (d->residual) {                                                                                                                 \
      PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] +=                                         \
          vf_load(d->residual + (size_t)i * d->ld_residual + j * VW);                                                                  \
    }                                                                                                                                  \
    const float low = d->low, high = d->high;                                                                                          \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++)                                                        \
        vf_store(c + (size_t)i * ldc + j * VW, vf_at_most(vf_at_least(acc[i][j], low), high));                                         \
  }

#define AT_PACKED(M, i) a[p * M + i]
#define AT_PLACE(M, i) a[i * lda + p]
#define MICRO_DIRECT(M) MICRO_DIRECT_OF(direct, M, AT_PACKED) MICRO_DIRECT_OF(in_place, M, AT_PLACE)

typedef void (*micro_direct)(size_t kc, const float *a, size_t lda, const float *b, float *c, size_t ldc, const added *d);
MICRO_DIRECT(5)
MICRO_DIRECT(6)
#if PK_LEVEL == 2
    MICRO_DIRECT(7) MICRO_DIRECT(8) MICRO_DIRECT(9) MICRO_DIRECT(10) MICRO_DIRECT(11) MICRO_DIRECT(12) MICRO_DIRECT(13) MICRO_DIRECT(14)
#endif

#if PK_LEVEL == 2
#define DIRECT_KERNELS(F) \
  { F##_5, F##_6, F##_7, F##_8, F##_9, F##_10, F##_11, F##_12, F##_13, F##_14 }
#else
#define DIRECT_KERNELS(F) \
  { F##_5, F##_6 }
#endif

    /// `lda` is 0 for a packed panel.
    PK_INLINE micro_direct direct_kernel(size_t rows, size_t lda) {
  static const micro_direct packed[MR - PK_SKINNY_ROWS] = DIRECT_KERNELS(direct), in_place[MR - PK_SKINNY_ROWS] = DIRECT_KERNELS(in_place);
  return (lda ? in_place : packed)[rows - PK_SKINNY_ROWS - 1];
}

/// Computes and stores a tile of NR columns, or says that it cannot. `rows` is more than PK_SKINNY_ROWS, `lda` 0 for a packed panel.
PK_INLINE bool finish_direct(const store *s, size_t kc, const float *a, size_t lda, const float *b, size_t rows, size_t row, size_t col) {
  const pk_epilogue *e = s->e;
  if (s->read_c && s->beta != 1.0f) return false;
  float *c = s->c + row * s->ldc + col;
  bool later = false;
  added d = {.alpha = s->alpha, .low = -INFINITY, .high = INFINITY};
  if (s->read_c) d.residual = c, d.ld_residual = s->ldc;
  if (e) {
    later = e->activation > PK_ACT_CLIP;
    if (e->activation == PK_ACT_RELU) d.low = 0;
    if (e->activation == PK_ACT_CLIP) d.low = e->p0, d.high = e->p1;
    // A tile multiplies and adds the bias of a row in one rounding.
    if (e->row_bias && d.alpha != 1.0f) return false;
    if (e->row_bias) d.row_bias = e->row_bias + row;
    if (e->col_bias) d.col_bias = e->col_bias + col;
    // C comes before the bias of columns, a residual behind both.
    if (d.residual && (d.col_bias || e->residual)) return false;
    if (e->residual) {
      if (e->residual_last && e->activation != PK_ACT_NONE) return false;
      d.residual = e->residual + row * e->ld_residual + col;
      d.ld_residual = e->ld_residual;
    }
  }
  if (!later) {
    direct_kernel(rows, lda)(kc, a, lda, b, c, s->ldc, &d);
    return true;
  }
  float tile[MR * NR] __attribute__((aligned(64)));
  direct_kernel(rows, lda)(kc, a, lda, b, tile, NR, &d);
  activate_rows(e->activation, e->p0, e->p1, rows, NR, tile, NR, c, s->ldc);
  return true;
}
#endif
