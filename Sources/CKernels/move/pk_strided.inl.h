// Strided copies: a block of two axes is moved by the loop that fits its strides.

typedef struct { uint64_t half[2]; } PK_FN(pk_wide);
typedef uint8_t __attribute__((may_alias, aligned(1))) PK_FN(pk_w1);
typedef uint16_t __attribute__((may_alias, aligned(1))) PK_FN(pk_w2);
typedef uint32_t __attribute__((may_alias, aligned(1))) PK_FN(pk_w4);
typedef uint64_t __attribute__((may_alias, aligned(1))) PK_FN(pk_w8);
typedef PK_FN(pk_wide) __attribute__((may_alias, aligned(1))) PK_FN(pk_w16);

typedef struct {
  size_t rows, cols;
  ptrdiff_t from_row, from_col, to_row, to_col;
} PK_FN(pk_block);

typedef void (*PK_FN(pk_block_fn))(const PK_FN(pk_block) *b, const char *from, char *to);

static inline void PK_FN(pk_copy_bytes)(char *to, const char *from, size_t n) {
  if (n > 256) {
    memcpy(to, from, n);
    return;
  }
  if (n < 16) {
    if (n >= 8) {
      uint64_t head, tail;
      memcpy(&head, from, 8);
      memcpy(&tail, from + n - 8, 8);
      memcpy(to, &head, 8);
      memcpy(to + n - 8, &tail, 8);
    } else {
      for (size_t i = 0; i < n; i++) to[i] = from[i];
    }
    return;
  }
  size_t i = 0;
  for (; i + 32 <= n; i += 32) __builtin_memcpy(to + i, from + i, 32);
  for (; i + 16 <= n; i += 16) __builtin_memcpy(to + i, from + i, 16);
  if (i < n) __builtin_memcpy(to + n - 16, from + n - 16, 16);
}

// Transposes of square blocks of n vectors of n elements: log2(n) rounds that interleave the first with the second half.
typedef uint8_t PK_FN(pk_v1) __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint16_t PK_FN(pk_v2) __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t PK_FN(pk_v4) __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t PK_FN(pk_v8) __attribute__((vector_size(16), aligned(1), may_alias));

#define LOW_1(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_1(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define LOW_2(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_2(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define LOW_4(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LOW_8(a, b) __builtin_shufflevector(a, b, 0, 2)
#define HIGH_8(a, b) __builtin_shufflevector(a, b, 1, 3)

#define SQUARE(width, n, rounds)                                                                            \
  static inline void PK_FN(pk_square_##width)(const char *from, ptrdiff_t from_col, char *to, ptrdiff_t to_row) { \
    PK_FN(pk_v##width) a[n], b[n];                                                                          \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) a[i] = *(const PK_FN(pk_v##width) *)(from + i * from_col); \
    _Pragma("clang loop unroll(full)") for (int round = 0; round < rounds; round++) {                       \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n / 2; i++) {                                  \
        b[2 * i] = LOW_##width(a[i], a[i + n / 2]);                                                         \
        b[2 * i + 1] = HIGH_##width(a[i], a[i + n / 2]);                                                    \
      }                                                                                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) a[i] = b[i];                           \
    }                                                                                                       \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++) *(PK_FN(pk_v##width) *)(to + i * to_row) = a[i]; \
  }
SQUARE(1, 16, 4)
SQUARE(2, 8, 3)
SQUARE(8, 2, 1)
#if PK_LEVEL == 0
SQUARE(4, 4, 2)
#define SIDE_4 4
#else
#define SIDE_4 8
static inline void PK_FN(pk_square_4)(const char *from, ptrdiff_t from_col, char *to, ptrdiff_t to_row) {
  __m256 r[8], t[8];
#define HALVES(i) _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)(from + (i) * from_col))), \
                                       _mm_loadu_ps((const float *)(from + ((i) + 4) * from_col)), 1)
#define UPPER_HALVES(i) _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)(from + (i) * from_col + 16))), \
                                             _mm_loadu_ps((const float *)(from + ((i) + 4) * from_col + 16)), 1)
  for (int i = 0; i < 4; i++) {
    r[i] = HALVES(i);
    r[i + 4] = UPPER_HALVES(i);
  }
