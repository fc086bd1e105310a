// Patches of the input as panels of a packed B, made on the way into the product.

/// Columns of one vector that lie in one row of the output.
typedef struct run {
  ptrdiff_t d, h;       ///< Input depth and row of the kernel's first tap, before bounds are looked at.
  ptrdiff_t ow;         ///< Output column of the run's first lane.
  size_t at;            ///< The same in the output plane.
  unsigned lane, count; ///< Its place in the vector.
} run;

/// Lanes of a vector that are read from memory; `from` is where lane 0 would be.
typedef struct lanes {
  ptrdiff_t from;
  uint32_t bits;
#if PK_LEVEL == 1
  vi low, high;
#elif PK_LEVEL == 2
  __mmask16 low, high;
#endif
} lanes;

/// The same convolution with as few and as long rows as can be.
static pk_conv_shape flattened(const pk_conv_shape *shape) {
  pk_conv_shape s = *shape;
  if (pk_conv_is_pointwise(&s)) {
    s.in[2] = pk_product3(s.in);
    s.out[2] = pk_product3(s.out);
    s.in[0] = s.in[1] = s.out[0] = s.out[1] = 1;
    return s;
  }
  for (int i = 0; i < 2 && s.in[2] == 1 && s.out[2] == 1 && s.kernel[2] == 1 && s.pad[2] == 0; i++) {
    size_t *const fields[] = {s.in, s.kernel, s.stride, s.dilation, s.pad, s.out};
    for (int f = 0; f < 6; f++) {
      fields[f][2] = fields[f][1];
      fields[f][1] = fields[f][0];
      fields[f][0] = f == 4 ? 0 : 1;
    }
  }
  return s;
}

/// A box of the output plane, whose positions are counted row by row.
typedef struct region {
  size_t start[3], size[3];
} region;

/// Cuts positions [n, n + width) of a region into runs; those of vector v are runs[first[v]] ..< runs[first[v + 1]].
static void find_runs(const pk_conv_shape *s, const region *box, size_t n, size_t width, run *runs, size_t *first) {
  const size_t *size = box->size, *start = box->start;
  size_t count = 0, ow = n % size[2], oh = n / size[2] % size[1], od = n / size[2] / size[1];
  for (size_t j = 0; j < width; j += VW) {
    first[j / VW] = count;
    const size_t end = pk_min(VW, width - j);
    for (size_t lane = 0; lane < end;) {
      const size_t length = pk_min(end - lane, size[2] - ow), d = start[0] + od, h = start[1] + oh, w = start[2] + ow;
      runs[count++] = (run){.d = (ptrdiff_t)(d * s->stride[0]) - (ptrdiff_t)s->pad[0],
                            .h = (ptrdiff_t)(h * s->stride[1]) - (ptrdiff_t)s->pad[1],
                            .ow = (ptrdiff_t)w,
                            .at = (d * s->out[1] + h) * s->out[2] + w,
                            .lane = (unsigned)lane,
                            .count = (unsigned)length};
      lane += length;
      ow += length;
      if (ow < size[2]) continue;
      ow = 0;
      if (++oh < size[1]) continue;
      oh = 0;
      od++;
    }
  }
  first[(width + VW - 1) / VW] = count;
}

#if PK_LEVEL == 1
PK_INLINE vi mask_of(uint32_t bits) {
  const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return (vi)_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), each), each);
}
#endif

/// Bit i goes to bit 2i.
PK_INLINE uint32_t spread(uint32_t b) {
  b = (b | b << 8) & 0x00ff00ff;
  b = (b | b << 4) & 0x0f0f0f0f;
  b = (b | b << 2) & 0x33333333;
  return (b | b << 1) & 0x55555555;
}

