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
PK_INLINE void finish_rows(const store *s, const float *tile, size_t ts, size_t rows, size_t cols, size_t row, size_t col,
                           bool read_c, bool col_bias, bool residual, float low, float high) {
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
#define CASE(C, B, R)                                                                        \
  if (s->read_c == C && col_bias == B && residual == R) finish_rows(s, tile, ts, rows, cols, row, col, C, B, R, low, high);
  CASE(false, false, false)
  else CASE(true, false, false)
  else CASE(false, true, false)
  else CASE(true, true, false)
  else CASE(false, false, true)
  else CASE(true, false, true)
  else CASE(false, true, true)
  else CASE(true, true, true)
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
