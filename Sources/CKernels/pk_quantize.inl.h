// Quantisation loops of one ISA level, for the compiler to vectorise.

#include "pk_quantize_internal.h"

/// Clamped before it is rounded, so that adding this number rounds to even: the sum has no room for a fraction.
#define PK_ROUNDER 12582912.0f

static inline __attribute__((always_inline)) int32_t PK_FN(pk_code)(float x, float low, float high, int32_t zero) {
  x = x > low ? x : low;
  x = x < high ? x : high;
  x = (x + PK_ROUNDER) - PK_ROUNDER;
  return (int32_t)x + zero;
}

#define DEFINE_QUANTIZE(NAME, T)                                                                                            \
  static void PK_FN(quantize_##NAME)(const pk_quantization *q, const float *x, void *y, size_t n) {                         \
    T *to = y;                                                                                                              \
    if (!q->per_element) {                                                                                                  \
      const int32_t zero = q->zero ? *q->zero : 0;                                                                          \
      const float scale = *q->scale, low = (float)(q->low - zero), high = (float)(q->high - zero);                          \
      PK_VECTORISE for (size_t i = 0; i < n; i++) to[i] = (T)PK_FN(pk_code)(x[i] / scale, low, high, zero);                 \
      return;                                                                                                               \
    }                                                                                                                       \
    const float *scales = q->scale, low = (float)q->low, high = (float)q->high;                                             \
    const int32_t *zeros = q->zero;                                                                                         \
    if (zeros) {                                                                                                            \
      PK_VECTORISE for (size_t i = 0; i < n; i++) to[i] =                                                                   \
          (T)PK_FN(pk_code)(x[i] / scales[i], low - (float)zeros[i], high - (float)zeros[i], zeros[i]);                     \
    } else {                                                                                                                \
      PK_VECTORISE for (size_t i = 0; i < n; i++) to[i] = (T)PK_FN(pk_code)(x[i] / scales[i], low, high, 0);                \
    }                                                                                                                       \
  }                                                                                                                         \
                                                                                                                            \
  static void PK_FN(requantize_##NAME)(const pk_quantization *q, int32_t bias, const int32_t *x, void *y, size_t n) {       \
    T *to = y;                                                                                                              \
    const int32_t zero = q->zero ? *q->zero : 0;                                                                            \
    const float *scales = q->scale, low = (float)(q->low - zero), high = (float)(q->high - zero);                           \
    if (!q->per_element) {                                                                                                  \
      const float scale = *q->scale;                                                                                        \
      PK_VECTORISE for (size_t i = 0; i < n; i++) to[i] =                                                                   \
          (T)PK_FN(pk_code)((float)(int32_t)((uint32_t)x[i] + (uint32_t)bias) * scale, low, high, zero);                    \
      return;                                                                                                               \
    }                                                                                                                       \
    PK_VECTORISE for (size_t i = 0; i < n; i++) to[i] =                                                                     \
        (T)PK_FN(pk_code)((float)(int32_t)((uint32_t)x[i] + (uint32_t)bias) * scales[i], low, high, zero);                \
  }

#define DEFINE_DEQUANTIZE(NAME, T)                                                                                          \
  static void PK_FN(dequantize_##NAME)(const pk_quantization *q, const void *x, float *y, size_t n) {                       \
    const T *from = x;                                                                                                      \
    if (!q->per_element) {                                                                                                  \
      const uint32_t zero = q->zero ? (uint32_t)*q->zero : 0;                                                               \
      const float scale = *q->scale;                                                                                        \
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)(int32_t)((uint32_t)from[i] - zero) * scale;                \
      return;                                                                                                               \
    }                                                                                                                       \
    const float *scales = q->scale;                                                                                         \
    const int32_t *zeros = q->zero;                                                                                         \
    if (zeros) {                                                                                                            \
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)(int32_t)((uint32_t)from[i] - (uint32_t)zeros[i]) * scales[i];\
    } else {                                                                                                                \
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)from[i] * scales[i];                                        \
    }                                                                                                                       \
  }

DEFINE_QUANTIZE(u8, uint8_t)
DEFINE_QUANTIZE(i8, int8_t)
DEFINE_QUANTIZE(u16, uint16_t)
DEFINE_QUANTIZE(i16, int16_t)
DEFINE_DEQUANTIZE(u8, uint8_t)
DEFINE_DEQUANTIZE(i8, int8_t)
DEFINE_DEQUANTIZE(u16, uint16_t)
DEFINE_DEQUANTIZE(i16, int16_t)
DEFINE_DEQUANTIZE(i32, int32_t)

