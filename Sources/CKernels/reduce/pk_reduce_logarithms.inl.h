// What only floats have; after pk_reduce_extremes and pk_reduce_sums for the type. MATH_LOOP is the pragma of loops over MATH.

SUM_KERNEL(mean, plain, PK_VECTORISE, t / (TOTAL)axis)
SUM_KERNEL(l2, square, PK_VECTORISE, __builtin_elementwise_sqrt(t))
SUM_KERNEL(logsum, plain, MATH_LOOP, MATH(log)((T)t))

#define SHIFTED_EXP(v) MATH(exp)((v) - shift)
SUM_PARTS(exponentials, MATH_LOOP, SHIFTED_EXP)

// Relative to the greatest, so that nothing overflows; infinite extremes speak for themselves.
static void NAME(columns_logsumexp)(const T *x, T *y, size_t axis, size_t width, size_t stride) {
  T shift[TILE];
  TOTAL total[TILE];
  NAME(columns_max)(x, shift, axis, width, stride);
  PK_VECTORISE for (size_t i = 0; i < width; i++) shift[i] = shift[i] - shift[i] == 0 ? shift[i] : 0;
  NAME(sums_exponentials)(x, total, axis, width, stride, shift);
  MATH_LOOP for (size_t i = 0; i < width; i++) y[i] = MATH(log)((T)total[i]) + shift[i];
}

static void NAME(logsumexp)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride) {
  const T *x = xs;
  T *y = ys;
  if (IS_SHORT(SHORT_DEAR_AXIS)) {
    FOR_SHORT_ROWS(NAME(columns_logsumexp)(strip, y + at, axis, rows, lanes));
    return;
  }
  for (size_t o = 0; o < outer; o++, x += axis * stride, y += inner) {
    if (inner == 1 && stride == 1) {
      T most;
      NAME(max)(x, &most, 1, axis, 1, 1);
      const T shift = most - most == 0 ? most : 0;
      *y = (T)MATH(log)((T)NAME(line_exponentials)(x, axis, shift)) + shift;
      continue;
    }
    for (size_t at = 0; at < inner; at += TILE)
      NAME(columns_logsumexp)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride);
  }
}
