// Products of int8 with sums in int32: a is [M, K], b is given as [N, K]. Any M, N and K.
#include "matrix.cuh"

struct Int8Product {
  i32 m, n, k;
  i32 activation;
  i32 a_step[2], b_step[2], y_step[2];
};

// The sums as they are.
struct Sums {
  i32 *y;
  int pitch;
  DEVICE void put(const Sums &output, int row, int column, i32 sum) { output.y[(i64)row * output.pitch + column] = sum; }
};

// y = activation((sum - zero * column_sum[column]) * scale * column_scale[column] + bias[column]) + residual: the left factor's zero
// point is taken off by the sums of b's columns. All but y may be null: scale 1 then, or nothing added.
struct Scaled {
  float *y;
  const float *column_scale, *bias, *residual;
  const i32 *column_sum;
  int pitch, activation, zero;
  float scale;
  DEVICE void put(const Scaled &output, int row, int column, i32 sum) {
    const i64 place = (i64)row * output.pitch + column;
    // In 32 bits this wraps as the sums do, and comes out right where the difference fits.
    if (output.column_sum) sum = (i32)((u32)sum - (u32)output.zero * (u32)output.column_sum[column]);
    float value = (float)sum * output.scale;
    if (output.column_scale) value *= output.column_scale[column];
    if (output.bias) value += output.bias[column];
    value = activate(value, output.activation);
    if (output.residual) value += output.residual[place];
    output.y[place] = value;
  }
};

typedef Tiles<Int8Unit, 64, 64, true> Int8Tiles;

template <bool is_aligned, class Output>
DEVICE void multiply_int8(const i8 *a, const i8 *b, const Output &output, const TilePlace &place, const Int8Product &p) {
  DYNAMIC_SHARED(i8, ring);
  const Lines<i8, is_aligned> left = {a + step_of(p.a_step) * place.batch, p.m, p.k}, right = {b + step_of(p.b_step) * place.batch, p.n, p.k};
  Int8Tiles tiles;
  Int8Tiles::multiply(tiles, ring, left, right, place, p.k);
  Int8Tiles::finish(tiles, ring, output, place, p.m, p.n);
}

// Aligned: K a multiple of 16, every matrix on 16 bytes.
#define INT8(name, is_aligned) \
  KERNEL_OF(128, 4) gemm_i8_i32_##name(const i8 *__restrict__ a, const i8 *__restrict__ b, i32 *__restrict__ y, Int8Product p) { \
    const TilePlace place = Int8Tiles::place(p.m, p.n); \
    const Sums output = {y + step_of(p.y_step) * place.batch, p.n}; \
    multiply_int8<is_aligned>(a, b, output, place, p); \
  } \
  KERNEL_OF(128, 4) gemm_i8_f32_##name( \
      const i8 *__restrict__ a, const i8 *__restrict__ b, const float *__restrict__ column_scale, const i32 *__restrict__ column_sum, \
      const float *__restrict__ bias, const float *__restrict__ residual, float *__restrict__ y, Int8Product p, float scale, int zero) { \
    const TilePlace place = Int8Tiles::place(p.m, p.n); \
    const i64 step = step_of(p.y_step) * place.batch; \
    const Scaled output = {y + step, column_scale, bias, residual ? residual + step : residual, column_sum, p.n, p.activation, zero, scale}; \
    multiply_int8<is_aligned>(a, b, output, place, p); \
  }
INT8(aligned, true)
INT8(any, false)
