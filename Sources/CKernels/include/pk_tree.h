#ifndef PINION_PK_TREE_H
#define PINION_PK_TREE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Decision trees over rows of features, all trees of an ensemble in one array of nodes.

/// How a branch compares its feature x with its value; a node of a leaf has PK_TREE_LE.
typedef enum pk_tree_mode { PK_TREE_LE, PK_TREE_EQ, PK_TREE_NE, PK_TREE_MEMBER } pk_tree_mode;

/// A branch goes to node `first` where its comparison holds and to the one after it where not. A leaf has `step` and `nan`
/// 0 and its own index as `first`, so that a walk stays there; its feature is 0 and its value the weight of its only target.
typedef struct pk_tree_node_f32 {
  float value;
  uint32_t feature;
  uint32_t first;
  uint8_t step; ///< 1 for a branch, 0 for a leaf.
  uint8_t nan;  ///< 0 or 1: what is added to `first` where the feature is NaN.
  uint8_t mode; ///< A pk_tree_mode.
  uint8_t unused;
} pk_tree_node_f32;

typedef struct pk_tree_node_f64 {
  double value;
  uint32_t feature;
  uint32_t first;
  uint8_t step;
  uint8_t nan;
  uint8_t mode;
  uint8_t unused[5];
} pk_tree_node_f64;

/// A range of `weights` for a leaf, of `members` for a branch of mode PK_TREE_MEMBER.
typedef struct pk_tree_range {
  uint32_t start, count;
} pk_tree_range;

typedef struct pk_tree_weight {
  double weight;
  uint32_t target;
} pk_tree_weight;

/// A branch of a tree of at most 64 leaves, numbered from left to right, as all rows meet it whatever way they take: a row for which the
/// comparison fails cannot reach the leaves under it where it holds. The leaf that a row reaches is the first that is left of them all.
typedef struct pk_tree_mask {
  uint64_t keeps; ///< All leaves but those.
  float value;
  uint32_t feature;
  uint32_t nan_fails; ///< 0 or 1.
} pk_tree_mask;

typedef enum pk_tree_aggregate { PK_TREE_SUM, PK_TREE_MIN, PK_TREE_MAX } pk_tree_aggregate;

typedef struct pk_forest {
  const void *nodes;           ///< pk_tree_node_f32 or pk_tree_node_f64.
  const uint32_t *roots;       ///< One for each tree.
  const pk_tree_range *ranges; ///< One for each node.
  const pk_tree_weight *weights;
  const double *members;       ///< The sets of values of PK_TREE_MEMBER.
  const pk_tree_mask *masks;   ///< The branches of all trees, or NULL: for float32, where all are PK_TREE_LE and no tree has more leaves.
  const uint32_t *mask_starts; ///< Where those of each tree begin, and where the last one's end.
  const uint32_t *leaves;      ///< The node of each leaf from left to right.
  const uint32_t *leaf_starts; ///< Where those of each tree begin.
  uint32_t targets;
  uint8_t aggregate;      ///< A pk_tree_aggregate.
  uint8_t has_one_weight; ///< Every leaf has one weight for target 0, which is the value of its node.
  uint8_t is_ordered;     ///< All branches are PK_TREE_LE.
  uint8_t has_plain_nan;  ///< NaN goes where a failed comparison goes, in all branches.
} pk_forest;

/// Adds the leaves of trees [tree0, tree1) to `scores`, `targets` numbers for each of `rows` rows; the caller has set them to 0
/// (sum), infinity (min) or minus infinity (max). Row i starts at x[i * stride]; every feature is below `stride`, which is positive.
void pk_forest_score_f32(const pk_forest *forest, size_t tree0, size_t tree1, const float *x, size_t stride, size_t rows, double *scores);
void pk_forest_score_f64(const pk_forest *forest, size_t tree0, size_t tree1, const double *x, size_t stride, size_t rows, double *scores);

#ifdef __cplusplus
}
#endif
#endif
