#include "elementwise.cuh"

DEVICE void chain_d8e02f758462cb61_element(const float v0, const float v1, const float v2, const float v3, F32::Stored &y0) {
  const float v4 = v0 * v1;
  const float v5 = v4 + v2;
  const float v6 = silu(v5);
  const float v7 = v6 + v3;
  y0 = F32::store(v7);
}

KERNEL(256) chain_d8e02f758462cb61(const F32::Stored *__restrict__ x0, const F32::Stored *__restrict__ x1, const F32::Stored *__restrict__ x2, const F32::Stored *__restrict__ x3, F32::Stored *__restrict__ y0, int count, int row) {
  const int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x, fours = count / 4;
  for (int i = first; i < fours; i += step) {
    const int place = i % (row / 4);
    const Four<F32::Stored> a0 = ((const Four<F32::Stored> *)x0)[i];
    const Four<F32::Stored> a1 = ((const Four<F32::Stored> *)x1)[place];
    const Four<F32::Stored> a3 = ((const Four<F32::Stored> *)x3)[i];
    Four<F32::Stored> r0;
#pragma unroll
    for (int k = 0; k < 4; k++)
      chain_d8e02f758462cb61_element(F32::load(a0.element[k]), F32::load(a1.element[k]), F32::load(x2[0]), F32::load(a3.element[k]), r0.element[k]);
    ((Four<F32::Stored> *)y0)[i] = r0;
  }
  for (int i = fours * 4 + first; i < count; i += step)
    chain_d8e02f758462cb61_element(F32::load(x0[i]), F32::load(x1[i % row]), F32::load(x2[0]), F32::load(x3[i]), y0[i]);
}
