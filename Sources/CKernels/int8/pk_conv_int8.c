#include "pk_conv_int8.h"

#include <string.h>

#include "pk_conv_int8_internal.h"

bool pk_conv_int8_fits(pk_isa isa, const pk_conv_shape *s) {
  return isa == PK_ISA_AVX512 && pk_has_vnni() && s->channels >= 3 && s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
}

pk_conv_int8_layout pk_conv_int8_layout_of(const pk_conv_shape *s) {
  pk_conv_int8_layout l = {.in_place = true};
  size_t size[2];
  for (int i = 0; i < 2; i++) {
    const size_t stride = s->stride[i + 1], reach = (s->kernel[i + 1] - 1) * s->dilation[i + 1];
    l.phases[i] = pk_min(stride, reach + 1);
    size[i] = pk_add(s->out[i + 1], reach / stride);
    l.in_place &= stride == 1 && s->pad[i + 1] == 0 && size[i] == s->in[i + 1];
  }
  l.lines = size[0], l.line = size[1];
  l.plane = pk_mul(pk_mul(l.phases[0], l.phases[1]), pk_mul(l.lines, l.line));
  l.positions = (s->out[1] - 1) * l.line + s->out[2];
  return l;
}

void pk_conv_int8_fill(const pk_conv_shape *s, const uint8_t *x, uint8_t *to) {
  const pk_conv_int8_layout l = pk_conv_int8_layout_of(s);
  const size_t stride = s->stride[2], pad = s->pad[2], width = s->in[2];
  for (size_t ph = 0; ph < l.phases[0]; ph++)
    for (size_t pw = 0; pw < l.phases[1]; pw++) {
      // Places c of a row with 0 <= c * stride + pw - pad < width.
      const size_t first = pk_min(pw < pad ? pk_ceil_div(pad - pw, stride) : 0, l.line);
      const size_t last = width + pad > pw ? pk_max(pk_min(pk_ceil_div(width + pad - pw, stride), l.line), first) : first;
      for (size_t r = 0; r < l.lines; r++, to += l.line) {
        const size_t h = r * s->stride[1] + ph;
        if (h < s->pad[1] || h - s->pad[1] >= s->in[1] || first == last) continue;
        const uint8_t *from = x + (h - s->pad[1]) * width + first * stride + pw - pad;
        if (stride == 1)
          memcpy(to + first, from, last - first);
        else if (stride == 2)
          for (size_t c = 0; c < last - first; c++) to[first + c] = from[2 * c];
        else
          for (size_t c = 0; c < last - first; c++) to[first + c] = from[c * stride];
      }
    }
}

void pk_conv_int8_pad(const pk_conv_shape *s, const uint8_t *x, uint8_t zero, uint8_t *to) {
  memset(to, zero, pk_conv_int8_layout_of(s).plane);
  pk_conv_int8_fill(s, x, to);
}

size_t pk_conv_int8_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  return pk_igemm_packed_a_bytes(isa, s->outputs, pk_mul(pk_conv_int8_words(s), 4));
}

size_t pk_conv_int8_pack_bytes(pk_isa isa, const pk_conv_shape *s) {
  return pk_mul(pk_igemm_panel_rows(isa, s->outputs), pk_mul(pk_conv_int8_words(s), 4));
}

void pk_conv_int8_pack(pk_isa isa, const pk_conv_shape *s, bool w_signed, uint8_t flip, const uint8_t *w, void *room,
                       void *packed) {
  const pk_igemm_table *t = pk_igemm_table_of(isa);
  const size_t taps = pk_product3(s->kernel), quads = pk_conv_int8_quads(s), words = quads * taps, mr = pk_igemm_panel_rows(isa, s->outputs);
  uint32_t *to = packed, *sums = to + pk_igemm_a_words(s->outputs, words);
  uint8_t *rows = room;
  for (size_t m = 0; m < s->outputs; m += mr) {
    const size_t count = pk_min(mr, s->outputs - m);
    memset(rows, 0, count * words * 4);
    for (size_t r = 0; r < count; r++)
      for (size_t c = 0; c < s->channels; c++)
        for (size_t tap = 0; tap < taps; tap++)
          rows[r * words * 4 + tap * quads * 4 + c] = w[((m + r) * s->channels + c) * taps + tap] ^ flip;
    t->pack_a(false, w_signed, count, words * 4, rows, words * 4, count, to + m * words, sums + m);
  }
}

