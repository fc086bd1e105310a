// Winograd F(4x4, 3x3). Lanes of a vector are tiles side by side. The points are 0, +-a, +-b and infinity with a = sqrt(1/2),
// b = sqrt(2): their powers grow less than those of 1 and 2, which makes the rounding errors several times smaller.

PK_INLINE void transform_input(const vf d[6], vf t[6]) {
  const vf p = d[4] - 2.0f * d[2], q = 0.707106781f * (d[3] - 2.0f * d[1]);
  const vf r = d[4] - 0.5f * d[2], u = 1.41421356f * (d[3] - 0.5f * d[1]);
  t[0] = d[0] - 2.5f * d[2] + d[4];
  t[1] = p + q;
  t[2] = p - q;
  t[3] = r + u;
  t[4] = r - u;
  t[5] = d[1] - 2.5f * d[3] + d[5];
}

PK_INLINE void transform_output(const vf m[6], vf y[4]) {
  const vf s = m[1] + m[2], d = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
  y[0] = m[0] + s + s2;
  y[1] = 0.707106781f * d + 1.41421356f * d2;
  y[2] = 0.5f * s + 2.0f * s2;
  y[3] = 0.353553391f * d + 2.82842712f * d2 + m[5];
}

/// Row h of the input with its padding as four phases: to[p * phase + i] = padded[4 * i + p].
static void copy_row_by_four(const pk_conv_shape *s, const float *plane, ptrdiff_t h, size_t phase, float *padded, float *to) {
  const size_t length = 4 * phase, width = s->in[2], pad = s->pad[2];
  for (size_t i = 0; i < length; i += VW) vf_store((size_t)h < s->in[1] ? padded + i : to + i, (vf)0.0f);
  if ((size_t)h >= s->in[1]) return;
  const float *from = plane + (size_t)h * width;
  const size_t count = pad < length ? pk_min(width, length - pad) : 0;
  size_t w = 0;
  for (; w + VW <= count; w += VW) vf_store(padded + pad + w, vf_load(from + w));
  if (w < count) vf_store_n(padded + pad + w, vf_load_n(from + w, count - w), count - w);
  for (size_t i = 0; i < phase; i += 4) transpose4(padded + 4 * i, 4, to + i, phase);
}

/// One channel: v[xi * step + tile] for the tiles of `bands` bands.
static void winograd_input(const pk_winograd *z, const float *lines, size_t bands, float *v, size_t step) {
  for (size_t band = 0; band < bands; band++)
    for (size_t j = 0; j < z->across; j += VW) {
      vf half[6][6];
      PK_UNROLL for (int q = 0; q < 6; q++) {
        vf d[6], t[6];
        const float *from = lines + band * 16 * z->phase + (size_t)(q % 4) * z->phase + (size_t)(q / 4) + j;
        PK_UNROLL for (int i = 0; i < 6; i++) d[i] = vf_load(from + (size_t)i * 4 * z->phase);
        transform_input(d, t);
        PK_UNROLL for (int i = 0; i < 6; i++) half[i][q] = t[i];
      }
      // Lanes behind the band's last tile are overwritten by the next band.
      float *to = v + band * z->across + j;
      PK_UNROLL for (int i = 0; i < 6; i++) {
        vf t[6];
        transform_input(half[i], t);
        PK_UNROLL for (int q = 0; q < 6; q++) vf_store(to + (size_t)(i * 6 + q) * step, t[q]);
      }
    }
}

/// Four rows of one output channel: rows[r * 4 * phase + column], bias added.
static void winograd_output(const pk_winograd *z, const float *m, size_t step, float bias, float *phases, float *rows) {
  for (size_t j = 0; j < z->across; j += VW) {
    vf half[4][6];
    PK_UNROLL for (int q = 0; q < 6; q++) {
      vf d[6], y[4];
      PK_UNROLL for (int i = 0; i < 6; i++) d[i] = vf_load(m + (size_t)(i * 6 + q) * step + j);
      transform_output(d, y);
      PK_UNROLL for (int i = 0; i < 4; i++) half[i][q] = y[i];
    }
    PK_UNROLL for (int i = 0; i < 4; i++) {
      vf y[4];
      transform_output(half[i], y);
      PK_UNROLL for (int q = 0; q < 4; q++) vf_store(phases + (size_t)(i * 4 + q) * z->phase + j, y[q] + bias);
    }
  }
  for (size_t r = 0; r < 4; r++)
    for (size_t i = 0; i < z->across; i += 4) transpose4(phases + r * 4 * z->phase + i, z->phase, rows + r * 4 * z->phase + 4 * i, 4);
}

