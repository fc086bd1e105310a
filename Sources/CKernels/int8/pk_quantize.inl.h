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

static void PK_FN(scale_sums)(const pk_sum_scale *q, const int32_t *x, float *y, size_t n) {
  // As written, so that a level without FMA gives the same bits.
  _Pragma("clang fp contract(off)") const float factor = q->factor, *scales = q->scale, *bias = q->bias;
  if (q->per_element && bias) {
    PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)x[i] * (factor * scales[i]) + bias[i];
  } else if (q->per_element) {
    PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)x[i] * (factor * scales[i]);
  } else {
    const float scale = factor * *scales;
    if (bias) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)x[i] * scale + bias[i];
    } else {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = (float)x[i] * scale;
    }
  }
}

/// x * factor + addend, rounded once. The product of a byte and a float is exact in double.
static inline __attribute__((always_inline)) float PK_FN(pk_fma)(float x, float factor, float addend) {
#if PK_LEVEL > 0
  return __builtin_fmaf(x, factor, addend);
#else
  return (float)((double)x * (double)factor + (double)addend);
#endif
}

// Operands are bytes or one byte for all; each combination is a loop of its own.
#define PAIRWISE_LOOP(EXPRESSION)                                                                                           \
  if (q->a_walks && q->b_walks) {                                                                                           \
    PK_VECTORISE for (size_t i = 0; i < n; i++) {                                                                           \
      const float x = (float)from_a[i], y = (float)from_b[i];                                                               \
      to[i] = (T_)PK_FN(pk_code)(EXPRESSION, low, high, 0);                                                                 \
    }                                                                                                                       \
  } else if (q->a_walks) {                                                                                                  \
    const float y = (float)*from_b;                                                                                         \
    PK_VECTORISE for (size_t i = 0; i < n; i++) {                                                                           \
      const float x = (float)from_a[i];                                                                                     \
      to[i] = (T_)PK_FN(pk_code)(EXPRESSION, low, high, 0);                                                                 \
    }                                                                                                                       \
  } else {                                                                                                                  \
    const float x = (float)*from_a;                                                                                         \
    PK_VECTORISE for (size_t i = 0; i < n; i++) {                                                                           \
      const float y = (float)from_b[q->b_walks ? i : 0];                                                                    \
      to[i] = (T_)PK_FN(pk_code)(EXPRESSION, low, high, 0);                                                                 \
    }                                                                                                                       \
  }

#define DEFINE_PAIRWISE(NAME, T, LOW, HIGH)                                                                                 \
  static void PK_FN(add_##NAME)(const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n) {               \
    typedef T T_;                                                                                                           \
    const T *from_a = a, *from_b = b;                                                                                       \
    T *to = c;                                                                                                              \
    const float factor_a = q->factor_a, factor_b = q->factor_b, offset = q->offset, low = LOW, high = HIGH;                 \
    PAIRWISE_LOOP(PK_FN(pk_fma)(x, factor_a, PK_FN(pk_fma)(y, factor_b, offset)))                                           \
  }                                                                                                                         \
  static void PK_FN(multiply_##NAME)(const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n) {          \
    _Pragma("clang fp contract(off)") typedef T T_;                                                                         \
    const T *from_a = a, *from_b = b;                                                                                       \
    T *to = c;                                                                                                              \
    const float zero_a = q->zero_a, zero_b = q->zero_b, factor = q->factor_a, offset = q->offset, low = LOW, high = HIGH;   \
    PAIRWISE_LOOP((x - zero_a) * (y - zero_b) * factor + offset)                                                            \
  }

DEFINE_PAIRWISE(u8, uint8_t, 0.0f, 255.0f)
DEFINE_PAIRWISE(i8, int8_t, -128.0f, 127.0f)

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

static void PK_FN(sum_rows)(bool is_signed, const void *x, size_t rows, size_t stride, int32_t *sums, size_t n) {
  const uint8_t *from = x;
  const uint8_t flip = is_signed ? 0x80 : 0;
  // A sum of 256 bytes fits 16 bits; signed ones are counted from -128.
  for (size_t r = 0; r < rows; r += 256)
    for (size_t i = 0; i < n; i += 64) {
      const size_t count = rows - r < 256 ? rows - r : 256, width = n - i < 64 ? n - i : 64;
      uint16_t part[64] = {0};
      for (size_t k = 0; k < count; k++) {
        const uint8_t *row = from + (r + k) * stride + i;
        if (width == 64)
          PK_VECTORISE for (size_t j = 0; j < 64; j++) part[j] = (uint16_t)(part[j] + (row[j] ^ flip));
        else
          for (size_t j = 0; j < width; j++) part[j] = (uint16_t)(part[j] + (row[j] ^ flip));
      }
      for (size_t j = 0; j < width; j++) sums[i + j] += (int32_t)part[j] - (int32_t)count * flip;
    }
}

const pk_quantize_table PK_FN(pk_quantize_table) = {
    .quantize = {[PK_U8] = PK_FN(quantize_u8), [PK_I8] = PK_FN(quantize_i8), [PK_U16] = PK_FN(quantize_u16),
                 [PK_I16] = PK_FN(quantize_i16)},
    .requantize = {[PK_U8] = PK_FN(requantize_u8), [PK_I8] = PK_FN(requantize_i8), [PK_U16] = PK_FN(requantize_u16),
                   [PK_I16] = PK_FN(requantize_i16)},
    .dequantize = {[PK_U8] = PK_FN(dequantize_u8), [PK_I8] = PK_FN(dequantize_i8), [PK_U16] = PK_FN(dequantize_u16),
                   [PK_I16] = PK_FN(dequantize_i16), [PK_I32] = PK_FN(dequantize_i32)},
    .add = {[PK_U8] = PK_FN(add_u8), [PK_I8] = PK_FN(add_i8)},
    .multiply = {[PK_U8] = PK_FN(multiply_u8), [PK_I8] = PK_FN(multiply_i8)},
    .sum_rows = PK_FN(sum_rows),
    .range = PK_FN(range),
    .scale_sums = PK_FN(scale_sums),
};
