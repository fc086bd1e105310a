// The int8 GEMM of one ISA level. The including file sets PK_LEVEL and PK_INT8_TABLE.
//
// Depth is grouped into 32-bit words, so that the loops are those of the f32 kernels with another multiply-add. On
// AVX-512 a word holds four bytes for dpbusd, which wants one unsigned and one signed operand: A stays as it is, and B
// is moved by 128 if it has A's signedness; its zero point moves along. Below, a word holds two 16-bit values for
// pmaddwd, which hold any byte.

#include "pk_gemm_int8_internal.h"
#include "gemm/pk_gemm_vec.inl.h"

typedef uint32_t vu __attribute__((ext_vector_type(VW)));
typedef uint32_t vu_any __attribute__((ext_vector_type(VW), aligned(4), may_alias));

#if PK_LEVEL == 2
#define MR 14
#define GROUP 4
#elif PK_LEVEL == 1
#define MR 6
#define GROUP 2
#else
#define MR 4
#define GROUP 2
#endif
#define NR (2 * VW)

PK_INLINE vu vu_load(const uint32_t *p) { return *(const vu_any *)p; }
PK_INLINE void vu_store(uint32_t *p, vu v) { *(vu_any *)p = v; }

/// sum + the products of the parts of a and b, lane by lane. `a_signed` is a constant after inlining.
PK_INLINE vu multiply_add(vu sum, uint32_t a, vu b, bool a_signed) {
#if PK_LEVEL == 2
  const __m512i av = _mm512_set1_epi32((int)a);
  return a_signed ? (vu)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)b, av) : (vu)_mm512_dpbusd_epi32((__m512i)sum, av, (__m512i)b);
#elif PK_LEVEL == 1
  (void)a_signed;
  return sum + (vu)_mm256_madd_epi16(_mm256_set1_epi32((int)a), (__m256i)b);
#else
  (void)a_signed;
  return sum + (vu)_mm_madd_epi16(_mm_set1_epi32((int)a), (__m128i)b);
#endif
}

/// Of A.
enum { UNSIGNED = 0, SIGNED = 1 };

typedef void (*imicro)(size_t kc, const uint32_t *a, const uint32_t *b, uint32_t *tile);

// tile[M][NR]; U chains over the depth where few rows would make the loop wait for its own sums.
#define IMICRO(M, U, SIGN)                                                                                            \
  static void imicro_##M##_##SIGN(size_t kc, const uint32_t *restrict a, const uint32_t *restrict b, uint32_t *restrict tile) { \
    vu acc[U][M][2];                                                                                                  \
    PK_UNROLL for (int u = 0; u < U; u++) PK_UNROLL for (int i = 0; i < M; i++) acc[u][i][0] = acc[u][i][1] = 0;      \
    size_t p = 0;                                                                                                     \
    for (; p + U <= kc; p += U) PK_UNROLL for (int u = 0; u < U; u++, a += M, b += NR) {                              \
      const vu b0 = vu_load(b), b1 = vu_load(b + VW);                                                                 \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                         \
        acc[u][i][0] = multiply_add(acc[u][i][0], a[i], b0, SIGN);                                                    \
        acc[u][i][1] = multiply_add(acc[u][i][1], a[i], b1, SIGN);                                                    \
      }                                                                                                               \
    }                                                                                                                 \
    for (; U > 1 && p < kc; p++, a += M, b += NR) PK_UNROLL for (int i = 0; i < M; i++) {                             \
      acc[0][i][0] = multiply_add(acc[0][i][0], a[i], vu_load(b), SIGN);                                              \
      acc[0][i][1] = multiply_add(acc[0][i][1], a[i], vu_load(b + VW), SIGN);                                         \
    }                                                                                                                 \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) {                                     \
      vu sum = acc[0][i][j];                                                                                          \
      PK_UNROLL for (int u = 1; u < U; u++) sum += acc[u][i][j];                                                      \
      vu_store(tile + i * NR + j * VW, sum);                                                                          \
    }                                                                                                                 \
  }

