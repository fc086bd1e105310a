// Matrix products: y[M, N] = activation(alpha * a[M, K] b[K, N] + bias[N]) + residual[M, N], row-major, any M, N and K, for each
// of gridDim.z matrices. `bias` and `residual` may be null.
#include "elementwise.cuh"

// The sizes of a product; steps are elements from one matrix of the batch to the next, 0 where all share one.
struct Product {
  i32 m, n, k;
  i32 activation;
  i32 a_step[2], b_step[2], y_step[2];  // 64-bit integers, the low word first
};

DEVICE i64 step_of(const i32 (&words)[2]) { return (i64)(u32)words[0] | ((i64)words[1] << 32); }

DEVICE float activate(float x, int activation) {
  switch (activation) {
  case 1: return relu(x);
  case 2: return gelu(x);
  case 3: return silu(x);
  case 4: return sigmoid(x);
  default: return x;
  }
}

// The sums of a tile of 64 x 64 meet in shared memory, so that a row's neighbours are written by neighbouring threads and the
// activation's text is there once, not once for each sum that a thread holds.
enum { SUM_PITCH = 68 };

template <class T>
DEVICE void finish(
    const float *sums, typename T::Stored *y, const typename T::Stored *bias, const typename T::Stored *residual, const Product &p,
    float alpha) {
#pragma unroll 1
  for (int i = threadIdx.x; i < 64 * 64; i += blockDim.x) {
    const int row = blockIdx.y * 64 + (i >> 6), column = blockIdx.x * 64 + (i & 63);
    if (row >= p.m || column >= p.n) continue;
    const i64 place = (i64)row * p.n + column;
    float value = sums[(i >> 6) * SUM_PITCH + (i & 63)] * alpha;
    if (bias) value += T::load(bias[column]);
    value = activate(value, p.activation);
    if (residual) value += T::load(residual[place]);
    y[place] = T::store(value);
  }
}

// float32 on the plain units: tiles of 64 x 64 x 16, 256 threads of 4 x 4 sums.
KERNEL(256) gemm_f32(
    const float *__restrict__ a, const float *__restrict__ b, const float *__restrict__ bias, const float *__restrict__ residual,
    float *__restrict__ y, Product p, float alpha) {
  SHARED Bytes16 storage[64 * SUM_PITCH / 4];
  // The tile of a by columns, padded to spread its stores over the banks; that of b by rows; the sums in place of both.
  float *const sums = (float *)storage;
  float(*const a_tile)[68] = (float(*)[68])sums;
  float(*const b_tile)[64] = (float(*)[64])(sums + 16 * 68);
  const int thread = threadIdx.x, across = thread & 15, down = thread >> 4;
  const int first_row = blockIdx.y * 64, first_column = blockIdx.x * 64;
  a += step_of(p.a_step) * blockIdx.z;
  b += step_of(p.b_step) * blockIdx.z;
  y += step_of(p.y_step) * blockIdx.z;
  if (residual) residual += step_of(p.y_step) * blockIdx.z;
  float sum[4][4] = {};
  for (int start = 0; start < p.k; start += 16) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = first_row + down + 16 * i, depth = start + across;
      a_tile[across][down + 16 * i] = row < p.m && depth < p.k ? a[(i64)row * p.k + depth] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int depth = start + (thread >> 6) + 4 * i, column = first_column + (thread & 63);
      b_tile[(thread >> 6) + 4 * i][thread & 63] = depth < p.k && column < p.n ? b[(i64)depth * p.n + column] : 0.0f;
    }
    __syncthreads();
#pragma unroll 8
    for (int depth = 0; depth < 16; depth++) {
      const Four<float> left = *(const Four<float> *)&a_tile[depth][down * 4], right = *(const Four<float> *)&b_tile[depth][across * 4];
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] += left.element[i] * right.element[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 4; j++) sums[(down * 4 + i) * SUM_PITCH + across * 4 + j] = sum[i][j];
  __syncthreads();
  finish<F32>(sums, y, bias, residual, p, alpha);
}

// float16 on the matrix units: tiles of 64 x 64 x 32 in a ring of stages, 4 warps of 32 x 32 sums.
enum { TILE_M = 64, TILE_N = 64, TILE_K = 32, STAGES = 3, A_PITCH = TILE_K + 8, B_PITCH = TILE_N + 8 };
enum { STAGE_ELEMENTS = TILE_M * A_PITCH + TILE_K * B_PITCH };

// A tile's rows of 8 elements each; with `is_aligned` every row of the matrix starts on 16 bytes and holds whole eights.
template <bool is_aligned>
DEVICE void load_eight(u16 *to, const u16 *matrix, int row, int rows, int column, int columns) {
  const int count = row < rows ? (column + 8 <= columns ? 8 : column < columns ? columns - column : 0) : 0;
  const u16 *from = matrix + (i64)row * columns + column;
  if (is_aligned) {
    copy_async(to, count ? from : matrix, count * 2);
  } else {
    for (int i = 0; i < 8; i++) to[i] = i < count ? from[i] : (u16)0;
  }
}

