#include "conv_test.h"

/// Products without the taps that reach past the input for a block of positions.
static void run_skipping(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[0] * s->out[1] * s->out[2];
  const float *w = c->weights;
  const size_t none[3] = {0};
  float *packed = buffer(pk_conv_packed_bytes(isa, s), 0xff);
  pk_conv_pack_rows(isa, s, s->kernel, none, true, w, 0, s->groups * s->outputs / 3, packed);
  pk_conv_pack_rows(isa, s, s->kernel, none, true, w, s->groups * s->outputs / 3, s->groups * s->outputs, packed);
  size_t rows, cols;
  pk_conv_grid(isa, s, random_in(1, 4), &rows, &cols);
  if (random_bits() & 1) cols = random_in(1, out);
  c->weights = packed;
  scratch t = scratch_of(pk_conv_scratch_bytes(isa, s));
  for (size_t n = 0; n < s->images; n++)
    for (size_t g = 0; g < s->groups; g++)
      for (size_t i = 0; i < s->outputs; i += rows)
        for (size_t j = 0; j < out; j += cols)
          pk_conv_skipping_block(isa, c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < out ? j + cols : out,
                                 t.bytes);
  CHECK(scratch_end(t), "%s: conv without dead taps wrote behind its scratch", pk_isa_name(isa));
  free(packed);
}

static const conv_way skipping = {"without dead taps", false, true, true, 1e-6, run_skipping};

static void test_dead_taps(pk_isa isa, bool is_small) {
  pk_conv_shape s = random_shape(is_small);
  size_t pad_end[3];
  const int rank = (int)random_in(1, 3);
  random_axes(&s, pad_end, rank, true);
  // Taps that reach past the input everywhere, or over a part of it.
  for (int i = 3 - rank; i < 3; i++)
    if (random_bits() & 1)
      s.dilation[i] = random_in(1, 12), s.pad[i] = random_in(0, (s.kernel[i] - 1) * s.dilation[i]), pad_end[i] = random_in(0, 40);
  narrow_some(&s, pad_end);
  if (finish_shape(&s, pad_end, false)) test_shape(isa, &skipping, &s);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) test_dead_taps(isa, i % 5 != 0);
    pk_conv_shape atrous = {.images = 1, .groups = 1, .channels = 96, .outputs = 30,
                            .in = {1, 20, 20}, .kernel = {1, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 12, 12}, .pad = {0, 12, 12}, .out = {1, 20, 20}};
    CHECK(pk_conv_skipping_pays(&atrous), "five ninths and more of the taps are dead");
    test_shape(isa, &skipping, &atrous);
    atrous.dilation[1] = atrous.dilation[2] = atrous.pad[1] = atrous.pad[2] = 1;
    CHECK(!pk_conv_skipping_pays(&atrous), "nearly no taps are dead");
  }
  return test_end("conv_skipping_test");
}
