// The product of float64 matrices: A is copied in groups of rows, B in panels of columns, and a group by a panel is summed up in
// registers. Sums go over stretches of F64_DEPTH, in order, whatever the blocks are.

#if PK_LEVEL == 2
#define F64_LANES 8
#define F64_ROWS 12
#elif PK_LEVEL == 1
#define F64_LANES 4
#define F64_ROWS 6
#else
#define F64_LANES 2
#define F64_ROWS 4
#endif
#define F64_PANEL (2 * F64_LANES)
#define F64_DEPTH 128
#define F64_UNROLL _Pragma("clang loop unroll(full)")

// Rows of A that are copied at once: with a panel of B they are the scratch memory.
enum { F64_BLOCK = (PK_PRODUCT_SCRATCH_BYTES / 8 / F64_DEPTH - F64_PANEL) / F64_ROWS * F64_ROWS };

typedef double vd __attribute__((ext_vector_type(F64_LANES)));
typedef double vd_any __attribute__((ext_vector_type(F64_LANES), aligned(8), may_alias));

// R rows by a panel. a: [depth][R], b: rows of `ldb`. Adds to C unless `is_first`; of the panel, `width` columns are there.
#define DEFINE_F64_TILE(R)                                                                                                                          \
  static void PK_FN(f64_tile_##R)(size_t depth, const double *a, const double *b, size_t ldb, double *c, size_t ldc, size_t width, bool is_first) { \
    vd sum[R][2];                                                                                                                                   \
    F64_UNROLL for (int i = 0; i < R; i++) sum[i][0] = sum[i][1] = 0;                                                                               \
    for (size_t p = 0; p < depth; p++, a += R, b += ldb) {                                                                                          \
      const vd left = *(const vd_any *)b, right = *(const vd_any *)(b + F64_LANES);                                                                 \
      F64_UNROLL for (int i = 0; i < R; i++) {                                                                                                      \
        sum[i][0] += a[i] * left;                                                                                                                   \
        sum[i][1] += a[i] * right;                                                                                                                  \
      }                                                                                                                                             \
    }                                                                                                                                               \
    if (width == F64_PANEL) {                                                                                                                       \
      F64_UNROLL for (int i = 0; i < R; i++) F64_UNROLL for (int h = 0; h < 2; h++) {                                                               \
        vd_any *to = (vd_any *)(c + (size_t)i * ldc + h * F64_LANES);                                                                               \
        *to = is_first ? sum[i][h] : *to + sum[i][h];                                                                                               \
      }                                                                                                                                             \
      return;                                                                                                                                       \
    }                                                                                                                                               \
    double rest[R][F64_PANEL];                                                                                                                      \
    memcpy(rest, sum, sizeof rest);                                                                                                                 \
    for (size_t i = 0; i < R; i++)                                                                                                                  \
      for (size_t j = 0; j < width; j++) c[i * ldc + j] = is_first ? rest[i][j] : c[i * ldc + j] + rest[i][j];                                      \
  }
#if PK_LEVEL == 2
DEFINE_F64_TILE(12)
#elif PK_LEVEL == 1
DEFINE_F64_TILE(6)
#endif
DEFINE_F64_TILE(4)
DEFINE_F64_TILE(2)
DEFINE_F64_TILE(1)

