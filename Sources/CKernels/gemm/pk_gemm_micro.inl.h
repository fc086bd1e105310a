// Micro-kernels: tile[i * ts + j] = sum over p < kc of a[p][i] * b[p * bs + j]. `a` is a packed panel, B may be unpacked.

/// Where one or two vectors of columns meet weights, these pass faster than they come from memory unless they are asked for so many bytes early.
enum { AHEAD = 4096 };

typedef void (*micro)(size_t kc, const float *a, const float *b, size_t bs, float *tile, size_t ts);

// B's elements are of type T, which L loads and widens; F is what the kernels are called.
#define MICRO_OF(F, T, L, M, N)                                                                                \
  static void F##_##M##x##N(size_t kc, const float *restrict a, const T *restrict b, size_t bs,               \
                            float *restrict tile, size_t ts) {                                                 \
    vf acc[M][N];                                                                                              \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < N; j++) acc[i][j] = 0.0f;              \
    for (size_t p = 0; p < kc; p++, a += M, b += bs) {                                                         \
      vf bv[N];                                                                                                \
      if (N <= 2) __builtin_prefetch((const char *)a + AHEAD, 0, 3);                                           \
      PK_UNROLL for (int j = 0; j < N; j++) bv[j] = L(b + j * VW);                                             \
      PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < N; j++) acc[i][j] += a[i] * bv[j];   \
    }                                                                                                          \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < N; j++)                                \
        vf_store(tile + (size_t)i * ts + j * VW, acc[i][j]);                                                   \
  }

// With few rows an FMA chain per element would wait for its own latency: U interleaved chains run over k.
#define MICRO_SHORT_OF(F, T, L, M, N, U)                                                                       \
  static void F##_##M##x##N(size_t kc, const float *restrict a, const T *restrict b, size_t bs,               \
                            float *restrict tile, size_t ts) {                                                 \
    vf acc[U][M][N];                                                                                           \
    PK_UNROLL for (int u = 0; u < U; u++) PK_UNROLL for (int i = 0; i < M; i++)                                \
        PK_UNROLL for (int j = 0; j < N; j++) acc[u][i][j] = 0.0f;                                             \
    size_t p = 0;                                                                                              \
    for (; p + U <= kc; p += U) {                                                                              \
      PK_UNROLL for (int u = 0; u < U; u++, a += M, b += bs) PK_UNROLL for (int j = 0; j < N; j++) {           \
        vf bv = L(b + j * VW);                                                                                 \
        PK_UNROLL for (int i = 0; i < M; i++) acc[u][i][j] += a[i] * bv;                                       \
      }                                                                                                        \
    }                                                                                                          \
    for (; p < kc; p++, a += M, b += bs) PK_UNROLL for (int j = 0; j < N; j++) {                               \
      vf bv = L(b + j * VW);                                                                                   \
      PK_UNROLL for (int i = 0; i < M; i++) acc[0][i][j] += a[i] * bv;                                         \
    }                                                                                                          \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < N; j++) {                              \
      vf sum = acc[0][i][j];                                                                                   \
      PK_UNROLL for (int u = 1; u < U; u++) sum += acc[u][i][j];                                               \
      vf_store(tile + (size_t)i * ts + j * VW, sum);                                                           \
    }                                                                                                          \
  }

