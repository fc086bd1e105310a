#ifndef PINION_PK_GEMM_EPILOGUE_H
#define PINION_PK_GEMM_EPILOGUE_H

#include <stddef.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Functions an f32 kernel can apply to its result. `p0` and `p1` are the fields of `pk_epilogue`.
/// The exponential ones stay within about 4 ulp of the exact value and pass NaN through.
typedef enum pk_activation {
  PK_ACT_NONE = 0,
  PK_ACT_RELU = 1,        ///< max(x, 0)
  PK_ACT_CLIP = 2,        ///< min(max(x, p0), p1)
  PK_ACT_LEAKY_RELU = 3,  ///< x >= 0 ? x : p0 * x
  PK_ACT_SIGMOID = 4,     ///< 1 / (1 + exp(-x))
  PK_ACT_TANH = 5,
  PK_ACT_SILU = 6,        ///< x * sigmoid(p0 * x); p0 = 1 for the usual SiLU
  PK_ACT_HARDSWISH = 7,   ///< x * min(max(x / 6 + 1 / 2, 0), 1)
  PK_ACT_HARDSIGMOID = 8, ///< min(max(p0 * x + p1, 0), 1)
  PK_ACT_GELU_ERF = 9,    ///< x / 2 * (1 + erf(x / sqrt(2)))
  PK_ACT_GELU_TANH = 10,  ///< x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
} pk_activation;

/// What happens to a product before it is stored: `y = act(x + bias [+ residual]) [+ residual]`.
/// All zero means: nothing.
typedef struct pk_epilogue {
  const float *row_bias; ///< One value per row of the result, or NULL.
  const float *col_bias; ///< One value per column of the result, or NULL.
  const float *residual; ///< A matrix of the result's shape, or NULL. May be the result itself.
  size_t ld_residual;    ///< Elements from one row of `residual` to the next.
  int residual_last;     ///< Non-zero: the residual is added after the activation instead of before it.
  pk_activation activation;
  float p0, p1;
} pk_epilogue;

/// Applies `activation` to `count` floats; `y` may be `x`. Thread-safe.
void pk_activate_f32(pk_isa isa, pk_activation activation, float p0, float p1, size_t count, const float *x, float *y);

#ifdef __cplusplus
}
#endif
#endif
