// Weights of few bits with float32 activations, one ISA level.

#include "pk_nbits_internal.h"

/// Columns of a panel, as pk_sgemm_pack_b makes them at this level.
enum { PK_FN(nbits_columns) = 2 * PK_LANES };

typedef int32_t PK_FN(nbits_words) __attribute__((vector_size(4 * PK_LANES), aligned(4)));
typedef float PK_FN(nbits_floats) __attribute__((vector_size(4 * PK_LANES), aligned(4)));

/// A word's codes, all of one block, for each column of a panel: w[code][column].
static inline void PK_FN(nbits_word)(const uint32_t *words, int bits, size_t codes, const float *scale, const float *zero, float *w) {
  for (int half = 0; half < PK_FN(nbits_columns); half += PK_LANES) {
    PK_FN(nbits_words) rest = *(const PK_FN(nbits_words) *)(words + half);
    const PK_FN(nbits_floats) scales = *(const PK_FN(nbits_floats) *)(scale + half), zeros = *(const PK_FN(nbits_floats) *)(zero + half);
    for (size_t q = 0; q < codes; q++, rest >>= bits)
      *(PK_FN(nbits_floats) *)(w + q * PK_FN(nbits_columns) + half) =
          (__builtin_convertvector(rest & ((1 << bits) - 1), PK_FN(nbits_floats)) - zeros) * scales;
  }
}

static void PK_FN(nbits_panels)(const pk_nbits *b, size_t n0, size_t n1, float *packed) {
  enum { NR = PK_FN(nbits_columns), PART = 16 };
  const size_t in_word = 32 / (size_t)b->bits, block_words = b->block / in_word, words = b->blocks * block_words;
  for (size_t n = n0; n < n1; n += NR) {
    const size_t columns = n1 - n < NR ? n1 - n : NR;
    // Columns that are not there have a scale of 0.
    float scale[NR] = {0}, zero[NR] = {0};
    uint32_t part[NR][PART] = {{0}};
    for (size_t start = 0; start < words; start += PART) {
      // Columns are far apart: a line of each at a time, or the next ones would displace it.
      const size_t here = words - start < PART ? words - start : PART;
      for (size_t c = 0; c < columns; c++) {
        const uint8_t *from = b->codes + ((n + c) * words + start) * 4;
        here == PART ? memcpy(part[c], from, sizeof part[c]) : memcpy(part[c], from, here * 4);
      }
      for (size_t i = 0; i < here; i++) {
        const size_t p = (start + i) * in_word;
        if (p >= b->k) break;
        if ((start + i) % block_words == 0)
          for (size_t c = 0; c < columns; c++) {
            const size_t at = (n + c) * b->blocks + p / b->block;
            scale[c] = b->scale[at], zero[c] = pk_nbits_zero(b, at);
          }
        uint32_t word[NR];
        for (size_t c = 0; c < NR; c++) word[c] = part[c][i];
        const size_t codes = b->k - p < in_word ? b->k - p : in_word;
        if (b->bits == 4 && codes == 8)
          PK_FN(nbits_word)(word, 4, 8, scale, zero, packed);
        else
          PK_FN(nbits_word)(word, b->bits, codes, scale, zero, packed);
        packed += codes * NR;
      }
    }
  }
}

