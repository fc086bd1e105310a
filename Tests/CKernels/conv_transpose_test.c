#include "conv_test.h"

/// Output channels [m0, m1) as a driver computes them, in two calls.
static void transpose_steps(pk_isa isa, const pk_conv *c, size_t n, size_t g, size_t m0, size_t m1, void *room) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[0] * s->out[1] * s->out[2], steps = pk_conv_transpose_steps(isa, s, m0, m1), half = random_in(0, steps);
  const bool tiling = pk_conv_transpose_is_tiling(s);
  for (size_t m = m0; m < m1 && !tiling; m++) memset(c->y + ((n * s->groups + g) * s->outputs + m) * out, 0, out * sizeof(float));
  pk_conv_transpose(isa, c, n, g, m0, m1, 0, half, room);
  pk_conv_transpose(isa, c, n, g, m0, m1, half, steps, room);
  for (size_t m = m0; m < m1 && !tiling; m++) {
    pk_conv_finish(isa, c, n, g * s->outputs + m, 0, out / 2);
    pk_conv_finish(isa, c, n, g * s->outputs + m, out / 2, out);
  }
}

static void run_transposed(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const float *w = c->weights;
  float *packed = buffer(pk_conv_transpose_packed_bytes(isa, s), 0xff);
  const size_t packing = pk_conv_transpose_pack_parts(isa, s), middle = random_in(0, packing);
  pk_conv_transpose_pack(isa, s, w, middle, packing, packed);
  pk_conv_transpose_pack(isa, s, w, 0, middle, packed);
  const size_t rows = random_in(1, s->outputs);
  c->weights = packed;
  scratch t = scratch_of(pk_conv_transpose_scratch_bytes(isa, s, rows));
  for (size_t n = 0; n < s->images; n++)
    for (size_t g = 0; g < s->groups; g++)
      for (size_t i = 0; i < s->outputs; i += rows)
        transpose_steps(isa, c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, t.bytes);
  CHECK(scratch_end(t), "%s: transposed conv wrote behind its scratch", pk_isa_name(isa));
  free(packed);
}

static const conv_way transposed = {"transposed", true, true, true, 1e-6, run_transposed};

/// Transposed convolutions whose kernels lie side by side.
static void test_tiles(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 8), .outputs = random_in(1, 9),
                     .dilation = {1, 1, 1}};
  const size_t pad_end[3] = {0};
  const bool flat = random_bits() & 1;
  for (int i = 0; i < 3; i++) {
    const bool used = i > 0 || !flat;
    s.in[i] = used ? random_in(1, flat ? 40 : 6) : 1, s.kernel[i] = s.stride[i] = used ? random_in(1, 5) : 1;
  }
  if (finish_shape(&s, pad_end, true)) test_shape(isa, &transposed, &s);
}

/// Transposed convolutions of which a step does a part of the taps, or of one long row.
static void test_pieces(pk_isa isa) {
  const bool is_long = random_bits() & 1;
  pk_conv_shape s = {.images = 1, .groups = random_in(1, 2), .channels = is_long ? random_in(1, 2) : random_in(5000, 6000), .outputs = random_in(1, 3),
                     .in = {1, random_in(1, 2), is_long ? random_in(4097, 5000) : random_in(1, 16)},
                     .kernel = {1, random_in(1, 2), random_in(1, 3)}, .stride = {1, random_in(1, 2), random_in(1, 3)}, .dilation = {1, 1, random_in(1, 2)}};
  if (!is_long) s.in[1] = s.kernel[1] = s.groups = s.outputs = 1, s.kernel[2] = random_in(60, 120);
  s.pad[2] = random_in(0, 2);
  const size_t pad_end[3] = {0, 0, random_in(0, 2)};
  if (finish_shape(&s, pad_end, true)) test_shape(isa, &transposed, &s);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) {
      if (i % 3 == 0) test_random(isa, &transposed, true, false), test_tiles(isa);
      if (i % 50 == 0) test_random(isa, &transposed, false, false);
      if (i % 100 == 0) test_pieces(isa);
    }
    const pk_conv_shape up = {.images = 1, .groups = 1, .channels = 20, .outputs = 9,
                        .in = {1, 40, 60}, .kernel = {1, 4, 4}, .stride = {1, 2, 2}, .dilation = {1, 1, 1}, .pad = {0, 1, 1}, .out = {1, 80, 120}};
    test_shape(isa, &transposed, &up);
  }
  return test_end("conv_transpose_test");
}
