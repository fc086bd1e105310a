// Weights of few bits, one ISA level.

#include "pk_nbits_internal.h"

/// The first `count` codes of a block; `count` is even except at the end of a row.
static inline void PK_FN(nbits_block)(int bits, const uint8_t *codes, float scale, float zero, size_t count, float *w) {
  if (bits == 8) {
    PK_VECTORISE for (size_t i = 0; i < count; i++) w[i] = ((float)codes[i] - zero) * scale;
  } else if (bits == 4) {
    PK_VECTORISE for (size_t i = 0; i < count / 2; i++) {
      w[2 * i] = ((float)(codes[i] & 15) - zero) * scale;
      w[2 * i + 1] = ((float)(codes[i] >> 4) - zero) * scale;
    }
    if (count % 2) w[count - 1] = ((float)(codes[count / 2] & 15) - zero) * scale;
  } else {
    for (size_t i = 0; i < count; i++) w[i] = ((float)(codes[i / 4] >> (i % 4 * 2) & 3) - zero) * scale;
  }
}

static void PK_FN(nbits_dequantize)(const pk_nbits *b, size_t n0, size_t n1, float *w) {
  const size_t bytes = b->block * (size_t)b->bits / 8;
  for (size_t n = n0; n < n1; n++)
    for (size_t i = 0; i < b->blocks; i++) {
      const size_t at = n * b->blocks + i, start = i * b->block;
      const size_t count = b->k - start < b->block ? b->k - start : b->block;
      PK_FN(nbits_block)(b->bits, b->codes + at * bytes, b->scale[at], b->zero[at], count, w + (n - n0) * b->k + start);
    }
}

// Sixteen codes' bytes at a time, eight for the least blocks; the compiler splits the vectors to fit the level.
#define DEFINE_GEMV(NAME, WIDTH, ROWS)                                                                                            \
  typedef uint8_t PK_FN(NAME##_bytes) __attribute__((vector_size(WIDTH), aligned(1)));                                            \
  typedef int32_t PK_FN(NAME##_codes) __attribute__((vector_size(4 * WIDTH)));                                                    \
  typedef float PK_FN(NAME##_sums) __attribute__((vector_size(4 * WIDTH), aligned(4)));                                           \
  static inline void PK_FN(NAME)(const pk_nbits *b, const float *prepared, size_t n, float *y) {                                  \
    const size_t half = b->block / 2;                                                                                             \
    const float *block_sums = prepared + b->blocks * b->block;                                                                    \
    PK_FN(NAME##_sums) total[ROWS] = {{0}};                                                                                       \
    float shift[ROWS] = {0};                                                                                                      \
    for (size_t i = 0; i < b->blocks; i++) {                                                                                      \
      const float *even = prepared + i * b->block, *odd = even + half;                                                            \
      for (size_t r = 0; r < ROWS; r++) {                                                                                         \
        const size_t block = (n + r) * b->blocks + i;                                                                             \
        const uint8_t *codes = b->codes + block * half;                                                                           \
        PK_FN(NAME##_sums) low = {0}, high = {0};                                                                                 \
        for (size_t at = 0; at < half; at += WIDTH) {                                                                             \
          const PK_FN(NAME##_codes) code =                                                                                        \
              __builtin_convertvector(*(const PK_FN(NAME##_bytes) *)(codes + at), PK_FN(NAME##_codes));                           \
          low += *(const PK_FN(NAME##_sums) *)(even + at) * __builtin_convertvector(code & 15, PK_FN(NAME##_sums));               \
          high += *(const PK_FN(NAME##_sums) *)(odd + at) * __builtin_convertvector(code >> 4, PK_FN(NAME##_sums));               \
        }                                                                                                                         \
        total[r] += (low + high) * b->scale[block];                                                                               \
        shift[r] += b->zero[block] * b->scale[block] * block_sums[i];                                                             \
      }                                                                                                                           \
    }                                                                                                                             \
    for (size_t r = 0; r < ROWS; r++) {                                                                                           \
      float sum = 0;                                                                                                              \
      for (size_t j = 0; j < WIDTH; j++) sum += total[r][j];                                                                      \
      y[r] = sum - shift[r];                                                                                                      \
    }                                                                                                                             \
  }
DEFINE_GEMV(nbits_gemv_8, 8, 1)
DEFINE_GEMV(nbits_gemv_16, 16, 1)
DEFINE_GEMV(nbits_gemv_16_by_2, 16, 2)

static void PK_FN(nbits_gemv)(const pk_nbits *b, const float *prepared, size_t n0, size_t n1, float *y) {
  size_t n = n0;
  if (b->block < 32) {
    for (; n < n1; n++) PK_FN(nbits_gemv_8)(b, prepared, n, y + (n - n0));
    return;
  }
  // A row's sum is the same in a pair and alone, wherever the rows are cut.
  for (; n + 2 <= n1; n += 2) PK_FN(nbits_gemv_16_by_2)(b, prepared, n, y + (n - n0));
  for (; n < n1; n++) PK_FN(nbits_gemv_16)(b, prepared, n, y + (n - n0));
}

const pk_nbits_table PK_FN(pk_nbits_table) = {.dequantize = PK_FN(nbits_dequantize), .gemv = PK_FN(nbits_gemv)};
