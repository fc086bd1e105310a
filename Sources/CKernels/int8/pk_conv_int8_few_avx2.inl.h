// The convolution of bytes with few outputs; included after pk_conv_int8_winograd_avx2.inl.h, whose product it uses.

void pk_conv_int8_few_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t piece0, size_t piece1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_last_level *level = &pk_last_avx2;
  pk_conv_int8_last spread = *c;
  spread.shape = pk_few_shape(s);
  const pk_conv_shape *t = &spread.shape;
  const size_t words = pk_last_words(level, t), lda = pk_last_patch_stride(level, t) / 4, panels = pk_last_panels(level, t);
  const size_t together = pk_few_together(t, s), ld = pk_few_sum_words(t), longest = pk_few_piece(s), of_row = pk_few_pieces_of_row(s);
  const size_t outputs = s->outputs, pixel = s->groups * outputs, reach = pk_reach(s, 2) - 1;
  const uint8_t *x = c->x + image * s->in[1] * s->in[2] * s->groups * s->channels + group * s->channels;
  const uint8_t *end = c->x + (image + 1) * s->in[1] * s->in[2] * s->groups * s->channels;
  uint8_t *y = c->y + image * s->out[1] * s->out[2] * pixel + group * outputs;
  const uint32_t *weights = (const uint32_t *)c->weights + group * panels * words * 16;
  uint32_t *patches = scratch, *sums = (uint32_t *)((uint8_t *)scratch + pk_few_patch_bytes(t, s));
  last_finish f = last_finish_of(c);
  f.terms = (const uint32_t *)c->terms + group * 2 * 16;
  for (size_t piece = piece0; piece < piece1; piece++) {
    const size_t oh = piece / of_row, w0 = piece % of_row * longest, count = pk_min(longest, s->out[2] - w0), columns = count + reach;
    for (size_t p = 0; p < columns; p += together) {
      const size_t here = pk_min(together, columns - p), rows = pk_even_part(here, LAST_ROWS);
      for (size_t i = 0; i < here; i++) {
        uint16_t *to = (uint16_t *)(patches + i * lda);
        c->x_signed ? last_patch(&spread, x, end, oh, w0 + p + i, true, to) : last_patch(&spread, x, end, oh, w0 + p + i, false, to);
      }
      for (size_t panel = 0; panel < panels; panel++)
        for (size_t i = 0; i < here; i += rows)
          sum_micros[pk_min(rows, here - i) - 1](words, patches + i * lda, lda, weights + panel * words * 16, sums + (p + i) * ld + panel * 16, ld);
    }
    uint8_t *to = y + (oh * s->out[2] + w0) * pixel;
    for (size_t i = 0; i < count; i++, to += pixel) {
      __m256i acc = _mm256_loadu_si256((const __m256i *)f.terms);
      const uint32_t *from = sums + i * ld;
      for (size_t j = 0; j < s->kernel[2]; j++, from += s->dilation[2] * ld + outputs) acc = _mm256_add_epi32(acc, _mm256_loadu_si256((const __m256i *)from));
      const __m256i v = last_round(acc, &f, 0);
      const __m128i codes = last_bytes(_mm256_permute4x64_epi64(_mm256_packs_epi32(v, v), 0xd8), &f);
      // What a whole vector writes too much is of this piece and written later.
      if (s->groups == 1 && (count - i) * outputs >= 8)
        _mm_storel_epi64((__m128i *)to, codes);
      else
        memcpy(to, &codes, outputs);
    }
  }
}
