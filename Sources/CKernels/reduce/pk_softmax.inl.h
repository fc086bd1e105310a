#include "levels/pk_math.inl.h"
#include "pk_order.inl.h"

enum { BLOCK = 16, TILE = 128, PIECE = 1024 };

#define NO_PRAGMA
#define T float
#define TOTAL double
#define NAME(name) PK_FN(pk_##name##_of_f32)
#define MATH(name) PK_FN(pk_##name##_f32)
#define MATH_LOOP PK_VECTORISE
#define BLOCK_LOOP PK_VECTORISE_16
#define GREATEST_OF PK_FN(pk_greatest_f32)
#include "pk_softmax_type.inl.h"

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
#define MATH_LOOP NO_PRAGMA
// Without it the sum would be formed in one order where y is x and in another where it is not.
#define BLOCK_LOOP PK_VECTORISE
#define GREATEST_OF PK_FN(pk_greatest_f64)
#include "pk_softmax_type.inl.h"

const pk_softmax_fn PK_FN(pk_softmax_table)[2] = {PK_FN(pk_softmax_of_f32), PK_FN(pk_softmax_of_f64)};
const pk_softmax_fn PK_FN(pk_log_softmax_table)[2] = {PK_FN(pk_log_softmax_of_f32), PK_FN(pk_log_softmax_of_f64)};
