#include "elementwise.cuh"

DEVICE void chain_064fa3e111adeae3_element(const float v0, const float v1, F16::Stored &y0) {
  const float v2 = v0 + v1;
  const float v3 = gelu(v2);
  y0 = F16::store(v3);
}

KERNEL(256) chain_064fa3e111adeae3(const F16::Stored *__restrict__ x0, const F16::Stored *__restrict__ x1, F16::Stored *__restrict__ y0, int count, int row) {
  const int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x, fours = count / 4;
  for (int i = first; i < fours; i += step) {
    const int place = i % (row / 4);
    const Four<F16::Stored> a0 = ((const Four<F16::Stored> *)x0)[i];
    const Four<F16::Stored> a1 = ((const Four<F16::Stored> *)x1)[place];
    Four<F16::Stored> r0;
#pragma unroll
    for (int k = 0; k < 4; k++)
      chain_064fa3e111adeae3_element(F16::load(a0.element[k]), F16::load(a1.element[k]), r0.element[k]);
    ((Four<F16::Stored> *)y0)[i] = r0;
  }
  for (int i = fours * 4 + first; i < count; i += step)
    chain_064fa3e111adeae3_element(F16::load(x0[i]), F16::load(x1[i % row]), y0[i]);
}
