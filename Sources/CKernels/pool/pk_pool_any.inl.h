// Pooling by plain loops for one element type and any rank. The including file sets T (stored), A (computed),
// LOAD(T) -> A, SAVE(A) -> T, LOWEST and IS_NAN (of A) and NAME(function).

static void NAME(max)(const pk_pool_shape *s, const T *x, T *y, int64_t *indices, bool column_major, size_t plane0, size_t plane1) {
  size_t in, out;
  plane_sizes(s, &in, &out);
  for (size_t plane = plane0; plane < plane1; plane++) {
    const T *from = x + plane * in;
    for (size_t o = 0; o < out; o++) {
      window w;
      A best = LOWEST;
      size_t at;
      int64_t index = -1;
      for (window_start(s, o, &w); window_next(s, &w, &at);) {
        const A v = LOAD(from[at]);
        if (index >= 0 && !(v > best) && !IS_NAN(v)) continue;
        if (index >= 0 && IS_NAN(best)) continue;
        best = v;
        index = (int64_t)at;
      }
      y[plane * out + o] = SAVE(best);
      if (!indices) continue;
      if (index >= 0) index = (int64_t)(plane * in + (column_major ? column_major_index(s, (size_t)index) : (size_t)index));
      indices[plane * out + o] = index;
    }
  }
}
