// Normalisations of one type: T as stored, REAL as computed, READ and WRITE between them, NAME(name) the type's names.
// Statistics are those of deviations from a number near the mean, so that nothing cancels; pieces bound rounding errors.

#define STATISTIC(name, term)                                                                                         \
  static __attribute__((noinline)) double NAME(name)(const T *x, size_t n) {                                          \
    double total = 0;                                                                                                 \
    for (size_t at = 0; at < n; at += PIECE) {                                                                        \
      const size_t count = n - at < PIECE ? n - at : PIECE;                                                           \
      REAL part = 0;                                                                                                  \
      PK_VECTORISE for (size_t i = 0; i < count; i++) {                                                               \
        _Pragma("clang fp reassociate(on)") const REAL v = READ(x[at + i]);                                           \
        part += term;                                                                                                 \
      }                                                                                                               \
      total += (double)part;                                                                                          \
    }                                                                                                                 \
    return total;                                                                                                     \
  }
STATISTIC(short_squares, v * v)
STATISTIC(magnitudes, __builtin_elementwise_abs(v))

/// Whether a sum of squares or magnitudes lost nothing to the ends of REAL's range.
static bool NAME(is_ordinary)(double total) {
  return sizeof(REAL) == 4 ? total > 1e-25 && total < 1e38 : total > 1e-280 && total < 1e300;
}

/// Squares of numbers from 1e19 on, or below 1e-19, do not fit a float.
static __attribute__((noinline, cold)) double NAME(wide_squares)(const T *x, size_t n, REAL shift) {
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    const double v = (double)READ(x[i]) - (double)shift;
    total += v * v;
  }
  return total;
}

static inline double NAME(squares)(const T *x, size_t n) {
  const double total = NAME(short_squares)(x, n);
  return sizeof(REAL) == 8 || __builtin_expect(NAME(is_ordinary)(total), 1) ? total : NAME(wide_squares)(x, n, 0);
}

/// The sums of the deviations from `center` and of their squares.
static double NAME(deviations)(const T *x, size_t n, REAL center, double *squares) {
  double sum = 0;
  *squares = 0;
  for (size_t at = 0; at < n; at += PIECE) {
    const size_t count = n - at < PIECE ? n - at : PIECE;
    REAL part = 0, square = 0;
    PK_VECTORISE for (size_t i = 0; i < count; i++) {
      _Pragma("clang fp reassociate(on)") const REAL v = READ(x[at + i]) - center;
      part += v;
      square += v * v;
    }
    sum += (double)part;
    *squares += (double)square;
  }
  if (sizeof(REAL) == 4 && !(*squares < 1e38)) *squares = NAME(wide_squares)(x, n, center);
  return sum;
}

/// (x - center) * inverse_deviation + rest is the normalised element: the mean lies between two numbers of REAL, and where it
/// is large against the deviation that difference counts.
typedef struct NAME(moments) {
  REAL mean, center, inverse_deviation, rest;
} NAME(moments);

static NAME(moments) NAME(moments_of)(const T *x, size_t n, double epsilon) {
  // The mean of a few elements is mostly near enough to the mean of all for the squares to keep their digits; around the mean
  // itself they always do.
  const size_t step = n < 8 ? 0 : n / 8;
  double sampled = 0;
  for (size_t i = 0; i < 8 && n > 0; i++) sampled += (double)READ(x[i * step]);
  REAL center = (REAL)(sampled * 0.125);
  double squares, offset, variance;
  for (int pass = 0; pass < 3; pass++) {
    offset = NAME(deviations)(x, n, center, &squares) / (double)n;
    variance = squares / (double)n - offset * offset;
    if (offset * offset <= variance || offset == 0) break;
    if (pass < 2) center = (REAL)((double)center + offset);
  }
  const double inverse = 1 / sqrt((variance < 0 ? 0 : variance) + epsilon);
  return (NAME(moments)){(REAL)((double)center + offset), center, (REAL)inverse, (REAL)(-offset * inverse)};
}

static void NAME(layer_norm)(const void *xs, const void *scales, const void *biases, void *ys, void *means, void *deviations,
                             size_t rows, size_t n, double epsilon) {
  const T *x = xs, *scale = scales, *bias = biases;
  T *y = ys;
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    const NAME(moments) m = NAME(moments_of)(x, n, epsilon);
    if (means) ((REAL *)means)[r] = m.mean;
    if (deviations) ((REAL *)deviations)[r] = m.inverse_deviation;
    if (scale && bias) {
      PK_VECTORISE for (size_t i = 0; i < n; i++)
        y[i] = WRITE(((READ(x[i]) - m.center) * m.inverse_deviation + m.rest) * READ(scale[i]) + READ(bias[i]));
    } else if (scale) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE(((READ(x[i]) - m.center) * m.inverse_deviation + m.rest) * READ(scale[i]));
    } else if (bias) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE((READ(x[i]) - m.center) * m.inverse_deviation + m.rest + READ(bias[i]));
    } else {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE((READ(x[i]) - m.center) * m.inverse_deviation + m.rest);
    }
  }
}

static void NAME(rms_norm)(const void *xs, const void *scales, void *ys, size_t rows, size_t n, double epsilon) {
  const T *x = xs, *scale = scales;
  T *y = ys;
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    const REAL factor = (REAL)(1 / sqrt(NAME(squares)(x, n) / (double)n + epsilon));
    if (scale) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE(READ(x[i]) * factor * READ(scale[i]));
    } else {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE(READ(x[i]) * factor);
    }
  }
}

