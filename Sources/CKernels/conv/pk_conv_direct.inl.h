// Plain loops over any rank; the including file sets T and NAME(function).

/// Where one tap reads for an output position: false if outside. Axis by axis, row-major.
static bool NAME(source)(const pk_conv_nd_shape *s, const size_t *o, const size_t *tap, bool transposed, size_t *index) {
  size_t at = 0;
  for (size_t i = 0; i < s->rank; i++) {
    size_t x;
    if (transposed) {
      // o = x * stride + tap * dilation - pad
      const size_t sum = o[i] + s->pad[i], shift = tap[i] * s->dilation[i];
      if (sum < shift || (sum - shift) % s->stride[i] != 0) return false;
      x = (sum - shift) / s->stride[i];
    } else {
      x = o[i] * s->stride[i] + tap[i] * s->dilation[i] - s->pad[i]; // wraps to a huge number in front of the input
    }
    if (x >= s->in[i]) return false;
    at = at * s->in[i] + x;
  }
  *index = at;
  return true;
}

static void NAME(direct)(const pk_conv_nd_shape *s, const T *x, const T *w, const T *bias, T *y, size_t plane0, size_t plane1, size_t p0,
                         size_t p1, bool transposed) {
  size_t taps = 1, in = 1, out = 1;
  for (size_t i = 0; i < s->rank; i++) taps *= s->kernel[i], in *= s->in[i], out *= s->out[i];
  const size_t channels = s->groups * s->outputs;
  for (size_t plane = plane0; plane < plane1; plane++) {
    const size_t channel = plane % channels, group = channel / s->outputs;
    const T *source = x + (plane / channels * s->groups + group) * s->channels * in;
    // Weights of the first input channel, and how far those of the next one are.
    const T *first = transposed ? w + (group * s->channels * s->outputs + channel % s->outputs) * taps : w + channel * s->channels * taps;
    const size_t step = transposed ? s->outputs * taps : taps;
    for (size_t p = p0; p < p1; p++) {
      size_t o[PK_CONV_RANK_LIMIT], tap[PK_CONV_RANK_LIMIT] = {0}, rest = p;
      for (size_t i = s->rank; i-- > 0; rest /= s->out[i]) o[i] = rest % s->out[i];
      T sum = bias ? bias[channel] : 0;
      for (size_t q = 0; q < taps; q++) {
        size_t index;
        if (NAME(source)(s, o, tap, transposed, &index))
          for (size_t c = 0; c < s->channels; c++) sum += source[c * in + index] * first[c * step + q];
        for (size_t i = s->rank; i-- > 0;) {
          if (++tap[i] < s->kernel[i]) break;
          tap[i] = 0;
        }
      }
      y[plane * out + p] = sum;
    }
  }
}

void NAME(pk_conv_direct)(const pk_conv_nd_shape *s, const T *x, const T *w, const T *bias, T *y, size_t plane0, size_t plane1, size_t p0,
                          size_t p1) {
  NAME(direct)(s, x, w, bias, y, plane0, plane1, p0, p1, false);
}

void NAME(pk_conv_transpose_direct)(const pk_conv_nd_shape *s, const T *x, const T *w, const T *bias, T *y, size_t plane0, size_t plane1,
                                    size_t p0, size_t p1) {
  NAME(direct)(s, x, w, bias, y, plane0, plane1, p0, p1, true);
}
