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

#if PK_LEVEL == 2
/// 1 / x for a normal x whose inverse is normal; within 1 ulp. A division takes as long as ten multiplications.
PK_INLINE vf inverse(vf x) {
  const vf y = (vf)_mm512_rcp14_ps((__m512)x);
  return y + y * (1.0f - x * y);
}

/// 2^(i / 32)
static const float exp_table[32] __attribute__((aligned(64))) = {
    1.0f, 1.0218972f, 1.04427373f, 1.06714046f, 1.09050775f, 1.1143868f, 1.13878858f, 1.1637249f, 1.18920708f, 1.21524739f,
    1.24185777f, 1.26905096f, 1.29683959f, 1.32523668f, 1.35425556f, 1.38390994f, 1.41421354f, 1.44518077f, 1.47682619f,
    1.50916445f, 1.54221082f, 1.5759809f, 1.61049032f, 1.64575553f, 1.68179286f, 1.71861935f, 1.75625217f, 1.79470909f,
    1.8340081f, 1.87416768f, 1.91520655f, 1.95714414f};

/// exp(x) for |x| <= 87.3: x = (32 n + i) ln 2 / 32 + r, of which 2^(i / 32) is looked up and exp(r) has three terms. Within 2 ulp for
/// small x and 4 at the ends, as ln 2 / 32 is one number, which lies 2.7e-9 of itself from the true one.
PK_INLINE vf exp_by_table(vf x) {
  const vf magic = 12582912.0f; // as in exp_reduce
  const vf t = x * (32 * 1.44269504f) + magic, n = t - magic;
  const vf r = x - n * (0.693147182f / 32);
  const vf part = (vf)_mm512_permutex2var_ps(_mm512_load_ps(exp_table), (__m512i)t, _mm512_load_ps(exp_table + 16));
  const vf scale = (vf)((vi)part + (((vi)t << 18) & (int32_t)0xff800000));
  return scale + scale * (r + r * r * 0.5f);
}
#endif

