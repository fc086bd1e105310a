// The walk for one type of features. Define PK_T, PK_NODE and PK_TREE_FN(name) before.

// Rows walk in step: each waits for memory while the others go on.
#define PK_WALKERS 8

static inline __attribute__((always_inline)) void PK_TREE_FN(walk)(
    const PK_NODE *nodes, uint32_t root, const PK_T *x, size_t stride, size_t rows, int has_plain_nan, uint32_t *at) {
  for (size_t i = 0; i < rows; i++) at[i] = root;
  unsigned going;
  do {
    going = 0;
    for (size_t i = 0; i < rows; i++) {
      const PK_NODE *node = nodes + at[i];
      PK_T v = x[i * stride + node->feature];
      unsigned beyond = node->step & (unsigned)!(v <= node->value);
      at[i] = node->first + (!has_plain_nan && v != v ? node->nan : beyond);
      going |= node->step;
    }
  } while (going);
}

static uint32_t PK_TREE_FN(walk_any)(const pk_forest *f, uint32_t root, const PK_T *x) {
  const PK_NODE *nodes = f->nodes;
  const PK_NODE *node = nodes + root;
  while (node->step) {
    PK_T v = x[node->feature];
    unsigned holds;
    if (v != v) {
      holds = !node->nan;
    } else {
      switch (node->mode) {
      case PK_TREE_EQ: holds = v == node->value; break;
      case PK_TREE_NE: holds = v != node->value; break;
      case PK_TREE_MEMBER: {
        pk_tree_range range = f->ranges[node - nodes];
        holds = 0;
        for (uint32_t i = 0; i < range.count && !holds; i++) holds = f->members[range.start + i] == (double)v;
        break;
      }
      default: holds = v <= node->value;
      }
    }
    node = nodes + node->first + !holds;
  }
  return (uint32_t)(node - nodes);
}

static inline void PK_TREE_FN(add)(const pk_forest *f, uint32_t leaf, double *scores) {
  pk_tree_range range = f->ranges[leaf];
  for (uint32_t i = 0; i < range.count; i++) {
    pk_tree_weight w = f->weights[range.start + i];
    double *score = scores + w.target;
    switch (f->aggregate) {
    case PK_TREE_MIN: *score = w.weight < *score ? w.weight : *score; break;
    case PK_TREE_MAX: *score = w.weight > *score ? w.weight : *score; break;
    default: *score += w.weight;
    }
  }
}

static void PK_TREE_FN(score_walking)(
    const pk_forest *f, size_t tree0, size_t tree1, const PK_T *x, size_t stride, size_t rows, double *scores) {
  const PK_NODE *nodes = f->nodes;
  int sums_one = f->has_one_weight && f->aggregate == PK_TREE_SUM;
  for (size_t tree = tree0; tree < tree1; tree++) {
    for (size_t row = 0; row < rows; row += PK_WALKERS) {
      uint32_t at[PK_WALKERS];
      const PK_T *block = x + row * stride;
      size_t count = rows - row < PK_WALKERS ? rows - row : PK_WALKERS;
      if (!f->is_ordered) {
        for (size_t i = 0; i < count; i++) at[i] = PK_TREE_FN(walk_any)(f, f->roots[tree], block + i * stride);
      } else if (count == PK_WALKERS && f->has_plain_nan) {
        PK_TREE_FN(walk)(nodes, f->roots[tree], block, stride, PK_WALKERS, 1, at);
      } else if (count == PK_WALKERS) {
        PK_TREE_FN(walk)(nodes, f->roots[tree], block, stride, PK_WALKERS, 0, at);
      } else {
        PK_TREE_FN(walk)(nodes, f->roots[tree], block, stride, count, 0, at);
      }
      double *target = scores + row * f->targets;
      if (sums_one) {
        for (size_t i = 0; i < count; i++) target[i] += (double)nodes[at[i]].value;
      } else {
        for (size_t i = 0; i < count; i++) PK_TREE_FN(add)(f, at[i], target + i * f->targets);
      }
    }
  }
}

#undef PK_WALKERS
#undef PK_T
#undef PK_NODE
#undef PK_TREE_FN
