// Normalisations of one type: T as stored, REAL as computed, READ and WRITE between them, NAME(name) the type's names.
// Statistics take two passes, the deviations' squares after the mean, so that nothing cancels; pieces bound rounding errors.

#define STATISTIC(name, term)                                                                                         \
  static double NAME(name)(const T *x, size_t n, REAL shift) {                                                        \
    (void)shift;                                                                                                      \
    double total = 0;                                                                                                 \
    for (size_t at = 0; at < n; at += PIECE) {                                                                        \
      const size_t count = n - at < PIECE ? n - at : PIECE;                                                           \
      REAL part = 0;                                                                                                  \
      PK_VECTORISE for (size_t i = 0; i < count; i++) {                                                               \
        _Pragma("clang fp reassociate(on)") const REAL v = READ(x[at + i]) - shift;                                   \
        part += term;                                                                                                 \
      }                                                                                                               \
      total += (double)part;                                                                                          \
    }                                                                                                                 \
    return total;                                                                                                     \
  }
STATISTIC(sum, v)
STATISTIC(squares, v * v)
STATISTIC(magnitudes, __builtin_elementwise_abs(v))

typedef struct NAME(moments) {
  REAL mean, inverse_deviation;
} NAME(moments);

static NAME(moments) NAME(moments_of)(const T *x, size_t n, double epsilon) {
  const double mean = NAME(sum)(x, n, 0) / (double)n;
  // The mean as rounded leaves a small common deviation, whose square the second term takes away again.
  const double residue = mean - (double)(REAL)mean;
  const double variance = NAME(squares)(x, n, (REAL)mean) / (double)n - residue * residue;
  return (NAME(moments)){(REAL)mean, (REAL)(1 / sqrt(variance + epsilon))};
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
        y[i] = WRITE((READ(x[i]) - m.mean) * m.inverse_deviation * READ(scale[i]) + READ(bias[i]));
    } else if (scale) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE((READ(x[i]) - m.mean) * m.inverse_deviation * READ(scale[i]));
    } else if (bias) {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE((READ(x[i]) - m.mean) * m.inverse_deviation + READ(bias[i]));
    } else {
      PK_VECTORISE for (size_t i = 0; i < n; i++) y[i] = WRITE((READ(x[i]) - m.mean) * m.inverse_deviation);
    }
  }
}

static void NAME(rms_norm)(const void *xs, const void *scales, void *ys, size_t rows, size_t n, double epsilon) {
  const T *x = xs, *scale = scales;
  T *y = ys;
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    const REAL factor = (REAL)(1 / sqrt(NAME(squares)(x, n, 0) / (double)n + epsilon));
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
      const REAL factor = m.inverse_deviation * (scale ? READ(scale[c]) : 1), term = bias ? READ(bias[c]) : 0;
      PK_VECTORISE for (size_t i = 0; i < inner; i++) y[i] = WRITE((READ(x[i]) - m.mean) * factor + term);
    }
  }
}

static void NAME(channel_affine)(const void *xs, const void *scales, const void *biases, void *ys, size_t outer, size_t channels,
                                 size_t inner) {
  const T *x = xs;
  const REAL *scale = scales, *bias = biases;
  T *y = ys;
  for (size_t o = 0; o < outer; o++) {
    if (inner == 1) {
      PK_VECTORISE for (size_t c = 0; c < channels; c++) y[c] = WRITE(READ(x[c]) * scale[c] + bias[c]);
      x += channels, y += channels;
      continue;
    }
    for (size_t c = 0; c < channels; c++, x += inner, y += inner) {
      const REAL factor = scale[c], term = bias[c];
      PK_VECTORISE for (size_t i = 0; i < inner; i++) y[i] = WRITE(READ(x[i]) * factor + term);
    }
  }
}

static void NAME(lp_columns)(const T *x, T *y, size_t axis, size_t width, size_t stride, int p) {
  REAL norm[TILE];
  for (size_t i = 0; i < width; i++) norm[i] = 0;
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) {
      const REAL v = READ(x[row * stride + i]);
      norm[i] += p == 1 ? __builtin_elementwise_abs(v) : v * v;
    }
  PK_VECTORISE for (size_t i = 0; i < width; i++) {
    const REAL root = p == 1 ? norm[i] : __builtin_elementwise_sqrt(norm[i]);
    norm[i] = root == 0 ? 1 : root;
  }
  for (size_t row = 0; row < axis; row++)
    PK_VECTORISE for (size_t i = 0; i < width; i++) y[row * stride + i] = WRITE(READ(x[row * stride + i]) / norm[i]);
}

static void NAME(lp_normalize)(const void *xs, void *ys, size_t outer, size_t axis, size_t inner, size_t stride, int p) {
  const T *x = xs;
  T *y = ys;
  for (size_t o = 0; o < outer; o++, x += axis * stride, y += axis * stride) {
    if (inner == 1 && stride == 1) {
      const double total = p == 1 ? NAME(magnitudes)(x, axis, 0) : sqrt(NAME(squares)(x, axis, 0));
      const REAL norm = total == 0 ? 1 : (REAL)total;
      PK_VECTORISE for (size_t i = 0; i < axis; i++) y[i] = WRITE(READ(x[i]) / norm);
    } else {
      for (size_t at = 0; at < inner; at += TILE)
        NAME(lp_columns)(x + at, y + at, axis, inner - at < TILE ? inner - at : TILE, stride, p);
    }
  }
}