// Eight rows are twice four: six would leave two, whose sums wait for each other.
static inline size_t PK_FN(f64_group)(size_t rows) {
  if (rows >= F64_ROWS && (F64_ROWS != 6 || rows != 8)) return F64_ROWS;
  return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

// Two rows of `depth` elements as two columns of `to`, whose rows have `width`.
typedef double PK_FN(f64_pair) __attribute__((ext_vector_type(2), aligned(8), may_alias));
static inline void PK_FN(f64_interleave)(const double *x, size_t ld, size_t depth, double *to, size_t width) {
  const double *y = x + ld;
  size_t p = 0;
  for (; p + 2 <= depth; p += 2, to += 2 * width) {
    const PK_FN(f64_pair) first = *(const PK_FN(f64_pair) *)(x + p), second = *(const PK_FN(f64_pair) *)(y + p);
    *(PK_FN(f64_pair) *)to = __builtin_shufflevector(first, second, 0, 2);
    *(PK_FN(f64_pair) *)(to + width) = __builtin_shufflevector(first, second, 1, 3);
  }
  if (p < depth) to[0] = x[p], to[1] = y[p];
}

static void PK_FN(f64_pack_a)(const pk_product *g, size_t i0, size_t rows, size_t p0, size_t depth, double *to) {
  const double *a = g->a;
  for (size_t i = 0; i < rows;) {
    const size_t group = PK_FN(f64_group)(rows - i);
    if (g->trans_a) {
      for (size_t p = 0; p < depth; p++) memcpy(to + p * group, a + (p0 + p) * g->lda + i0 + i, group * sizeof *a);
    } else {
      size_t r = 0;
      for (; r + 2 <= group; r += 2) PK_FN(f64_interleave)(a + (i0 + i + r) * g->lda + p0, g->lda, depth, to + r, group);
      for (const double *from = a + (i0 + i + r) * g->lda + p0; r < group; r++, from += g->lda)
        for (size_t p = 0; p < depth; p++) to[p * group + r] = from[p];
    }
    to += group * depth;
    i += group;
  }
}

static void PK_FN(f64_pack_b)(const pk_product *g, size_t p0, size_t depth, size_t j0, size_t width, double *to) {
  const double *b = g->b;
  if (g->trans_b && width == F64_PANEL) {
    for (size_t j = 0; j < F64_PANEL; j += 2) PK_FN(f64_interleave)(b + (j0 + j) * g->ldb + p0, g->ldb, depth, to + j, F64_PANEL);
  } else if (g->trans_b) {
    for (size_t j = 0; j < F64_PANEL; j++) {
      const double *from = b + (j0 + (j < width ? j : 0)) * g->ldb + p0;
      for (size_t p = 0; p < depth; p++) to[p * F64_PANEL + j] = j < width ? from[p] : 0;
    }
  } else if (width == F64_PANEL) {
    for (size_t p = 0; p < depth; p++) memcpy(to + p * F64_PANEL, b + (p0 + p) * g->ldb + j0, sizeof(double[F64_PANEL]));
  } else {
    for (size_t p = 0; p < depth; p++)
      for (size_t j = 0; j < F64_PANEL; j++) to[p * F64_PANEL + j] = j < width ? b[(p0 + p) * g->ldb + j0 + j] : 0;
  }
}

static void PK_FN(product_f64)(const pk_product *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  double *panel = scratch, *rows = panel + F64_DEPTH * F64_PANEL, *c = g->c;
  // A column times a row: there is nothing to sum, and rows of C are best written one after the other.
  if (g->k == 1) {
    const double *a = g->a, *b = g->b;
    const size_t row = g->trans_a ? 1 : g->lda, column = g->trans_b ? g->ldb : 1;
    for (size_t i = m0; i < m1; i++) {
      const double factor = a[i * row];
      double *to = c + i * g->ldc;
      if (column == 1) PK_VECTORISE for (size_t j = n0; j < n1; j++) to[j] = 0 + factor * b[j];
      else for (size_t j = n0; j < n1; j++) to[j] = 0 + factor * b[j * column];
    }
    return;
  }
  // Few groups of rows read B from the cache again, where a copy takes as long as a group.
  const bool in_place = !g->trans_b && m1 - m0 <= 2 * F64_ROWS;
  size_t p = 0;
  do {
    const size_t depth = g->k - p < F64_DEPTH ? g->k - p : F64_DEPTH;
    for (size_t i = m0; i < m1; i += F64_BLOCK) {
      const size_t block = m1 - i < F64_BLOCK ? m1 - i : F64_BLOCK;
      PK_FN(f64_pack_a)(g, i, block, p, depth, rows);
      for (size_t j = n0; j < n1; j += F64_PANEL) {
        const size_t width = n1 - j < F64_PANEL ? n1 - j : F64_PANEL;
        const double *b = panel;
        size_t ldb = F64_PANEL;
        if (in_place && width == F64_PANEL) b = (const double *)g->b + p * g->ldb + j, ldb = g->ldb;
        else PK_FN(f64_pack_b)(g, p, depth, j, width, panel);
        const double *a = rows;
        for (size_t r = 0; r < block;) {
          const size_t group = PK_FN(f64_group)(block - r);
          double *to = c + (i + r) * g->ldc + j;
          switch (group) {
#if PK_LEVEL == 2
            case 12: PK_FN(f64_tile_12)(depth, a, b, ldb, to, g->ldc, width, p == 0); break;
#elif PK_LEVEL == 1
            case 6: PK_FN(f64_tile_6)(depth, a, b, ldb, to, g->ldc, width, p == 0); break;
#endif
            case 2: PK_FN(f64_tile_2)(depth, a, b, ldb, to, g->ldc, width, p == 0); break;
            case 4: PK_FN(f64_tile_4)(depth, a, b, ldb, to, g->ldc, width, p == 0); break;
            default: PK_FN(f64_tile_1)(depth, a, b, ldb, to, g->ldc, width, p == 0); break;
          }
          a += group * depth;
          r += group;
        }
      }
    }
    p += depth;
  } while (p < g->k);
}

#undef F64_LANES
#undef F64_ROWS
#undef F64_PANEL
#undef F64_DEPTH
#undef F64_UNROLL
