// Blocks of matrices transposed in 16-byte registers: V lanes of T, V by V at a time. Interleaving the lower and upper half
// of the rows, log2(V) times over, transposes them.

#define ZIP2 0, 2
#define ZIP2_HIGH 1, 3
#define ZIP4 0, 4, 1, 5
#define ZIP4_HIGH 2, 6, 3, 7
#define ZIP8 0, 8, 1, 9, 2, 10, 3, 11
#define ZIP8_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define ZIP16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ZIP16_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

// y[j * y_stride + i] = x[i * x_stride + j] for i < rows, j < columns. Tiles are as wide as a cache line both ways and pass
// through a buffer, so that each line of either matrix is touched once: with strides of a power of two, the lines of a tile
// share the few places of one cache set.
#define TRANSPOSE(size, T, V, rounds)                                                                                   \
  typedef T PK_FN(pk_vector_##size) __attribute__((vector_size(16), aligned(sizeof(T)), may_alias));                    \
  static inline __attribute__((always_inline)) void PK_FN(pk_block_##size)(const T *x, int64_t x_stride, T *y, int64_t y_stride) { \
    PK_FN(pk_vector_##size) v[V], w[V];                                                                                 \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < V; i++) memcpy(&v[i], x + i * x_stride, 16);                 \
    _Pragma("clang loop unroll(full)") for (int round = 0; round < rounds; round++) {                                   \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < V / 2; i++) {                                              \
        w[2 * i] = __builtin_shufflevector(v[i], v[i + V / 2], ZIP##V);                                                 \
        w[2 * i + 1] = __builtin_shufflevector(v[i], v[i + V / 2], ZIP##V##_HIGH);                                      \
      }                                                                                                                 \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < V; i++) v[i] = w[i];                                       \
    }                                                                                                                   \
    _Pragma("clang loop unroll(full)") for (int j = 0; j < V; j++) memcpy(y + j * y_stride, &v[j], 16);                 \
  }                                                                                                                     \
  static void PK_FN(pk_transpose_##size)(const void *xs, int64_t x_stride, void *ys, int64_t y_stride, int64_t rows, int64_t columns) { \
    const T *x = xs;                                                                                                    \
    T *y = ys;                                                                                                          \
    enum { LINE = 64 / sizeof(T) };                                                                                     \
    const int64_t whole_rows = rows / V * V, whole_columns = columns / V * V;                                           \
    for (int64_t jt = 0; jt < whole_columns; jt += LINE)                                                                \
      for (int64_t it = 0; it < whole_rows; it += LINE) {                                                               \
        const int64_t height = whole_rows - it < LINE ? whole_rows - it : LINE, width = whole_columns - jt < LINE ? whole_columns - jt : LINE; \
        T tile[LINE * LINE] __attribute__((aligned(64)));                                                               \
        for (int64_t i = 0; i < height; i += V)                                                                         \
          for (int64_t j = 0; j < width; j += V) PK_FN(pk_block_##size)(x + (it + i) * x_stride + jt + j, x_stride, tile + j * LINE + i, LINE); \
        if (height == LINE) for (int64_t j = 0; j < width; j++) memcpy(y + (jt + j) * y_stride + it, tile + j * LINE, 64); \
        else for (int64_t j = 0; j < width; j++) memcpy(y + (jt + j) * y_stride + it, tile + j * LINE, (size_t)height * sizeof(T)); \
      }                                                                                                                 \
    for (int64_t j = 0; j < columns; j++)                                                                               \
      for (int64_t i = j < whole_columns ? whole_rows : 0; i < rows; i++) y[j * y_stride + i] = x[i * x_stride + j];    \
  }
TRANSPOSE(1, uint8_t, 16, 4)
TRANSPOSE(2, uint16_t, 8, 3)
TRANSPOSE(4, uint32_t, 4, 2)
TRANSPOSE(8, uint64_t, 2, 1)
