#include "conv_test.h"

static void run_winograd(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[0] * s->out[1] * s->out[2];
  const float *w = c->weights;
  CHECK(pk_conv_winograd_fits(s), "Winograd should take this");
  float *packed = buffer(pk_conv_winograd_packed_bytes(isa, s), 0xff);
  pk_conv_winograd_pack_rows(isa, s, w, 0, s->groups * s->outputs / 3, packed);
  pk_conv_winograd_pack_rows(isa, s, w, s->groups * s->outputs / 3, s->groups * s->outputs, packed);
  const size_t bands = (s->out[1] + 3) / 4;
  size_t deep, step;
  pk_conv_winograd_grid(isa, s, random_in(1, 4), &deep, &step);
  if (random_bits() & 1) deep = random_in(1, s->out[0]), step = random_in(1, bands);
  c->weights = packed;
  scratch t = scratch_of(pk_conv_winograd_scratch_bytes(isa, s, deep, step));
  for (size_t n = 0; n < s->images; n++)
    for (size_t g = 0; g < s->groups; g++)
      for (size_t d = 0; d < s->out[0]; d += deep)
        for (size_t i = 0; i < bands; i += step)
          pk_conv_winograd_block(isa, c, &(pk_winograd_part){n, g, d, d + deep < s->out[0] ? d + deep : s->out[0], i, i + step < bands ? i + step : bands}, t.bytes);
  CHECK(scratch_end(t), "%s: Winograd wrote behind its scratch", pk_isa_name(isa));
  free(packed);
}

static const conv_way winograd = {"Winograd", false, true, true, 8e-6, run_winograd};

static void test_planes(pk_isa isa, bool is_small) {
  pk_conv_shape s = random_shape(is_small);
  size_t pad_end[3];
  random_axes(&s, pad_end, (int)random_in(2, 3), false);
  for (int i = 0; i < 3; i++) s.stride[i] = s.dilation[i] = 1;
  s.kernel[1] = s.kernel[2] = 3;
  // Errors spread to windows of the same tile: the bound is for sums as long as those of one plane.
  s.channels = (s.channels - 1) / s.kernel[0] + 1;
  if (finish_shape(&s, pad_end, false)) test_shape(isa, &winograd, &s);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 500; i++) test_planes(isa, i % 5 != 0);
  }
  return test_end("conv_winograd_test");
}