static void PK_FN(range)(const float *x, size_t n, float *least, float *greatest) {
  float low[PK_LANES] = {0}, high[PK_LANES] = {0};
  size_t i = 0;
  for (; i + PK_LANES <= n; i += PK_LANES)
    PK_VECTORISE for (size_t j = 0; j < PK_LANES; j++) {
      low[j] = x[i + j] < low[j] ? x[i + j] : low[j];
      high[j] = x[i + j] > high[j] ? x[i + j] : high[j];
    }
  for (; i < n; i++) {
    low[0] = x[i] < low[0] ? x[i] : low[0];
    high[0] = x[i] > high[0] ? x[i] : high[0];
  }
  for (size_t j = 1; j < PK_LANES; j++) {
    low[0] = low[j] < low[0] ? low[j] : low[0];
    high[0] = high[j] > high[0] ? high[j] : high[0];
  }
  *least = low[0];
  *greatest = high[0];
}

#define DEFINE_TAP(NAME, T)                                                                                                 \
  static void PK_FN(tap_##NAME)(const T *x, size_t stride, int32_t zero, int32_t factor, int32_t *y, size_t n) {            \
    if (stride == 1) {                                                                                                      \
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] += ((int32_t)x[i] - zero) * factor;                                  \
    } else if (stride == 2) {                                                                                               \
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] += ((int32_t)x[2 * i] - zero) * factor;                              \
    } else {                                                                                                                \
      for (size_t i = 0; i < n; i++) y[i] += ((int32_t)x[i * stride] - zero) * factor;                                      \
    }                                                                                                                       \
  }
DEFINE_TAP(u8, uint8_t)
DEFINE_TAP(i8, int8_t)

static void PK_FN(depthwise)(const pk_depthwise_int8 *s, const void *x, const void *w, int32_t *y) {
  memset(y, 0, s->out[0] * s->out[1] * sizeof(int32_t));
  for (size_t kh = 0; kh < s->kernel[0]; kh++)
    for (size_t kw = 0; kw < s->kernel[1]; kw++) {
      const size_t tap = kh * s->kernel[1] + kw;
      const int32_t factor = (s->w_signed ? ((const int8_t *)w)[tap] : ((const uint8_t *)w)[tap]) - s->w_zero;
      // Columns whose tap lies inside the input.
      const size_t shift = kw * s->dilation[1];
      const size_t first = shift >= s->pad[1] ? 0 : (s->pad[1] - shift + s->stride[1] - 1) / s->stride[1];
      const size_t room = s->in[1] + s->pad[1] > shift ? s->in[1] + s->pad[1] - shift : 0;
      size_t last = (room + s->stride[1] - 1) / s->stride[1];
      last = last < s->out[1] ? last : s->out[1];
      if (first >= last) continue;
      for (size_t oh = 0; oh < s->out[0]; oh++) {
        // A row before the input wraps around to a huge number.
        const size_t ih = oh * s->stride[0] + kh * s->dilation[0] - s->pad[0];
        if (ih >= s->in[0]) continue;
        const size_t at = ih * s->in[1] + first * s->stride[1] + shift - s->pad[1];
        int32_t *row = y + oh * s->out[1] + first;
        if (s->x_signed)
          PK_FN(tap_i8)((const int8_t *)x + at, s->stride[1], s->x_zero, factor, row, last - first);
        else
          PK_FN(tap_u8)((const uint8_t *)x + at, s->stride[1], s->x_zero, factor, row, last - first);
      }
    }
}

const pk_quantize_table PK_FN(pk_quantize_table) = {
    .quantize = {[PK_U8] = PK_FN(quantize_u8), [PK_I8] = PK_FN(quantize_i8), [PK_U16] = PK_FN(quantize_u16),
                 [PK_I16] = PK_FN(quantize_i16)},
    .requantize = {[PK_U8] = PK_FN(requantize_u8), [PK_I8] = PK_FN(requantize_i8), [PK_U16] = PK_FN(requantize_u16),
                   [PK_I16] = PK_FN(requantize_i16)},
    .dequantize = {[PK_U8] = PK_FN(dequantize_u8), [PK_I8] = PK_FN(dequantize_i8), [PK_U16] = PK_FN(dequantize_u16),
                   [PK_I16] = PK_FN(dequantize_i16), [PK_I32] = PK_FN(dequantize_i32)},
    .range = PK_FN(range),
    .depthwise = PK_FN(depthwise),
};