/// Channels [channel0, channel1) of the input planes that the output planes from `plane0` on read, `planes` of them, transformed; those outside are zeros.
static void winograd_planes(const pk_conv *c, const pk_winograd *z, const float *x, size_t plane0, size_t planes, size_t band0, size_t bands,
                            size_t channel0, size_t channel1, float *v, float *lines, float *padded) {
  const pk_conv_shape *s = &c->shape;
  const size_t plane_size = s->in[1] * s->in[2], tiles = bands * z->across;
  for (size_t i = 0; i < planes; i++) {
    const size_t d = plane0 + i - s->pad[0];
    for (size_t channel = channel0; channel < channel1; channel++) {
      float *to = v + (i * s->channels + channel) * z->ld;
      if (d >= s->in[0]) {
        for (size_t xi = 0; xi < 36; xi++)
          for (size_t j = 0; j < tiles; j += VW) vf_store(to + xi * z->input_step + j, (vf)0.0f);
        continue;
      }
      const float *from = x + (channel * s->in[0] + d) * plane_size;
      for (size_t row = 0; row < 4 * bands + 2; row++)
        copy_row_by_four(s, from, (ptrdiff_t)(4 * band0 + row) - (ptrdiff_t)s->pad[1], z->phase, padded, lines + row * 4 * z->phase);
      winograd_input(z, lines, bands, to, z->input_step);
    }
  }
}

static void winograd_transform(const pk_conv *c, const pk_winograd_part *p, size_t channel0, size_t channel1, float *v, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t planes = p->plane1 - p->plane0, bands = p->band1 - p->band0;
  const pk_winograd z = pk_winograd_sizes(s, planes, bands, pk_even_part(s->outputs, MR), NR);
  float *lines = scratch;
  const float *x = c->x + (p->image * s->groups + p->group) * s->channels * pk_product3(s->in);
  winograd_planes(c, &z, x, p->plane0, planes + s->kernel[0] - 1, p->band0, bands, channel0, channel1, v, lines, lines + z.lines);
}

static void winograd_outputs(const pk_conv *c, const pk_winograd_part *p, size_t m0, size_t m1, const float *v, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t bands = p->band1 - p->band0, planes = p->plane1 - p->plane0, mr = pk_even_part(s->outputs, MR);
  const pk_winograd z = pk_winograd_sizes(s, planes, bands, mr, NR);
  const size_t tiles = bands * z.across, plane_size = s->out[1] * s->out[2], step = z.input_step, ld = planes * z.ld;
  const size_t depth = s->channels * s->kernel[0];
  float *product = scratch, *phases = product + z.product, *rows = phases + z.line;
  const size_t stride = pk_round64(s->outputs * depth * sizeof(float)) / sizeof(float);
  const float *weights = c->weights + p->group * 36 * stride;
  for (size_t m = m0; m < m1; m += z.rows) {
    const size_t count = pk_min(z.rows, m1 - m);
    for (size_t xi = 0; xi < 36; xi++)
      for (size_t plane = 0; plane < planes; plane++)
        for (size_t j = 0; j < tiles; j += NR)
          for (size_t i = 0; i < count; i += mr) {
            const size_t height = pk_min(mr, count - i);
            // As in run_panel: the order of a sum must not depend on how many tiles the call has.
            const micro kernel = micro_kernel(height, height <= PK_SKINNY_ROWS || tiles - j > VW ? 2 : 1);
            kernel(depth, weights + xi * stride + (m + i) * depth, v + xi * step + plane * s->channels * z.ld + j, z.ld,
                   product + xi * z.product_step + i * ld + plane * z.ld + j, ld);
          }
    for (size_t i = 0; i < count; i++)
      for (size_t plane = 0; plane < planes; plane++) {
        const size_t channel = p->group * s->outputs + m + i;
        const size_t at = ((p->image * s->groups * s->outputs + channel) * s->out[0] + p->plane0 + plane) * plane_size;
        pk_epilogue e = c->epilogue;
        const float bias = e.row_bias ? e.row_bias[channel] : 0;
        e.row_bias = NULL;
        if (e.residual) e.residual += at;
        e.ld_residual = s->out[2];
        const store to = {.c = c->y + at, .ldc = s->out[2], .alpha = 1, .e = &e};
        for (size_t band = 0; band < bands; band++) {
          winograd_output(&z, product + i * ld + plane * z.ld + band * z.across, z.product_step, bias, phases, rows);
          const size_t row = 4 * (p->band0 + band);
          finish_tile(&to, rows, 4 * z.phase, pk_min(4, s->out[1] - row), s->out[2], row, 0);
        }
      }
  }
}
