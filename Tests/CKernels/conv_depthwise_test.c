#include "conv_test.h"

static void run_depthwise(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const size_t planes = s->images * s->groups * s->outputs;
  scratch t = scratch_of(pk_conv_depthwise_scratch_bytes(isa, s));
  const size_t half = planes / 2, rows = random_bits() & 1 ? s->out[1] : random_in(1, s->out[1]);
  for (size_t r = 0; r < s->out[1]; r += rows) {
    const size_t end = r + rows < s->out[1] ? r + rows : s->out[1];
    pk_conv_depthwise(isa, c, 0, half, r, end, t.bytes);
    pk_conv_depthwise(isa, c, half, planes, r, end, t.bytes);
  }
  CHECK(scratch_end(t), "%s: depthwise wrote behind its scratch", pk_isa_name(isa));
}

static const conv_way depthwise = {"depthwise", false, true, true, 1e-6, run_depthwise};

static void test_planes(pk_isa isa) {
  pk_conv_shape s = random_shape(true);
  s.channels = 1, s.groups = random_in(1, 5), s.outputs = random_in(1, 2);
  size_t pad_end[3];
  random_axes(&s, pad_end, (int)random_in(1, 2), false);
  if (finish_shape(&s, pad_end, false)) test_shape(isa, &depthwise, &s);
}

/// Depthwise planes of which a vector's lanes hold a channel each. The bits do not depend on how many planes are done together.
static void test_lanes(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 40), .channels = 1, .outputs = random_in(1, 8) == 1 ? 2 : 1,
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  size_t pad_end[3] = {0};
  const size_t step = random_in(1, 2);
  for (int i = 1; i < 3; i++) {
    s.in[i] = random_in(1, random_bits() % 8 == 0 ? 70 : 24), s.kernel[i] = i == 1 ? random_in(1, 7) : random_in(1, 3) * 2 + 1;
    s.stride[i] = random_bits() % 4 == 0 ? random_in(1, 2) : step;
    if (random_bits() % 3 == 0) s.dilation[i] = random_in(1, 4);
    s.pad[i] = random_in(0, (s.kernel[i] - 1) * s.dilation[i]), pad_end[i] = random_in(0, 5);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  test_shape(isa, &depthwise, &s);
  const size_t planes = s.images * s.groups * s.outputs, out = s.out[1] * s.out[2];
  float *x = random_floats(s.images * s.groups * s.in[1] * s.in[2]), *w = random_floats(s.groups * s.outputs * s.kernel[1] * s.kernel[2]);
  float *bias = random_floats(s.groups * s.outputs), *one = buffer(planes * out * sizeof(float), 0), *all = buffer(planes * out * sizeof(float), 0);
  pk_conv c = {.shape = s, .x = x, .weights = w, .y = all, .epilogue = {.row_bias = bias, .activation = PK_ACT_GELU_ERF}};
  void *room = buffer(pk_conv_depthwise_scratch_bytes(isa, &s), 0xff);
  pk_conv_depthwise(isa, &c, 0, planes, 0, s.out[1], room);
  c.y = one;
  const size_t cut = random_in(0, s.out[1]);
  for (size_t p = 0; p < planes; p++) {
    pk_conv_depthwise(isa, &c, p, p + 1, cut, s.out[1], room);
    pk_conv_depthwise(isa, &c, p, p + 1, 0, cut, room);
  }
  CHECK(memcmp(one, all, planes * out * sizeof(float)) == 0, "%s: planes one by one in two parts give other bits", pk_isa_name(isa));
  free(x), free(w), free(bias), free(one), free(all), free(room);
}

/// Depthwise 3x3 over rows of several vectors, whose edges are read where they lie.
static void test_wide_rows(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 3), .channels = 1, .outputs = random_in(1, 2),
                     .in = {1, random_in(1, 12), random_in(1, 150)}, .kernel = {1, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  const size_t pad_end[3] = {0, random_in(0, 4), random_in(0, 4)}, step = random_in(1, 2);
  for (int i = 1; i < 3; i++) s.stride[i] = step, s.pad[i] = random_in(0, 4);
  if (finish_shape(&s, pad_end, false)) test_shape(isa, &depthwise, &s);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) {
      test_planes(isa);
      if (i % 3 == 0) test_lanes(isa), test_wide_rows(isa);
    }
    const pk_conv_shape wide = {.images = 1, .groups = 2, .channels = 1, .outputs = 1,
                          .in = {1, 40, 2000}, .kernel = {1, 3, 3}, .stride = {1, 1, 2}, .dilation = {1, 1, 1}, .pad = {0, 1, 1}, .out = {1, 40, 1000}};
    test_shape(isa, &depthwise, &wide);
    pk_conv_shape huge = wide;
    huge.out[2] = SIZE_MAX / 4;
    CHECK(pk_conv_depthwise_scratch_bytes(isa, &huge) == SIZE_MAX, "depthwise scratch overflow");
  }
  return test_end("conv_depthwise_test");
}
