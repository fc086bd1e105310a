#include "pk_tree.h"

#include "levels/pk_select.h"
#include "pk_tree_internal.h"

#define PK_T float
#define PK_NODE pk_tree_node_f32
#define PK_TREE_FN(name) name##_f32
#include "pk_tree.inl.h"

#define PK_T double
#define PK_NODE pk_tree_node_f64
#define PK_TREE_FN(name) name##_f64
#include "pk_tree.inl.h"

/// Fewer rows walk one after the other.
enum { FEW_ROWS = 4 };

/// Rows [0, rows) of at most PK_TREE_ROWS, by masks.
static void score_together(const pk_forest *f, size_t tree0, size_t tree1, const float *x, size_t stride, size_t rows, double *scores) {
  float columns[PK_TREE_FEATURES * PK_TREE_ROWS] __attribute__((aligned(64)));
  const pk_tree_leaves_fn leaves_of = PK_SELECT(pk_isa_best(), pk_tree_leaves);
  const pk_tree_node_f32 *nodes = f->nodes;
  const int sums_one = f->has_one_weight && f->aggregate == PK_TREE_SUM;
  for (size_t row = 0; row < PK_TREE_ROWS; row++)
    for (size_t i = 0; i < stride; i++) columns[i * PK_TREE_ROWS + row] = row < rows ? x[row * stride + i] : 0;
  for (size_t tree = tree0; tree < tree1; tree++) {
    uint8_t leaves[PK_TREE_ROWS];
    const uint32_t *at = f->leaves + f->leaf_starts[tree];
    leaves_of(f->masks + f->mask_starts[tree], f->mask_starts[tree + 1] - f->mask_starts[tree], columns, leaves);
    if (sums_one) {
      for (size_t i = 0; i < rows; i++) scores[i] += (double)nodes[at[leaves[i]]].value;
    } else {
      for (size_t i = 0; i < rows; i++) add_f32(f, at[leaves[i]], scores + i * f->targets);
    }
  }
}

void pk_forest_score_f32(const pk_forest *f, size_t tree0, size_t tree1, const float *x, size_t stride, size_t rows, double *scores) {
  size_t row = 0;
  if (f->masks && stride <= PK_TREE_FEATURES) {
    for (; rows - row >= FEW_ROWS; row += rows - row < PK_TREE_ROWS ? rows - row : PK_TREE_ROWS) {
      const size_t count = rows - row < PK_TREE_ROWS ? rows - row : PK_TREE_ROWS;
      score_together(f, tree0, tree1, x + row * stride, stride, count, scores + row * f->targets);
    }
  }
  if (row < rows) score_walking_f32(f, tree0, tree1, x + row * stride, stride, rows - row, scores + row * f->targets);
}

void pk_forest_score_f64(const pk_forest *f, size_t tree0, size_t tree1, const double *x, size_t stride, size_t rows, double *scores) {
  score_walking_f64(f, tree0, tree1, x, stride, rows, scores);
}
