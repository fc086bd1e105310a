// Convolutions with an output channel in each lane: positions are the rows of the product, which need not fill vectors.
// Included after pk_conv_pack.inl.h.

/// tile[i * NR + j] = sum over p < kc of a[p * as + i] * b[p * NR + j], added to what it holds unless `is_first`. `ahead` is memory
/// that will be read soon: a line of it for each p.
#define MICRO_TURNED(M)                                                                                                      \
  static void turned_##M(size_t kc, const float *restrict a, size_t as, const float *restrict b, float *restrict tile,       \
                        bool is_first, const char *ahead) {                                                                 \
    vf acc[M][2];                                                                                                           \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++)                                             \
        acc[i][j] = is_first ? (vf)0.0f : vf_load(tile + i * NR + j * VW);                                                  \
    for (size_t p = 0; p < kc; p++, a += as, b += NR, ahead += 64) {                                                        \
      const vf b0 = vf_load(b), b1 = vf_load(b + VW);                                                                       \
      __builtin_prefetch(ahead, 0, 2);                                                                                      \
      PK_UNROLL for (int i = 0; i < M; i++) acc[i][0] += a[i] * b0, acc[i][1] += a[i] * b1;                                 \
    }                                                                                                                       \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) vf_store(tile + i * NR + j * VW, acc[i][j]); \
  }

typedef void (*micro_turned)(size_t kc, const float *a, size_t as, const float *b, float *tile, bool is_first, const char *ahead);
MICRO_TURNED(1) MICRO_TURNED(2) MICRO_TURNED(3) MICRO_TURNED(4)
#if PK_LEVEL >= 1
MICRO_TURNED(5) MICRO_TURNED(6)
#endif
#if PK_LEVEL == 2
MICRO_TURNED(7) MICRO_TURNED(8) MICRO_TURNED(9) MICRO_TURNED(10) MICRO_TURNED(11) MICRO_TURNED(12) MICRO_TURNED(13) MICRO_TURNED(14)
#endif

PK_INLINE micro_turned turned_kernel(size_t rows) {
  static const micro_turned table[MR] = {
      turned_1, turned_2, turned_3, turned_4,
#if PK_LEVEL >= 1
      turned_5, turned_6,
#endif
#if PK_LEVEL == 2
      turned_7, turned_8, turned_9, turned_10, turned_11, turned_12, turned_13, turned_14,
#endif
  };
  return table[rows - 1];
}

/// From sums of [positions][NR] to C, some positions at a time.
static void finish_turned(const store *target, const float *sums, size_t rows, size_t positions, size_t row, size_t col) {
  enum { PART = 64 };
  float tile[NR * PART] __attribute__((aligned(64)));
  for (size_t i = 0; i < positions; i += PART) {
    const size_t count = pk_min(PART, positions - i);
    if (count < PART) memset(tile, 0, sizeof tile);
    transpose(sums + i * NR, NR, count, rows, tile, PART);
    finish_tile(target, tile, PART, rows, count, row, col + i);
  }
}

/// As pk_conv_turned_block, of which element (m, n) goes to `to[m * ld + n]`. Each output's sum runs over k from the start on, so that
/// its bits depend neither on the block nor on where k is cut.
static void conv_turned_to(
    const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, float *to, size_t ld, void *scratch) {
  if (m0 >= m1 || n0 >= n1) return;
  const pk_conv_shape shape = flattened(&c->shape), *s = &shape;
  const size_t k = pk_conv_depth(s), outputs = m1 - m0;
  const pk_sgemm g = conv_product(c, image, group, to, ld);
  const store target = store_of(&g);
  const float *x = c->x + (image * s->groups + group) * s->channels * pk_product3(s->in);
  const float *w = c->weights + group * (pk_round64(pk_ceil_div(s->outputs, NR) * NR * k * sizeof(float)) / sizeof(float)) + m0 * k;
  const pk_conv_turned z = pk_conv_turned_sizes(s, outputs, MR, NR);
  const region whole = {.size = {s->out[0], s->out[1], s->out[2]}};
  const size_t depth = pk_even_part(k, PK_TURNED_KC);
  float *const made = scratch, *const sums = made + z.patches;
  const bool in_place = pk_conv_reads_in_place(s);
  for (size_t n = n0; n < n1; n += z.positions) {
    const size_t positions = pk_min(z.positions, n1 - n), rows = pk_even_part(positions, MR);
    run runs[PK_TURNED_POSITIONS];
    size_t first[PK_TURNED_POSITIONS / VW + 1];
    if (!in_place && !c->patches) find_runs(s, &whole, n, positions, runs, first);
    for (size_t kb = 0; kb < k; kb += depth) {
      const size_t kc = pk_min(depth, k - kb);
      const float *patches = made;
      size_t ld_patches = z.ld;
      if (in_place) patches = x + kb * pk_product3(s->in) + n, ld_patches = pk_product3(s->in);
      else if (c->patches) patches = c->patches + (n / z.positions * k + kb) * z.ld;
      else pack_patches(s, x, kb, kc, positions, runs, first, made, (places){.ld = z.ld, .pair = NR});
      for (size_t j = 0; j < outputs; j += NR) {
        const float *b = w + j * k + kb * NR;
        // The part of the weights that comes next is fetched while this one is multiplied.
        const float *next = j + NR < outputs ? b + k * NR : kb + kc < k ? w + (kb + kc) * NR : b;
        for (size_t i = 0; i < positions; i += rows) {
          const size_t at = i / rows * kc * 64;
          const char *ahead = at < kc * NR * sizeof(float) ? (const char *)next + at : (const char *)b;
          turned_kernel(pk_min(rows, positions - i))(kc, patches + i, ld_patches, b, sums + j * z.positions + i * NR, kb == 0, ahead);
        }
      }
    }
    for (size_t j = 0; j < outputs; j += NR) finish_turned(&target, sums + j * z.positions, pk_min(NR, outputs - j), positions, m0 + j, n);
  }
}

static void conv_turned(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  const size_t all = pk_product3(c->shape.out);
  conv_turned_to(c, image, group, m0, m1, n0, n1, c->y + (image * c->shape.groups + group) * c->shape.outputs * all, all, scratch);
}
