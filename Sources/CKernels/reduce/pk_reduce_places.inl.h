// Places of extremes, for the types of pk_reduce_extremes. FOR_ARG makes the zeros equal. ROW_MOST and ROW_LEAST: what finds a row's
// extreme, and whether there is a NaN; without them the type has none.

// The place of a value in a row, or of a NaN, in blocks: only the block that has it is looked through.
#define LOOK(is_it)                                                                                                   \
  do {                                                                                                                \
    const size_t blocks = (n + SOUGHT - 1) / SOUGHT;                                                                  \
    for (size_t b = 0; b < blocks; b++) {                                                                             \
      const size_t at = (last ? blocks - 1 - b : b) * SOUGHT, count = n - at < SOUGHT ? n - at : SOUGHT;              \
      KEY here = count < SOUGHT;                                                                                      \
      for (size_t i = 0; count == SOUGHT && i < SOUGHT; i++) {                                                        \
        const T v = x[at + i];                                                                                        \
        here |= (KEY)(is_it);                                                                                         \
      }                                                                                                               \
      for (size_t k = 0; here && k < count; k++) {                                                                    \
        const size_t i = at + (last ? count - 1 - k : k);                                                             \
        const T v = x[i];                                                                                             \
        if (is_it) return (int64_t)i;                                                                                 \
      }                                                                                                               \
    }                                                                                                                 \
    return 0;                                                                                                         \
  } while (0)

#ifdef ROW_MOST
#define PLACE_KERNEL(name, row, better)                                                                               \
  static int64_t NAME(place_##name)(const T *x, size_t n, bool last) {                                                \
    bool any_nan;                                                                                                     \
    const T best = row(x, n, &any_nan);                                                                               \
    if (any_nan) LOOK(v != v);                                                                                        \
    LOOK(v == best);                                                                                                  \
  }
#else
#define PLACE_KERNEL(name, row, better)                                                                               \
  static int64_t NAME(place_##name)(const T *x, size_t n, bool last) {                                                \
    T best = x[0];                                                                                                    \
    PK_VECTORISE for (size_t i = 0; i < n; i++) best = x[i] better best ? x[i] : best;                                \
    LOOK(v == best);                                                                                                  \
  }
#endif
PLACE_KERNEL(argmax, ROW_MOST, >)
PLACE_KERNEL(argmin, ROW_LEAST, <)
#undef PLACE_KERNEL
#undef LOOK

#define ARG_KERNEL(name, key_of, better)                                                                              \
  static void NAME(places_##name)(const T *x, int64_t *y, size_t axis, size_t width, size_t stride, bool last) {      \
    KEY best[TILE];                                                                                                   \
    PK_VECTORISE for (size_t i = 0; i < width; i++) best[i] = key_of(FOR_ARG(x[i])), y[i] = 0;                        \
    for (size_t row = 1; row < axis; row++)                                                                           \
      PK_VECTORISE for (size_t i = 0; i < width; i++) {                                                               \
        const KEY key = key_of(FOR_ARG(x[row * stride + i]));                                                         \
        const bool wins = (key better best[i]) | (last & (key == best[i]));                                           \
        best[i] = wins ? key : best[i];                                                                               \
        y[i] = wins ? (int64_t)row : y[i];                                                                            \
      }                                                                                                               \
  }                                                                                                                   \
  static void NAME(name)(const void *xs, int64_t *y, size_t outer, size_t axis, size_t inner, size_t stride, bool last) { \
    const T *x = xs;                                                                                                  \
    if (IS_SHORT(SHORT_DEAR_AXIS)) {                                                                                  \
      FOR_SHORT_ROWS(NAME(places_##name)(strip, y + at, axis, rows, lanes, last));                                    \
      return;                                                                                                         \
    }                                                                                                                 \
    for (size_t o = 0; o < outer; o++, x += axis * stride, y += inner) {                                              \
      if (inner == 1 && stride == 1) {                                                                                \
        *y = NAME(place_##name)(x, axis, last);                                                                       \
      } else {                                                                                                        \
        for (size_t at = 0; at < inner; at += TILE)                                                                   \
          NAME(places_##name)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride, last);             \
      }                                                                                                               \
    }                                                                                                                 \
  }
ARG_KERNEL(argmax, MAX_KEY, >)
ARG_KERNEL(argmin, MIN_KEY, <)