#if PK_LEVEL == 2
#define IMICRO_ALL(SIGN)                                                                                              \
  IMICRO(1, 4, SIGN) IMICRO(2, 4, SIGN) IMICRO(3, 2, SIGN) IMICRO(4, 2, SIGN) IMICRO(5, 1, SIGN) IMICRO(6, 1, SIGN)   \
  IMICRO(7, 1, SIGN) IMICRO(8, 1, SIGN) IMICRO(9, 1, SIGN) IMICRO(10, 1, SIGN) IMICRO(11, 1, SIGN) IMICRO(12, 1, SIGN) \
  IMICRO(13, 1, SIGN) IMICRO(14, 1, SIGN)
IMICRO_ALL(SIGNED) IMICRO_ALL(UNSIGNED)
#elif PK_LEVEL == 1
IMICRO(1, 2, UNSIGNED) IMICRO(2, 2, UNSIGNED) IMICRO(3, 2, UNSIGNED) IMICRO(4, 1, UNSIGNED) IMICRO(5, 1, UNSIGNED) IMICRO(6, 1, UNSIGNED)
#else
IMICRO(1, 2, UNSIGNED) IMICRO(2, 2, UNSIGNED) IMICRO(3, 1, UNSIGNED) IMICRO(4, 1, UNSIGNED)
#endif