PK_INLINE void set_masks(lanes *m, size_t stride) {
#if PK_LEVEL == 1
  const uint32_t bits = stride == 2 ? spread(m->bits) : m->bits;
  m->low = mask_of(bits & 0xff);
  m->high = mask_of(bits >> 8 & 0xff);
#elif PK_LEVEL == 2
  const uint32_t bits = stride == 2 ? spread(m->bits) : m->bits;
  m->low = (__mmask16)bits;
  m->high = (__mmask16)(bits >> 16);
#else
  (void)m, (void)stride;
#endif
}

/// Strides up to this are gathered with 32-bit indices.
enum { GATHER_LIMIT = 1 << 20 };

/// Lane i of the result is x[from + i * stride] where the lane is set, else 0. Nothing else is read. The address is
/// computed as a number, because that of lane 0 may lie outside the tensor.
PK_INLINE vf load_lanes(const float *x, const lanes *m, size_t stride) {
  const float *p = (const float *)((uintptr_t)x + (uintptr_t)m->from * sizeof(float));
#if PK_LEVEL == 2
  if (stride == 1) return (vf)_mm512_maskz_loadu_ps(m->low, p);
  if (stride == 2) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512 high = _mm512_maskz_loadu_ps(m->high, (const float *)((uintptr_t)p + 64));
    return (vf)_mm512_permutex2var_ps(_mm512_maskz_loadu_ps(m->low, p), even, high);
  }
  if (stride < GATHER_LIMIT) {
    const __m512i index =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32((int)stride));
    return (vf)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), (__mmask16)m->bits, index, p, 4);
  }
#elif PK_LEVEL == 1
  if (stride == 1) return (vf)_mm256_maskload_ps(p, (__m256i)m->low);
  if (stride == 2) {
    const __m256 low = _mm256_maskload_ps(p, (__m256i)m->low),
                 high = _mm256_maskload_ps((const float *)((uintptr_t)p + 32), (__m256i)m->high);
    return (vf)_mm256_permute4x64_pd((__m256d)_mm256_shuffle_ps(low, high, 0x88), 0xd8);
  }
  if (stride < GATHER_LIMIT) {
    const __m256i index = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)stride));
    return (vf)_mm256_mask_i32gather_ps(_mm256_setzero_ps(), p, index, (__m256)m->low, 4);
  }
#else
  if (stride == 1 && m->bits == (1u << VW) - 1) return vf_load(p);
#endif
  float t[VW];
  for (unsigned i = 0; i < VW; i++) t[i] = m->bits >> i & 1 ? *(const float *)((uintptr_t)p + i * stride * sizeof(float)) : 0.0f;
  return vf_load(t);
}

/// One tap of one vector for channels [c0, c1): to[(c - c0) * step].
PK_INLINE void pack_channels(const float *x, size_t plane, size_t channels, const lanes *m, size_t count, size_t stride, float *to,
                             size_t step) {
  if (count == 1) {
    for (size_t c = 0; c < channels; c++, x += plane, to += step) vf_store(to, load_lanes(x, m, stride));
    return;
  }
  if (count == 2) {
    for (size_t c = 0; c < channels; c++, x += plane, to += step)
      vf_store(to, (vf)((vi)load_lanes(x, m, stride) | (vi)load_lanes(x, m + 1, stride)));
    return;
  }
  for (size_t c = 0; c < channels; c++, x += plane, to += step) {
    vi v = 0;
    for (size_t r = 0; r < count; r++) v |= (vi)load_lanes(x, m + r, stride);
    vf_store(to, (vf)v);
  }
}

/// Where the columns of a patch matrix go: vector v of row r to r * ld + v / 2 * pair + v % 2 * VW. Panels have ld = NR and pair = NR * depth,
/// a matrix of whole rows has pair = NR and ld = NR for each two vectors.
typedef struct places {
  size_t ld, pair;
} places;

