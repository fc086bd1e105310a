#include "elementwise.cuh"

DEVICE void chain_bb8951c915450c60_element(const float v0, const float v1, const i32 v2, const i32 v3, F32::Stored &y0, F32::Stored &y1, F32::Stored &y2, F32::Stored &y3, F32::Stored &y4, F32::Stored &y5, F32::Stored &y6, Bool::Stored &y7, Bool::Stored &y8, Bool::Stored &y9, I32::Stored &y10, I32::Stored &y11, I32::Stored &y12, I32::Stored &y13, I32::Stored &y14, I32::Stored &y15, I32::Stored &y16, Bool::Stored &y17) {
  const float v4 = v0 + v1;
  const float v5 = v0 - v1;
  const float v6 = v0 * v1;
  const float v7 = v0 / v1;
  const float v8 = maximum(v0, v1);
  const float v9 = minimum(v0, v1);
  const float v10 = powf(v0, v1);
  const bool v11 = v0 == v1;
  const bool v12 = v0 < v1;
  const bool v13 = v0 > v1;
  const i32 v14 = added(v2, v3);
  const i32 v15 = subtracted(v2, v3);
  const i32 v16 = multiplied(v2, v3);
  const i32 v17 = maximum(v2, v3);
  const i32 v18 = minimum(v2, v3);
  const i32 v19 = negated(v2);
  const i32 v20 = (v2 < 0 ? negated(v2) : v2);
  const bool v21 = v2 == v3;
  const bool v22 = v2 > v3;
  const bool v23 = v21 || v22;
  const bool v24 = !v23;
  y0 = F32::store(v4);
  y1 = F32::store(v5);
  y2 = F32::store(v6);
  y3 = F32::store(v7);
  y4 = F32::store(v8);
  y5 = F32::store(v9);
  y6 = F32::store(v10);
  y7 = Bool::store(v11);
  y8 = Bool::store(v12);
  y9 = Bool::store(v13);
  y10 = I32::store(v14);
  y11 = I32::store(v15);
  y12 = I32::store(v16);
  y13 = I32::store(v17);
  y14 = I32::store(v18);
  y15 = I32::store(v19);
  y16 = I32::store(v20);
  y17 = Bool::store(v24);
}

KERNEL(256) chain_bb8951c915450c60(const F32::Stored *__restrict__ x0, const F32::Stored *__restrict__ x1, const I32::Stored *__restrict__ x2, const I32::Stored *__restrict__ x3, F32::Stored *__restrict__ y0, F32::Stored *__restrict__ y1, F32::Stored *__restrict__ y2, F32::Stored *__restrict__ y3, F32::Stored *__restrict__ y4, F32::Stored *__restrict__ y5, F32::Stored *__restrict__ y6, Bool::Stored *__restrict__ y7, Bool::Stored *__restrict__ y8, Bool::Stored *__restrict__ y9, I32::Stored *__restrict__ y10, I32::Stored *__restrict__ y11, I32::Stored *__restrict__ y12, I32::Stored *__restrict__ y13, I32::Stored *__restrict__ y14, I32::Stored *__restrict__ y15, I32::Stored *__restrict__ y16, Bool::Stored *__restrict__ y17, int count, int row) {
  const int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x, fours = count / 4;
  for (int i = first; i < fours; i += step) {
    const Four<F32::Stored> a0 = ((const Four<F32::Stored> *)x0)[i];
    const Four<F32::Stored> a1 = ((const Four<F32::Stored> *)x1)[i];
    const Four<I32::Stored> a2 = ((const Four<I32::Stored> *)x2)[i];
    const Four<I32::Stored> a3 = ((const Four<I32::Stored> *)x3)[i];
    Four<F32::Stored> r0;
    Four<F32::Stored> r1;
    Four<F32::Stored> r2;
    Four<F32::Stored> r3;
    Four<F32::Stored> r4;
    Four<F32::Stored> r5;
    Four<F32::Stored> r6;
    Four<Bool::Stored> r7;
    Four<Bool::Stored> r8;
    Four<Bool::Stored> r9;
    Four<I32::Stored> r10;
    Four<I32::Stored> r11;
    Four<I32::Stored> r12;
    Four<I32::Stored> r13;
    Four<I32::Stored> r14;
    Four<I32::Stored> r15;
    Four<I32::Stored> r16;
    Four<Bool::Stored> r17;
#pragma unroll
    for (int k = 0; k < 4; k++)
      chain_bb8951c915450c60_element(F32::load(a0.element[k]), F32::load(a1.element[k]), I32::load(a2.element[k]), I32::load(a3.element[k]), r0.element[k], r1.element[k], r2.element[k], r3.element[k], r4.element[k], r5.element[k], r6.element[k], r7.element[k], r8.element[k], r9.element[k], r10.element[k], r11.element[k], r12.element[k], r13.element[k], r14.element[k], r15.element[k], r16.element[k], r17.element[k]);
    ((Four<F32::Stored> *)y0)[i] = r0;
    ((Four<F32::Stored> *)y1)[i] = r1;
    ((Four<F32::Stored> *)y2)[i] = r2;
    ((Four<F32::Stored> *)y3)[i] = r3;
    ((Four<F32::Stored> *)y4)[i] = r4;
    ((Four<F32::Stored> *)y5)[i] = r5;
    ((Four<F32::Stored> *)y6)[i] = r6;
    ((Four<Bool::Stored> *)y7)[i] = r7;
    ((Four<Bool::Stored> *)y8)[i] = r8;
    ((Four<Bool::Stored> *)y9)[i] = r9;
    ((Four<I32::Stored> *)y10)[i] = r10;
    ((Four<I32::Stored> *)y11)[i] = r11;
    ((Four<I32::Stored> *)y12)[i] = r12;
    ((Four<I32::Stored> *)y13)[i] = r13;
    ((Four<I32::Stored> *)y14)[i] = r14;
    ((Four<I32::Stored> *)y15)[i] = r15;
    ((Four<I32::Stored> *)y16)[i] = r16;
    ((Four<Bool::Stored> *)y17)[i] = r17;
  }
  for (int i = fours * 4 + first; i < count; i += step)
    chain_bb8951c915450c60_element(F32::load(x0[i]), F32::load(x1[i]), I32::load(x2[i]), I32::load(x3[i]), y0[i], y1[i], y2[i], y3[i], y4[i], y5[i], y6[i], y7[i], y8[i], y9[i], y10[i], y11[i], y12[i], y13[i], y14[i], y15[i], y16[i], y17[i]);
}