#define MICRO(M, N) MICRO_OF(micro, float, vf_load, M, N)
#define MICRO_SHORT(M, N, U) MICRO_SHORT_OF(micro, float, vf_load, M, N, U)
#define MICRO_BOTH(M) MICRO(M, 1) MICRO(M, 2)
#if PK_LEVEL == 2
MICRO_SHORT(1, 1, 8) MICRO_SHORT(2, 1, 4) MICRO_SHORT(3, 1, 4) MICRO_SHORT(4, 1, 4)
MICRO_SHORT(1, 2, 4) MICRO_SHORT(2, 2, 4) MICRO_SHORT(3, 2, 2) MICRO_SHORT(4, 2, 2)
MICRO_SHORT(1, 4, 2) MICRO_SHORT(2, 4, 2) MICRO_SHORT(3, 4, 1) MICRO_SHORT(4, 4, 1)
MICRO_BOTH(5) MICRO_BOTH(6) MICRO_BOTH(7) MICRO_BOTH(8) MICRO_BOTH(9) MICRO_BOTH(10)
MICRO_BOTH(11) MICRO_BOTH(12) MICRO_BOTH(13) MICRO_BOTH(14)
#elif PK_LEVEL == 1
MICRO_SHORT(1, 1, 8) MICRO_SHORT(2, 1, 4) MICRO_SHORT(3, 1, 4) MICRO_SHORT(4, 1, 2)
MICRO_SHORT(1, 2, 4) MICRO_SHORT(2, 2, 2) MICRO_SHORT(3, 2, 2) MICRO_SHORT(4, 2, 1)
MICRO_SHORT(1, 4, 2) MICRO_SHORT(2, 4, 1) MICRO_SHORT(3, 4, 1)
MICRO_BOTH(5) MICRO_BOTH(6)
#else
MICRO_SHORT(1, 1, 4) MICRO_SHORT(2, 1, 4) MICRO_SHORT(3, 1, 2) MICRO_SHORT(4, 1, 2)
MICRO_SHORT(1, 2, 4) MICRO_SHORT(2, 2, 2) MICRO_SHORT(3, 2, 1) MICRO_SHORT(4, 2, 1)
MICRO_SHORT(1, 4, 2)
#endif

PK_INLINE micro micro_kernel(size_t rows, size_t vectors) {
#define ROW(M) {micro_##M##x1, micro_##M##x2}
  static const micro table[MR][2] = {
      ROW(1), ROW(2), ROW(3), ROW(4),
#if PK_LEVEL >= 1
      ROW(5), ROW(6),
#endif
#if PK_LEVEL == 2
      ROW(7), ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14),
#endif
  };
#undef ROW
  return table[rows - 1][vectors - 1];
}

#if PK_LEVEL >= 1
// The same for panels of half precision, as wide as a panel and with the same order of sums.
typedef void (*micro_half)(size_t kc, const float *a, const uint16_t *b, size_t bs, float *tile, size_t ts);

#define HALF_SHORT(M, U) MICRO_SHORT_OF(micro_f16, uint16_t, vf_load_f16, M, 2, U) MICRO_SHORT_OF(micro_bf16, uint16_t, vf_load_bf16, M, 2, U)
#define HALF(M) MICRO_OF(micro_f16, uint16_t, vf_load_f16, M, 2) MICRO_OF(micro_bf16, uint16_t, vf_load_bf16, M, 2)
#if PK_LEVEL == 2
HALF_SHORT(1, 4) HALF_SHORT(2, 4) HALF_SHORT(3, 2) HALF_SHORT(4, 2)
HALF(5) HALF(6) HALF(7) HALF(8) HALF(9) HALF(10) HALF(11) HALF(12) HALF(13) HALF(14)
#else
HALF_SHORT(1, 4) HALF_SHORT(2, 2) HALF_SHORT(3, 2) HALF_SHORT(4, 1)
HALF(5) HALF(6)
#endif

PK_INLINE micro_half half_kernel(size_t rows, bool is_bfloat) {
#define ROW(M) {micro_f16_##M##x2, micro_bf16_##M##x2}
  static const micro_half table[MR][2] = {
      ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6),
#if PK_LEVEL == 2
      ROW(7), ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14),
#endif
  };
#undef ROW
  return table[rows - 1][is_bfloat];
}
#endif

/// The widest kernel for a few rows of an unpacked B: its width in vectors.
PK_INLINE micro wide_kernel(size_t rows, size_t *vectors) {
  *vectors = 4;
  if (rows == 1) return micro_1x4;
#if PK_LEVEL >= 1
  if (rows == 2) return micro_2x4;
  if (rows == 3) return micro_3x4;
#endif
#if PK_LEVEL == 2
  return micro_4x4;
#endif
  *vectors = 2;
  return micro_kernel(rows, 2);
}

/// The columns behind the last whole vector: `n` < VW of them.
static void micro_rest(size_t rows, size_t kc, const float *a, const float *b, size_t bs, size_t n, float *tile) {
  vf acc[PK_SKINNY_ROWS] = {0};
  for (size_t p = 0; p < kc; p++, a += rows, b += bs) {
    vf bv = vf_load_n(b, n);
    for (size_t i = 0; i < rows; i++) acc[i] += a[i] * bv;
  }
  for (size_t i = 0; i < rows; i++) vf_store(tile + i * VW, acc[i]);
}