/// Output columns [*low, *high) for which tap kw of the row lies inside the input.
PK_INLINE void valid_columns(const pk_conv_shape *s, size_t kw, ptrdiff_t *low, ptrdiff_t *high) {
  const ptrdiff_t at = (ptrdiff_t)(kw * s->dilation[2]) - (ptrdiff_t)s->pad[2], step = (ptrdiff_t)s->stride[2];
  const ptrdiff_t room = (ptrdiff_t)s->in[2] - at;
  *low = at < 0 ? (-at + step - 1) / step : 0;
  *high = room > 0 ? (room + step - 1) / step : 0;
}

/// Rows of kernels at least this long whose windows lie at least LONG_STRIDE apart are read along the kernel, not across windows.
enum { LONG_ROW = 8, LONG_STRIDE = 3 };

/// Taps [q0, q1) of one kernel row for one vector of windows, whose input rows are given by `line` (NULL: nothing but
/// padding) for each run: to[(q - q0) * ld + lane].
static void pack_windows(const pk_conv_shape *s, const float *const *line, const run *runs, size_t count, size_t q0, size_t q1, float *to,
                         size_t ld) {
  const ptrdiff_t stride = (ptrdiff_t)s->stride[2], width = (ptrdiff_t)s->in[2];
  unsigned lane = 0;
  for (size_t i = 0; i < count; i++) {
    const run *r = runs + i;
    const ptrdiff_t start = r->ow * stride - (ptrdiff_t)s->pad[2] + (ptrdiff_t)q0, reach = (ptrdiff_t)(q1 - q0);
    // Windows [whole, end) lie inside the row.
    ptrdiff_t whole = start < 0 ? (-start + stride - 1) / stride : 0, end = width - reach - start >= 0 ? (width - reach - start) / stride + 1 : 0;
    if (end > (ptrdiff_t)r->count) end = (ptrdiff_t)r->count;
    if (!line[i] || end <= whole) whole = end = 0;
    if (whole < end) transpose(line[i] + (start + whole * stride), s->stride[2], (size_t)(end - whole), q1 - q0, to + r->lane + whole, ld);
    for (ptrdiff_t j = 0; j < (ptrdiff_t)r->count; j++) {
      if (j >= whole && j < end) continue;
      for (ptrdiff_t q = 0; q < reach; q++) {
        const ptrdiff_t at = start + j * stride + q;
        to[q * ld + r->lane + j] = line[i] && at >= 0 && at < width ? line[i][at] : 0.0f;
      }
    }
    lane = r->lane + r->count;
  }
  for (; lane < VW; lane++)
    for (size_t q = 0; q < q1 - q0; q++) to[q * ld + lane] = 0.0f;
}

/// pack_patches for kernels with long rows and wide strides.
static void pack_long_rows(const pk_conv_shape *s, const float *x, size_t kb, size_t kc, size_t width, const run *runs, const size_t *first,
                           float *packed, places to) {
  const size_t length = s->kernel[2], vectors = (width + VW - 1) / VW;
  for (size_t k = kb; k < kb + kc;) {
    const size_t row = k / length, q0 = k % length, q1 = pk_min(length, q0 + (kb + kc - k));
    const size_t kh = row % s->kernel[1], kd = row / s->kernel[1] % s->kernel[0], c = row / s->kernel[1] / s->kernel[0];
    for (size_t v = 0; v < vectors; v++) {
      const float *line[VW];
      const size_t count = first[v + 1] - first[v];
      for (size_t i = 0; i < count; i++) {
        const run *r = runs + first[v] + i;
        const ptrdiff_t d = r->d + (ptrdiff_t)(kd * s->dilation[0]), h = r->h + (ptrdiff_t)(kh * s->dilation[1]);
        const bool inside = (size_t)d < s->in[0] && (size_t)h < s->in[1];
        line[i] = inside ? x + ((c * s->in[0] + (size_t)d) * s->in[1] + (size_t)h) * s->in[2] : NULL;
      }
      pack_windows(s, line, runs + first[v], count, q0, q1, packed + (k - kb) * to.ld + v / 2 * to.pair + v % 2 * VW, to.ld);
    }
    if (vectors % 2)
      for (size_t q = 0; q < q1 - q0; q++) vf_store(packed + (k - kb + q) * to.ld + vectors / 2 * to.pair + VW, (vf)0.0f);
    k += q1 - q0;
  }
}

