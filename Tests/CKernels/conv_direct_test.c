#include "conv_test.h"

/// The shape in the words of those that do not know how many axes there are.
static pk_conv_nd_shape nd_shape(const pk_conv_shape *s) {
  pk_conv_nd_shape d = {.rank = 3, .images = s->images, .groups = s->groups, .channels = s->channels, .outputs = s->outputs};
  memcpy(d.in, s->in, sizeof s->in), memcpy(d.kernel, s->kernel, sizeof s->in), memcpy(d.stride, s->stride, sizeof s->in);
  memcpy(d.dilation, s->dilation, sizeof s->in), memcpy(d.pad, s->pad, sizeof s->in), memcpy(d.out, s->out, sizeof s->in);
  return d;
}

static void run_direct(pk_isa isa, pk_conv *c) {
  (void)isa;
  const pk_conv_nd_shape d = nd_shape(&c->shape);
  const pk_conv_shape *s = &c->shape;
  pk_conv_direct_f32(&d, c->x, c->weights, c->epilogue.row_bias, c->y, 0, s->images * s->groups * s->outputs, 0, s->out[0] * s->out[1] * s->out[2]);
}

static void run_transposed(pk_isa isa, pk_conv *c) {
  (void)isa;
  const pk_conv_nd_shape d = nd_shape(&c->shape);
  const pk_conv_shape *s = &c->shape;
  pk_conv_transpose_direct_f32(
      &d, c->x, c->weights, c->epilogue.row_bias, c->y, 0, s->images * s->groups * s->outputs, 0, s->out[0] * s->out[1] * s->out[2]);
}

static const conv_way direct = {"direct", false, false, false, 1e-6, run_direct};
static const conv_way transposed = {"transposed direct", true, false, false, 1e-6, run_transposed};

int main(void) {
  // One form for all levels.
  for (int i = 0; i < 150; i++) test_random(PK_ISA_SCALAR, &direct, true, false), test_random(PK_ISA_SCALAR, &transposed, true, false);
  return test_end("conv_direct_test");
}
