#include "conv_test.h"

/// Products of panels of weights with patches, blocks of rows and positions at a time.
static void run_gemm(pk_isa isa, pk_conv *c) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[0] * s->out[1] * s->out[2];
  const float *w = c->weights;
  float *packed = buffer(pk_conv_packed_bytes(isa, s), 0xff);
  pk_conv_pack(isa, s, w, 0, s->groups, packed);
  size_t rows, cols;
  const bool shares = random_bits() & 1;
  (shares ? pk_conv_grid_over_patches : pk_conv_grid)(isa, s, random_in(1, 4), &rows, &cols);
  if (!shares && random_bits() & 1) cols = random_in(1, out);
  c->weights = packed;
  scratch t = scratch_of(pk_conv_scratch_bytes(isa, s)), patches = patches_of(isa, s, false);
  for (size_t n = 0; n < s->images; n++)
    for (size_t g = 0; g < s->groups; g++) {
      if (shares) c->patches = make_patches(isa, c, false, n, g, patches);
      for (size_t i = 0; i < s->outputs; i += rows)
        for (size_t j = 0; j < out; j += cols)
          pk_conv_block(isa, c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < out ? j + cols : out, t.bytes);
    }
  CHECK(scratch_end(t) & scratch_end(patches), "%s: conv wrote behind its scratch", pk_isa_name(isa));
  free(packed);
}

static const conv_way gemm = {"product", false, true, true, 1e-6, run_gemm};

/// Short sums and few outputs, of which blocks begin and end anywhere. The bits do not depend on the blocks.
static void test_short_sums(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 3), .channels = random_in(1, 24), .outputs = random_in(1, random_bits() & 1 ? 4 : 36),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  size_t pad_end[3] = {0};
  for (int i = 1; i < 3; i++) {
    s.kernel[i] = random_in(1, 7), s.stride[i] = random_in(1, 5), s.pad[i] = random_in(0, 12), pad_end[i] = random_in(0, 12);
    if (random_bits() % 4 == 0) s.dilation[i] = random_in(1, 3);
    s.in[i] = random_in(1, i == 1 ? 24 : 40) * (random_bits() & 1 ? s.stride[i] : 1) + (random_bits() & 1 ? 12 : 0);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  test_shape(isa, &gemm, &s);
  const size_t out = s.out[1] * s.out[2], all = s.outputs * out, depth = s.channels * s.kernel[1] * s.kernel[2];
  s.images = s.groups = 1;
  float *x = random_floats(s.channels * s.in[1] * s.in[2]), *w = random_floats(s.outputs * depth), *packed = buffer(pk_conv_packed_bytes(isa, &s), 0xff);
  float *one = buffer(all * sizeof(float), 0), *other = buffer(all * sizeof(float), 0xff);
  pk_conv_pack(isa, &s, w, 0, 1, packed);
  scratch t = scratch_of(pk_conv_scratch_bytes(isa, &s));
  pk_conv c = {.shape = s, .x = x, .weights = packed, .y = one, .epilogue = {.activation = PK_ACT_SILU, .p0 = 1}};
  pk_conv_block(isa, &c, 0, 0, 0, s.outputs, 0, out, t.bytes);
  c.y = other;
  for (size_t n = 0, next; n < out; n = next) {
    next = n + random_in(1, out - n);
    pk_conv_block(isa, &c, 0, 0, 0, s.outputs, n, next, t.bytes);
  }
  CHECK(scratch_end(t), "%s: conv wrote behind its scratch", pk_isa_name(isa));
  CHECK(memcmp(one, other, all * sizeof(float)) == 0, "%s: other blocks give other bits", pk_isa_name(isa));
  free(x), free(w), free(packed), free(one), free(other);
}

/// Long kernel rows with wide strides, as in the front ends of audio models and where pictures are cut into patches.
static void test_long_rows(pk_isa isa) {
  const bool flat = random_bits() % 4 != 0, upright = random_bits() % 4 == 0;
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 3), .outputs = random_in(1, 40),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  const int along = upright && flat ? 1 : 2;
  size_t pad_end[3] = {0};
  s.in[along] = random_in(1, 900), s.kernel[along] = random_in(8, 200), s.stride[along] = random_in(3, 60);
  s.pad[along] = random_bits() & 1 ? random_in(0, 50) : 0, pad_end[along] = random_bits() & 1 ? random_in(0, 50) : 0;
  if (!flat) {
    s.in[1] = random_in(1, 12), s.kernel[1] = random_in(1, 4), s.stride[1] = random_in(1, 4), s.pad[1] = pad_end[1] = random_in(0, 2);
    if (random_bits() & 1) s.in[0] = random_in(1, 4), s.kernel[0] = random_in(1, 2), s.pad[0] = pad_end[0] = random_in(0, 1);
    s.in[2] = random_in(1, 60), s.kernel[2] = random_in(8, 17), s.stride[2] = random_in(3, 17);
  }
  if (finish_shape(&s, pad_end, false)) test_shape(isa, &gemm, &s);
}

