// The f32 convolutions of one ISA level; included after pk_gemm.inl.h, whose micro-kernels they use. The including file
// sets PK_CONV_TABLE.

#include "pk_conv_internal.h"
#include "pk_conv_pack.inl.h"
#include "pk_conv_skip.inl.h"
#include "pk_conv_turned.inl.h"
#include "pk_conv_lanes.inl.h"
#include "pk_conv_depthwise_direct.inl.h"
#include "pk_conv_depthwise.inl.h"
#include "pk_conv_winograd.inl.h"
#include "pk_conv_rows.inl.h"
#include "pool/pk_pool.inl.h"

/// Depth of products up to which rows are the outer loop.
enum { SHALLOW = 64 };

/// As pk_conv_block, of which element (m, n) goes to `to[m * ld + n]`, the group's residual likewise.
static void conv_block_to(
    const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, float *to, size_t ld, void *scratch) {
  if (m0 >= m1 || n0 >= n1) return;
  const pk_conv_shape shape = flattened(&c->shape), *s = &shape;
  const size_t k = pk_conv_depth(s), rows = m1 - m0;
  const pk_sgemm g = conv_product(c, image, group, to, ld);
  if (pk_conv_rows_pay(PK_LEVEL, &c->shape)) {
    const pk_conv_shape *rows_of = &c->shape;
    const size_t one = pk_round64(rows_of->outputs * k * sizeof(float)) / sizeof(float);
    const float *x = c->x + (image * rows_of->groups + group) * rows_of->channels * pk_product3(rows_of->in);
    conv_rows(rows_of, x, c->weights + group * one, &g, m0, m1, n0, n1, scratch);
    return;
  }
  store target = store_of(&g);
  const size_t mr = pk_even_part(s->outputs, MR);
  const size_t stride = pk_round64(s->outputs * k * sizeof(float)) / sizeof(float);
  const float *pa = c->weights + group * stride + m0 * k;
  const float *x = c->x + (image * s->groups + group) * s->channels * pk_product3(s->in);
  const size_t depth = pk_even_part(k, PK_SGEMM_KC);
  const region whole = {.size = {s->out[0], s->out[1], s->out[2]}};
  float *pb = scratch;
  for (size_t n = n0; n < n1; n += PK_SGEMM_NC) {
    const size_t width = pk_min(PK_SGEMM_NC, n1 - n);
    run runs[PK_SGEMM_NC];
    size_t first[PK_SGEMM_NC / VW + 1];
    if (!c->patches) find_runs(s, &whole, n, width, runs, first);
    for (size_t kb = 0; kb < k; kb += depth) {
      const size_t kc = pk_min(depth, k - kb);
      // The panels, and from one to the next.
      const float *panels = pb;
      size_t step = kc * NR;
      if (c->patches) panels = c->patches + n * k + kb * NR, step = k * NR;
      else pack_patches(s, x, kb, kc, width, runs, first, pb, (places){.ld = NR, .pair = step});
      store_part(&target, &g, kb == 0, kb + kc == k);
      if (k <= SHALLOW) {
        // A result of many rows for little work: rows are written in long runs, while all panels of B stay in the L1 cache.
        for (size_t i = 0; i < rows; i += mr)
          for (size_t j = 0; j < width; j += NR)
            run_panel(pa + i * k, pk_min(mr, rows - i), mr, k, kb, kc, panels + j / NR * step, pk_min(NR, width - j), &target, m0 + i, n + j);
        continue;
      }
      for (size_t j = 0; j < width; j += NR)
        run_panel(pa, rows, mr, k, kb, kc, panels + j / NR * step, pk_min(NR, width - j), &target, m0, n + j);
    }
  }
}

static void conv_block(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  const size_t columns = pk_product3(c->shape.out);
  conv_block_to(c, image, group, m0, m1, n0, n1, c->y + (image * c->shape.groups + group) * c->shape.outputs * columns, columns, scratch);
}

/// Applies the epilogue to raw sums that already lie in y, `count` elements of one channel from `offset` on.
static void activate_plane(const pk_conv *c, size_t channel, size_t offset, size_t count) {
  pk_epilogue e = c->epilogue;
  if (e.row_bias) e.row_bias += channel;
  if (e.residual) e.residual += offset;
  e.ld_residual = 0;
  const float zeros[NR] __attribute__((aligned(64))) = {0};
  const store s = {.c = c->y + offset, .alpha = 1, .beta = 1, .read_c = true, .e = &e};
  for (size_t j = 0; j < count; j += NR) finish_tile(&s, zeros, NR, 1, pk_min(NR, count - j), 0, j);
}

PK_INLINE void interleave_rows(size_t rows, size_t count, const float *restrict x, size_t ld, float *restrict to) {
  for (size_t i = 0; i < count; i++)
    for (size_t r = 0; r < rows; r++) to[i * rows + r] = x[r * ld + i];
}

static void interleave(size_t rows, size_t count, const float *x, size_t ld, float *to) {
  switch (rows) {
  case 1: memcpy(to, x, count * sizeof *to); return;
  case 2: interleave_rows(2, count, x, ld, to); return;
  case 4: interleave_rows(4, count, x, ld, to); return;
  default: interleave_rows(rows, count, x, ld, to);
  }
}

const pk_conv_table PK_CONV_TABLE = {
    .block = conv_block,
    .block_to = conv_block_to,
    .turned_to = conv_turned_to,
    .skipping = conv_skipping,
    .turned = conv_turned,
    .patches = conv_patches,
    .winograd_transform = winograd_transform,
    .winograd_outputs = winograd_outputs,
    .depthwise = depthwise,
    .interleave = interleave,
    .activate_plane = activate_plane,
    .sum = sum_of,
    .max = max_of};
