// Sums of one type: T the type, PART what short pieces are summed in and TOTAL what the pieces are, NAME(name) its names.
// Sums may be taken in any order, which is what lets them vectorise; the pieces bound the rounding errors.

#define SUM_PARTS(name, loop, map)                                                                                    \
  static TOTAL NAME(line_##name)(const T *x, size_t n, T shift) {                                                     \
    (void)shift;                                                                                                      \
    TOTAL total = 0;                                                                                                  \
    for (size_t at = 0; at < n; at += PIECE) {                                                                        \
      const size_t count = n - at < PIECE ? n - at : PIECE;                                                           \
      PART part = 0;                                                                                                  \
      loop for (size_t i = 0; i < count; i++) {                                                                       \
        _Pragma("clang fp reassociate(on)") part += (PART)map(x[at + i]);                                             \
      }                                                                                                               \
      total += (TOTAL)part;                                                                                           \
    }                                                                                                                 \
    return total;                                                                                                     \
  }                                                                                                                   \
  static void NAME(sums_##name)(const T *x, TOTAL *total, size_t axis, size_t width, size_t stride, const T *shifts) { \
    (void)shifts;                                                                                                     \
    for (size_t i = 0; i < width; i++) total[i] = 0;                                                                  \
    for (size_t at = 0; at < axis; at += PIECE_ROWS) {                                                                \
      const size_t rows = axis - at < PIECE_ROWS ? axis - at : PIECE_ROWS;                                            \
      PART part[TILE];                                                                                                \
      for (size_t i = 0; i < width; i++) part[i] = 0;                                                                 \
      for (size_t row = at; row < at + rows; row++)                                                                   \
        loop for (size_t i = 0; i < width; i++) {                                                                     \
          const T shift = shifts ? shifts[i] : 0;                                                                     \
          (void)shift;                                                                                                \
          part[i] += (PART)map(x[row * stride + i]);                                                                  \
        }                                                                                                             \
      PK_VECTORISE for (size_t i = 0; i < width; i++) total[i] += (TOTAL)part[i];                                     \
    }                                                                                                                 \
  }

// finish is a formula of the total t and the axis.
#define SUM_KERNEL(name, parts, loop, finish)                                                                         \
  static void NAME(columns_##name)(const T *x, T *y, size_t axis, size_t width, size_t stride) {                      \
    TOTAL total[TILE];                                                                                                \
    NAME(sums_##parts)(x, total, axis, width, stride, NULL);                                                          \
    loop for (size_t i = 0; i < width; i++) {                                                                         \
      const TOTAL t = total[i];                                                                                       \
      y[i] = (T)(finish);                                                                                             \
    }                                                                                                                 \
  }                                                                                                                   \
  static void NAME(name)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride) {          \
    const T *x = xs;                                                                                                  \
    T *y = ys;                                                                                                        \
    if (IS_SHORT(SHORT_AXIS)) {                                                                                       \
      FOR_SHORT_ROWS(NAME(columns_##name)(strip, y + at, axis, rows, lanes));                                         \
      return;                                                                                                         \
    }                                                                                                                 \
    for (size_t o = 0; o < outer; o++, x += axis * stride, y += inner) {                                              \
      if (inner == 1 && stride == 1) {                                                                                \
        const TOTAL t = NAME(line_##parts)(x, axis, 0);                                                               \
        *y = (T)(finish);                                                                                             \
        continue;                                                                                                     \
      }                                                                                                               \
      for (size_t at = 0; at < inner; at += TILE)                                                                     \
        NAME(columns_##name)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride);                    \
    }                                                                                                                 \
  }

SUM_PARTS(plain, PK_VECTORISE, PLAIN)
SUM_PARTS(magnitude, PK_VECTORISE, MAGNITUDE)
SUM_PARTS(square, PK_VECTORISE, SQUARE)
SUM_KERNEL(sum, plain, PK_VECTORISE, t)
SUM_KERNEL(l1, magnitude, PK_VECTORISE, t)
SUM_KERNEL(sumsq, square, PK_VECTORISE, t)

static void NAME(columns_prod)(const T *x, T *y, size_t axis, size_t width, size_t stride) {
  PK_VECTORISE for (size_t i = 0; i < width; i++) y[i] = 1;
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) y[i] = (T)((PART)y[i] * (PART)x[row * stride + i]);
}

static void NAME(prod)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride) {
  const T *x = xs;
  T *y = ys;
  if (IS_SHORT(SHORT_AXIS)) {
    FOR_SHORT_ROWS(NAME(columns_prod)(strip, y + at, axis, rows, lanes));
    return;
  }
  for (size_t o = 0; o < outer; o++, x += axis * stride, y += inner) {
    if (inner == 1 && stride == 1) {
      PART product = 1;
      PK_VECTORISE for (size_t i = 0; i < axis; i++) {
        _Pragma("clang fp reassociate(on)") product *= (PART)x[i];
      }
      *y = (T)product;
    } else {
      NAME(columns_prod)(x, y, axis, inner, stride);
    }
  }
}
