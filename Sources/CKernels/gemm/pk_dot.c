#include "pk_dot.h"

// Independent partial sums, which the compiler keeps in vector registers.
#define PK_PARTS 16

static inline float total(float *parts) {
  for (size_t width = PK_PARTS / 2; width > 0; width /= 2) {
    for (size_t j = 0; j < width; j++) parts[j] += parts[j + width];
  }
  return parts[0];
}

float pk_dot_f32(const float *a, const float *b, size_t n) {
  float parts[PK_PARTS] = {0};
  size_t i = 0;
  for (; i + PK_PARTS <= n; i += PK_PARTS) {
    for (size_t j = 0; j < PK_PARTS; j++) parts[j] += a[i + j] * b[i + j];
  }
  for (size_t j = 0; i < n; i++, j++) parts[j] += a[i] * b[i];
  return total(parts);
}

double pk_dot_f32_in_f64(const float *a, const float *b, size_t n) {
  double parts[PK_PARTS / 2] = {0};
  size_t i = 0;
  for (; i + PK_PARTS / 2 <= n; i += PK_PARTS / 2) {
    for (size_t j = 0; j < PK_PARTS / 2; j++) parts[j] += (double)a[i + j] * b[i + j];
  }
  for (size_t j = 0; i < n; i++, j++) parts[j] += (double)a[i] * b[i];
  for (size_t width = PK_PARTS / 4; width > 0; width /= 2) {
    for (size_t j = 0; j < width; j++) parts[j] += parts[j + width];
  }
  return parts[0];
}

float pk_square_distance_f32(const float *a, const float *b, size_t n) {
  float parts[PK_PARTS] = {0};
  size_t i = 0;
  for (; i + PK_PARTS <= n; i += PK_PARTS) {
    for (size_t j = 0; j < PK_PARTS; j++) {
      float d = a[i + j] - b[i + j];
      parts[j] += d * d;
    }
  }
  for (size_t j = 0; i < n; i++, j++) {
    float d = a[i] - b[i];
    parts[j] += d * d;
  }
  return total(parts);
}