/// Rows of the patch matrix that are rows of the input: `width` elements of each of `channels` planes from x on.
static void pack_positions(const float *x, size_t plane, size_t channels, size_t width, float *packed, places to) {
  const size_t whole = width / VW, rest = width % VW;
  for (size_t c = 0; c < channels; c++, x += plane, packed += to.ld) {
    size_t v = 0;
    for (; v + 2 <= whole; v += 2) {
      const vf a = vf_load(x + v * VW), b = vf_load(x + v * VW + VW);
      vf_store(packed + v / 2 * to.pair, a);
      vf_store(packed + v / 2 * to.pair + VW, b);
    }
    if (v * VW >= width) continue;
    float *at = packed + v / 2 * to.pair;
    if (v < whole) vf_store(at, vf_load(x + v * VW)), at += VW, v++;
    if (rest > 0) vf_store(at, vf_load_n(x + v * VW, rest)), at += VW, v++;
    if (v % 2) vf_store(at, (vf)0.0f);
  }
}

/// One tap of `channels` channels from x on, whose rows of the patch matrix begin at `row`.
static void pack_tap(const pk_conv_shape *s, const float *x, size_t tap, size_t channels, size_t vectors, const run *runs, const size_t *first,
                     float *row, places to) {
  const size_t taps = pk_product3(s->kernel), plane = pk_product3(s->in), stride = s->stride[2], step = taps * to.ld;
  const size_t kw = tap % s->kernel[2], kh = tap / s->kernel[2] % s->kernel[1], kd = tap / s->kernel[2] / s->kernel[1];
  ptrdiff_t low, high;
  valid_columns(s, kw, &low, &high);
  const ptrdiff_t dw = (ptrdiff_t)(kw * s->dilation[2]) - (ptrdiff_t)s->pad[2];
  for (size_t v = 0; v < vectors; v++) {
    lanes m[VW];
    size_t count = 0;
    for (const run *r = runs + first[v]; r < runs + first[v + 1]; r++) {
      const ptrdiff_t d = r->d + (ptrdiff_t)(kd * s->dilation[0]), h = r->h + (ptrdiff_t)(kh * s->dilation[1]);
      const ptrdiff_t from = low > r->ow ? low - r->ow : 0;
      const ptrdiff_t end = high - r->ow < (ptrdiff_t)r->count ? high - r->ow : (ptrdiff_t)r->count;
      if ((size_t)d >= s->in[0] || (size_t)h >= s->in[1] || from >= end) continue;
      const ptrdiff_t line = (d * (ptrdiff_t)s->in[1] + h) * (ptrdiff_t)s->in[2];
      m[count].from = line + (r->ow - (ptrdiff_t)r->lane) * (ptrdiff_t)stride + dw;
      m[count].bits = (((uint32_t)1 << (end - from)) - 1) << (r->lane + (unsigned)from);
      set_masks(&m[count++], stride);
    }
    float *at = row + v / 2 * to.pair + v % 2 * VW;
    if (stride == 1)
      pack_channels(x, plane, channels, m, count, 1, at, step);
    else if (stride == 2)
      pack_channels(x, plane, channels, m, count, 2, at, step);
    else
      pack_channels(x, plane, channels, m, count, stride, at, step);
  }
  if (vectors % 2)
    for (size_t c = 0; c < channels; c++) vf_store(row + vectors / 2 * to.pair + VW + c * step, (vf)0.0f);
}

/// Channels of which all taps are packed before the next ones where planes lie whole pages or quarters of them apart: the lines of many would
/// displace each other in the L1 cache before the taps behind have read them.
enum { PACK_CHANNELS = 8, PAGE_PART = 256 };

