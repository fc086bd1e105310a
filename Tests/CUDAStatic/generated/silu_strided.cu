#include "elementwise.cuh"

DEVICE void chain_a00dada208535b24_element(const float v0, const float v1, const float v2, const float v3, F32::Stored &y0) {
  const float v4 = v0 * v1;
  const float v5 = v4 + v2;
  const float v6 = silu(v5);
  const float v7 = v6 + v3;
  y0 = F32::store(v7);
}

KERNEL(256) chain_a00dada208535b24(const F32::Stored *__restrict__ x0, const F32::Stored *__restrict__ x1, const F32::Stored *__restrict__ x2, const F32::Stored *__restrict__ x3, F32::Stored *__restrict__ y0, int count, Axes<4> axes) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    i32 offset[4];
    Axes<4>::locate(axes, (u32)i, offset);
    chain_a00dada208535b24_element(F32::load(x0[offset[0]]), F32::load(x1[offset[1]]), F32::load(x2[offset[2]]), F32::load(x3[offset[3]]), y0[i]);
  }
}