template <bool is_aligned> DEVICE void load_stage(u16 *stage, const u16 *a, const u16 *b, const Product &p, int start) {
  u16 *a_tile = stage, *b_tile = stage + TILE_M * A_PITCH;
  const int first_row = blockIdx.y * TILE_M, first_column = blockIdx.x * TILE_N;
  for (int i = threadIdx.x; i < TILE_M * TILE_K / 8; i += 128) {
    const int row = i / (TILE_K / 8), column = i % (TILE_K / 8) * 8;
    load_eight<is_aligned>(a_tile + row * A_PITCH + column, a, first_row + row, p.m, start + column, p.k);
  }
  for (int i = threadIdx.x; i < TILE_K * TILE_N / 8; i += 128) {
    const int row = i / (TILE_N / 8), column = i % (TILE_N / 8) * 8;
    load_eight<is_aligned>(b_tile + row * B_PITCH + column, b, start + row, p.k, first_column + column, p.n);
  }
}

template <bool is_aligned>
DEVICE void gemm_half(const u16 *a, const u16 *b, const u16 *bias, const u16 *residual, u16 *y, const Product &p, float alpha) {
  DYNAMIC_SHARED(u16, ring);
  const int lane = lane_index(), warp_row = (warp_index() & 1) * 32, warp_column = (warp_index() >> 1) * 32;
  a += step_of(p.a_step) * blockIdx.z;
  b += step_of(p.b_step) * blockIdx.z;
  y += step_of(p.y_step) * blockIdx.z;
  if (residual) residual += step_of(p.y_step) * blockIdx.z;
  const int steps = (p.k + TILE_K - 1) / TILE_K;
  float sum[2][4][4] = {};
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < steps) load_stage<is_aligned>(ring + s * STAGE_ELEMENTS, a, b, p, s * TILE_K);
    commit_copies();
  }
  for (int step = 0; step < steps; step++) {
    wait_for_copies<STAGES - 2>();
    // This step's stage is there for all threads, and none still reads the one that is filled next.
    __syncthreads();
    const int ahead = step + STAGES - 1;
    if (ahead < steps) load_stage<is_aligned>(ring + ahead % STAGES * STAGE_ELEMENTS, a, b, p, ahead * TILE_K);
    commit_copies();
    const u16 *a_tile = ring + step % STAGES * STAGE_ELEMENTS, *b_tile = a_tile + TILE_M * A_PITCH;
#pragma unroll
    for (int depth = 0; depth < TILE_K; depth += 16) {
      u32 left[2][4], right[2][4];
#pragma unroll
      for (int i = 0; i < 2; i++)
        load_matrices(left[i], a_tile + (warp_row + i * 16 + (lane & 15)) * A_PITCH + depth + (lane >> 4) * 8);
      // Each load gives two columns of fragments: words 0 and 1 for the first eight columns, 2 and 3 for the next.
#pragma unroll
      for (int j = 0; j < 2; j++)
        load_matrices_transposed(right[j], b_tile + (depth + (lane & 15)) * B_PITCH + warp_column + j * 16 + (lane >> 4) * 8);
#pragma unroll
      for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) multiply_add_half(sum[i][j], left[i], right[j >> 1][(j & 1) * 2], right[j >> 1][(j & 1) * 2 + 1]);
    }
  }
  wait_for_copies<0>();
  __syncthreads();  // the last stage has been read
  float *const sums = (float *)ring;
#pragma unroll
  for (int i = 0; i < 2; i++)
#pragma unroll
    for (int j = 0; j < 4; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int row = warp_row + i * 16 + (lane >> 2) + (e >> 1) * 8, column = warp_column + j * 8 + (lane & 3) * 2 + (e & 1);
        sums[row * SUM_PITCH + column] = sum[i][j][e];
      }
  __syncthreads();
  finish<F16>(sums, y, bias, residual, p, alpha);
}

// K and N multiples of 8, every matrix on 16 bytes.
KERNEL(128) gemm_f16_aligned(
    const u16 *__restrict__ a, const u16 *__restrict__ b, const u16 *__restrict__ bias, const u16 *__restrict__ residual,
    u16 *__restrict__ y, Product p, float alpha) {
  gemm_half<true>(a, b, bias, residual, y, p, alpha);
}

KERNEL(128) gemm_f16_any(
    const u16 *__restrict__ a, const u16 *__restrict__ b, const u16 *__restrict__ bias, const u16 *__restrict__ residual,
    u16 *__restrict__ y, Product p, float alpha) {
  gemm_half<false>(a, b, bias, residual, y, p, alpha);
}
