// The functions that generated elementwise kernels are made of, and how an element finds its operands under broadcasting.
#pragma once
#include "prims.cuh"

// A type's elements as the float or integer that is computed with.
struct F32 {
  typedef float Stored;
  typedef float Value;
  DEVICE float load(float bits) { return bits; }
  DEVICE float store(float value) { return value; }
};
struct F16 {
  typedef u16 Stored;
  typedef float Value;
  DEVICE float load(u16 bits) { return float_of_half(bits); }
  DEVICE u16 store(float value) { return half_of_float(value); }
};
struct BF16 {
  typedef u16 Stored;
  typedef float Value;
  DEVICE float load(u16 bits) { return float_of_bfloat(bits); }
  DEVICE u16 store(float value) { return bfloat_of_float(value); }
};
struct I32 {
  typedef i32 Stored;
  typedef i32 Value;
  DEVICE i32 load(i32 bits) { return bits; }
  DEVICE i32 store(i32 value) { return value; }
};
struct I64 {
  typedef i64 Stored;
  typedef i64 Value;
  DEVICE i64 load(i64 bits) { return bits; }
  DEVICE i64 store(i64 value) { return value; }
};
// Stores keep the low bits.
struct I8 {
  typedef i8 Stored;
  typedef i32 Value;
  DEVICE i32 load(i8 bits) { return bits; }
  DEVICE i8 store(i32 value) { return (i8)value; }
};
struct U8 {
  typedef u8 Stored;
  typedef i32 Value;
  DEVICE i32 load(u8 bits) { return bits; }
  DEVICE u8 store(i32 value) { return (u8)value; }
};
struct Bool {
  typedef u8 Stored;
  typedef bool Value;
  DEVICE bool load(u8 bits) { return bits != 0; }
  DEVICE u8 store(bool value) { return value ? 1 : 0; }
};

// Four neighbouring elements, moved at once.
template <class T> struct alignas(sizeof(T) * 4) Four { T element[4]; };

enum { MOST_AXES = 6 };

// An output's extents, and for each operand the step along each axis, 0 where it is broadcast.
template <int operands> struct Axes {
  i32 rank;
  i32 extent[MOST_AXES];
  i32 step[operands][MOST_AXES];

  // The operands' offsets for the output's element `index`.
  DEVICE void locate(const Axes &axes, u32 index, i32 (&offset)[operands]) {
    // Unrolled, so that all indices are known and nothing is kept in local memory.
#pragma unroll
    for (int k = 0; k < operands; k++) offset[k] = 0;
#pragma unroll
    for (int axis = MOST_AXES - 1; axis > 0; axis--) {
      if (axis >= axes.rank) continue;
      const u32 extent = (u32)axes.extent[axis], rest = index / extent, place = index - rest * extent;
#pragma unroll
      for (int k = 0; k < operands; k++) offset[k] += (i32)place * axes.step[k][axis];
      index = rest;
    }
#pragma unroll
    for (int k = 0; k < operands; k++) offset[k] += (i32)index * axes.step[k][0];
  }
};

// Functions of the operators, in float32. A NaN operand gives NaN where ONNX says so; the C library's fmaxf would drop it.
DEVICE float maximum(float a, float b) { return a != a || a > b ? a : b; }
DEVICE float minimum(float a, float b) { return a != a || a < b ? a : b; }
DEVICE i32 maximum(i32 a, i32 b) { return a > b ? a : b; }
DEVICE i32 minimum(i32 a, i32 b) { return a < b ? a : b; }
DEVICE i64 maximum(i64 a, i64 b) { return a > b ? a : b; }
DEVICE i64 minimum(i64 a, i64 b) { return a < b ? a : b; }
// Sums and products of integers, which wrap around.
DEVICE i32 added(i32 a, i32 b) { return (i32)((u32)a + (u32)b); }
DEVICE i64 added(i64 a, i64 b) { return (i64)((u64)a + (u64)b); }
DEVICE i32 subtracted(i32 a, i32 b) { return (i32)((u32)a - (u32)b); }
DEVICE i64 subtracted(i64 a, i64 b) { return (i64)((u64)a - (u64)b); }
DEVICE i32 multiplied(i32 a, i32 b) { return (i32)((u32)a * (u32)b); }
DEVICE i64 multiplied(i64 a, i64 b) { return (i64)((u64)a * (u64)b); }
DEVICE i32 negated(i32 a) { return subtracted(0, a); }
DEVICE i64 negated(i64 a) { return subtracted((i64)0, a); }
DEVICE float relu(float x) { return maximum(x, 0.0f); }
DEVICE float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
DEVICE float silu(float x) { return x / (1.0f + expf(-x)); }
DEVICE float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f)); }
DEVICE float gelu_tanh(float x) { return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x))); }
DEVICE float softplus(float x) { return maximum(x, 0.0f) + log1pf(expf(-fabsf(x))); }
DEVICE float reciprocal(float x) { return 1.0f / x; }
DEVICE float square_root(float x) { return sqrtf(x); }
DEVICE float clip(float x, float low, float high) { return minimum(maximum(x, low), high); }
// round(x / scale) + zero, halves to the even side, within low and high; a NaN becomes low.
DEVICE i32 quantize(float x, float scale, i32 zero, i32 low, i32 high) {
  const float value = rintf(x / scale) + (float)zero;
  return value >= (float)high ? high : value > (float)low ? (i32)value : low;
}
