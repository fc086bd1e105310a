#include "pk_conv_int8_few.h"

#include <string.h>

#include "pk_conv_int8_few_internal.h"

bool pk_conv_int8_few_fits(pk_isa isa, const pk_conv_shape *s) {
  if (isa == PK_ISA_SCALAR || pk_igemm_isa(isa) == PK_ISA_AVX512) return false;
  if (s->in[0] != 1 || s->out[0] != 1 || s->kernel[0] != 1 || s->pad[0] != 0) return false;
  if (s->outputs > 8 || s->stride[2] != 1 || s->channels == 1) return false;
  if (s->kernel[2] > PK_FEW_REACH || s->dilation[2] > PK_FEW_REACH || pk_reach(s, 2) > PK_FEW_REACH) return false;
  if (s->out[1] > SIZE_MAX / 64 || s->out[2] > SIZE_MAX / 64 || s->in[1] > SIZE_MAX / 64 || s->in[2] > SIZE_MAX / 64) return false;
  // Columns are summed that only some outputs of a piece need.
  const size_t piece = pk_few_piece(s), panels = pk_ceil_div(s->kernel[2] * s->outputs, 16);
  return panels * (piece + pk_reach(s, 2) - 1) * 4 <= s->kernel[2] * piece * 3;
}

size_t pk_conv_int8_few_packed_bytes(const pk_conv_shape *s) {
  const pk_conv_shape t = pk_few_shape(s);
  return pk_mul(pk_mul(pk_mul(t.groups, pk_last_panels(&pk_last_avx2, &t)), pk_last_words(&pk_last_avx2, &t)), 16 * sizeof(uint32_t));
}

void pk_conv_int8_few_pack(const pk_conv_shape *s, uint8_t flip, const uint8_t *w, const int32_t *zero, void *packed) {
  const pk_conv_shape t = pk_few_shape(s);
  const size_t panels = pk_last_panels(&pk_last_avx2, &t), words = pk_last_words(&pk_last_avx2, &t);
  memset(packed, 0, pk_conv_int8_few_packed_bytes(s));
  for (size_t channel = 0; channel < s->groups * s->outputs; channel++) {
    const size_t group = channel / s->outputs, m = channel % s->outputs;
    const int32_t z = zero ? zero[channel] : 0;
    for (size_t c = 0; c < s->channels; c++)
      for (size_t i = 0; i < s->kernel[1]; i++)
        for (size_t j = 0; j < s->kernel[2]; j++, w++) {
          const size_t column = j * s->outputs + m, at = i * s->channels + c;
          uint32_t *to = (uint32_t *)packed + ((group * panels + column / 16) * words + at / 2) * 16 + column % 16;
          *to |= ((uint32_t)((int8_t)(*w ^ flip) - z) & 0xffff) << at % 2 * 16;
        }
  }
}

size_t pk_conv_int8_few_terms_bytes(const pk_conv_shape *s) { return pk_mul(s->groups, 2 * 16 * sizeof(uint32_t)); }

void pk_conv_int8_few_terms(const pk_conv_int8_last *c, void *terms) {
  const pk_conv_shape *s = &c->shape;
  memset(terms, 0, pk_conv_int8_few_terms_bytes(s));
  for (size_t channel = 0; channel < s->groups * s->outputs; channel++) {
    uint32_t *to = (uint32_t *)terms + channel / s->outputs * 2 * 16 + channel % s->outputs;
    if (c->bias) to[0] = (uint32_t)c->bias[channel];
    memcpy(to + 16, c->scale + channel, sizeof(float));
  }
}

size_t pk_conv_int8_few_pieces(const pk_conv_shape *s) { return pk_mul(s->out[1], pk_few_pieces_of_row(s)); }

size_t pk_conv_int8_few_grid(const pk_conv_shape *s, size_t products, size_t threads) {
  const pk_conv_shape t = pk_few_shape(s);
  // About half a millisecond of products in a call.
  const size_t columns = pk_few_piece(s) + pk_reach(s, 2) - 1, all = pk_conv_int8_few_pieces(s);
  const size_t work = pk_max(pk_mul(pk_mul(pk_last_words(&pk_last_avx2, &t), pk_last_panels(&pk_last_avx2, &t) * 16), columns), 1);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(3 * threads, pk_max(products, 1));
  return pk_max(pk_min(((size_t)4 << 20) / work, pk_ceil_div(all, wanted)), 1);
}

size_t pk_conv_int8_few_scratch_bytes(const pk_conv_shape *s) {
  const pk_conv_shape t = pk_few_shape(s);
  const size_t columns = pk_few_piece(s) + pk_reach(s, 2) - 1;
  return pk_add(pk_few_patch_bytes(&t, s), (columns * pk_few_sum_words(&t) + 16) * sizeof(uint32_t));
}

void pk_conv_int8_few_block(const pk_conv_int8_last *c, size_t image, size_t group, size_t piece0, size_t piece1, void *scratch) {
#if defined(__x86_64__)
  pk_conv_int8_few_block_avx2(c, image, group, piece0, piece1, scratch);
#else
  (void)c, (void)image, (void)group, (void)piece0, (void)piece1, (void)scratch;
#endif
}
