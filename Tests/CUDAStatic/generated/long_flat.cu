#include "elementwise.cuh"

DEVICE void chain_02d3bf62190f6ebc_element(const float v0, F32::Stored &y0) {
  const float v1 = -v0;
  const float v2 = fabsf(v1);
  const float v3 = expf(v2);
  const float v4 = logf(v3);
  const float v5 = square_root(v4);
  const float v6 = reciprocal(v5);
  const float v7 = tanhf(v6);
  const float v8 = erff(v7);
  const float v9 = relu(v8);
  const float v10 = sigmoid(v9);
  const float v11 = silu(v10);
  const float v12 = gelu(v11);
  const float v13 = gelu_tanh(v12);
  const float v14 = softplus(v13);
  y0 = F32::store(v14);
}

KERNEL(256) chain_02d3bf62190f6ebc(const F32::Stored *__restrict__ x0, F32::Stored *__restrict__ y0, int count, int row) {
  const int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x, fours = count / 4;
  for (int i = first; i < fours; i += step) {
    const Four<F32::Stored> a0 = ((const Four<F32::Stored> *)x0)[i];
    Four<F32::Stored> r0;
#pragma unroll
    for (int k = 0; k < 4; k++)
      chain_02d3bf62190f6ebc_element(F32::load(a0.element[k]), r0.element[k]);
    ((Four<F32::Stored> *)y0)[i] = r0;
  }
  for (int i = fours * 4 + first; i < count; i += step)
    chain_02d3bf62190f6ebc_element(F32::load(x0[i]), y0[i]);
}
