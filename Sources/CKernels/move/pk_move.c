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
  const unsigned char *bytes = element;
  size_t alike = 1;
  while (alike < element_size && bytes[alike] == bytes[0]) alike++;
  if (alike == element_size) {
    memset(y, bytes[0], element_size * n);
    return;
  }
  memmove(y, element, element_size);
  pk_repeat(y, element_size, n);
}

typedef struct sixteen {
  uint64_t half[2];
} sixteen;
#define BY_SIZE(size, KERNEL)      \
  switch (size) {                  \
  case 1: KERNEL(uint8_t);         \
  case 2: KERNEL(uint16_t);        \
  case 4: KERNEL(uint32_t);        \
  case 8: KERNEL(uint64_t);        \
  default: KERNEL(sixteen);        \
  }

// Every element is stored and the place moves on where it is wanted, which has no branch to guess.
#define COMPRESS(T)                                                        \
  do {                                                                     \
    const T *const from = x;                                               \
    T *const to = y;                                                       \
    for (size_t i = 0, done = 0; i < n && done < count; i++) {             \
      to[done] = from[i];                                                  \
      done += flags[i] != 0;                                               \
    }                                                                      \
    return;                                                                \
  } while (0)
void pk_compress(const void *x, const uint8_t *flags, size_t n, size_t element_size, void *y, size_t count) {
  BY_SIZE(element_size, COMPRESS)
}

#define PLACE(T)                                                           \
  do {                                                                     \
    const T *const from = x;                                               \
    T *const to = y;                                                       \
    for (size_t i = 0; i < n; i++) {                                       \
      const uint64_t place = (uint64_t)indices[i] + (indices[i] < 0 ? extent : 0); \
      if (place >= extent) return i;                                       \
      to[place] = from[i];                                                 \
    }                                                                      \
    return n;                                                              \
  } while (0)
size_t pk_place_elements(const void *x, const int64_t *indices, size_t n, size_t element_size, void *y, size_t extent) {
  BY_SIZE(element_size, PLACE)
}

// The extent of the blocks of x and of y behind axis k are `from` and `to` bytes.
// A call of memcpy takes longer than a few bytes.
static inline void copy_few(char *y, const char *x, size_t n) {
  if (n > 128) {
    memcpy(y, x, n);
  } else if (n >= 16) {
    for (size_t i = 0; i + 16 < n; i += 16) __builtin_memcpy(y + i, x + i, 16);
    __builtin_memcpy(y + n - 16, x + n - 16, 16);
  } else if (n >= 8) {
    uint64_t head, tail;
    __builtin_memcpy(&head, x, 8);
    __builtin_memcpy(&tail, x + n - 8, 8);
    __builtin_memcpy(y, &head, 8);
    __builtin_memcpy(y + n - 8, &tail, 8);
  } else {
    for (size_t i = 0; i < n; i++) y[i] = x[i];
  }
}

static void tile_axis(const char *x, char *y, const size_t *dims, const size_t *repeats, size_t rank, size_t from, size_t to) {
  if (rank == 1) {
    copy_few(y, x, from);
    if (to > 1024) {
      pk_repeat(y, from, repeats[0]);
      return;
    }
    for (size_t done = from; done < to;) {
      const size_t piece = done < to - done ? done : to - done;
      copy_few(y + done, y, piece);
      done += piece;
    }
    return;
  }
  const size_t inner_from = from / dims[0], inner_to = to / dims[0] / repeats[0];
  for (size_t i = 0; i < dims[0]; i++) tile_axis(x + i * inner_from, y + i * inner_to, dims + 1, repeats + 1, rank - 1, inner_from, inner_to);
  pk_repeat(y, to / repeats[0], repeats[0]);
}

void pk_tile(const void *x, const size_t *dims, const size_t *repeats, size_t rank, size_t element_size, void *y) {
  size_t from = element_size, to = element_size;
  for (size_t k = 0; k < rank; k++) from *= dims[k], to *= dims[k] * repeats[k];
  tile_axis(x, y, dims, repeats, rank, from, to);
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
