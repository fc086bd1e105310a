// Short rows as columns: a tile of rows is turned so that neighbouring rows lie in neighbouring lanes. T is the type, NAME(name)
// its names. A row's result is that of the columns' kernel and depends on nothing but the row.

#ifndef PINION_PK_SHORT_ROWS
#define PINION_PK_SHORT_ROWS
enum { SHORT_ELEMENTS = 2048, SHORT_ROWS = 256, SHORT_LANES = 16 };
// Whether whole rows are short; what is dear along a row pays with longer ones. How many rows there are does not matter, since it
// differs with the number of threads.
#define IS_SHORT(limit) (inner == 1 && stride == 1 && axis - 1 < (limit))
enum { SHORT_AXIS = 16, SHORT_DEAR_AXIS = 32 };
#define ROWS_AT_ONCE(axis) (SHORT_ELEMENTS / (axis) < SHORT_ROWS ? SHORT_ELEMENTS / (axis) / SHORT_LANES * SHORT_LANES : (size_t)SHORT_ROWS)
#endif

// strip[k, r] = x[r, k], and back; rows of the strip have `lanes` elements. The extents that compilers have shuffles for are constants.
static inline __attribute__((always_inline)) void NAME(turn_of)(const T *restrict x, T *restrict strip, size_t rows, size_t lanes, size_t axis) {
  PK_VECTORISE for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < axis; k++) strip[k * lanes + r] = x[r * axis + k];
}
static inline __attribute__((always_inline)) void NAME(turn_back_of)(const T *restrict strip, T *restrict y, size_t rows, size_t lanes, size_t axis) {
  PK_VECTORISE for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < axis; k++) y[r * axis + k] = strip[k * lanes + r];
}
#define SHORT_EXTENTS(turn, ...)                                                                                      \
  switch (axis) {                                                                                                     \
  case 2: turn(__VA_ARGS__, 2); return;                                                                               \
  case 3: turn(__VA_ARGS__, 3); return;                                                                               \
  case 4: turn(__VA_ARGS__, 4); return;                                                                               \
  case 8: turn(__VA_ARGS__, 8); return;                                                                               \
  default: break;                                                                                                     \
  }
static __attribute__((unused)) void NAME(turn)(const T *x, T *strip, size_t rows, size_t lanes, size_t axis) {
  SHORT_EXTENTS(NAME(turn_of), x, strip, rows, lanes)
  for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < axis; k++) strip[k * lanes + r] = x[r * axis + k];
}
static __attribute__((unused)) void NAME(turn_back)(const T *strip, T *y, size_t rows, size_t lanes, size_t axis) {
  SHORT_EXTENTS(NAME(turn_back_of), strip, y, rows, lanes)
  for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < axis; k++) y[r * axis + k] = strip[k * lanes + r];
}
#undef SHORT_EXTENTS

// Runs `...` for tiles of x: `rows` of them from row `at` on are the first columns of `strip`, whose rows have `lanes` elements, a
// multiple of SHORT_LANES, the others of which are 0.
#define FOR_SHORT_ROWS(...)                                                                                           \
  do {                                                                                                                \
    T strip[SHORT_ELEMENTS];                                                                                          \
    const size_t tile = ROWS_AT_ONCE(axis);                                                                           \
    for (size_t at = 0; at < outer; at += tile) {                                                                     \
      const size_t rows = outer - at < tile ? outer - at : tile, lanes = (rows + SHORT_LANES - 1) / SHORT_LANES * SHORT_LANES; \
      if (lanes != rows) memset(strip, 0, lanes * axis * sizeof(T));                                                  \
      NAME(turn)(x + at * axis, strip, rows, lanes, axis);                                                            \
      __VA_ARGS__;                                                                                                    \
    }                                                                                                                 \
  } while (0)
