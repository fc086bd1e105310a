// Kernels that no level of instructions has for itself: dot products, distances, direct convolutions of float64, decision trees. Each works on
// blocks of exactly the size that it may touch, for the address sanitizer.
#include "check.h"

static void *exact(size_t bytes) {
  void *memory = malloc(bytes ? bytes : 1);
  if (!memory) abort();
  return memory;
}

static void test_rows(void) {
  for (size_t n = 0; n < 70; n++) {
    float *a = exact(n * sizeof *a), *b = exact(n * sizeof *b);
    double dot = 0, distance = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
      a[i] = (float)random_between(-1, 1), b[i] = (float)random_between(-1, 1);
      dot += (double)a[i] * b[i], distance += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
      most += fabs((double)a[i] * b[i]) + 4;
    }
    CHECK(fabs(pk_dot_f32(a, b, n) - dot) <= most * 1e-6);
    CHECK(fabs(pk_dot_f32_in_f64(a, b, n) - dot) <= most * 1e-14);
    CHECK(fabs(pk_square_distance_f32(a, b, n) - distance) <= most * 1e-6);
    free(a), free(b);
  }
}

static size_t random_in(size_t low, size_t high) { return low + random_bits() % (high - low + 1); }

// One axis: y[o][p] = sum over channels and taps of x[c][p * stride + k * dilation - pad] * w.
static void test_direct_f64(void) {
  for (int trial = 0; trial < 200; trial++) {
    pk_conv_nd_shape s = {.rank = 1, .images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 3), .outputs = random_in(1, 3)};
    s.kernel[0] = random_in(1, 4), s.stride[0] = random_in(1, 3), s.dilation[0] = random_in(1, 3), s.pad[0] = random_in(0, 3);
    const size_t reach = (s.kernel[0] - 1) * s.dilation[0] + 1;
    s.in[0] = random_in(reach, reach + 9);
    s.out[0] = (s.in[0] + 2 * s.pad[0] - reach) / s.stride[0] + 1;
    const size_t inputs = s.groups * s.channels, outputs = s.groups * s.outputs, taps = s.kernel[0], in = s.in[0], out = s.out[0];
    const size_t x_count = s.images * inputs * in, w_count = outputs * s.channels * taps, y_count = s.images * outputs * out;
    double *x = exact(x_count * 8), *w = exact(w_count * 8), *bias = exact(outputs * 8), *y = exact(y_count * 8), *back = exact(x_count * 8);
    for (size_t i = 0; i < x_count; i++) x[i] = random_between(-1, 1);
    for (size_t i = 0; i < w_count; i++) w[i] = random_between(-1, 1);
    for (size_t i = 0; i < outputs; i++) bias[i] = random_between(-1, 1);
    const size_t planes = s.images * outputs, half = planes / 2, middle = out / 2;
    pk_conv_direct_f64(&s, x, w, bias, y, 0, half, 0, out);
    pk_conv_direct_f64(&s, x, w, bias, y, half, planes, 0, middle);
    pk_conv_direct_f64(&s, x, w, bias, y, half, planes, middle, out);
    for (size_t plane = 0; plane < planes; plane++)
      for (size_t p = 0; p < out; p++) {
        const size_t n = plane / outputs, channel = plane % outputs, g = channel / s.outputs;
        double sum = bias[channel];
        for (size_t c = 0; c < s.channels; c++)
          for (size_t k = 0; k < taps; k++) {
            const ptrdiff_t at = (ptrdiff_t)(p * s.stride[0] + k * s.dilation[0]) - (ptrdiff_t)s.pad[0];
            if (at >= 0 && at < (ptrdiff_t)in) sum += x[(n * inputs + g * s.channels + c) * in + (size_t)at] * w[(channel * s.channels + c) * taps + k];
          }
        CHECK(fabs(y[plane * out + p] - sum) < 1e-12);
      }
    // Back again: the transposed convolution of y, whose outputs are x's channels.
    pk_conv_nd_shape t = s;
    t.channels = s.outputs, t.outputs = s.channels, t.in[0] = out, t.out[0] = in;
    const size_t back_planes = s.images * inputs;
    pk_conv_transpose_direct_f64(&t, y, w, NULL, back, 0, back_planes / 2, 0, in);
    pk_conv_transpose_direct_f64(&t, y, w, NULL, back, back_planes / 2, back_planes, 0, in);
    for (size_t plane = 0; plane < back_planes; plane++)
      for (size_t at = 0; at < in; at++) {
        const size_t n = plane / inputs, g = plane % inputs / s.channels, c = plane % s.channels;
        double sum = 0;
        for (size_t o = 0; o < s.outputs; o++)
          for (size_t p = 0; p < out; p++)
            for (size_t k = 0; k < taps; k++)
              if (p * s.stride[0] + k * s.dilation[0] == at + s.pad[0]) sum += y[(n * outputs + g * s.outputs + o) * out + p] * w[((g * s.outputs + o) * s.channels + c) * taps + k];
        CHECK(fabs(back[plane * in + at] - sum) < 1e-11);
      }
    free(x), free(w), free(bias), free(y), free(back);
  }
}

