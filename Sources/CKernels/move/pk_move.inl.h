#include "levels/pk_number.inl.h"
#include "pk_transpose.inl.h"

typedef struct PK_FN(pk_sixteen) {
  uint64_t low, high;
} PK_FN(pk_sixteen);

// One axis with any strides.
#define LINE_COPY(size, T)                                                                                              \
  static void PK_FN(pk_line_##size)(const void *xs, int64_t x_stride, void *ys, int64_t y_stride, int64_t n) {          \
    const T *x = xs;                                                                                                    \
    T *y = ys;                                                                                                          \
    if (y_stride == 1 && x_stride == 0) {                                                                               \
      const T v = *x;                                                                                                   \
      for (int64_t i = 0; i < n; i++) y[i] = v;                                                                         \
    } else if (y_stride == 1) {                                                                                         \
      for (int64_t i = 0; i < n; i++) y[i] = x[i * x_stride];                                                           \
    } else {                                                                                                            \
      for (int64_t i = 0; i < n; i++) y[i * y_stride] = x[i * x_stride];                                                \
    }                                                                                                                   \
  }
LINE_COPY(1, uint8_t)
LINE_COPY(2, uint16_t)
LINE_COPY(4, uint32_t)
LINE_COPY(8, uint64_t)
LINE_COPY(16, PK_FN(pk_sixteen))

static void PK_FN(pk_transpose_16)(const void *x, int64_t x_stride, void *y, int64_t y_stride, int64_t rows, int64_t columns) {
  for (int64_t j = 0; j < columns; j++)
    PK_FN(pk_line_16)((const char *)x + j * 16, x_stride, (char *)y + j * y_stride * 16, 1, rows);
}

typedef struct PK_FN(pk_axis) {
  int64_t count, x, y;
} PK_FN(pk_axis);

// The axes that matter, outermost first: those of one element dropped, neighbours walked as one merged.
static size_t PK_FN(pk_merge_axes)(const int64_t *x_strides, const int64_t *y_strides, const int64_t *dims, size_t rank,
                                   PK_FN(pk_axis) *axes) {
  size_t count = 0;
  for (size_t k = 0; k < rank; k++) {
    if (dims[k] == 1) continue;
    PK_FN(pk_axis) *last = count > 0 ? &axes[count - 1] : NULL;
    if (last && last->x == x_strides[k] * dims[k] && last->y == y_strides[k] * dims[k])
      *last = (PK_FN(pk_axis)){last->count * dims[k], x_strides[k], y_strides[k]};
    else axes[count++] = (PK_FN(pk_axis)){dims[k], x_strides[k], y_strides[k]};
  }
  return count;
}

// Below this many elements along either axis a block transpose has nothing to gain.
enum { NARROW = 4 };

static bool PK_FN(pk_strided_copy_any)(const void *xs, const int64_t *x_strides, void *ys, const int64_t *y_strides,
                                       const int64_t *dims, size_t rank, size_t size) {
  if (rank > PK_RANK_LIMIT || size == 0 || size > 16 || (size & (size - 1)) != 0) return false;
  for (size_t k = 0; k < rank; k++)
    if (dims[k] <= 0) return true;
  PK_FN(pk_axis) axes[PK_RANK_LIMIT + 1];
  size_t count = PK_FN(pk_merge_axes)(x_strides, y_strides, dims, rank, axes);
  if (count == 0) axes[count++] = (PK_FN(pk_axis)){1, 1, 1};

  typedef void (*line_fn)(const void *, int64_t, void *, int64_t, int64_t);
  typedef void (*plane_fn)(const void *, int64_t, void *, int64_t, int64_t, int64_t);
  static const line_fn lines[] = {PK_FN(pk_line_1), PK_FN(pk_line_2), PK_FN(pk_line_4), PK_FN(pk_line_8), PK_FN(pk_line_16)};
  static const plane_fn planes[] = {PK_FN(pk_transpose_1), PK_FN(pk_transpose_2), PK_FN(pk_transpose_4), PK_FN(pk_transpose_8),
                                    PK_FN(pk_transpose_16)};
  const int log = __builtin_ctzll(size);

  // The last axis is walked innermost, together with the axis along which x is contiguous where that is another one.
  const PK_FN(pk_axis) last = axes[--count];
  PK_FN(pk_axis) other = {1, 0, 0};
  if (last.y == 1 && last.x != 1 && last.count >= NARROW) {
    for (size_t k = count; k-- > 0;) {
      if (axes[k].x != 1 || axes[k].count < NARROW) continue;
      other = axes[k];
      for (count--; k < count; k++) axes[k] = axes[k + 1];
      break;
    }
  }
  const bool plane = other.count > 1, row = last.x == 1 && last.y == 1;
  // Otherwise the next axis out shares the innermost loop, which spares short lines the walk below.
  if (!plane && count > 0) other = axes[--count];

  int64_t at[PK_RANK_LIMIT] = {0};
  const char *x = xs;
  char *y = ys;
  const int64_t bytes = (int64_t)size;
  for (;;) {
    if (plane) planes[log](x, last.x, y, other.y, last.count, other.count);
    for (int64_t i = 0; !plane && i < other.count; i++) {
      const char *from = x + i * other.x * bytes;
      char *to = y + i * other.y * bytes;
      if (row) memcpy(to, from, (size_t)(last.count * bytes));
      else lines[log](from, last.x, to, last.y, last.count);
    }
    size_t k = count;
    for (; k > 0; k--) {
      const PK_FN(pk_axis) a = axes[k - 1];
      x += a.x * bytes, y += a.y * bytes;
      if (++at[k - 1] < a.count) break;
      x -= a.x * a.count * bytes, y -= a.y * a.count * bytes;
      at[k - 1] = 0;
    }
    if (k == 0) return true;
  }
}
const pk_strided_copy_fn PK_FN(pk_strided_copy) = PK_FN(pk_strided_copy_any);