PK_INLINE vf act_sigmoid(vf x) {
#if PK_LEVEL == 2
  // The bounds keep exp and its inverse normal; in front of them the result is 0.
  const vf y = inverse(1.0f + exp_by_table(vf_at_most(vf_at_least(-x, -87.0f), 87.3f)));
  return x < -87.3f ? (vf)0.0f : y;
#else
  vf e = exp_nonpositive(-vf_abs(x));
  return (x < 0 ? e : (vf)1.0f) / (1.0f + e);
#endif
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

#if PK_LEVEL == 2
/// w * Phi(-w) = sum of gelu_table[i][k] * (w * GELU_STEPS - k)^i for the nearest k: fits of the least relative error.
#define GELU_STEPS 5.72f
#define GELU_END 5.5f
enum { GELU_TERMS = 6 };
static const float gelu_table[GELU_TERMS][32] __attribute__((aligned(64))) = {
    {0.0f, 0.0752812102f, 0.127028167f, 0.157328978f, 0.16935809f, 0.16697976f, 0.154301032f, 0.135249704f, 0.113239534f,
     0.090959847f, 0.0702975839f, 0.0523753688f, 0.0376718082f, 0.0261847917f, 0.0176015925f, 0.0114491172f, 0.0072093918f,
     0.00439621834f, 0.00259674806f, 0.00148608151f, 0.000824122573f, 0.000442932389f, 0.00023074304f, 0.000116521405f,
     5.70429875e-05f, 2.70736109e-05f, 1.24583612e-05f, 5.55861016e-06f, 2.40479926e-06f, 1.00881869e-06f, 4.1037535e-07f,
     1.61880223e-07f},
    {0.0874125883f, 0.0632729158f, 0.040573705f, 0.0205637794f, 0.00414611865f, -0.00821107347f, -0.0164860841f, -0.0210441034f,
     -0.0225267485f, -0.0217188578f, -0.0194206629f, -0.0163468104f, -0.013063564f, -0.00996512827f, -0.00728205033f,
     -0.00511049712f, -0.00345065864f, -0.00224471698f, -0.00140830094f, -0.000852822734f, -0.000498809444f, -0.000281937217f,
     -0.000154063688f, -8.14206578e-05f, -4.16281146e-05f, -2.05952929e-05f, -9.86219311e-06f, -4.57178066e-06f, -2.05198785e-06f,
     -8.91874834e-07f, -3.75428669e-07f, -1.53071241e-07f},
    {-0.0121932076f, -0.0118247718f, -0.0107690375f, -0.00916487537f, -0.00721367775f, -0.00514223333f, -0.00316417636f,
     -0.00144846947f, -0.000100683297f, 0.00084102276f, 0.00139708864f, 0.00162938563f, 0.001621095f, 0.00145838992f,
     0.00121700973f, 0.000954854768f, 0.000710069959f, 0.00050309056f, 0.000340817962f, 0.000221330978f, 0.000138048694f,
     8.28181583e-05f, 4.78429683e-05f, 2.66383104e-05f, 1.43058605e-05f, 7.41492022e-06f, 3.71113583e-06f, 1.79433471e-06f,
     8.38411211e-07f, 3.78709558e-07f, 1.65413596e-07f, 6.98806772e-08f},
    {-2.80966823e-08f, 0.000242800335f, 0.000453141023f, 0.000604896108f, 0.000683081569f, 0.000685832987f, 0.000623378495f,
     0.000514538493f, 0.000381915859f, 0.00024712109f, 0.000127140636f, 3.24486464e-05f, -3.31125957e-05f, -7.1107941e-05f,
     -8.65844631e-05f, -8.60774526e-05f, -7.6000033e-05f, -6.16286634e-05f, -4.66825586e-05f, -3.3357861e-05f, -2.26270895e-05f,
     -1.46315842e-05f, -9.046983e-06f, -5.36097878e-06f, -3.04972741e-06f, -1.66779421e-06f, -8.77727814e-07f, -4.44936319e-07f,
     -2.17407873e-07f, -1.02461229e-07f, -4.65991405e-08f, -2.04609165e-08f},
    {6.22683874e-05f, 5.78169384e-05f, 4.60795782e-05f, 2.90704866e-05f, 9.93722369e-06f, -8.05627042e-06f, -2.22484286e-05f,
     -3.10681316e-05f, -3.41924351e-05f, -3.2383432e-05f, -2.71049412e-05f, -2.00626309e-05f, -1.28014372e-05f, -6.44656257e-06f,
     -1.61149421e-06f, 1.55371731e-06f, 3.23073232e-06f, 3.77719721e-06f, 3.59211526e-06f, 3.02542117e-06f, 2.33477795e-06f,
     1.67967119e-06f, 1.13787155e-06f, 7.30550994e-07f, 4.46487832e-07f, 2.60582738e-07f, 1.45574646e-07f, 7.7986833e-08f,
     4.01214955e-08f, 1.98452845e-08f, 9.44659728e-09f, 4.33087743e-09f},
    {-3.56460106e-07f, -1.61806656e-06f, -2.96275016e-06f, -3.72555269e-06f, -3.81618202e-06f, -3.2907999e-06f, -2.33031778e-06f,
     -1.18127878e-06f, -8.71237233e-08f, 7.6828178e-07f, 1.29075192e-06f, 1.47642845e-06f, 1.38937867e-06f, 1.12859379e-06f,
     7.95529104e-07f, 4.71388802e-07f, 2.06667536e-07f, 2.16330154e-08f, -8.63211795e-08f, -1.32923901e-07f, -1.38276363e-07f,
     -1.20855645e-07f, -9.45498897e-08f, -6.80687364e-08f, -4.57665976e-08f, -2.89964319e-08f, -1.74134662e-08f, -9.95292826e-09f,
     -5.4305378e-09f, -2.83496182e-09f, -1.41851197e-09f, -6.81261991e-10f},
};

/// Beyond the table. Not inlined, so that the registers of the usual way stay as they are.
static __attribute__((noinline)) vf gelu_tail(vf x) { return act_gelu_erf(x); }

/// x * Phi(x) = max(x, 0) - |x| * Phi(-|x|). Behind the end of the table the second term does not count for positive x.
PK_INLINE vf act_gelu_table(vf x, const vf table[GELU_TERMS][2]) {
  const vf magic = 12582912.0f; // as in exp_reduce
  const vf w = vf_at_most(vf_abs(x), GELU_END), t = w * GELU_STEPS + magic, u = w * GELU_STEPS - (t - magic);
  const __m512i k = (__m512i)(vi)t;
  vf h = (vf)_mm512_permutex2var_ps((__m512)table[GELU_TERMS - 1][0], k, (__m512)table[GELU_TERMS - 1][1]);
  PK_UNROLL for (int i = GELU_TERMS - 2; i >= 0; i--) h = h * u + (vf)_mm512_permutex2var_ps((__m512)table[i][0], k, (__m512)table[i][1]);
  const vf y = vf_at_least(x, 0.0f) - h;
  if (__builtin_expect(_mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-GELU_END), _CMP_LT_OQ) == 0, 1)) return y;
  return x < -GELU_END ? gelu_tail(x) : y;
}
#endif

/// Rows of `count` elements; y may be x.
static void activate_rows(pk_activation activation, float p0, float p1, size_t rows, size_t count, const float *x, size_t ldx, float *y,
                          size_t ldy) {
#define EACH(EXPRESSION)                                  \
  for (; rows > 0; rows--, x += ldx, y += ldy) {          \
    size_t i = 0;                                         \
    for (; i + VW <= count; i += VW) {                    \
      const vf v = vf_load(x + i);                        \
      vf_store(y + i, EXPRESSION);                        \
    }                                                     \
    if (i < count) {                                      \
      const vf v = vf_load_n(x + i, count - i);           \
      vf_store_n(y + i, EXPRESSION, count - i);           \
    }                                                     \
  }                                                       \
  return;
#if PK_LEVEL == 2
  if (activation == PK_ACT_GELU_ERF) {
    vf table[GELU_TERMS][2];
    PK_UNROLL for (int i = 0; i < GELU_TERMS; i++) PK_UNROLL for (int j = 0; j < 2; j++) table[i][j] = vf_load(gelu_table[i] + j * VW);
    EACH(act_gelu_table(v, table))
  }
#endif
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

static void activate_array(pk_activation activation, float p0, float p1, size_t count, const float *x, float *y) {
  activate_rows(activation, p0, p1, 1, count, x, 0, y, 0);
}
