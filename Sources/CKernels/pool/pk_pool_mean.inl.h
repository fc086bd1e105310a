// Means and norms by plain loops; included after pk_pool_any.inl.h with the same settings.

static void NAME(average)(const pk_pool_shape *s, bool count_pad, const T *x, T *y, size_t plane0, size_t plane1) {
  size_t in, out;
  plane_sizes(s, &in, &out);
  for (size_t plane = plane0; plane < plane1; plane++)
    for (size_t o = 0; o < out; o++) {
      window w;
      A sum = 0;
      size_t at, seen = 0;
      for (window_start(s, o, &w); window_next(s, &w, &at); seen++) sum += LOAD(x[plane * in + at]);
      const size_t count = count_pad ? window_padded_count(s, o) : seen;
      y[plane * out + o] = SAVE(count ? sum / (A)count : 0);
    }
}

static void NAME(lp)(const pk_pool_shape *s, double p, const T *x, T *y, size_t plane0, size_t plane1) {
  size_t in, out;
  plane_sizes(s, &in, &out);
  for (size_t plane = plane0; plane < plane1; plane++)
    for (size_t o = 0; o < out; o++) {
      window w;
      double sum = 0;
      size_t at;
      for (window_start(s, o, &w); window_next(s, &w, &at);) {
        const double v = fabs((double)LOAD(x[plane * in + at]));
        sum += p == 1 ? v : p == 2 ? v * v : pow(v, p);
      }
      y[plane * out + o] = SAVE((A)(p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p)));
    }
}

static void NAME(global)(bool max, size_t count, const T *x, T *y, size_t plane0, size_t plane1) {
  for (size_t plane = plane0; plane < plane1; plane++) {
    const T *from = x + plane * count;
    A value = max ? LOWEST : 0;
    for (size_t i = 0; i < count; i++) {
      const A v = LOAD(from[i]);
      if (!max)
        value += v;
      else if (v > value || IS_NAN(v))
        value = v;
      if (max && IS_NAN(value)) break;
    }
    y[plane] = SAVE(max ? value : value / (A)count);
  }
}