PK_INLINE imicro imicro_kernel(size_t rows, bool a_signed) {
#if PK_LEVEL == 2
#define ROWS(SIGN)                                                                                                    \
  {imicro_1_##SIGN, imicro_2_##SIGN, imicro_3_##SIGN, imicro_4_##SIGN, imicro_5_##SIGN, imicro_6_##SIGN, imicro_7_##SIGN, \
   imicro_8_##SIGN, imicro_9_##SIGN, imicro_10_##SIGN, imicro_11_##SIGN, imicro_12_##SIGN, imicro_13_##SIGN, imicro_14_##SIGN}
  static const imicro table[2][MR] = {ROWS(UNSIGNED), ROWS(SIGNED)};
#undef ROWS
  return table[a_signed][rows - 1];
#else
  static const imicro table[MR] = {
      imicro_1_UNSIGNED, imicro_2_UNSIGNED, imicro_3_UNSIGNED, imicro_4_UNSIGNED,
#if PK_LEVEL == 1
      imicro_5_UNSIGNED, imicro_6_UNSIGNED,
#endif
  };
  (void)a_signed;
  return table[rows - 1];
#endif
}

/// What B's bytes are XORed with.
PK_INLINE uint8_t flip_of(bool a_signed, bool b_signed) { return GROUP == 4 && a_signed == b_signed ? 0x80 : 0; }
/// Whether the packed B is signed, and the packed minus the original value.
PK_INLINE bool packed_sign(bool a_signed, bool b_signed) { return GROUP == 4 ? !a_signed : b_signed; }
PK_INLINE uint32_t shift_of(bool a_signed, bool b_signed) {
  return flip_of(a_signed, b_signed) == 0 ? 0 : b_signed ? 128u : (uint32_t)-128;
}

PK_INLINE uint32_t extend(uint8_t byte, bool is_signed) { return is_signed ? (uint32_t)(int32_t)(int8_t)byte : byte; }

/// The word of up to GROUP bytes `step` apart.
PK_INLINE uint32_t word_of(const uint8_t *from, size_t step, size_t count, bool is_signed) {
  uint32_t word = 0;
  for (size_t q = 0; q < count; q++)
    word |= (GROUP == 4 ? from[q * step] : extend(from[q * step], is_signed) & 0xffff) << (q * (32 / GROUP));
  return word;
}

static void ipack_a(bool trans, bool a_signed, size_t m, size_t k, const uint8_t *a, size_t lda, size_t mr, uint32_t *words,
                    uint32_t *sums) {
  const size_t row_step = trans ? 1 : lda, step = trans ? lda : 1, depth = pk_ceil_div(k, GROUP);
  for (size_t i = 0; i < m; i += mr) {
    const size_t rows = pk_min(mr, m - i);
    uint32_t *to = words + i * depth;
    for (size_t r = 0; r < rows; r++) {
      const uint8_t *from = a + (i + r) * row_step;
      uint32_t sum = 0;
      if (a_signed)
        for (size_t p = 0; p < k; p++) sum += extend(from[p * step], true);
      else
        for (size_t p = 0; p < k; p++) sum += from[p * step];
      sums[i + r] = sum;
      size_t p = 0;
      for (; p + GROUP <= k; p += GROUP) {
        uint32_t word;
        if (GROUP == 4 && !trans)
          memcpy(&word, from + p, 4);
        else
          word = word_of(from + p * step, step, GROUP, a_signed);
        to[p / GROUP * rows + r] = word;
      }
      if (p < k) to[p / GROUP * rows + r] = word_of(from + p * step, step, k - p, a_signed);
    }
  }
}

/// One panel of depth k: words[ceil(k / GROUP)][NR]; adds the column sums of the packed values to `sums`.
static void ipack_panel(bool trans, uint8_t flip, bool is_signed, size_t k, size_t cols, const uint8_t *b, size_t ldb, uint32_t *words,
                        uint32_t *sums) {
  const size_t row_step = trans ? 1 : ldb, col_step = trans ? ldb : 1;
  for (size_t p = 0; p < k; p += GROUP, words += NR) {
    uint8_t bytes[GROUP][NR] = {{0}};
    const size_t count = pk_min(GROUP, k - p);
    for (size_t q = 0; q < count; q++) {
      const uint8_t *from = b + (p + q) * row_step;
      if (!trans && cols == NR)
        for (size_t j = 0; j < NR; j++) bytes[q][j] = from[j] ^ flip;
      else
        for (size_t j = 0; j < cols; j++) bytes[q][j] = from[j * col_step] ^ flip;
    }
    if (GROUP == 4)
      for (size_t j = 0; j < NR; j++)
        words[j] = bytes[0][j] | (uint32_t)bytes[1][j] << 8 | (uint32_t)bytes[GROUP - 2][j] << 16 | (uint32_t)bytes[GROUP - 1][j] << 24;
    else if (is_signed)
      for (size_t j = 0; j < NR; j++) words[j] = (extend(bytes[0][j], true) & 0xffff) | extend(bytes[1][j], true) << 16;
    else
      for (size_t j = 0; j < NR; j++) words[j] = bytes[0][j] | (uint32_t)bytes[1][j] << 16;
    if (!sums) continue;
    for (size_t q = 0; q < GROUP; q++)
      if (is_signed)
        for (size_t j = 0; j < NR; j++) sums[j] += extend(bytes[q][j], true);
      else
        for (size_t j = 0; j < NR; j++) sums[j] += bytes[q][j];
  }
}

/// Panels of NR column sums followed by the words.
static void ipack_b(bool trans, bool a_signed, bool b_signed, size_t k, size_t n, const uint8_t *b, size_t ldb, uint32_t *packed) {
  const size_t panel = (pk_ceil_div(k, GROUP) + 1) * NR;
  for (size_t j = 0; j < n; j += NR, packed += panel) {
    memset(packed, 0, NR * sizeof *packed);
    ipack_panel(trans, flip_of(a_signed, b_signed), packed_sign(a_signed, b_signed), k, pk_min(NR, n - j), b + (trans ? j * ldb : j), ldb,
                packed + NR, packed);
  }
}

/// The terms of the zero points for one panel of columns: C -= a_zero[i] * column[j] + row_sum[i] * b_zero[j].
typedef struct corrections {
  uint32_t column[NR], b_zero[NR];
} corrections;

static void correct(const pk_igemm *g, size_t col, size_t cols, const uint32_t *sums, corrections *to) {
  const uint32_t shift = shift_of(g->a_signed, g->b_signed);
  for (size_t j = 0; j < NR; j++) {
    const uint32_t zero = j < cols && g->b_zero ? (uint32_t)g->b_zero[g->b_zero_per_column ? col + j : 0] : 0;
    to->b_zero[j] = zero + shift;
    to->column[j] = (sums ? sums[j] : 0) - (uint32_t)g->k * to->b_zero[j];
  }
}

/// Tile rows into C; `t` is NULL before the last pass over k.
static void istore(const pk_igemm *g, const uint32_t *tile, size_t rows, size_t cols, size_t row, size_t col, bool first,
                   const corrections *t, const uint32_t *row_sums) {
  for (size_t i = 0; i < rows; i++, tile += NR) {
    uint32_t *c = (uint32_t *)g->c + (row + i) * g->ldc + col, rest[NR];
    const uint32_t zero = g->a_zero ? (uint32_t)g->a_zero[g->a_zero_per_row ? row + i : 0] : 0;
    uint32_t *to = cols == NR ? c : rest;
    if (!first && to == rest) memcpy(rest, c, cols * sizeof *c);
    PK_UNROLL for (int j = 0; j < NR; j += VW) {
      vu v = vu_load(tile + j);
      if (!first) v += vu_load(to + j);
      if (t) v -= zero * vu_load(t->column + j) + row_sums[i] * vu_load(t->b_zero + j);
      vu_store(to + j, v);
    }
    if (to == rest) memcpy(c, rest, cols * sizeof *c);
  }
}

static void igemm_block(const pk_igemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  if (m0 >= m1 || n0 >= n1) return;
  const size_t rows = m1 - m0, cols = n1 - n0, k = g->k, words = pk_ceil_div(k, GROUP);
  const uint32_t *pa, *row_sums;
  size_t mr;
  uint32_t *rest = scratch;
  if (g->packed_a) {
    mr = pk_even_part(g->m, MR);
    pa = (const uint32_t *)g->packed_a + m0 * words;
    row_sums = (const uint32_t *)g->packed_a + pk_igemm_a_words(g->m, words) + m0;
  } else {
    mr = pk_even_part(rows, MR);
    uint32_t *sums = rest + pk_igemm_a_words(rows, words);
    ipack_a(g->trans_a, g->a_signed, rows, k, (const uint8_t *)g->a + (g->trans_a ? m0 : m0 * g->lda), g->lda, mr, rest, sums);
    pa = rest;
    row_sums = sums;
    rest = sums + pk_igemm_a_words(rows, 1);
  }
  const uint8_t flip = flip_of(g->a_signed, g->b_signed);
  const bool is_signed = packed_sign(g->a_signed, g->b_signed);
  const size_t depth = pk_max(pk_sgemm_kc(g->packed_b != NULL, rows, mr, words), 1);
  for (size_t jb = 0; jb < cols; jb += PK_SGEMM_NC) {
    const size_t width = pk_min(PK_SGEMM_NC, cols - jb);
    uint32_t sums[PK_SGEMM_NC] = {0};
    size_t kb = 0;
    do { // at least once: k may be 0
      const size_t kc = pk_min(depth, words - kb);
      const bool last = kb + kc == words;
      for (size_t j = 0; j < width; j += NR) {
        const size_t col = n0 + jb + j, count = pk_min(NR, width - j);
        const uint32_t *pb, *column_sums;
        if (g->packed_b) {
          column_sums = (const uint32_t *)g->packed_b + col / NR * (words + 1) * NR;
          pb = column_sums + NR + kb * NR;
        } else {
          const uint8_t *b = (const uint8_t *)g->b + (g->trans_b ? col * g->ldb + kb * GROUP : kb * GROUP * g->ldb + col);
          ipack_panel(g->trans_b, flip, is_signed, pk_min(kc * GROUP, k - kb * GROUP), count, b, g->ldb, rest, g->a_zero ? sums + j : NULL);
          column_sums = sums + j;
          pb = rest;
        }
        corrections terms;
        if (last) correct(g, col, count, column_sums, &terms);
        uint32_t tile[MR * NR] __attribute__((aligned(64)));
        for (size_t i = 0; i < rows; i += mr) {
          const size_t height = pk_min(mr, rows - i);
          imicro_kernel(height, g->a_signed)(kc, pa + i * words + kb * height, pb, tile);
          istore(g, tile, height, count, m0 + i, col, kb == 0, last ? &terms : NULL, row_sums + i);
        }
      }
      kb += kc;
    } while (kb < words);
  }
}

const pk_igemm_table PK_INT8_TABLE = {.mr = MR, .nr = NR, .group = GROUP, .pack_a = ipack_a, .pack_b = ipack_b, .block = igemm_block};