static void NAME(group_norm)(const void *xs, const void *scales, const void *biases, void *ys, size_t groups, size_t channels,
                             size_t inner, double epsilon) {
  const T *x = xs, *scale = scales, *bias = biases;
  T *y = ys;
  for (size_t g = 0; g < groups; g++) {
    const NAME(moments) m = NAME(moments_of)(x, channels * inner, epsilon);
    for (size_t c = g * channels; c < (g + 1) * channels; c++, x += inner, y += inner) {
      const REAL own = scale ? READ(scale[c]) : 1, factor = m.inverse_deviation * own, term = m.rest * own + (bias ? READ(bias[c]) : 0);
      PK_VECTORISE for (size_t i = 0; i < inner; i++) y[i] = WRITE((READ(x[i]) - m.center) * factor + term);
    }
  }
}

static void NAME(channel_affine)(const void *xs, const void *centers, const void *scales, const void *biases, void *ys, size_t outer,
                                 size_t channels, size_t inner) {
  const T *x = xs;
  const REAL *center = centers, *scale = scales, *bias = biases;
  T *y = ys;
  for (size_t o = 0; o < outer; o++) {
    if (inner == 1) {
      PK_VECTORISE for (size_t c = 0; c < channels; c++) y[c] = WRITE((READ(x[c]) - center[c]) * scale[c] + bias[c]);
      x += channels, y += channels;
      continue;
    }
    for (size_t c = 0; c < channels; c++, x += inner, y += inner) {
      const REAL middle = center[c], factor = scale[c], term = bias[c];
      PK_VECTORISE for (size_t i = 0; i < inner; i++) y[i] = WRITE((READ(x[i]) - middle) * factor + term);
    }
  }
}

/// One line whose norm, or the squares below it, would leave the range of REAL: scaled by its largest magnitude. False where
/// that does not help: zeros, infinities, NaN.
static __attribute__((noinline, cold)) bool NAME(lp_scaled)(const T *x, T *y, size_t axis, size_t stride, int p) {
  double most = 0, sum = 0;
  for (size_t i = 0; i < axis; i++) {
    const double v = fabs((double)READ(x[i * stride]));
    if (!(v < INFINITY)) return false;
    most = v > most ? v : most;
  }
  if (most == 0) return false;
  for (size_t i = 0; i < axis; i++) {
    const double v = fabs((double)READ(x[i * stride])) / most;
    sum += p == 1 ? v : v * v;
  }
  const double norm = p == 1 ? sum : sqrt(sum);
  for (size_t i = 0; i < axis; i++) y[i * stride] = WRITE((REAL)((double)READ(x[i * stride]) / most / norm));
  return true;
}

/// Divides a line by a norm of which 0 means that the line is zeros.
static void NAME(lp_line)(const T *x, T *y, size_t axis, size_t stride, REAL norm) {
  if (norm == 0) norm = 1;
  for (size_t i = 0; i < axis; i++) y[i * stride] = WRITE(READ(x[i * stride]) / norm);
}

static void NAME(lp_columns)(const T *x, T *y, size_t axis, size_t width, size_t stride, int p) {
  REAL norm[TILE];
  for (size_t i = 0; i < width; i++) norm[i] = 0;
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) {
      const REAL v = READ(x[row * stride + i]);
      norm[i] += p == 1 ? __builtin_elementwise_abs(v) : v * v;
    }
  bool ordinary = true;
  for (size_t i = 0; i < width; i++) ordinary &= NAME(is_ordinary)((double)norm[i]);
  PK_VECTORISE for (size_t i = 0; i < width; i++) norm[i] = p == 1 ? norm[i] : __builtin_elementwise_sqrt(norm[i]);
  if (!ordinary) {
    for (size_t i = 0; i < width; i++)
      if (!NAME(lp_scaled)(x + i, y + i, axis, stride, p)) NAME(lp_line)(x + i, y + i, axis, stride, norm[i]);
    return;
  }
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) y[row * stride + i] = WRITE(READ(x[row * stride + i]) / norm[i]);
}

#include "pk_short_rows.inl.h"

static void NAME(lp_normalize)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride, int p) {
  const T *x = xs;
  T *y = ys;
  if (IS_SHORT(SHORT_DEAR_AXIS)) {
    FOR_SHORT_ROWS({
      for (size_t i = 0; i < rows; i += TILE) NAME(lp_columns)(strip + i, strip + i, axis, rows - i < TILE ? rows - i : TILE, lanes, p);
      NAME(turn_back)(strip, y + at * axis, rows, lanes, axis);
    });
    return;
  }
  for (size_t o = 0; o < outer; o++, x += axis * stride, y += axis * stride) {
    if (inner == 1 && stride == 1) {
      const double total = p == 1 ? NAME(magnitudes)(x, axis) : NAME(short_squares)(x, axis);
      const REAL norm = (REAL)(p == 1 ? total : sqrt(total));
      if (!NAME(is_ordinary)(total)) {
        if (!NAME(lp_scaled)(x, y, axis, 1, p)) NAME(lp_line)(x, y, axis, 1, norm);
        continue;
      }
      PK_VECTORISE for (size_t i = 0; i < axis; i++) y[i] = WRITE(READ(x[i]) / norm);
    } else {
      for (size_t at = 0; at < inner; at += TILE)
        NAME(lp_columns)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride, p);
    }
  }
}