enum { FEATURES = 5, MOST_NODES = 200 };

typedef struct model {
  pk_tree_node_f64 nodes[MOST_NODES];
  pk_tree_range ranges[MOST_NODES];
  size_t count, weights, members;
} model;

// A branch and what is under it, in the place of a node.
static void grow(model *m, size_t at, int depth, bool isOrdered) {
  pk_tree_node_f64 *node = &m->nodes[at];
  *node = (pk_tree_node_f64){.first = (uint32_t)at};
  if (depth == 0 || m->count + 2 > MOST_NODES || random_bits() % 6 == 0) {
    m->ranges[at] = (pk_tree_range){(uint32_t)m->weights, (uint32_t)random_in(0, 3)};
    m->weights += m->ranges[at].count;
    return;
  }
  node->step = 1;
  node->feature = (uint32_t)random_in(0, FEATURES - 1);
  node->value = (double)random_in(0, 6) / 2;
  node->nan = random_bits() % 2;
  node->mode = isOrdered ? PK_TREE_LE : (uint8_t)random_in(0, 3);
  if (node->mode == PK_TREE_MEMBER) {
    m->ranges[at] = (pk_tree_range){(uint32_t)m->members, (uint32_t)random_in(0, 3)};
    m->members += m->ranges[at].count;
  }
  const size_t first = m->count;
  node->first = (uint32_t)first;
  m->count += 2;
  grow(m, first, depth - 1, isOrdered);
  grow(m, first + 1, depth - 1, isOrdered);
}

typedef struct masks {
  pk_tree_mask *masks;
  uint32_t *starts, *leaves, *leaf_starts, count, leaf_count;
} masks;

// Numbers the leaves under a node from left to right, and writes down which of them each branch leaves.
static void number(masks *t, const pk_tree_node_f32 *nodes, uint32_t at, uint32_t first_leaf) {
  const pk_tree_node_f32 node = nodes[at];
  if (!node.step) {
    t->leaves[t->leaf_count++] = at;
    return;
  }
  const uint32_t begin = t->leaf_count - first_leaf;
  number(t, nodes, node.first, first_leaf);
  const uint32_t end = t->leaf_count - first_leaf;
  uint64_t left = 0;
  for (uint32_t leaf = begin; leaf < end; leaf++) left |= (uint64_t)1 << leaf;
  t->masks[t->count++] = (pk_tree_mask){~left, node.value, node.feature, node.nan};
  number(t, nodes, node.first + 1, first_leaf);
}

