// The f32 GEMM of one ISA level. The including file sets PK_LEVEL and PK_TABLE.

#include "pk_gemm_internal.h"
#include "pk_gemm_vec.inl.h"
#include "pk_gemm_transpose.inl.h"
#include "pk_gemm_act.inl.h"

#if PK_LEVEL == 2
#define MR 14
#elif PK_LEVEL == 1
#define MR 6
#else
#define MR 4
#endif
#define NR (2 * VW)

#include "pk_gemm_micro.inl.h"
#include "pk_gemm_finish.inl.h"
#include "pk_gemm_pack.inl.h"

/// Rows [0, rows) of packed A (panel height mr) times one panel of B of depth kc, into C.
static void run_panel(
    const float *pa, size_t rows, size_t mr, size_t k, size_t kb, size_t kc, const float *pb, size_t cols, const store *s, size_t row0, size_t col0) {
  float tile[MR * NR] __attribute__((aligned(64)));
  for (size_t i = 0; i < rows; i += mr) {
    const size_t height = pk_min(mr, rows - i);
    const float *a = pa + i * k + kb * height;
#if PK_LEVEL >= 1
    if (height > PK_SKINNY_ROWS && cols == NR && finish_direct(s, kc, a, 0, pb, height, row0 + i, col0)) continue;
#endif
    // The kernels of few rows sum in an order of their own for each width; equal columns must give equal sums, so the last,
    // narrower panel takes the same one as the others.
    const size_t vectors = height <= PK_SKINNY_ROWS || cols > VW ? 2 : 1;
    micro_kernel(height, vectors)(kc, a, pb, NR, tile, NR);
    finish_tile(s, tile, NR, height, cols, row0 + i, col0);
  }
}

#if PK_LEVEL >= 1
/// Whether A is read where it lies, which takes no packing: unless its rows lie so far apart that the lines of a panel share few sets of the
/// L1 cache and displace each other.
PK_INLINE bool reads_in_place(const pk_sgemm *g, size_t rows, size_t mr) {
  return !g->packed_a && !g->trans_a && !g->packed_b_half && g->k > PK_SKINNY_ROWS && rows >= mr && mr > PK_SKINNY_ROWS && g->lda % 512 != 0;
}

/// The same with rows of A where they lie, at depth kb.
static void run_panel_in_place(
    const float *from, size_t lda, size_t rows, size_t mr, size_t kc, const float *pb, size_t cols, const store *s, size_t row0, size_t col0) {
  const added plain = {.alpha = 1.0f, .low = -INFINITY, .high = INFINITY};
  float tile[MR * NR] __attribute__((aligned(64)));
  for (size_t i = 0; i < rows; i += mr) {
    const size_t height = pk_min(mr, rows - i);
    const float *a = from + i * lda;
    if (cols == NR && finish_direct(s, kc, a, lda, pb, height, row0 + i, col0)) continue;
    direct_kernel(height, lda)(kc, a, lda, pb, tile, NR, &plain);
    finish_tile(s, tile, NR, height, cols, row0 + i, col0);
  }
}
#endif

/// The same for a panel of half precision, for which `widened` has room where it is widened first. `has_next`: another one will follow.
static void run_half_panel(
    const pk_sgemm *g, const float *pa, size_t rows, size_t mr, size_t kb, size_t kc, const uint16_t *pb, float *widened, size_t cols, const store *s,
    size_t row0, size_t col0, bool has_next) {
#if PK_LEVEL >= 1
  if (!pk_sgemm_widens(g, PK_LEVEL, MR)) {
    float tile[MR * NR] __attribute__((aligned(64)));
    for (size_t i = 0; i < rows; i += mr) {
      const size_t height = pk_min(mr, rows - i);
      half_kernel(height, g->half_is_bfloat)(kc, pa + i * g->k + kb * height, pb, NR, tile, NR);
      finish_tile(s, tile, NR, height, cols, row0 + i, col0);
    }
    return;
  }
#endif
  if (g->half_is_bfloat) {
    for (size_t i = 0; i < kc * NR; i += VW) vf_store(widened + i, vf_load_bf16(pb + i));
  } else {
    for (size_t i = 0; i < kc * NR; i += VW) vf_store(widened + i, vf_load_f16(pb + i));
  }
  // Nothing reads ahead what only the next widening reads.
  const char *next = (const char *)(pb + g->k * NR);
  const size_t ahead = has_next ? kc * NR * sizeof *pb : 0, part = pk_ceil_div(ahead, pk_ceil_div(rows, mr));
  for (size_t i = 0, at = 0; i < rows; i += mr) {
    for (const size_t end = pk_min(ahead, at + part); at < end; at += 64) __builtin_prefetch(next + at, 0, 2);
    run_panel(pa + i * g->k, pk_min(mr, rows - i), mr, g->k, kb, kc, widened, cols, s, row0 + i, col0);
  }
}

