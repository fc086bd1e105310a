#include "pk_gemm.h"

#include <string.h>

#include "pk_gemm_internal.h"

size_t pk_sgemm_panel_cols(pk_isa isa) { return pk_sgemm_table_of(isa)->nr; }

size_t pk_sgemm_panel_rows(pk_isa isa, size_t m) { return pk_even_part(m, pk_sgemm_table_of(isa)->mr); }

size_t pk_sgemm_packed_a_bytes(pk_isa isa, size_t m, size_t k) {
  (void)isa;
  return pk_round64(pk_mul(pk_mul(m, k), sizeof(float)));
}

size_t pk_sgemm_packed_b_bytes(pk_isa isa, size_t k, size_t n) {
  const size_t nr = pk_sgemm_panel_cols(isa);
  return pk_round64(pk_mul(pk_mul(pk_mul(pk_ceil_div(n, nr), nr), k), sizeof(float)));
}

void pk_sgemm_pack_a(pk_isa isa, bool trans, size_t m, size_t k, const float *a, size_t lda, size_t m0, size_t m1, float *packed) {
  const size_t mr = pk_sgemm_panel_rows(isa, m);
  const float *from = a + (trans ? m0 : m0 * lda);
  pk_sgemm_table_of(isa)->pack_a(trans, m1 - m0, k, from, lda, mr, packed + m0 * k);
}

void pk_sgemm_pack_b(pk_isa isa, bool trans, size_t k, size_t n, const float *b, size_t ldb, size_t n0, size_t n1, float *packed) {
  (void)n;
  pk_sgemm_table_of(isa)->pack_b(trans, k, n1 - n0, b + (trans ? n0 * ldb : n0), ldb, packed + n0 * k);
}

size_t pk_sgemm_packed_b_half_bytes(pk_isa isa, size_t k, size_t n) {
  const size_t nr = pk_sgemm_panel_cols(isa);
  return pk_round64(pk_mul(pk_mul(pk_mul(pk_ceil_div(n, nr), nr), k), sizeof(uint16_t)));
}

void pk_sgemm_pack_b_half(pk_isa isa, bool trans, size_t k, size_t n, const uint16_t *b, size_t ldb, uint16_t *packed) {
  enum { PART = 64 };
  const size_t nr = pk_sgemm_panel_cols(isa);
  for (size_t j = 0; j < n; j += nr, packed += k * nr) {
    const size_t cols = pk_min(nr, n - j);
    if (cols < nr) memset(packed, 0, k * nr * sizeof *packed);
    if (!trans) {
      for (size_t p = 0; p < k; p++) memcpy(packed + p * nr, b + p * ldb + j, cols * sizeof *packed);
      continue;
    }
    // A part of each column at a time, so that what is written stays in the cache until all have come by.
    for (size_t start = 0; start < k; start += PART)
      for (size_t c = 0; c < cols; c++)
        for (size_t p = start; p < pk_min(start + PART, k); p++) packed[p * nr + c] = b[(j + c) * ldb + p];
  }
}

/// About the multiply-adds of half a millisecond to two milliseconds, by level.
static size_t work_of_block(pk_isa isa) {
  return isa == PK_ISA_AVX512 ? (size_t)96 << 20 : isa == PK_ISA_AVX2 ? (size_t)48 << 20 : (size_t)12 << 20;
}

/// What the columns of blocks are a multiple of. The widest kernel for few rows takes two panels at once, and sums in an
/// order of its own.
static size_t column_step(pk_isa isa, const pk_sgemm *g) {
  const size_t nr = pk_sgemm_panel_cols(isa);
  return !pk_sgemm_has_panels(g) && !g->trans_b && g->m <= PK_SKINNY_ROWS && !pk_sgemm_streams(g) ? 2 * nr : nr;
}