static void test_forest(void) {
  for (int trial = 0; trial < 300; trial++) {
    model *m = exact(sizeof *m);
    memset(m, 0, sizeof *m);
    const size_t trees = random_in(1, 6), rows = random_in(1, 40), targets = random_in(1, 3), stride = FEATURES;
    const bool isOrdered = trial % 2;
    uint32_t *roots = exact(trees * sizeof *roots);
    for (size_t t = 0; t < trees; t++) {
      roots[t] = (uint32_t)m->count++;
      grow(m, roots[t], (int)random_in(0, 4), isOrdered);
    }
    pk_tree_node_f64 *nodes = exact(m->count * sizeof *nodes);
    pk_tree_node_f32 *narrow = exact(m->count * sizeof *narrow);
    pk_tree_range *ranges = exact(m->count * sizeof *ranges);
    pk_tree_weight *weights = exact(m->weights * sizeof *weights);
    double *members = exact(m->members * sizeof *members), *x = exact(rows * stride * sizeof *x), *scores = exact(rows * targets * sizeof *scores);
    float *x32 = exact(rows * stride * sizeof *x32);
    memcpy(nodes, m->nodes, m->count * sizeof *nodes);
    memcpy(ranges, m->ranges, m->count * sizeof *ranges);
    for (size_t i = 0; i < m->count; i++) {
      const pk_tree_node_f64 n = m->nodes[i];
      narrow[i] = (pk_tree_node_f32){(float)n.value, n.feature, n.first, n.step, n.nan, n.mode, 0};
    }
    for (size_t i = 0; i < m->weights; i++) weights[i] = (pk_tree_weight){(double)random_in(0, 9), (uint32_t)random_in(0, targets - 1)};
    for (size_t i = 0; i < m->members; i++) members[i] = (double)random_in(0, 6) / 2;
    for (size_t i = 0; i < rows * stride; i++) x[i] = random_bits() % 9 == 0 ? NAN : (double)random_in(0, 6) / 2, x32[i] = (float)x[i];
    pk_forest forest = {.nodes = nodes, .roots = roots, .ranges = ranges, .weights = weights, .members = members, .targets = (uint32_t)targets,
                        .aggregate = PK_TREE_SUM, .is_ordered = isOrdered};
    // Way 2 meets all branches of a tree at once, by their masks.
    masks table = {exact(m->count * sizeof(pk_tree_mask)), exact((trees + 1) * 4), exact(m->count * 4), exact(trees * 4), 0, 0};
    for (size_t t = 0; t < trees; t++) {
      table.starts[t] = table.count, table.leaf_starts[t] = table.leaf_count;
      number(&table, narrow, roots[t], table.leaf_count);
    }
    table.starts[trees] = table.count;
    for (int way = 0; way < (isOrdered ? 3 : 2); way++) {
      const bool isNarrow = way > 0;
      if (way == 2) forest.masks = table.masks, forest.mask_starts = table.starts, forest.leaves = table.leaves, forest.leaf_starts = table.leaf_starts;
      for (size_t i = 0; i < rows * targets; i++) scores[i] = 0;
      forest.nodes = isNarrow ? (const void *)narrow : nodes;
      if (isNarrow) {
        pk_forest_score_f32(&forest, 0, trees / 2, x32, stride, rows, scores);
        pk_forest_score_f32(&forest, trees / 2, trees, x32, stride, rows, scores);
      } else {
        pk_forest_score_f64(&forest, 0, trees, x, stride, rows, scores);
      }
      for (size_t row = 0; row < rows; row++) {
        double wanted[3] = {0, 0, 0};
        for (size_t t = 0; t < trees; t++) {
          size_t at = roots[t];
          while (nodes[at].step) {
            const double value = x[row * stride + nodes[at].feature];
            bool holds = false;
            switch ((pk_tree_mode)nodes[at].mode) {
              case PK_TREE_LE: holds = value <= nodes[at].value; break;
              case PK_TREE_EQ: holds = value == nodes[at].value; break;
              case PK_TREE_NE: holds = value != nodes[at].value; break;
              case PK_TREE_MEMBER:
                for (size_t i = 0; i < ranges[at].count; i++) holds = holds || members[ranges[at].start + i] == value;
            }
            at = nodes[at].first + (isnan(value) ? nodes[at].nan : !holds);
          }
          for (size_t i = 0; i < ranges[at].count; i++) wanted[weights[ranges[at].start + i].target] += weights[ranges[at].start + i].weight;
        }
        for (size_t i = 0; i < targets; i++) CHECK(scores[row * targets + i] == wanted[i]);
      }
    }
    free(m), free(roots), free(nodes), free(narrow), free(ranges), free(weights), free(members), free(x), free(x32), free(scores);
    free(table.masks), free(table.starts), free(table.leaves), free(table.leaf_starts);
  }
}

int main(void) {
  test_rows();
  test_direct_f64();
  test_forest();
  return finish("small");
}
