// Activations on one vector; included after pk_gemm_vec.inl.h.

#include "pk_gemm_epilogue.h"

PK_INLINE vf pow2i(vi n) { return (vf)((n + 127) << 23); }

/// x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts so that n times the first is exact.
PK_INLINE vi exp_reduce(vf x, vf *r) {
  const vf magic = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer held in the low mantissa bits
  vf t = x * 1.44269504f + magic;
  vf n = t - magic;
  vf s = x - n * 0.693359375f;
  *r = s - n * -2.12194440e-4f;
  return (vi)t - (vi)magic;
}

/// exp(r) - 1 for |r| <= ln 2 / 2: the Taylor series, whose first omitted term is below 1e-8.
PK_INLINE vf expm1_small(vf r) {
  vf q = r * (1.0f / 5040) + 1.0f / 720;
  q = q * r + 1.0f / 120;
  q = q * r + 1.0f / 24;
  q = q * r + 1.0f / 6;
  q = q * r + 0.5f;
  return q * (r * r) + r;
}

/// exp(x) for x <= 0; 0 where the result would not be a normal number. NaN stays NaN.
PK_INLINE vf exp_nonpositive(vf x) {
  vf r;
  vi n = exp_reduce(x, &r);
  vf y = (1.0f + expm1_small(r)) * pow2i(n);
  return x < -87.3f ? (vf)0.0f : y;
}

PK_INLINE vf act_sigmoid(vf x) {
  vf e = exp_nonpositive(-vf_abs(x));
  return (x < 0 ? e : (vf)1.0f) / (1.0f + e);
}

PK_INLINE vf act_tanh(vf x) {
  vf r;
  vi n = exp_reduce(vf_at_most(vf_abs(x), 10.0f) * 2.0f, &r);
  vf scale = pow2i(n);
  vf em1 = scale * expm1_small(r) + (scale - 1.0f);
  vf y = em1 / (em1 + 2.0f);
  return (vf)((vi)y | ((vi)x & (int32_t)0x80000000));
}

/// x * Phi(x). Phi(-w) = exp(-w^2 / 2) * g(t) / (1 + w) with t = (w - 3.5) / (w + 3.5): the product form keeps the
/// relative accuracy of the far left tail, where 1 + erf cancels. g is a least-squares fit on Chebyshev nodes.
PK_INLINE vf act_gelu_erf(vf x) {
  vf w = vf_at_most(vf_abs(x), 14.0f);
  vf t = (w - 3.5f) / (w + 3.5f);
  vf g = t * 0.00014810859f + 9.60227042e-05f;
  g = g * t + -0.00138904459f;
  g = g * t + 0.000292912529f;
  g = g * t + 0.0103718343f;
  g = g * t + -0.0302626367f;
  g = g * t + 0.0380485195f;
  g = g * t + 0.000787322975f;
  g = g * t + -0.0977126026f;
  g = g * t + 0.478553186f;
  vf square = w * w;
#if PK_LEVEL >= 1
  vf rest = w * w - square; // contracted to one FMA: the rounding error of the square
#else
  // Without FMA the square is split: `high` has few enough bits for its square to be exact.
  vf high = (vf)((vi)w & (int32_t)0xfffff000);
  vf rest = ((high * high - square) + 2.0f * high * (w - high)) + (w - high) * (w - high);
#endif
  vf tail = exp_nonpositive(-0.5f * square) * (1.0f - 0.5f * rest) * g / (1.0f + w);
  return x * (x < 0 ? tail : 1.0f - tail);
}

PK_INLINE vf act_gelu_tanh(vf x) {
  return x * act_sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
}

static void activate_array(pk_activation activation, float p0, float p1, size_t count, const float *x, float *y) {
#define EACH(EXPRESSION)                                  \
  {                                                       \
    size_t i = 0;                                         \
    for (; i + VW <= count; i += VW) {                    \
      const vf v = vf_load(x + i);                        \
      vf_store(y + i, EXPRESSION);                        \
    }                                                     \
    if (i < count) {                                      \
      const vf v = vf_load_n(x + i, count - i);           \
      vf_store_n(y + i, EXPRESSION, count - i);           \
    }                                                     \
    return;                                               \
  }
  switch (activation) {
  case PK_ACT_NONE: EACH(v)
  case PK_ACT_RELU: EACH(vf_at_least(v, 0.0f))
  case PK_ACT_CLIP: EACH(vf_at_most(vf_at_least(v, p0), p1))
  case PK_ACT_LEAKY_RELU: EACH(v < 0 ? p0 * v : v)
  case PK_ACT_SIGMOID: EACH(act_sigmoid(v))
  case PK_ACT_TANH: EACH(act_tanh(v))
  case PK_ACT_SILU: EACH(v * act_sigmoid(p0 * v))
  case PK_ACT_HARDSWISH: EACH(v * vf_at_most(vf_at_least(v * (1.0f / 6) + 0.5f, 0.0f), 1.0f))
  case PK_ACT_HARDSIGMOID: EACH(vf_at_most(vf_at_least(p0 * v + p1, 0.0f), 1.0f))
  case PK_ACT_GELU_ERF: EACH(act_gelu_erf(v))
  case PK_ACT_GELU_TANH: EACH(act_gelu_tanh(v))
  }
#undef EACH
}