void pk_sgemm_grid(pk_isa isa, const pk_sgemm *g, size_t threads, size_t *block_rows, size_t *block_cols) {
  const size_t nr = column_step(isa, g), mr = pk_sgemm_panel_rows(isa, g->m);
  const size_t k = pk_max(g->k, 1);
  size_t rows = pk_min(g->m, pk_max(mr, PK_SGEMM_MC / mr * mr));
  size_t area = pk_max(work_of_block(isa) / k, 1);
  // Few rows wait for memory: 16 MiB of B a call.
  if (rows <= 16) area = pk_min(area, pk_max(((size_t)4 << 20) / k * rows, 1));
  size_t cols = pk_max(nr, area / pk_max(rows, 1) / nr * nr);
  if (rows > 64 && area / nr < rows) rows = pk_max(pk_ceil_div(64, mr) * mr, area / nr / mr * mr);
  cols = pk_min(pk_ceil_div(g->n, nr) * nr, pk_min(cols, (size_t)4096));
  threads = pk_max(threads, 1);
  // Columns are dealt out first (their packing is not repeated), then rows; about three blocks a thread even out delays.
  const size_t wanted = threads == 1 ? 1 : pk_sgemm_streams(g) ? threads : threads * 3;
  const size_t row_blocks = pk_ceil_div(g->m, pk_max(rows, 1));
  if (pk_mul(pk_ceil_div(g->n, cols), row_blocks) < wanted) {
    const size_t pieces = pk_ceil_div(wanted, pk_max(row_blocks, 1));
    cols = pk_max(nr, pk_ceil_div(pk_ceil_div(g->n, pieces), nr) * nr);
    const size_t col_blocks = pk_max(pk_ceil_div(g->n, cols), 1);
    if (col_blocks * row_blocks < threads) {
      const size_t row_pieces = pk_ceil_div(threads, col_blocks);
      rows = pk_max(mr, pk_ceil_div(pk_ceil_div(g->m, row_pieces), mr) * mr);
    }
  }
  *block_rows = pk_max(pk_min(rows, g->m), 1);
  *block_cols = pk_max(pk_min(cols, g->n), 1);
}

size_t pk_sgemm_scratch_bytes(pk_isa isa, const pk_sgemm *g, size_t rows, size_t cols) {
  size_t bytes = 0;
  if (!g->packed_a) bytes = pk_round64(pk_mul(pk_mul(rows, g->k), sizeof(float)));
  const size_t nr = pk_sgemm_panel_cols(isa);
  if (g->packed_b_half) {
    const size_t mr = pk_sgemm_table_of(isa)->mr;
    if (!pk_sgemm_widens(g, isa == PK_ISA_AVX512 ? 2 : isa == PK_ISA_AVX2 ? 1 : 0, mr)) return bytes;
    const size_t depth = pk_min(g->k, pk_sgemm_kc(true, g->m, pk_even_part(g->m, mr), g->k));
    return pk_add(bytes, pk_round64(pk_mul(pk_mul(depth, nr), sizeof(float))));
  }
  if (!g->packed_b) {
    const size_t width = pk_min(pk_mul(pk_ceil_div(cols, nr), nr), PK_SGEMM_NC);
    bytes = pk_add(bytes, pk_round64(pk_mul(pk_mul(pk_min(g->k, PK_SGEMM_KC), width), sizeof(float))));
  }
  return bytes;
}

void pk_sgemm_block(pk_isa isa, const pk_sgemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  pk_sgemm_table_of(isa)->block(g, m0, m1, n0, n1, scratch);
}

void pk_activate_f32(pk_isa isa, pk_activation activation, float p0, float p1, size_t count, const float *x, float *y) {
  pk_sgemm_table_of(isa)->activate(activation, p0, p1, count, x, y);
}

void pk_square_distances_f32(pk_isa isa, size_t rows, size_t n, size_t k, const float *x, size_t ldx, const float *packed, float *d, size_t ldd) {
  pk_sgemm_table_of(isa)->square_distances(rows, n, k, x, ldx, packed, d, ldd);
}
