// 2-D f32 pooling on padded rows, as in pk_conv_depthwise.inl.h.

/// NaN in either operand gives NaN.
PK_INLINE vf vf_max(vf a, vf b) { return ((a > b) | (a != a)) ? a : b; }

/// One output row: maximum or sum over the taps.
PK_INLINE void pool_row(const taps *t, bool max, float *y) {
  size_t j = 0;
  const vf start = max ? -INFINITY : 0.0f;
  for (; j + 2 * VW <= t->width; j += 2 * VW) {
    vf a = start, b = start;
    for (size_t p = 0; p < t->kh; p++)
      for (size_t q = 0; q < t->kw; q++) {
        const float *x = t->x + p * t->dilation * t->line + t->column[q] + j;
        a = max ? vf_max(a, vf_load(x)) : a + vf_load(x);
        b = max ? vf_max(b, vf_load(x + VW)) : b + vf_load(x + VW);
      }
    vf_store(y + j, a);
    vf_store(y + j + VW, b);
  }
  for (; j < t->width; j += VW) {
    vf a = start;
    for (size_t p = 0; p < t->kh; p++)
      for (size_t q = 0; q < t->kw; q++) {
        const vf v = vf_load(t->x + p * t->dilation * t->line + t->column[q] + j);
        a = max ? vf_max(a, v) : a + v;
      }
    vf_store(y + j, a);
  }
}

/// Positions of a window at output o on one axis that count for its mean.
PK_INLINE size_t counted(const pk_conv_shape *s, int axis, size_t o, size_t pad_end, bool count_pad) {
  const size_t low = count_pad ? 0 : s->pad[axis], high = s->pad[axis] + s->in[axis] + (count_pad ? pad_end : 0);
  size_t count = 0;
  for (size_t q = 0, at = o * s->stride[axis]; q < s->kernel[axis]; q++, at += s->dilation[axis]) count += at >= low && at < high;
  return count;
}

PK_INLINE void pool_planes(const pk_conv_shape *s, bool max, size_t pad_end_row, size_t pad_end_column, bool count_pad, const float *x,
                           float *y, size_t planes, void *scratch) {
  const size_t phase = pk_depthwise_phase(s, 16), line = phase * s->stride[2], band = pk_depthwise_band(s, line);
  const size_t ldy = (s->out[2] + 15) / 16 * 16;
  size_t *column = scratch;
  float *sums = (float *)((char *)scratch + pk_round64(s->kernel[2] * sizeof(size_t))), *divisors = sums + ldy, *rows = sums + 5 * ldy;
  for (size_t q = 0; q < s->kernel[2]; q++)
    column[q] = q * s->dilation[2] % s->stride[2] * phase + q * s->dilation[2] / s->stride[2];
  if (!max)
    for (size_t j = 0; j < ldy; j++) divisors[j] = j < s->out[2] ? (float)counted(s, 2, j, pad_end_column, count_pad) : 1.0f;
  taps t = {.column = column, .line = line, .kh = s->kernel[1], .kw = s->kernel[2], .dilation = s->dilation[1], .width = s->out[2]};
  for (size_t plane = 0; plane < planes; plane++, x += s->in[1] * s->in[2]) {
    for (size_t oh = 0; oh < s->out[1]; oh += band) {
      const size_t count = pk_min(band, s->out[1] - oh);
      const size_t lines = (count - 1) * s->stride[1] + (s->kernel[1] - 1) * s->dilation[1] + 1;
      for (size_t i = 0; i < lines; i++)
        copy_row(s, x, (ptrdiff_t)(oh * s->stride[1] + i) - (ptrdiff_t)s->pad[1], max ? -INFINITY : 0.0f, phase, rows + i * line);
      for (size_t r = 0; r < count; r++, y += s->out[2]) {
        t.x = rows + r * s->stride[1] * line;
        pool_row(&t, max, sums);
        const float high = max ? 1.0f : (float)counted(s, 1, oh + r, pad_end_row, count_pad);
        for (size_t j = 0; j < s->out[2]; j += VW) {
          vf v = vf_load(sums + j);
          if (!max) {
            const vf divisor = high * vf_load(divisors + j);
            v = v / (divisor > 0 ? divisor : (vf)1.0f);
          }
          if (j + VW <= s->out[2])
            vf_store(y + j, v);
          else
            vf_store_n(y + j, v, s->out[2] - j);
        }
      }
    }
  }
}

static void pool_average(const pk_conv_shape *s, size_t pad_end_row, size_t pad_end_column, bool count_pad, const float *x, float *y,
                         size_t planes, void *scratch) {
  pool_planes(s, false, pad_end_row, pad_end_column, count_pad, x, y, planes, scratch);
}

static float sum_of(const float *x, size_t count) {
  vf a[4] = {0};
  size_t i = 0;
  for (; i + 4 * VW <= count; i += 4 * VW) PK_UNROLL for (int u = 0; u < 4; u++) a[u] += vf_load(x + i + u * VW);
  for (; i + VW <= count; i += VW) a[0] += vf_load(x + i);
  if (i < count) a[1] += vf_load_n(x + i, count - i);
  return vf_sum((a[0] + a[1]) + (a[2] + a[3]));
}

static float max_of(const float *x, size_t count) {
  float t[VW], best = -INFINITY;
  size_t i = 0;
  if (count >= VW) {
    vf a = vf_load(x);
    for (i = VW; i + VW <= count; i += VW) a = vf_max(a, vf_load(x + i));
    vf_store(t, a);
    for (int u = 0; u < VW; u++) best = best > t[u] || best != best ? best : t[u];
  }
  for (; i < count; i++) best = best > x[i] || best != best ? best : x[i];
  return best;
}
