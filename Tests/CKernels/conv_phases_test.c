#include "conv_test.h"

/// Transposed, the outputs of each place of a stride as a convolution.
static void run_phases(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const float *w = c->weights;
  CHECK(pk_conv_phases_fit(s), "phases should take this");
  float *packed = buffer(pk_conv_phases_packed_bytes(isa, s), 0xff);
  pk_conv_phases_pack(isa, s, w, s->groups / 2, s->groups, packed);
  pk_conv_phases_pack(isa, s, w, 0, s->groups / 2, packed);
  size_t rows, cols;
  const size_t positions = pk_conv_phases_grid(isa, s, random_in(1, 4), &rows, &cols);
  CHECK(rows > 0 && cols > 0 && cols <= positions, "%s: blocks of %zu by %zu", pk_isa_name(isa), rows, cols);
  if (random_bits() & 1) cols = random_in(1, positions);
  c->weights = packed;
  scratch t = scratch_of(pk_conv_phases_scratch_bytes(isa, s, rows, cols));
  for (size_t n = 0; n < s->images; n++)
    for (size_t g = 0; g < s->groups; g++)
      for (size_t i = 0; i < s->outputs; i += rows)
        for (size_t j = 0; j < positions; j += cols)
          pk_conv_phases_block(isa, c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < positions ? j + cols : positions, t.bytes);
  CHECK(scratch_end(t), "%s: phases wrote behind their scratch", pk_isa_name(isa));
  free(packed);
}

static const conv_way phases = {"phases", true, true, false, 1e-6, run_phases};

/// Transposed convolutions by the places of a stride, which other ways take as well.
static void test_phases(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 40), .outputs = random_in(1, 70),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  const bool flat = random_bits() & 1;
  for (int i = flat ? 2 : 1; i < 3; i++) {
    s.in[i] = random_in(1, flat ? 700 : 20), s.stride[i] = random_in(1, flat ? 9 : 3), s.kernel[i] = s.stride[i] + random_in(0, 5);
    s.pad[i] = random_in(0, s.kernel[i] - s.stride[i]);
  }
  const size_t pad_end[3] = {0, flat ? 0 : random_in(0, s.kernel[1] - 1), random_in(0, s.kernel[2] - 1)};
  if (!finish_shape(&s, pad_end, true)) return;
  // Outputs that no input reaches.
  if (random_bits() % 4 == 0) s.out[2] += random_in(1, 3);
  test_shape(isa, &phases, &s);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 500; i++) test_phases(isa);
    pk_conv_shape up = {.images = 1, .groups = 1, .channels = 20, .outputs = 9,
                        .in = {1, 40, 60}, .kernel = {1, 4, 4}, .stride = {1, 2, 2}, .dilation = {1, 1, 1}, .pad = {0, 1, 1}, .out = {1, 80, 120}};
    test_shape(isa, &phases, &up);
    up.pad[1] = 3;
    CHECK(!pk_conv_phases_fit(&up), "the first outputs have no tap at the first input");
  }
  return test_end("conv_phases_test");
}