// Along a line each element waits for the one before, in a register: columns side by side vectorise, and whole lines go several
// at a time. A sum starts with -0, which keeps a first -0 as it is.
#define CUMULATIVE(name, type, T, A, READ, WRITE, empty, start, operator)                                               \
  static inline void PK_FN(pk_##name##_lines_##type)(const T *x, T *y, size_t axis, size_t count, bool exclusive, bool reverse) { \
    A running[LINES];                                                                                                   \
    for (size_t l = 0; l < count; l++) running[l] = exclusive ? (A)(empty) : (A)(start);                                \
    for (size_t k = 0; k < axis; k++) {                                                                                 \
      const size_t at = reverse ? axis - 1 - k : k;                                                                     \
      for (size_t l = 0; l < count; l++) {                                                                              \
        const A before = running[l], after = before operator (A)READ(x[l * axis + at]);                                 \
        running[l] = after;                                                                                             \
        y[l * axis + at] = (T)WRITE(exclusive ? before : after);                                                        \
      }                                                                                                                 \
    }                                                                                                                   \
  }                                                                                                                     \
  static inline void PK_FN(pk_##name##_columns_##type)(const T *x, T *y, size_t axis, size_t inner, size_t width, bool exclusive, bool reverse) { \
    for (size_t tile = 0; tile < width; tile += TILE) {                                                                 \
      const size_t count = width - tile < TILE ? width - tile : TILE;                                                   \
      A running[TILE];                                                                                                  \
      for (size_t i = 0; i < count; i++) running[i] = exclusive ? (A)(empty) : (A)(start);                              \
      for (size_t k = 0; k < axis; k++) {                                                                               \
        const size_t row = (reverse ? axis - 1 - k : k) * inner + tile;                                                 \
        PK_VECTORISE for (size_t i = 0; i < count; i++) {                                                               \
          const A before = running[i], after = before operator (A)READ(x[row + i]);                                     \
          running[i] = after;                                                                                           \
          y[row + i] = (T)WRITE(exclusive ? before : after);                                                            \
        }                                                                                                               \
      }                                                                                                                 \
    }                                                                                                                   \
  }                                                                                                                     \
  static void PK_FN(pk_##name##_##type)(const void *xs, void *ys, size_t axis, size_t inner, size_t first, size_t last, bool exclusive, \
                                        bool reverse) {                                                                 \
    const T *x = xs;                                                                                                    \
    T *y = ys;                                                                                                          \
    if (inner == 1) {                                                                                                   \
      for (; first + LINES <= last; first += LINES)                                                                     \
        PK_FN(pk_##name##_lines_##type)(x + first * axis, y + first * axis, axis, LINES, exclusive, reverse);           \
      for (; first < last; first++) PK_FN(pk_##name##_lines_##type)(x + first * axis, y + first * axis, axis, 1, exclusive, reverse); \
      return;                                                                                                           \
    }                                                                                                                   \
    while (first < last) {                                                                                              \
      const size_t column = first % inner, width = inner - column < last - first ? inner - column : last - first;       \
      const size_t at = first / inner * axis * inner + column;                                                          \
      PK_FN(pk_##name##_columns_##type)(x + at, y + at, axis, inner, width, exclusive, reverse);                        \
      first += width;                                                                                                   \
    }                                                                                                                   \
  }
enum { TILE = 1024, LINES = 8 };
#define AS_IT_IS(v) (v)
#define BOTH(type, T, A, READ, WRITE)                                                                                   \
  CUMULATIVE(cumsum, type, T, A, READ, WRITE, 0, -0.0, +)                                                                     \
  CUMULATIVE(cumprod, type, T, A, READ, WRITE, 1, 1, *)
BOTH(f32, float, float, AS_IT_IS, AS_IT_IS)
BOTH(f64, double, double, AS_IT_IS, AS_IT_IS)
BOTH(f16, uint16_t, float, PK_FN(pk_f32_of_f16), PK_FN(pk_f16_of_f32))
BOTH(bf16, uint16_t, float, PK_FN(pk_f32_of_bf16), PK_FN(pk_bf16_of_f32))
BOTH(i32, uint32_t, uint32_t, AS_IT_IS, AS_IT_IS)
BOTH(i64, uint64_t, uint64_t, AS_IT_IS, AS_IT_IS)

#define K(name, type) PK_FN(pk_##name##_##type)
#define TYPES(name)                                                                                                     \
  {                                                                                                                     \
    [PK_F32] = K(name, f32), [PK_F64] = K(name, f64), [PK_F16] = K(name, f16), [PK_BF16] = K(name, bf16),               \
    [PK_I32] = K(name, i32), [PK_U32] = K(name, i32), [PK_I64] = K(name, i64), [PK_U64] = K(name, i64),                 \
  }
const pk_cumulative_fn PK_FN(pk_cumulative_sum_table)[PK_TYPE_LIMIT] = TYPES(cumsum);
const pk_cumulative_fn PK_FN(pk_cumulative_product_table)[PK_TYPE_LIMIT] = TYPES(cumprod);
