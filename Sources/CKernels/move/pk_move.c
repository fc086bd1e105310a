#include "pk_move.h"

#include "levels/pk_select.h"

#include <string.h>

extern const pk_strided_copy_fn pk_strided_copy_scalar, pk_strided_copy_avx2, pk_strided_copy_avx512;
extern const pk_cumulative_fn pk_cumulative_sum_table_scalar[PK_TYPE_LIMIT], pk_cumulative_sum_table_avx2[PK_TYPE_LIMIT];
extern const pk_cumulative_fn pk_cumulative_sum_table_avx512[PK_TYPE_LIMIT];
extern const pk_cumulative_fn pk_cumulative_product_table_scalar[PK_TYPE_LIMIT], pk_cumulative_product_table_avx2[PK_TYPE_LIMIT];
extern const pk_cumulative_fn pk_cumulative_product_table_avx512[PK_TYPE_LIMIT];

pk_strided_copy_fn pk_strided_copy_kernel(pk_isa isa) { return PK_SELECT(isa, pk_strided_copy); }

pk_cumulative_fn pk_cumulative_sum_kernel(pk_isa isa, pk_type type) {
  return (unsigned)type < PK_TYPE_LIMIT ? PK_SELECT(isa, pk_cumulative_sum_table)[type] : NULL;
}

pk_cumulative_fn pk_cumulative_product_kernel(pk_isa isa, pk_type type) {
  return (unsigned)type < PK_TYPE_LIMIT ? PK_SELECT(isa, pk_cumulative_product_table)[type] : NULL;
}

// Copies of a size the compiler knows are a load and a store; the common element sizes get them.
#define GATHER(Index, ...)                                                                     \
  do {                                                                                         \
    for (size_t r = 0; r < count; r++) {                                                       \
      const Index index = indices[r];                                                          \
      const uint64_t row = (uint64_t)(int64_t)index + (index < 0 ? rows : 0);                  \
      if (row >= rows) return r;                                                               \
      memcpy((char *)y + r * (__VA_ARGS__), (const char *)x + row * (__VA_ARGS__), __VA_ARGS__); \
    }                                                                                          \
    return count;                                                                              \
  } while (0)
#define GATHER_ROWS(name, Index)                                                               \
  size_t name(const void *x, const Index *indices, void *y, size_t count, size_t row_bytes, size_t rows) { \
    switch (row_bytes) {                                                                       \
    case 1: GATHER(Index, 1);                                                                  \
    case 2: GATHER(Index, 2);                                                                  \
    case 4: GATHER(Index, 4);                                                                  \
    case 8: GATHER(Index, 8);                                                                  \
    case 16: GATHER(Index, 16);                                                                \
    default: GATHER(Index, row_bytes);                                                         \
    }                                                                                          \
  }
GATHER_ROWS(pk_gather_rows_i64, int64_t)
GATHER_ROWS(pk_gather_rows_i32, int32_t)

void pk_repeat(void *y, size_t block_bytes, size_t times) {
  const size_t total = block_bytes * times;
  // Doubling what is there keeps the copies long; pieces of a page or so stay in the nearest cache.
  for (size_t done = block_bytes; done < total;) {
    size_t piece = done < total - done ? done : total - done;
    if (piece > 16384 && block_bytes <= 16384) {
      const size_t blocks = 16384 / block_bytes * block_bytes;
      if (piece > blocks) piece = blocks;
    }
    memcpy((char *)y + done, y, piece);
    done += piece;
  }
}

void pk_fill(void *y, const void *element, size_t element_size, size_t n) {
  if (n == 0) return;
  memmove(y, element, element_size);
  pk_repeat(y, element_size, n);
}

// Where in an axis of n the padded index i comes from, or -1 for the constant.
static int64_t source_index(pk_pad_mode mode, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
  case PK_PAD_EDGE: return i < 0 ? 0 : n - 1;
  case PK_PAD_WRAP: return ((i % n) + n) % n;
  case PK_PAD_REFLECT: {
    if (n == 1) return 0;
    const int64_t period = 2 * (n - 1), phase = ((i % period) + period) % period;
    return phase < n ? phase : period - phase;
  }
  default: return -1;
  }
}

// One line of items of any size: what comes before x, the part of x that stays, what comes after.
static void pad_line(const char *x, int64_t n, char *y, int64_t before, int64_t length, pk_pad_mode mode, const void *value,
                     size_t element_size, size_t item) {
  const int64_t first = before < 0 ? 0 : before < length ? before : length;
  const int64_t end = before + n < first ? first : before + n < length ? before + n : length;
  if (end > first) memcpy(y + (size_t)first * item, x + (size_t)(first - before) * item, (size_t)(end - first) * item);
  if (mode == PK_PAD_CONSTANT) {
    const size_t elements = item / element_size;
    pk_fill(y, value, element_size, (size_t)first * elements);
    pk_fill(y + (size_t)end * item, value, element_size, (size_t)(length - end) * elements);
    return;
  }
  for (int64_t i = 0; i < length; i++) {
    if (i == first) i = end;
    if (i < length) memcpy(y + (size_t)i * item, x + (size_t)source_index(mode, i - before, n) * item, item);
  }
}

bool pk_pad(const void *x, const int64_t *dims, void *y, const int64_t *before, const int64_t *after, size_t rank, pk_pad_mode mode,
            const void *value, size_t element_size) {
  if (rank > PK_RANK_LIMIT || element_size == 0) return false;
  int64_t length[PK_RANK_LIMIT];
  bool empty = false;
  for (size_t k = 0; k < rank; k++) {
    if (__builtin_add_overflow(dims[k], before[k], &length[k]) || __builtin_add_overflow(length[k], after[k], &length[k])) return false;
    if (length[k] < 0 || dims[k] < 0) return false;
    if (mode != PK_PAD_CONSTANT && dims[k] == 0 && length[k] > 0) return false;
    empty |= length[k] == 0;
  }
  if (empty) return true;
  // Inner axes that stay as they are make up the items of the last axis that changes.
  size_t item = element_size;
  while (rank > 0 && before[rank - 1] == 0 && after[rank - 1] == 0) item *= (size_t)dims[--rank];
  if (rank == 0) {
    memcpy(y, x, item);
    return true;
  }
  const size_t last = rank - 1;
  const size_t line = (size_t)length[last] * item;
  int64_t at[PK_RANK_LIMIT] = {0};
  for (char *target = y;; target += line) {
    int64_t source = 0;
    bool outside = false;
    for (size_t k = 0; k < last; k++) {
      const int64_t i = source_index(mode, at[k] - before[k], dims[k]);
      outside |= i < 0;
      source = source * dims[k] + i;
    }
    const char *from = outside ? NULL : (const char *)x + (size_t)(source * dims[last]) * item;
    if (outside) pk_fill(target, value, element_size, line / element_size);
    else pad_line(from, dims[last], target, before[last], length[last], mode, value, element_size, item);
    size_t k = last;
    while (k > 0 && ++at[k - 1] == length[k - 1]) at[--k] = 0;
    if (k == 0) return true;
  }
}
