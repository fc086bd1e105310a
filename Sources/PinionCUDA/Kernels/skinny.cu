// Products with few rows, which are bound by reading b: y[M, N] = activation(alpha * a[M, K] b[K, N] + bias[N]) + residual[M, N] on the plain units.
// A block makes 64 columns of up to `rows` rows: eight threads side by side, each with eight neighbouring columns, and 32 threads
// that share the depth. Blocks are counted as for tiles of `rows` x 64.
#include "matrix.cuh"

struct SkinnyProduct {
  i32 m, n, k;
  i32 activation;
  i32 a_step[2], b_step[2], y_step[2];
};

template <class T, int rows>
DEVICE void multiply_skinny(
    const typename T::Stored *a, const typename T::Stored *b, const typename T::Stored *bias, const typename T::Stored *residual,
    typename T::Stored *y, const SkinnyProduct &p, float alpha) {
  typedef typename T::Stored U;
  enum { COLUMNS = 8 };
  SHARED float partial[8][rows][64];
  const TilePlace place = place_of(p.m, p.n, rows, 64);
  const int group = threadIdx.x & 7, slice = threadIdx.x >> 3, column = place.column + group * COLUMNS, first_row = place.row;
  const i64 step = step_of(p.y_step) * place.batch;
  a += step_of(p.a_step) * place.batch;
  b += step_of(p.b_step) * place.batch;
  float sum[rows][COLUMNS] = {};
  // Eight columns are read at once where all rows of b allow it.
  const bool is_whole = column + COLUMNS <= p.n && p.n % COLUMNS == 0 && ((u64)b & 15) == 0;
  for (int depth = slice; depth < p.k; depth += 32) {
    const U *from = b + (i64)depth * p.n + column;
    float right[COLUMNS];
    if (is_whole) {
      const Four<U> low = ((const Four<U> *)from)[0], high = ((const Four<U> *)from)[1];
#pragma unroll
      for (int j = 0; j < 4; j++) right[j] = T::load(low.element[j]), right[j + 4] = T::load(high.element[j]);
    } else {
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) right[j] = column + j < p.n ? T::load(from[j]) : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < rows; i++) {
      const float left = first_row + i < p.m ? T::load(a[(i64)(first_row + i) * p.k + depth]) : 0.0f;
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) sum[i][j] += left * right[j];
    }
  }
  // Four slices in the warp, then the eight warps.
#pragma unroll
  for (int i = 0; i < rows; i++)
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      sum[i][j] += shuffle_xor(sum[i][j], 8);
      sum[i][j] += shuffle_xor(sum[i][j], 16);
      if (lane_index() < 8) partial[warp_index()][i][group * COLUMNS + j] = sum[i][j];
    }
  __syncthreads();
  const Plain<T> output = {y + step, bias, residual ? residual + step : residual, p.n, p.activation, alpha};
#pragma unroll 1
  for (int i = threadIdx.x; i < rows * 64; i += 256) {
    float total = 0.0f;
    for (int warp = 0; warp < 8; warp++) total += partial[warp][i / 64][i % 64];
    if (first_row + i / 64 < p.m && place.column + i % 64 < p.n) Plain<T>::put(output, first_row + i / 64, place.column + i % 64, total);
  }
}

#define SKINNY(rows, name, T) \
  KERNEL(256) skinny_##rows##_##name( \
      const T::Stored *__restrict__ a, const T::Stored *__restrict__ b, const T::Stored *__restrict__ bias, \
      const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, SkinnyProduct p, float alpha) { \
    multiply_skinny<T, rows>(a, b, bias, residual, y, p, alpha); \
  }
SKINNY(1, f32, F32)
SKINNY(4, f32, F32)
SKINNY(1, f16, F16)
SKINNY(4, f16, F16)
SKINNY(1, bf16, BF16)
SKINNY(4, bf16, BF16)