static void sgemm_block(const pk_sgemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  if (m0 >= m1 || n0 >= n1) return;
  const size_t rows = m1 - m0, cols = n1 - n0, k = g->k;
  store s = store_of(g);
  if (k == 0) {
    finish_empty(&s, m0, m1, n0, n1);
    return;
  }
  // Everything that decides the order of a sum depends on the whole product, never on this block of it: the bits of C are
  // the same for every grid.
  const size_t mr = pk_even_part(g->m, MR);
  const bool skinny = !pk_sgemm_has_panels(g) && g->m <= PK_SKINNY_ROWS;
  if (skinny && g->trans_b && !g->trans_a && !g->packed_a) {
    skinny_dot(g, g->a + m0 * g->lda, g->lda, rows, m0, n0, n1, &s);
    return;
  }
  const float *pa;
  float *rest = scratch;
#if PK_LEVEL >= 1
  const bool in_place = reads_in_place(g, rows, mr);
  size_t whole = 0;
#endif
  if (g->packed_a) {
    pa = g->packed_a + m0 * k;
#if PK_LEVEL >= 1
  } else if (in_place) {
    // The last rows of all may be too few for the kernels that read in place.
    const size_t last = rows % mr;
    whole = last > PK_SKINNY_ROWS ? rows : rows - last;
    if (whole < rows) pack_a(false, rows - whole, k, g->a + (m0 + whole) * g->lda, g->lda, mr, rest);
    pa = rest;
    rest += pk_round64((rows - whole) * k * sizeof(float)) / sizeof(float);
#endif
  } else if (rows == 1 && (!g->trans_a || g->lda == 1)) {
    pa = g->a + (g->trans_a ? m0 : m0 * g->lda);
  } else {
    pack_a(g->trans_a, rows, k, g->a + (g->trans_a ? m0 : m0 * g->lda), g->lda, mr, rest);
    pa = rest;
    rest += pk_round64(rows * k * sizeof(float)) / sizeof(float);
  }
  if (skinny && !g->trans_b && (!g->packed_a || rows == pk_min(mr, g->m - m0))) {
    skinny_rows(g, pa, rows, m0, n0, n1, &s);
    return;
  }
  const size_t depth = pk_sgemm_kc(pk_sgemm_has_panels(g), g->m, mr, k);
  for (size_t jb = 0; jb < cols; jb += PK_SGEMM_NC) {
    const size_t width = pk_min(PK_SGEMM_NC, cols - jb);
    for (size_t kb = 0; kb < k; kb += depth) {
      const size_t kc = pk_min(depth, k - kb);
      store_part(&s, g, kb == 0, kb + kc == k);
      if (g->packed_b_half) {
        const uint16_t *panels = g->packed_b_half + (n0 + jb) * k + kb * NR;
        for (size_t j = 0; j < width; j += NR)
          run_half_panel(g, pa, rows, mr, kb, kc, panels + j * k, rest, pk_min(NR, width - j), &s, m0, n0 + jb + j, j + NR < width);
        continue;
      }
      const float *pb;
      size_t panel;
      if (g->packed_b) {
        const size_t packed_depth = g->packed_b_depth ? g->packed_b_depth : k;
        pb = g->packed_b + (n0 + jb) * packed_depth + kb * NR;
        panel = packed_depth * NR;
      } else {
        const float *b = g->b + (g->trans_b ? (n0 + jb) * g->ldb + kb : kb * g->ldb + n0 + jb);
        pack_b(g->trans_b, kc, width, b, g->ldb, rest);
        pb = rest;
        panel = kc * NR;
      }
      for (size_t j = 0; j < width; j += NR) {
        size_t first = 0;
#if PK_LEVEL >= 1
        if (in_place) {
          first = whole;
          run_panel_in_place(g->a + m0 * g->lda + kb, g->lda, whole, mr, kc, pb + j / NR * panel, pk_min(NR, width - j), &s, m0, n0 + jb + j);
        }
#endif
        if (first < rows) run_panel(pa, rows - first, mr, k, kb, kc, pb + j / NR * panel, pk_min(NR, width - j), &s, m0 + first, n0 + jb + j);
      }
    }
  }
}

/// A few rows at a time against the columns of a panel.
static void square_distances(size_t rows, size_t n, size_t k, const float *x, size_t ldx, const float *packed, float *d, size_t ldd) {
  enum { ROWS = 4 };
  for (size_t j = 0; j < n; j += NR, packed += k * NR) {
    const size_t cols = pk_min(NR, n - j);
    for (size_t i = 0; i < rows; i += ROWS) {
      const size_t height = pk_min(ROWS, rows - i);
      const float *from[ROWS];
      vf sums[ROWS][2];
      PK_UNROLL for (int r = 0; r < ROWS; r++) {
        from[r] = x + (i + pk_min((size_t)r, height - 1)) * ldx;
        sums[r][0] = sums[r][1] = 0.0f;
      }
      for (size_t p = 0; p < k; p++) {
        const vf b0 = vf_load(packed + p * NR), b1 = vf_load(packed + p * NR + VW);
        PK_UNROLL for (int r = 0; r < ROWS; r++) {
          const vf d0 = from[r][p] - b0, d1 = from[r][p] - b1;
          sums[r][0] += d0 * d0, sums[r][1] += d1 * d1;
        }
      }
      for (size_t r = 0; r < height; r++) {
        float tile[NR] __attribute__((aligned(64)));
        vf_store(tile, sums[r][0]);
        vf_store(tile + VW, sums[r][1]);
        memcpy(d + (i + r) * ldd + j, tile, cols * sizeof *tile);
      }
    }
  }
}

const pk_sgemm_table PK_TABLE = {
    .mr = MR, .nr = NR, .pack_a = pack_a, .pack_b = pack_b, .block = sgemm_block, .activate = activate_array, .square_distances = square_distances};