// Sixteen codes' bytes at a time, eight for the least blocks; the compiler splits the vectors to fit the level. Rows of weights share the
// activations, rows of activations share the weights made floats.
#define DEFINE_GEMV(NAME, WIDTH, ROWS, M)                                                                                         \
  typedef uint8_t PK_FN(NAME##_bytes) __attribute__((vector_size(WIDTH), aligned(1)));                                            \
  typedef int32_t PK_FN(NAME##_codes) __attribute__((vector_size(4 * WIDTH)));                                                    \
  typedef float PK_FN(NAME##_sums) __attribute__((vector_size(4 * WIDTH), aligned(4)));                                           \
  static inline void PK_FN(NAME)(const pk_nbits *b, const float *prepared, size_t n, float *y, size_t ldy) {                      \
    const size_t half = b->block / 2, step = pk_nbits_row_floats(b);                                                              \
    const float *block_sums = prepared + b->blocks * b->block;                                                                    \
    PK_FN(NAME##_sums) total[ROWS][M] = {{{0}}};                                                                                  \
    float shift[ROWS][M] = {{0}};                                                                                                 \
    for (size_t i = 0; i < b->blocks; i++) {                                                                                      \
      const float *even = prepared + i * b->block, *odd = even + half;                                                            \
      _Pragma("clang loop unroll(full)") for (size_t r = 0; r < ROWS; r++) {                                                      \
        const size_t block = (n + r) * b->blocks + i;                                                                             \
        const uint8_t *codes = b->codes + block * half;                                                                           \
        PK_FN(NAME##_sums) low[M] = {{0}}, high[M] = {{0}};                                                                       \
        for (size_t at = 0; at < half; at += WIDTH) {                                                                             \
          const PK_FN(NAME##_codes) code =                                                                                        \
              __builtin_convertvector(*(const PK_FN(NAME##_bytes) *)(codes + at), PK_FN(NAME##_codes));                           \
          const PK_FN(NAME##_sums) first = __builtin_convertvector(code & 15, PK_FN(NAME##_sums));                                \
          const PK_FN(NAME##_sums) second = __builtin_convertvector(code >> 4, PK_FN(NAME##_sums));                               \
          _Pragma("clang loop unroll(full)") for (size_t m = 0; m < M; m++) {                                                     \
            low[m] += *(const PK_FN(NAME##_sums) *)(even + m * step + at) * first;                                                \
            high[m] += *(const PK_FN(NAME##_sums) *)(odd + m * step + at) * second;                                               \
          }                                                                                                                       \
        }                                                                                                                         \
        const float zero = pk_nbits_zero(b, block) * b->scale[block];                                                             \
        _Pragma("clang loop unroll(full)") for (size_t m = 0; m < M; m++) {                                                       \
          total[r][m] += (low[m] + high[m]) * b->scale[block];                                                                    \
          shift[r][m] += zero * block_sums[m * step + i];                                                                         \
        }                                                                                                                         \
      }                                                                                                                           \
    }                                                                                                                             \
    for (size_t r = 0; r < ROWS; r++)                                                                                             \
      for (size_t m = 0; m < M; m++) {                                                                                            \
        float sum = 0;                                                                                                            \
        for (size_t j = 0; j < WIDTH; j++) sum += total[r][m][j];                                                                 \
        y[m * ldy + r] = sum - shift[r][m];                                                                                       \
      }                                                                                                                           \
  }
DEFINE_GEMV(nbits_gemv_8, 8, 1, 1)
DEFINE_GEMV(nbits_gemv_16, 16, 1, 1)
DEFINE_GEMV(nbits_gemv_16_by_2, 16, 2, 1)
#if PK_LEVEL == 2
enum { PK_FN(nbits_rows) = 4 };
DEFINE_GEMV(nbits_gemv_8_rows, 8, 1, 4)
DEFINE_GEMV(nbits_gemv_16_rows, 16, 1, 4)
#else
enum { PK_FN(nbits_rows) = 2 };
DEFINE_GEMV(nbits_gemv_8_rows, 8, 1, 2)
DEFINE_GEMV(nbits_gemv_16_rows, 16, 1, 2)
#endif

static void PK_FN(nbits_gemv)(const pk_nbits *b, const float *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy) {
  enum { ROWS = PK_FN(nbits_rows) };
  const bool is_short = b->block < 32;
  size_t row = 0;
  for (; row + ROWS <= m; row += ROWS, prepared += ROWS * pk_nbits_row_floats(b), y += ROWS * ldy)
    for (size_t n = n0; n < n1; n++) {
      if (is_short)
        PK_FN(nbits_gemv_8_rows)(b, prepared, n, y + (n - n0), ldy);
      else
        PK_FN(nbits_gemv_16_rows)(b, prepared, n, y + (n - n0), ldy);
    }
  for (; row < m; row++, prepared += pk_nbits_row_floats(b), y += ldy) {
    size_t n = n0;
    if (is_short)
      for (; n < n1; n++) PK_FN(nbits_gemv_8)(b, prepared, n, y + (n - n0), ldy);
    // A row's sum is the same in a pair and alone, wherever the rows are cut.
    for (; n + 2 <= n1; n += 2) PK_FN(nbits_gemv_16_by_2)(b, prepared, n, y + (n - n0), ldy);
    for (; n < n1; n++) PK_FN(nbits_gemv_16)(b, prepared, n, y + (n - n0), ldy);
  }
}

/// Codes of a block, those at even and odd places apart; their sum.
static inline int32_t PK_FN(nbits_bytes)(const float *a, size_t count, float inverse, int8_t *even, int8_t *odd) {
  // Adding this leaves the nearest integer in the last places of the sum.
  const float round = 0x1.8p23f;
  const int32_t bits = 0x4b400000;
  int32_t sum = 0;
  PK_VECTORISE for (size_t j = 0; j < count / 2; j++) {
    const float first = a[2 * j] * inverse + round, second = a[2 * j + 1] * inverse + round;
    int32_t low, high;
    memcpy(&low, &first, 4), memcpy(&high, &second, 4);
    low -= bits, high -= bits;
    even[j] = (int8_t)low, odd[j] = (int8_t)high;
    sum += low + high;
  }
  if (count % 2) {
    const float last = a[count - 1] * inverse + round;
    int32_t code;
    memcpy(&code, &last, 4);
    even[count / 2] = (int8_t)(code - bits);
    sum += code - bits;
  }
  return sum;
}

static void PK_FN(nbits_prepare_bytes)(const pk_nbits *b, const float *a, uint8_t *prepared) {
  const pk_nbits_row row = pk_nbits_row_of(b);
  const size_t half = b->block / 2;
  int8_t *even = (int8_t *)prepared, *odd = even + 4 * row.words;
  float *scales = (float *)(void *)(prepared + 8 * row.words), *sums = scales + row.words;
  memset(prepared, 0, pk_nbits_row_bytes(b));
  for (size_t i = 0; i < b->blocks; i++, a += b->block, even += half, odd += half, scales += b->block / 8) {
    const size_t count = b->k - i * b->block < b->block ? b->k - i * b->block : b->block;
    // As integers, magnitudes have the same order, with infinity and NaN above all numbers.
    uint32_t peak = 0;
    PK_VECTORISE for (size_t j = 0; j < count; j++) {
      uint32_t magnitude;
      memcpy(&magnitude, a + j, 4);
      magnitude &= 0x7fffffff;
      peak = magnitude > peak ? magnitude : peak;
    }
    float largest, scale = 0;
    memcpy(&largest, &peak, 4);
    int32_t sum = 0;
    if (peak >= 0x7f800000) {
      scale = NAN;
    } else if (largest >= 0x1p-119f) {
      scale = largest / 127;
      sum = PK_FN(nbits_bytes)(a, count, 127 / largest, even, odd);
    }
    for (size_t j = 0; j < b->block / 8; j++) scales[j] = scale;
    sums[i] = scale * (float)sum;
  }
}

const pk_nbits_table PK_FN(pk_nbits_table) = {.panels = PK_FN(nbits_panels), .gemv = PK_FN(nbits_gemv), .prepare_bytes = PK_FN(nbits_prepare_bytes)};