/// Rows [kb, kb + kc) of the patch matrix (row = (channel, kd, kh, kw)) for the columns of `runs`, as `to` says.
static void pack_patches(const pk_conv_shape *s, const float *x, size_t kb, size_t kc, size_t width, const run *runs, const size_t *first,
                         float *packed, places to) {
  const size_t taps = pk_product3(s->kernel), plane = pk_product3(s->in), stride = s->stride[2];
  const size_t vectors = (width + VW - 1) / VW;
  if (s->kernel[2] >= LONG_ROW && stride >= LONG_STRIDE && s->dilation[2] == 1)
    return pack_long_rows(s, x, kb, kc, width, runs, first, packed, to);
  // One row in and out, without padding on any axis.
  bool is_row = taps == 1 && stride == 1 && s->in[2] == s->out[2] && s->pad[2] == 0;
  for (int i = 0; i < 2; i++) is_row &= s->in[i] == 1 && s->out[i] == 1 && s->pad[i] == 0;
  if (is_row) {
    pack_positions(x + kb * plane + runs[0].ow, plane, kc, width, packed, to);
    return;
  }
  // Kernels may have more taps than there are rows: only those of the rows are looked at.
  const size_t tap0 = kb % taps, count_of_taps = pk_min(taps, kc), together = taps == 1 || plane % PAGE_PART ? kc : PACK_CHANNELS;
  for (size_t channel = kb / taps; channel * taps < kb + kc; channel += together)
    for (size_t t = 0; t < count_of_taps; t++) {
      const size_t tap = tap0 + t < taps ? tap0 + t : tap0 + t - taps;
      // Of these channels those whose row of this tap lies in [kb, kb + kc).
      const size_t c0 = pk_max(kb > tap ? (kb - tap + taps - 1) / taps : 0, channel);
      const size_t c1 = pk_min(kb + kc > tap ? (kb + kc - tap + taps - 1) / taps : 0, channel + together);
      if (c0 < c1) pack_tap(s, x + c0 * plane, tap, c1 - c0, vectors, runs, first, packed + (c0 * taps + tap - kb) * to.ld, to);
    }
}

static void conv_patches(const pk_conv *c, bool turned, size_t image, size_t group, size_t channel0, size_t channel1, float *patches) {
  const pk_conv_shape shape = flattened(&c->shape), *s = &shape;
  const size_t taps = pk_product3(s->kernel), k = s->channels * taps, k0 = channel0 * taps, kc = channel1 * taps - k0, all = pk_product3(s->out);
  const float *x = c->x + (image * s->groups + group) * s->channels * pk_product3(s->in);
  const pk_conv_turned z = pk_conv_turned_sizes(s, 0, MR, NR);
  const size_t ld = turned ? z.ld : NR, part = turned ? z.positions : PK_SGEMM_NC;
  const region whole = {.size = {s->out[0], s->out[1], s->out[2]}};
  for (size_t n = 0; n < all && kc > 0; n += part) {
    const size_t width = pk_min(part, all - n);
    run runs[PK_TURNED_POSITIONS];
    size_t first[PK_TURNED_POSITIONS / VW + 1];
    find_runs(s, &whole, n, width, runs, first);
    pack_patches(
        s, x, k0, kc, width, runs, first, patches + (turned ? n / part * k * ld : n * k) + k0 * ld, (places){.ld = ld, .pair = turned ? NR : k * NR});
  }
}

/// The product of one image and group, with what is done to its sums; element (m, n) of the group goes to `to[m * ld + n]`.
static pk_sgemm conv_product(const pk_conv *c, size_t image, size_t group, float *to, size_t ld) {
  const pk_conv_shape *s = &c->shape;
  const size_t columns = pk_product3(s->out);
  pk_epilogue e = c->epilogue;
  if (e.row_bias) e.row_bias += group * s->outputs;
  if (e.residual) e.residual += (image * s->groups + group) * s->outputs * columns;
  e.ld_residual = columns;
  return (pk_sgemm){.c = to, .ldc = ld, .alpha = 1, .epilogue = e};
}