/// Packing a part of the weights is packing a copy of it; with the taps outermost, one whose channels and taps are exchanged.
static void test_pack_part(pk_isa isa) {
  pk_conv_shape s = {.images = 1, .groups = random_in(1, 3), .channels = random_in(1, 5), .outputs = random_in(1, 40)};
  size_t whole[3], first[3];
  for (int i = 0; i < 3; i++) {
    whole[i] = random_in(1, 4), first[i] = random_in(0, whole[i] - 1), s.kernel[i] = random_in(1, whole[i] - first[i]);
    s.in[i] = s.out[i] = s.stride[i] = s.dilation[i] = 1;
  }
  const bool outermost = random_bits() & 1;
  const size_t rows = s.groups * s.outputs, taps = s.kernel[0] * s.kernel[1] * s.kernel[2], bytes = pk_conv_packed_bytes(isa, &s);
  float *w = random_floats(rows * s.channels * whole[0] * whole[1] * whole[2]), *part = buffer(rows * s.channels * taps * sizeof(float), 0);
  float *one = buffer(bytes, 0), *other = buffer(bytes, 0);
  for (size_t r = 0; r < rows; r++)
    for (size_t ch = 0; ch < s.channels; ch++)
      for (size_t t = 0; t < taps; t++) {
        const size_t d = first[0] + t / s.kernel[2] / s.kernel[1], h = first[1] + t / s.kernel[2] % s.kernel[1], c = first[2] + t % s.kernel[2];
        part[r * s.channels * taps + (outermost ? t * s.channels + ch : ch * taps + t)] =
            w[(((r * s.channels + ch) * whole[0] + d) * whole[1] + h) * whole[2] + c];
      }
  pk_conv_pack(isa, &s, part, 0, s.groups, one);
  pk_conv_pack_part(isa, &s, whole, first, outermost, w, 0, s.groups / 2, other);
  pk_conv_pack_part(isa, &s, whole, first, outermost, w, s.groups / 2, s.groups, other);
  CHECK(memcmp(one, other, bytes) == 0, "%s: a part of the weights is packed otherwise", pk_isa_name(isa));
  free(w), free(part), free(one), free(other);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) {
      test_random(isa, &gemm, i % 5 != 0, true);
      if (i % 4 == 0) test_short_sums(isa);
      for (int twice = 0; i % 3 == 0 && twice < 2; twice++) test_long_rows(isa), test_pack_part(isa);
    }
    const pk_conv_shape stem = {.images = 1, .groups = 1, .channels = 3, .outputs = 64,
                          .in = {1, 60, 60}, .kernel = {1, 7, 7}, .stride = {1, 2, 2}, .dilation = {1, 1, 1}, .pad = {0, 3, 3}, .out = {1, 30, 30}};
    test_shape(isa, &gemm, &stem);
    // One tap, and padding around an input of one row.
    pk_conv_shape around = stem;
    around.in[1] = 1, around.in[2] = around.out[2] = 40, around.kernel[1] = around.kernel[2] = around.stride[1] = around.stride[2] = 1;
    around.pad[1] = 2, around.pad[2] = 0, around.out[1] = 5;
    test_shape(isa, &gemm, &around);
    pk_conv_shape even = stem;
    even.channels = 64, even.outputs = 256, even.kernel[1] = even.kernel[2] = 1;
    size_t rows, cols;
    pk_conv_grid(isa, &even, 1, &rows, &cols);
    const size_t last = 256 - (256 - 1) / rows * rows;
    CHECK(last >= rows / 2, "a last block of %zu rows packs the patches for itself", last);
    pk_conv_shape huge = stem;
    huge.channels = SIZE_MAX / 100;
    CHECK(pk_conv_packed_bytes(isa, &huge) == SIZE_MAX, "packed conv weights overflow");
  }
  return test_end("conv_gemm_test");
}
