// Sums and maxima of whole planes of f32.

/// NaN in either operand gives NaN. Of equal numbers, 0 and -0 among them, the first stays, as where positions are asked for.
PK_INLINE vf vf_max(vf a, vf b) { return ((a >= b) | (a != a)) ? a : b; }

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
