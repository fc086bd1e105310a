// Convolutions without the taps that meet padding; included after pk_conv_pack.inl.h.

/// Neighbouring columns of a panel that are neighbours in the output, too.
typedef struct span {
  size_t column, at, count;
} span;

/// The spans of the panel whose first vector is v.
static size_t find_spans(const run *runs, const size_t *first, size_t v, size_t vectors, span spans[NR]) {
  size_t count = 0;
  for (size_t u = v; u < pk_min(v + 2, vectors); u++)
    for (const run *r = runs + first[u]; r < runs + first[u + 1]; r++) {
      if (count > 0 && spans[count - 1].at + spans[count - 1].count == r->at)
        spans[count - 1].count += r->count;
      else
        spans[count++] = (span){.column = (u - v) * VW + r->lane, .at = r->at, .count = r->count};
    }
  return count;
}

/// Terms [q0, q1) of one row of the kernel, counted as (kw - first tap) * channels + channel, as packed panels. Every tap
/// lies inside the input.
static void pack_live(const pk_conv_shape *s, const float *x, const size_t tap[3], size_t q0, size_t q1, size_t width, const run *runs,
                      const size_t *first, float *packed) {
  const size_t plane = pk_product3(s->in), stride = s->stride[2], vectors = (width + VW - 1) / VW, kc = q1 - q0;
  for (size_t q = q0; q < q1;) {
    const size_t kw = tap[2] + q / s->channels, c0 = q % s->channels, c1 = pk_min(s->channels, c0 + (q1 - q));
    const ptrdiff_t dw = (ptrdiff_t)(kw * s->dilation[2]) - (ptrdiff_t)s->pad[2];
    const float *source = x + c0 * plane;
    for (size_t v = 0; v < vectors; v++) {
      lanes m[VW];
      size_t count = 0;
      for (const run *r = runs + first[v]; r < runs + first[v + 1]; r++) {
        const ptrdiff_t d = r->d + (ptrdiff_t)(tap[0] * s->dilation[0]), h = r->h + (ptrdiff_t)(tap[1] * s->dilation[1]);
        m[count].from = (d * (ptrdiff_t)s->in[1] + h) * (ptrdiff_t)s->in[2] + (r->ow - (ptrdiff_t)r->lane) * (ptrdiff_t)stride + dw;
        m[count].bits = (((uint32_t)1 << r->count) - 1) << r->lane;
        set_masks(&m[count++], stride);
      }
      float *to = packed + (q - q0) * NR + v / 2 * kc * NR + v % 2 * VW;
      if (stride == 1)
        pack_channels(source, plane, c1 - c0, m, count, 1, to, NR);
      else
        pack_channels(source, plane, c1 - c0, m, count, stride, to, NR);
    }
    if (vectors % 2)
      for (size_t c = 0; c < c1 - c0; c++) vf_store(packed + (q - q0 + c) * NR + vectors / 2 * kc * NR + VW, (vf)0.0f);
    q += c1 - c0;
  }
}

/// Positions [n, n + width) of one box, in which the taps from `low` up to `high` are live.
static void skipping_columns(const pk_conv_shape *s, const float *x, const region *box, const size_t low[3], const size_t high[3], size_t n,
                             size_t width, const pk_sgemm *g, const float *pa, size_t m0, size_t rows, float *pb) {
  const size_t k = pk_conv_depth(s), mr = pk_even_part(s->outputs, MR);
  const size_t length = (high[2] - low[2]) * s->channels, part = pk_even_part(length, PK_SGEMM_KC);
  const bool empty = high[0] == low[0] || high[1] == low[1] || length == 0;
  run runs[PK_SGEMM_NC];
  size_t first[PK_SGEMM_NC / VW + 1];
  span spans[PK_SGEMM_NC / NR][NR];
  size_t span_count[PK_SGEMM_NC / NR];
  find_runs(s, box, n, width, runs, first);
  const size_t vectors = (width + VW - 1) / VW;
  for (size_t v = 0; v < vectors; v += 2) span_count[v / 2] = find_spans(runs, first, v, vectors, spans[v / 2]);
  store target = store_of(g);
  // A span's last vector may begin so late in the last row that it ends behind it.
  float tile[MR * NR + VW] __attribute__((aligned(64)));
  size_t tap[3] = {low[0], low[1], low[2]};
  for (bool start = true, end = false; !end; start = false) {
    // One row of the kernel after the other, cut in even parts.
    for (size_t q = 0; !end && (q < length || empty); q += part) {
      const size_t kc = empty ? 0 : pk_min(part, length - q);
      end = empty || (tap[0] + 1 == high[0] && tap[1] + 1 == high[1] && q + kc == length);
      if (!empty) pack_live(s, x, tap, q, q + kc, width, runs, first, pb);
      store_part(&target, g, start && q == 0, end);
      const size_t kb = ((tap[0] * s->kernel[1] + tap[1]) * s->kernel[2] + tap[2]) * s->channels + q;
      for (size_t j = 0; j < width; j += NR)
        for (size_t i = 0; i < rows; i += mr) {
          const size_t height = pk_min(mr, rows - i);
          // As in run_panel: equal columns get equal sums.
          const size_t wide = height <= PK_SKINNY_ROWS || width - j > VW ? 2 : 1;
          micro_kernel(height, wide)(kc, pa + i * k + kb * height, pb + j * kc, NR, tile, NR);
          for (size_t p = 0; p < span_count[j / NR]; p++) {
            const span *one = spans[j / NR] + p;
            finish_tile(&target, tile + one->column, NR, height, one->count, m0 + i, one->at);
          }
        }
    }
    if (++tap[1] == high[1]) tap[1] = low[1], tap[0]++;
  }
}

static void conv_skipping(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  if (m0 >= m1 || n0 >= n1) return;
  const pk_conv_shape *s = &c->shape;
  const size_t k = pk_conv_depth(s), columns = pk_product3(s->out);
  const pk_sgemm g = conv_product(c, image, group, c->y + (image * s->groups + group) * s->outputs * columns, columns);
  const size_t stride = pk_round64(s->outputs * k * sizeof(float)) / sizeof(float);
  const float *pa = c->weights + group * stride + m0 * k, *x = c->x + (image * s->groups + group) * s->channels * pk_product3(s->in);
  pk_band bands[3][PK_BANDS];
  size_t count[3], before = 0;
  for (int i = 0; i < 3; i++) count[i] = pk_bands(s, i, bands[i]);
  for (size_t b = 0; b < count[0] * count[1] * count[2] && before < n1; b++) {
    const pk_band *of[3] = {bands[0] + b / count[2] / count[1], bands[1] + b / count[2] % count[1], bands[2] + b % count[2]};
    region box;
    size_t low[3], high[3];
    for (int i = 0; i < 3; i++) box.start[i] = of[i]->start, box.size[i] = of[i]->end - of[i]->start, low[i] = of[i]->first, high[i] = of[i]->last;
    const size_t positions = pk_product3(box.size), from = n0 > before ? n0 - before : 0, to = pk_min(n1 - before, positions);
    for (size_t n = from; n < to; n += PK_SGEMM_NC)
      skipping_columns(s, x, &box, low, high, n, pk_min(PK_SGEMM_NC, to - n), &g, pa, m0, m1 - m0, scratch);
    before += positions;
  }
}