// Rows of an unpacked B, U at a time, added to tile[M][ts]: for a wide B, so that memory is read in long runs.
#define MICRO_AXPY(M, U)                                                                                       \
  static void axpy_##M(size_t kc, const float *a, const float *b, size_t bs, size_t n, float *tile, size_t ts) { \
    for (size_t p = 0; p < kc; p += U, a += U * M, b += U * bs) {                                              \
      if (kc - p < U) {                                                                                        \
        for (; p < kc; p++, a += M, b += bs) PK_UNROLL for (int i = 0; i < M; i++)                             \
            for (size_t j = 0; j < n; j++) tile[(size_t)i * ts + j] += a[i] * b[j];                            \
        return;                                                                                                \
      }                                                                                                        \
      size_t j = 0;                                                                                            \
      for (; j + VW <= n; j += VW) {                                                                           \
        vf sum[M];                                                                                             \
        PK_UNROLL for (int i = 0; i < M; i++) sum[i] = vf_load(tile + (size_t)i * ts + j);                     \
        PK_UNROLL for (int u = 0; u < U; u++) {                                                                \
          vf bv = vf_load(b + (size_t)u * bs + j);                                                             \
          PK_UNROLL for (int i = 0; i < M; i++) sum[i] += a[u * M + i] * bv;                                   \
        }                                                                                                      \
        PK_UNROLL for (int i = 0; i < M; i++) vf_store(tile + (size_t)i * ts + j, sum[i]);                     \
      }                                                                                                        \
      for (; j < n; j++) PK_UNROLL for (int u = 0; u < U; u++) PK_UNROLL for (int i = 0; i < M; i++)           \
          tile[(size_t)i * ts + j] += a[u * M + i] * b[(size_t)u * bs + j];                                    \
    }                                                                                                          \
  }

typedef void (*micro_axpy)(size_t kc, const float *a, const float *b, size_t bs, size_t n, float *tile, size_t ts);
MICRO_AXPY(1, 8) MICRO_AXPY(2, 4) MICRO_AXPY(3, 4) MICRO_AXPY(4, 4)

// Dot products of R rows of A with J rows of a transposed B, all contiguous along k.
#define MICRO_DOT(R, J)                                                                                        \
  static void dot_##R##x##J(size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *tile, size_t ts) { \
    vf acc[R][J];                                                                                              \
    PK_UNROLL for (int i = 0; i < R; i++) PK_UNROLL for (int j = 0; j < J; j++) acc[i][j] = 0.0f;              \
    size_t p = 0;                                                                                              \
    for (; p + VW <= k; p += VW) {                                                                             \
      vf av[R];                                                                                                \
      PK_UNROLL for (int i = 0; i < R; i++) av[i] = vf_load(a + (size_t)i * lda + p);                          \
      PK_UNROLL for (int j = 0; j < J; j++) {                                                                  \
        vf bv = vf_load(b + (size_t)j * ldb + p);                                                              \
        PK_UNROLL for (int i = 0; i < R; i++) acc[i][j] += av[i] * bv;                                         \
      }                                                                                                        \
    }                                                                                                          \
    if (p < k) PK_UNROLL for (int j = 0; j < J; j++) {                                                         \
      vf bv = vf_load_n(b + (size_t)j * ldb + p, k - p);                                                       \
      PK_UNROLL for (int i = 0; i < R; i++) acc[i][j] += vf_load_n(a + (size_t)i * lda + p, k - p) * bv;       \
    }                                                                                                          \
    PK_UNROLL for (int i = 0; i < R; i++) PK_UNROLL for (int j = 0; j < J; j++)                                \
        tile[(size_t)i * ts + j] = vf_sum(acc[i][j]);                                                          \
  }

typedef void (*micro_dot)(size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *tile, size_t ts);
MICRO_DOT(1, 1) MICRO_DOT(2, 1) MICRO_DOT(3, 1) MICRO_DOT(4, 1)
MICRO_DOT(1, 4) MICRO_DOT(2, 4) MICRO_DOT(3, 2) MICRO_DOT(4, 2)