#undef HALVES
#undef UPPER_HALVES
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    const int row = i;
    _mm256_storeu_ps((float *)(to + (row + 0) * to_row), _mm256_shuffle_ps(t[i], t[i + 2], 0x44));
    _mm256_storeu_ps((float *)(to + (row + 1) * to_row), _mm256_shuffle_ps(t[i], t[i + 2], 0xee));
    _mm256_storeu_ps((float *)(to + (row + 2) * to_row), _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44));
    _mm256_storeu_ps((float *)(to + (row + 3) * to_row), _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee));
  }
}
#endif
#define SIDE_1 16
#define SIDE_2 8
#define SIDE_8 2

#define GENERAL(width)                                                                                      \
  static void PK_FN(pk_general_##width)(const PK_FN(pk_block) *b, const char *from, char *to) {             \
    for (size_t row = 0; row < b->rows; row++, from += b->from_row, to += b->to_row) {                      \
      const char *source = from;                                                                            \
      char *target = to;                                                                                    \
      if (b->to_col == width)                                                                               \
        for (size_t col = 0; col < b->cols; col++, source += b->from_col)                                   \
          ((PK_FN(pk_w##width) *)target)[col] = *(const PK_FN(pk_w##width) *)source;                        \
      else                                                                                                  \
        for (size_t col = 0; col < b->cols; col++, source += b->from_col, target += b->to_col)              \
          *(PK_FN(pk_w##width) *)target = *(const PK_FN(pk_w##width) *)source;                              \
    }                                                                                                       \
  }                                                                                                         \
  static void PK_FN(pk_repeat_##width)(const PK_FN(pk_block) *b, const char *from, char *to) {              \
    for (size_t row = 0; row < b->rows; row++, from += b->from_row, to += b->to_row) {                      \
      const PK_FN(pk_w##width) value = *(const PK_FN(pk_w##width) *)from;                                   \
      const size_t cols = b->cols; /* what is written might be the block */                                 \
      for (size_t col = 0; col < cols; col++) ((PK_FN(pk_w##width) *)to)[col] = value;                      \
    }                                                                                                       \
  }                                                                                                         \
  static void PK_FN(pk_straight_##width)(const PK_FN(pk_block) *b, const char *from, char *to) {            \
    for (size_t row = 0; row < b->rows; row++, from += b->from_row, to += b->to_row)                        \
      PK_FN(pk_copy_bytes)(to, from, b->cols * width);                                                      \
  }

// Two to four planes zipped into one dense stream, or one unzipped: what images between channels first and last come to.
#define ZIP_2(width)                                                                              \
  static void PK_FN(pk_zip_##width##_2)(const PK_FN(pk_block) *b, const char *from, char *to) {   \
    const PK_FN(pk_w##width) *restrict x0 = (const void *)(from + 0 * b->from_col);               \
    const PK_FN(pk_w##width) *restrict x1 = (const void *)(from + 1 * b->from_col);               \
    PK_FN(pk_w##width) *restrict y = (void *)to;                                                  \
    const size_t n = b->rows;                                                        \
    for (size_t i = 0; i < n; i++) {                                                        \
      y[2 * i + 0] = x0[i];                                                                       \
      y[2 * i + 1] = x1[i];                                                                       \
    }                                                                                             \
  }                                                                                               \
  static void PK_FN(pk_unzip_##width##_2)(const PK_FN(pk_block) *b, const char *from, char *to) { \
    const PK_FN(pk_w##width) *restrict x = (const void *)from;                                    \
    PK_FN(pk_w##width) *restrict y0 = (void *)(to + 0 * b->to_row);                               \
    PK_FN(pk_w##width) *restrict y1 = (void *)(to + 1 * b->to_row);                               \
    const size_t n = b->cols;                                                        \
    for (size_t i = 0; i < n; i++) {                                                        \
      y0[i] = x[2 * i + 0];                                                                       \
      y1[i] = x[2 * i + 1];                                                                       \
    }                                                                                             \
  }
#define ZIP_3(width)                                                                              \
  static void PK_FN(pk_zip_##width##_3)(const PK_FN(pk_block) *b, const char *from, char *to) {   \
    const PK_FN(pk_w##width) *restrict x0 = (const void *)(from + 0 * b->from_col);               \
    const PK_FN(pk_w##width) *restrict x1 = (const void *)(from + 1 * b->from_col);               \
    const PK_FN(pk_w##width) *restrict x2 = (const void *)(from + 2 * b->from_col);               \
    PK_FN(pk_w##width) *restrict y = (void *)to;                                                  \
    const size_t n = b->rows;                                                        \
    for (size_t i = 0; i < n; i++) {                                                        \
      y[3 * i + 0] = x0[i];                                                                       \
      y[3 * i + 1] = x1[i];                                                                       \
      y[3 * i + 2] = x2[i];                                                                       \
    }                                                                                             \
  }                                                                                               \
  static void PK_FN(pk_unzip_##width##_3)(const PK_FN(pk_block) *b, const char *from, char *to) { \
    const PK_FN(pk_w##width) *restrict x = (const void *)from;                                    \
    PK_FN(pk_w##width) *restrict y0 = (void *)(to + 0 * b->to_row);                               \
    PK_FN(pk_w##width) *restrict y1 = (void *)(to + 1 * b->to_row);                               \
    PK_FN(pk_w##width) *restrict y2 = (void *)(to + 2 * b->to_row);                               \
    const size_t n = b->cols;                                                        \
    for (size_t i = 0; i < n; i++) {                                                        \
      y0[i] = x[3 * i + 0];                                                                       \
      y1[i] = x[3 * i + 1];                                                                       \
      y2[i] = x[3 * i + 2];                                                                       \
    }                                                                                             \
  }
#define ZIP_4(width)                                                                              \
  static void PK_FN(pk_zip_##width##_4)(const PK_FN(pk_block) *b, const char *from, char *to) {   \
    const PK_FN(pk_w##width) *restrict x0 = (const void *)(from + 0 * b->from_col);               \
    const PK_FN(pk_w##width) *restrict x1 = (const void *)(from + 1 * b->from_col);               \
    const PK_FN(pk_w##width) *restrict x2 = (const void *)(from + 2 * b->from_col);               \
    const PK_FN(pk_w##width) *restrict x3 = (const void *)(from + 3 * b->from_col);               \
    PK_FN(pk_w##width) *restrict y = (void *)to;                                                  \
    const size_t n = b->rows;                                                        \
    for (size_t i = 0; i < n; i++) {                                                        \
      y[4 * i + 0] = x0[i];                                                                       \
      y[4 * i + 1] = x1[i];                                                                       \
      y[4 * i + 2] = x2[i];                                                                       \
      y[4 * i + 3] = x3[i];                                                                       \
    }                                                                                             \
  }                                                                                               \
  static void PK_FN(pk_unzip_##width##_4)(const PK_FN(pk_block) *b, const char *from, char *to) { \
    const PK_FN(pk_w##width) *restrict x = (const void *)from;                                    \
    PK_FN(pk_w##width) *restrict y0 = (void *)(to + 0 * b->to_row);                               \
    PK_FN(pk_w##width) *restrict y1 = (void *)(to + 1 * b->to_row);                               \
    PK_FN(pk_w##width) *restrict y2 = (void *)(to + 2 * b->to_row);                               \
    PK_FN(pk_w##width) *restrict y3 = (void *)(to + 3 * b->to_row);                               \
    const size_t n = b->cols;                                                        \
    for (size_t i = 0; i < n; i++) {                                                        \
      y0[i] = x[4 * i + 0];                                                                       \
      y1[i] = x[4 * i + 1];                                                                       \
      y2[i] = x[4 * i + 2];                                                                       \
      y3[i] = x[4 * i + 3];                                                                       \
    }                                                                                             \
  }
#define ZIPPED(width, n)                                                     \
  if (b->cols == n && b->to_row == n * width) {                              \
    PK_FN(pk_zip_##width##_##n)(b, from, to);                                \
    return;                                                                  \
  }                                                                          \
  if (b->rows == n && b->from_col == n * width) {                            \
    PK_FN(pk_unzip_##width##_##n)(b, from, to);                              \
    return;                                                                  \
  }

#define TRANSPOSE(width)                                                                                    \
  static void PK_FN(pk_transpose_##width)(const PK_FN(pk_block) *b, const char *from, char *to) {           \
    enum { side = SIDE_##width };                                                                           \
    ZIPPED(width, 2)                                                                                        \
    ZIPPED(width, 3)                                                                                        \
    ZIPPED(width, 4)                                                                                        \
    const size_t whole_rows = b->rows - b->rows % side, whole_cols = b->cols - b->cols % side;              \
    for (size_t row = 0; row < whole_rows; row += side)                                                     \
      for (size_t col = 0; col < whole_cols; col += side)                                                   \
        PK_FN(pk_square_##width)(from + (ptrdiff_t)row * width + (ptrdiff_t)col * b->from_col, b->from_col, \
                                 to + (ptrdiff_t)row * b->to_row + (ptrdiff_t)col * width, b->to_row);      \
    PK_FN(pk_block) rest = *b;                                                                              \
    if (whole_rows < b->rows) {                                                                             \
      rest.rows = b->rows - whole_rows;                                                                     \
      PK_FN(pk_general_##width)(&rest, from + (ptrdiff_t)whole_rows * width, to + (ptrdiff_t)whole_rows * b->to_row); \
    }                                                                                                       \
    if (whole_cols < b->cols && whole_rows > 0) {                                                           \
      rest.rows = whole_rows;                                                                               \
      rest.cols = b->cols - whole_cols;                                                                     \
      PK_FN(pk_general_##width)(&rest, from + (ptrdiff_t)whole_cols * b->from_col, to + (ptrdiff_t)whole_cols * width); \
    }                                                                                                       \
  }

#define FAMILY(width) GENERAL(width) ZIP_2(width) ZIP_3(width) ZIP_4(width) TRANSPOSE(width)
FAMILY(1)
FAMILY(2)
FAMILY(4)
FAMILY(8)
GENERAL(16)

static PK_FN(pk_block_fn) PK_FN(pk_block_loop)(const PK_FN(pk_block) *b, size_t width) {
  const ptrdiff_t w = (ptrdiff_t)width;
#define PICK(kind)                                  \
  switch (width) {                                  \
  case 1: return PK_FN(pk_##kind##_1);              \
  case 2: return PK_FN(pk_##kind##_2);              \
  case 4: return PK_FN(pk_##kind##_4);              \
  case 8: return PK_FN(pk_##kind##_8);              \
  default: return PK_FN(pk_##kind##_16);            \
  }
  if (b->to_col == w && b->from_col == w) PICK(straight)
  if (b->to_col == w && b->from_col == 0) PICK(repeat)
  if (b->to_col == w && b->from_row == w && width < 16) {
    switch (width) {
    case 1: return PK_FN(pk_transpose_1);
    case 2: return PK_FN(pk_transpose_2);
    case 4: return PK_FN(pk_transpose_4);
    default: return PK_FN(pk_transpose_8);
    }
  }
  PICK(general)
#undef PICK
}

void PK_FN(pk_strided)(const pk_strided_axis *axes, size_t rank, size_t width, size_t row_block, size_t col_block,
                       const void *from, void *to, size_t first, size_t last) {
  if (rank < 2 || rank > PK_STRIDED_RANK_LIMIT || first >= last) return;
  const size_t outer = rank - 2;
  const pk_strided_axis row = axes[outer], col = axes[outer + 1];
  const size_t row_blocks = (row.extent - 1) / row_block + 1, col_blocks = (col.extent - 1) / col_block + 1;
  PK_FN(pk_block) block = {0, 0, row.from, col.from, row.to, col.to};
  const PK_FN(pk_block_fn) move = PK_FN(pk_block_loop)(&block, width);

  size_t index[PK_STRIDED_RANK_LIMIT];
  size_t col_index = first % col_blocks, rest = first / col_blocks;
  size_t row_index = rest % row_blocks;
  rest /= row_blocks;
  const char *source = from;
  char *target = to;
  for (size_t axis = outer; axis-- > 0;) {
    index[axis] = rest % axes[axis].extent;
    rest /= axes[axis].extent;
    source += (ptrdiff_t)index[axis] * axes[axis].from;
    target += (ptrdiff_t)index[axis] * axes[axis].to;
  }
  for (size_t unit = first;;) {
    const size_t row_start = row_index * row_block, col_start = col_index * col_block;
    block.rows = row.extent - row_start < row_block ? row.extent - row_start : row_block;
    block.cols = col.extent - col_start < col_block ? col.extent - col_start : col_block;
    move(&block, source + (ptrdiff_t)row_start * row.from + (ptrdiff_t)col_start * col.from,
         target + (ptrdiff_t)row_start * row.to + (ptrdiff_t)col_start * col.to);
    if (++unit >= last) return;
    if (++col_index < col_blocks) continue;
    col_index = 0;
    if (++row_index < row_blocks) continue;
    row_index = 0;
    for (size_t axis = outer; axis-- > 0;) {
      source += axes[axis].from;
      target += axes[axis].to;
      if (++index[axis] < axes[axis].extent) break;
      source -= (ptrdiff_t)axes[axis].extent * axes[axis].from;
      target -= (ptrdiff_t)axes[axis].extent * axes[axis].to;
      index[axis] = 0;
    }
  }
}
