#include "elementwise.cuh"

DEVICE void chain_74b57e5f7972af21_element(const i64 v0, const i64 v1, const bool v2, const float v3, I64::Stored &y0, BF16::Stored &y1) {
  const bool v4 = v0 < v1;
  const bool v5 = v4 && v2;
  const i64 v6 = minimum(v0, v1);
  const i64 v7 = added(v0, v1);
  const i64 v8 = v5 ? v6 : v7;
  const float v9 = -v3;
  y0 = I64::store(v8);
  y1 = BF16::store(v9);
}

KERNEL(256) chain_74b57e5f7972af21(const I64::Stored *__restrict__ x0, const I64::Stored *__restrict__ x1, const Bool::Stored *__restrict__ x2, const BF16::Stored *__restrict__ x3, I64::Stored *__restrict__ y0, BF16::Stored *__restrict__ y1, int count, int row) {
  const int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x, fours = count / 4;
  for (int i = first; i < fours; i += step) {
    const Four<I64::Stored> a0 = ((const Four<I64::Stored> *)x0)[i];
    const Four<I64::Stored> a1 = ((const Four<I64::Stored> *)x1)[i];
    const Four<Bool::Stored> a2 = ((const Four<Bool::Stored> *)x2)[i];
    const Four<BF16::Stored> a3 = ((const Four<BF16::Stored> *)x3)[i];
    Four<I64::Stored> r0;
    Four<BF16::Stored> r1;
#pragma unroll
    for (int k = 0; k < 4; k++)
      chain_74b57e5f7972af21_element(I64::load(a0.element[k]), I64::load(a1.element[k]), Bool::load(a2.element[k]), BF16::load(a3.element[k]), r0.element[k], r1.element[k]);
    ((Four<I64::Stored> *)y0)[i] = r0;
    ((Four<BF16::Stored> *)y1)[i] = r1;
  }
  for (int i = fours * 4 + first; i < count; i += step)
    chain_74b57e5f7972af21_element(I64::load(x0[i]), I64::load(x1[i]), Bool::load(x2[i]), BF16::load(x3[i]), y0[i], y1[i]);
}
