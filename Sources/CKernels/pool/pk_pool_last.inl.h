// Maxima of bytes whose channels come last: 64 channels of a window at a time. T, LOWEST and NAME as for pk_pool_rows.inl.h.

typedef T NAME(lanes) __attribute__((ext_vector_type(64), aligned(1), may_alias));

/// The taps of a window that lie inside of an axis.
POOL_INLINE void NAME(taps_inside)(const pk_pool_axes *s, int axis, size_t out, size_t *first, size_t *last) {
  const size_t start = out * s->stride[axis], step = s->dilation[axis], end = s->pad[axis] + s->in[axis];
  *first = pk_min(start < s->pad[axis] ? (s->pad[axis] - start + step - 1) / step : 0, s->kernel[axis]);
  *last = pk_max(start < end ? pk_min((end - start - 1) / step + 1, s->kernel[axis]) : 0, *first);
}

static void NAME(max_last)(const pk_pool_axes *s, size_t channels, const T *x, T *y, size_t p0, size_t p1) {
  const size_t positions = s->out[0] * s->out[1] * s->out[2], inputs = s->in[0] * s->in[1] * s->in[2];
  for (size_t p = p0; p < p1; p++) {
    const size_t at[3] = {p % positions / s->out[2] / s->out[1], p % positions / s->out[2] % s->out[1], p % s->out[2]};
    const T *image = x + p / positions * inputs * channels;
    T *restrict to = y + p * channels;
    size_t first[3], last[3];
    for (int i = 0; i < 3; i++) NAME(taps_inside)(s, i, at[i], &first[i], &last[i]);
    for (size_t c = 0; c < channels; c += 64) {
      const size_t count = pk_min(64, channels - c);
      NAME(lanes) best = (NAME(lanes)){0} + (T)LOWEST, v = best;
      for (size_t d = first[0]; d < last[0]; d++)
        for (size_t h = first[1]; h < last[1]; h++)
          for (size_t w = first[2]; w < last[2]; w++) {
            const size_t id = at[0] * s->stride[0] + d * s->dilation[0] - s->pad[0], ih = at[1] * s->stride[1] + h * s->dilation[1] - s->pad[1];
            const T *from = image + ((id * s->in[1] + ih) * s->in[2] + at[2] * s->stride[2] + w * s->dilation[2] - s->pad[2]) * channels + c;
            if (count == 64)
              v = *(const NAME(lanes) *)from;
            else
              memcpy(&v, from, count);
            best = __builtin_elementwise_max(v, best);
          }
      if (count == 64)
        *(NAME(lanes) *)(to + c) = best;
      else
        memcpy(to + c, &best, count);
    }
  }
}