void pk_conv_int8_grid(pk_isa isa, const pk_conv_shape *s, size_t products, size_t threads, size_t *outputs, size_t *positions) {
  const size_t mr = pk_igemm_panel_rows(isa, s->outputs), panels = pk_ceil_div(pk_conv_int8_layout_of(s).positions, 32);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(3 * threads, pk_max(products, 1));
  // About half a millisecond of products in a call.
  const size_t work = pk_max(pk_mul(pk_conv_int8_words(s), s->outputs), 1), most = pk_max(((size_t)8 << 20) / work, 1);
  const size_t together = pk_max(pk_min(most, pk_ceil_div(panels, wanted)), 1);
  const size_t blocks = pk_ceil_div(panels, together), rows = pk_ceil_div(s->outputs, pk_max(wanted / pk_max(blocks, 1), 1));
  *outputs = pk_max(pk_ceil_div(rows, mr) * mr, mr);
  *positions = together * 32;
}

size_t pk_conv_int8_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t positions) {
  (void)isa;
  return pk_mul(pk_mul(pk_min(pk_conv_int8_panels(s), pk_ceil_div(positions, 32)), 128), pk_conv_int8_words(s));
}

void pk_conv_int8_block(pk_isa isa, const pk_conv_int8 *c, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) pk_conv_int8_block_avx512(c, m0, m1, n0, n1, scratch);
#else
  (void)isa, (void)c, (void)m0, (void)m1, (void)n0, (void)n1, (void)scratch;
#endif
}

bool pk_conv_int8_depthwise_fits(pk_isa isa, const pk_conv_shape *s) {
  return isa == PK_ISA_AVX512 && pk_has_vnni() && s->channels == 1 && s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
}

size_t pk_conv_int8_depthwise_packed_bytes(const pk_conv_shape *s) {
  const size_t words = pk_add(pk_ceil_div(pk_product3_checked(s->kernel), 4), 1);
  return pk_mul(pk_mul(pk_mul(s->groups, s->outputs), words), sizeof(uint32_t));
}

void pk_conv_int8_depthwise_pack(const pk_conv_shape *s, bool w_signed, uint8_t flip, const uint8_t *w, void *packed) {
  const size_t taps = pk_product3(s->kernel), quads = pk_ceil_div(taps, 4), channels = s->groups * s->outputs;
  uint32_t *words = packed, *sums = words + channels * quads;
  memset(packed, 0, channels * (quads + 1) * sizeof *words);
  for (size_t c = 0; c < channels; c++)
    for (size_t t = 0; t < taps; t++) {
      const uint8_t byte = w[c * taps + t] ^ flip;
      words[c * quads + t / 4] |= (uint32_t)byte << t % 4 * 8;
      sums[c] += w_signed ? (uint32_t)(int32_t)(int8_t)byte : byte;
    }
}

size_t pk_conv_int8_depthwise_scratch_bytes(const pk_conv_shape *s) {
  const size_t offsets = pk_mul(pk_ceil_div(pk_product3_checked(s->kernel), 4), 4 * sizeof(size_t));
  const pk_conv_int8_layout l = pk_conv_int8_layout_of(s);
  const size_t stretches = pk_mul(pk_conv_int8_stretches(&l, s), sizeof(pk_stretch));
  return pk_add(pk_add(pk_round64(offsets), pk_round64(stretches)), pk_add(l.plane, PK_CONV_INT8_SLACK));
}

void pk_conv_int8_depthwise(pk_isa isa, const pk_conv_int8 *c, size_t plane0, size_t plane1, void *scratch) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) pk_conv_int8_depthwise_avx512(c, plane0, plane1, scratch);
#else
  (void)isa, (void)c, (void)plane0, (void)plane1, (void)scratch;
#endif
}
