#include "conv_test.h"

/// Products with the channels in the lanes of vectors.
static void run_turned(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[0] * s->out[1] * s->out[2];
  const float *w = c->weights;
  float *packed = buffer(pk_conv_turned_packed_bytes(isa, s), 0xff);
  const size_t panels = s->groups * ((s->outputs + pk_sgemm_panel_cols(isa) - 1) / pk_sgemm_panel_cols(isa));
  pk_conv_turned_pack_panels(isa, s, w, 0, panels / 2, packed);
  pk_conv_turned_pack_panels(isa, s, w, panels / 2, panels, packed);
  const size_t panel = pk_sgemm_panel_cols(isa);
  size_t rows, cols;
  pk_conv_turned_grid(isa, s, random_in(1, 4), &rows, &cols);
  CHECK(rows > 0 && rows % panel == 0 && cols > 0, "%s: %zu channels are no whole panels", pk_isa_name(isa), rows);
  if (random_bits() & 1) rows = panel;
  const bool shares = random_bits() & 1;
  if (!shares && random_bits() & 1) cols = random_in(1, out);
  c->weights = packed;
  scratch t = scratch_of(pk_conv_turned_scratch_bytes(isa, s, rows)), patches = patches_of(isa, s, true);
  for (size_t n = 0; n < s->images; n++)
    for (size_t g = 0; g < s->groups; g++) {
      if (shares) c->patches = make_patches(isa, c, true, n, g, patches);
      for (size_t i = 0; i < s->outputs; i += rows)
        for (size_t j = 0; j < out; j += cols)
          pk_conv_turned_block(isa, c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < out ? j + cols : out, t.bytes);
    }
  CHECK(scratch_end(t) & scratch_end(patches), "%s: turned conv wrote behind its scratch", pk_isa_name(isa));
  free(packed);
}

static const conv_way turned = {"turned", false, true, true, 1e-6, run_turned};

/// Turned products. The bits do not depend on the blocks.
static void test_turned(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 40), .outputs = random_in(1, 100),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  size_t pad_end[3] = {0};
  const size_t square = random_in(1, 3);
  // Either more positions than are done together, or a sum that is cut.
  const bool wide = random_bits() % 4 == 0;
  if (!wide && random_bits() % 8 == 0) s.channels = random_in(200, 600), s.outputs = random_in(1, 40);
  for (int i = 1; i < 3; i++) {
    s.in[i] = random_in(1, wide ? 24 : 12), s.kernel[i] = square == 1 ? 1 : square == 2 ? 3 : random_in(1, 5), s.stride[i] = random_in(1, 2);
    s.pad[i] = random_in(0, s.kernel[i] - 1), pad_end[i] = random_in(0, s.kernel[i] - 1);
    if (random_bits() % 4 == 0) s.dilation[i] = random_in(1, 2);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  test_shape(isa, &turned, &s);
  const size_t rows = s.groups * s.outputs, k = s.channels * s.kernel[1] * s.kernel[2], out = s.out[1] * s.out[2], panel = pk_sgemm_panel_cols(isa);
  float *x = random_floats(s.images * s.groups * s.channels * s.in[1] * s.in[2]), *w = random_floats(rows * k), *bias = random_floats(rows);
  float *one = buffer(s.images * rows * out * sizeof(float), 0), *all = buffer(s.images * rows * out * sizeof(float), 0);
  float *packed = buffer(pk_conv_turned_packed_bytes(isa, &s), 0);
  pk_conv_turned_pack(isa, &s, w, 0, s.groups, packed);
  void *room = buffer(pk_conv_turned_scratch_bytes(isa, &s, s.outputs), 0xff);
  pk_conv c = {.shape = s, .x = x, .weights = packed, .y = all, .epilogue = {.row_bias = bias, .activation = PK_ACT_SILU, .p0 = 1}};
  for (size_t n = 0; n < s.images * s.groups; n++) pk_conv_turned_block(isa, &c, n / s.groups, n % s.groups, 0, s.outputs, 0, out, room);
  c.y = one;
  for (size_t n = s.images * s.groups; n-- > 0;)
    for (size_t i = 0; i < s.outputs; i += panel)
      for (size_t j = 0, step = random_in(1, out); j < out; j += step)
        pk_conv_turned_block(isa, &c, n / s.groups, n % s.groups, i, i + panel < s.outputs ? i + panel : s.outputs, j, j + step < out ? j + step : out,
                             room);
  CHECK(memcmp(one, all, s.images * rows * out * sizeof(float)) == 0, "%s: turned products in other blocks give other bits", pk_isa_name(isa));
  memset(one, 0, s.images * rows * out * sizeof(float));
  scratch patches = patches_of(isa, &s, true);
  for (size_t n = 0; n < s.images * s.groups; n++) {
    c.patches = make_patches(isa, &c, true, n / s.groups, n % s.groups, patches);
    for (size_t i = 0; i < s.outputs; i += panel)
      pk_conv_turned_block(isa, &c, n / s.groups, n % s.groups, i, i + panel < s.outputs ? i + panel : s.outputs, 0, out, room);
  }
  CHECK(scratch_end(patches), "%s: patches were written behind their memory", pk_isa_name(isa));
  CHECK(memcmp(one, all, s.images * rows * out * sizeof(float)) == 0, "%s: turned products over shared patches give other bits", pk_isa_name(isa));
  free(x), free(w), free(bias), free(one), free(all), free(packed), free(room);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 375; i++) test_turned(isa);
    const pk_conv_shape stem = {.images = 1, .groups = 1, .channels = 3, .outputs = 64,
                          .in = {1, 60, 60}, .kernel = {1, 7, 7}, .stride = {1, 2, 2}, .dilation = {1, 1, 1}, .pad = {0, 3, 3}, .out = {1, 30, 30}};
    // One tap, and padding around an input of one row.
    pk_conv_shape around = stem;
    around.in[1] = 1, around.in[2] = around.out[2] = 40, around.kernel[1] = around.kernel[2] = around.stride[1] = around.stride[2] = 1;
    around.pad[1] = 2, around.pad[2] = 0, around.out[1] = 5, around.channels = 70;
    test_shape(isa, &turned, &around);
    pk_conv_shape small = stem;
    small.channels = 64, small.in[1] = small.in[2] = 14, small.kernel[1] = small.kernel[2] = 3, small.pad[1] = small.pad[2] = 1;
    small.out[1] = small.out[2] = 7;
    CHECK(pk_conv_turned_pays(isa, &small) == (isa != PK_ISA_SCALAR), "49 positions leave vectors in part empty");
    small.outputs = pk_sgemm_panel_cols(isa) + 1;
    CHECK(!pk_conv_turned_pays(isa, &small), "channels leave more lanes empty than positions do");
    pk_conv_shape huge = stem;
    huge.channels = SIZE_MAX / 100;
    CHECK(pk_conv_turned_packed_bytes(isa, &huge) == SIZE_MAX, "packed weights of small planes overflow");
  }
  return test_end("conv_turned_test");
}
