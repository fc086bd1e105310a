#include "levels/pk_math.inl.h"
#include "pk_order.inl.h"

enum { BLOCK = 16, TILE = 128, PIECE = 1024 };

#define T float
#define TOTAL double
#define NAME(name) PK_FN(pk_##name##_of_f32)
#define MATH(name) PK_FN(pk_##name##_f32)
#define MATH_LOOP PK_VECTORISE
#define BLOCK_LOOP PK_VECTORISE_16
#define GREATEST_OF PK_FN(pk_greatest_f32)
#if PK_LEVEL == 2
#define OWN_EXPONENTIALS
static double NAME(exponentials)(const float *x, float *y, size_t n, float shift) {
  double total = 0;
  const __m512 shifts = _mm512_set1_ps(shift);
  for (size_t at = 0; at < n; at += PIECE) {
    const size_t end = n - at < PIECE ? n : at + PIECE;
    __m512 even = _mm512_setzero_ps(), odd = even;
    for (size_t i = at; i < end; i += 2 * BLOCK) {
      const size_t left = end - i;
      const __mmask16 first = (__mmask16)(left >= BLOCK ? 0xffff : (1u << left) - 1);
      const __mmask16 second = (__mmask16)(left >= 2 * BLOCK ? 0xffff : left > BLOCK ? (1u << (left - BLOCK)) - 1 : 0);
      const __m512 a = _mm512_sub_ps(_mm512_maskz_loadu_ps(first, x + i), shifts), b = _mm512_sub_ps(_mm512_maskz_loadu_ps(second, x + i + BLOCK), shifts);
      const __m512 e = _mm512_maskz_mov_ps(first, pk_exp_below_wide(a)), f = _mm512_maskz_mov_ps(second, pk_exp_below_wide(b));
      _mm512_mask_storeu_ps(y + i, first, e);
      _mm512_mask_storeu_ps(y + i + BLOCK, second, f);
      even = _mm512_add_ps(even, e);
      odd = _mm512_add_ps(odd, f);
    }
    total += (double)_mm512_reduce_add_ps(_mm512_add_ps(even, odd));
  }
  return total;
}
#endif
#include "pk_softmax_type.inl.h"
#undef OWN_EXPONENTIALS

static void PK_FN(pk_attention_rows)(const float *x, const float *mask, float *y, size_t rows, size_t n, size_t x_stride,
                                     size_t mask_stride, size_t y_stride, float scale, bool zero_masked) {
  if (n == 0) return;
  for (size_t r = 0; r < rows; r++, x += x_stride, y += y_stride, mask = mask ? mask + mask_stride : mask) {
    if (mask) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = x[i] * scale + mask[i];
    } else if (scale != 1) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = x[i] * scale;
    }
    const float *scores = mask || scale != 1 ? y : x;
    const float most = PK_FN(pk_greatest_f32)(scores, n);
    if (most == -INFINITY && zero_masked) memset(y, 0, n * sizeof(float));
    else NAME(softmax_row)(scores, y, n, most);
  }
}
const pk_attention_softmax_fn PK_FN(pk_attention_softmax) = PK_FN(pk_attention_rows);

#undef T
#undef NAME
#undef MATH
#undef MATH_LOOP
#undef BLOCK_LOOP
#undef GREATEST_OF
#define T double
#define NAME(name) PK_FN(pk_##name##_of_f64)
#define MATH(name) PK_FN(pk_##name##_f64)
#define MATH_LOOP PK_VECTORISE
#define BLOCK_LOOP PK_VECTORISE_8
#define GREATEST_OF PK_FN(pk_greatest_f64)
#include "pk_softmax_type.inl.h"

const pk_softmax_fn PK_FN(pk_softmax_table)[2] = {PK_FN(pk_softmax_of_f32), PK_FN(pk_softmax_of_f64)};
const pk_softmax_fn PK_FN(pk_log_softmax_table)[2] = {PK_FN(pk_log_softmax_of_f32), PK_FN(pk_log_softmax_of_f64)};
