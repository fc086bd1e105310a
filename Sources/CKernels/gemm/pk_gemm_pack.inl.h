// Packed operands. A: panels of mr rows, each [k][rows of the panel]; the last panel may be lower. B: panels of NR
// columns, each [k][NR], the last filled with zeros.

static void pack_a(bool trans, size_t m, size_t k, const float *a, size_t lda, size_t mr, float *packed) {
  for (size_t i = 0; i < m; i += mr) {
    const size_t rows = pk_min(mr, m - i);
    float *to = packed + i * k;
    if (!trans) {
      transpose(a + i * lda, lda, rows, k, to, rows);
      continue;
    }
    for (size_t p = 0; p < k; p++, to += rows) {
      const float *from = a + p * lda + i;
      for (size_t r = 0; r < rows; r++) to[r] = from[r];
    }
  }
}

static void pack_b(bool trans, size_t k, size_t n, const float *b, size_t ldb, float *packed) {
  for (size_t j = 0; j < n; j += NR, packed += k * NR) {
    const size_t cols = pk_min(NR, n - j);
    if (trans) {
      if (cols < NR) memset(packed, 0, k * NR * sizeof(float));
      transpose(b + j * ldb, ldb, cols, k, packed, NR);
      continue;
    }
    const float *from = b + j;
    float *to = packed;
    if (cols == NR) {
      for (size_t p = 0; p < k; p++, from += ldb, to += NR) {
        vf v0 = vf_load(from), v1 = vf_load(from + VW);
        vf_store(to, v0);
        vf_store(to + VW, v1);
      }
      continue;
    }
    for (size_t p = 0; p < k; p++, from += ldb, to += NR) {
      vf_store(to, cols >= VW ? vf_load(from) : vf_load_n(from, cols));
      vf_store(to + VW, cols > VW ? vf_load_n(from + VW, cols - VW) : (vf)0.0f);
    }
  }
}

/// Columns of a wide B done in one go: a page of each row.
enum { AXPY_COLS = 1024 };

/// Each column is summed from k = 0 upwards, so that columns may be cut anywhere.
static __attribute__((noinline)) void skinny_wide(const pk_sgemm *g, const float *pa, size_t rows, size_t m0, size_t n0, size_t n1,
                                                    const store *s) {
  static const micro_axpy kernels[] = {axpy_1, axpy_2, axpy_3, axpy_4};
  float tile[PK_SKINNY_ROWS * AXPY_COLS] __attribute__((aligned(64)));
  // Even parts: rows of a few columns would be read in short runs.
  const size_t part = (pk_even_part(n1 - n0, AXPY_COLS) + VW - 1) / VW * VW;
  for (size_t j = n0; j < n1; j += part) {
    const size_t cols = pk_min(part, n1 - j);
    memset(tile, 0, rows * AXPY_COLS * sizeof(float));
    kernels[rows - 1](g->k, pa, g->b + j, g->ldb, cols, tile, AXPY_COLS);
    finish_tile(s, tile, AXPY_COLS, rows, cols, m0, j);
  }
}

/// A few rows of A (packed, so interleaved) times an unpacked B. Where B is not wide, the order of a column's sum depends on
/// its place behind n0, which pk_sgemm_grid makes a multiple of the widest kernel.
static void skinny_rows(const pk_sgemm *g, const float *pa, size_t rows, size_t m0, size_t n0, size_t n1, const store *s) {
  float tile[PK_SKINNY_ROWS * 4 * VW] __attribute__((aligned(64)));
  if (pk_sgemm_streams(g)) return skinny_wide(g, pa, rows, m0, n0, n1, s);
  size_t vectors, j = n0;
  const micro wide = wide_kernel(rows, &vectors);
  for (; j + vectors * VW <= n1; j += vectors * VW) {
    wide(g->k, pa, g->b + j, g->ldb, tile, vectors * VW);
    finish_tile(s, tile, vectors * VW, rows, vectors * VW, m0, j);
  }
  while (j + VW <= n1) {
    const size_t few = n1 - j >= NR ? 2 : 1;
    micro_kernel(rows, few)(g->k, pa, g->b + j, g->ldb, tile, few * VW);
    finish_tile(s, tile, few * VW, rows, few * VW, m0, j);
    j += few * VW;
  }
  if (j < n1) {
    micro_rest(rows, g->k, pa, g->b + j, g->ldb, n1 - j, tile);
    finish_tile(s, tile, VW, rows, n1 - j, m0, j);
  }
}

/// A few rows of A, contiguous along k, times an unpacked transposed B.
static void skinny_dot(const pk_sgemm *g, const float *a, size_t lda, size_t rows, size_t m0, size_t n0, size_t n1, const store *s) {
  static const micro_dot single[] = {dot_1x1, dot_2x1, dot_3x1, dot_4x1};
  static const micro_dot several[] = {dot_1x4, dot_2x4, dot_3x2, dot_4x2};
  const size_t step = rows <= 2 ? 4 : 2;
  float tile[PK_SKINNY_ROWS * NR] __attribute__((aligned(64)));
  for (size_t j = n0; j < n1; j += NR) {
    const size_t cols = pk_min(NR, n1 - j);
    size_t q = 0;
    for (; q + step <= cols; q += step) several[rows - 1](g->k, a, lda, g->b + (j + q) * g->ldb, g->ldb, tile + q, NR);
    for (; q < cols; q++) single[rows - 1](g->k, a, lda, g->b + (j + q) * g->ldb, g->ldb, tile + q, NR);
    finish_tile(s, tile, NR, rows, cols, m0, j);
  }
}
