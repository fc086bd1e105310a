// Pooling and resizing of [N, H, W, C], channels last; a thread makes one element after the other.
#include "elementwise.cuh"

struct Pooling {
  i32 images, height, width, channels, out_height, out_width;
  i32 kernel_height, kernel_width, stride[2], padding[2], dilation[2];  // padding: at the top and at the left
  // What an average is divided by: 0, the elements within the picture; else those of the kernel within a picture that is padded, at the
  // bottom and right by so much.
  i32 counts_padding, end_padding[2];
};

template <class T, bool is_maximum> DEVICE void pool(const typename T::Stored *x, typename T::Stored *y, const Pooling &p, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int channel = i % p.channels, place = i / p.channels, column = place % p.out_width, rest = place / p.out_width;
    const int row = rest % p.out_height, image = rest / p.out_height;
    float result = is_maximum ? float_of_bits(0xff800000u) : 0.0f;
    int elements = 0;
    for (int ky = 0; ky < p.kernel_height; ky++) {
      const int from_y = row * p.stride[0] - p.padding[0] + ky * p.dilation[0];
      for (int kx = 0; kx < p.kernel_width; kx++) {
        const int from_x = column * p.stride[1] - p.padding[1] + kx * p.dilation[1];
        const bool is_inside = from_y >= 0 && from_y < p.height && from_x >= 0 && from_x < p.width;
        if (is_inside || (p.counts_padding && from_y < p.height + p.end_padding[0] && from_x < p.width + p.end_padding[1])) elements++;
        if (!is_inside) continue;
        const float value = T::load(x[(((i64)image * p.height + from_y) * p.width + from_x) * p.channels + channel]);
        result = is_maximum ? maximum(result, value) : result + value;
      }
    }
    y[i] = T::store(is_maximum ? result : result / (float)elements);
  }
}

// A place of the output along an axis lies at place * scale + shift of the input.
struct Resizing {
  i32 images, height, width, channels, out_height, out_width;
  float scale[2], shift[2];
  i32 rounding;  // of nearest: 0 halves down, 1 halves up, 2 down, 3 up
  float cubic;   // the cubic's coefficient, e.g. -0.75
  // Whether what lies outside gets no weight (cubic), instead of that of the border.
  i32 excludes_outside;
};

DEVICE int clamp(int value, int extent) { return value < 0 ? 0 : value >= extent ? extent - 1 : value; }

DEVICE int nearest(float at, int rounding) {
  switch (rounding) {
  case 0: return (int)ceilf(at - 0.5f);
  case 1: return (int)floorf(at + 0.5f);
  case 2: return (int)floorf(at);
  default: return (int)ceilf(at);
  }
}

// The weights of the elements at floor(at) - 1 to floor(at) + 2.
DEVICE void cubic_weights(float (&weight)[4], float at, int extent, const Resizing &r) {
  const float a = r.cubic, t = at - floorf(at);
  const float distance[4] = {1.0f + t, t, 1.0f - t, 2.0f - t};
  float total = 0.0f;
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float d = distance[k];
    weight[k] = k == 1 || k == 2 ? ((a + 2.0f) * d - (a + 3.0f)) * d * d + 1.0f : ((a * d - 5.0f * a) * d + 8.0f * a) * d - 4.0f * a;
    const int place = (int)floorf(at) - 1 + k;
    if (r.excludes_outside && (place < 0 || place >= extent)) weight[k] = 0.0f;
    total += weight[k];
  }
  if (!r.excludes_outside) return;
#pragma unroll
  for (int k = 0; k < 4; k++) weight[k] /= total;
}

enum { NEAREST, LINEAR, CUBIC };

template <class T, int kind> DEVICE void resize(const typename T::Stored *x, typename T::Stored *y, const Resizing &r, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int channel = i % r.channels, place = i / r.channels, column = place % r.out_width, rest = place / r.out_width;
    const typename T::Stored *picture = x + (i64)(rest / r.out_height) * r.height * r.width * r.channels + channel;
    const float at_y = (float)(rest % r.out_height) * r.scale[0] + r.shift[0], at_x = (float)column * r.scale[1] + r.shift[1];
    if (kind == NEAREST) {
      const int row = clamp(nearest(at_y, r.rounding), r.height), from = clamp(nearest(at_x, r.rounding), r.width);
      y[i] = picture[((i64)row * r.width + from) * r.channels];
      continue;
    }
    float wy[4], wx[4];
    enum { TAPS = kind == CUBIC ? 4 : 2 };
    if (kind == CUBIC) {
      cubic_weights(wy, at_y, r.height, r);
      cubic_weights(wx, at_x, r.width, r);
    } else {
      wy[1] = at_y - floorf(at_y), wy[0] = 1.0f - wy[1];
      wx[1] = at_x - floorf(at_x), wx[0] = 1.0f - wx[1];
    }
    const int first_y = (int)floorf(at_y) - (kind == CUBIC), first_x = (int)floorf(at_x) - (kind == CUBIC);
    float sum = 0.0f;
#pragma unroll
    for (int ky = 0; ky < TAPS; ky++) {
      const typename T::Stored *line = picture + (i64)clamp(first_y + ky, r.height) * r.width * r.channels;
      float part = 0.0f;
#pragma unroll
      for (int kx = 0; kx < TAPS; kx++) part += wx[kx] * T::load(line[(i64)clamp(first_x + kx, r.width) * r.channels]);
      sum += wy[ky] * part;
    }
    y[i] = T::store(sum);
  }
}

#define IMAGES(name, T) \
  KERNEL(256) pool_maximum_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, Pooling p, int count) { \
    pool<T, true>(x, y, p, count); \
  } \
  KERNEL(256) pool_average_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, Pooling p, int count) { \
    pool<T, false>(x, y, p, count); \
  } \
  KERNEL(256) resize_nearest_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, Resizing r, int count) { \
    resize<T, NEAREST>(x, y, r, count); \
  } \
  KERNEL(256) resize_linear_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, Resizing r, int count) { \
    resize<T, LINEAR>(x, y, r, count); \
  } \
  KERNEL(256) resize_cubic_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, Resizing r, int count) { \
    resize<T, CUBIC>(x, y, r, count); \
  }
IMAGES(f32, F32)
IMAGES(f16, F16)
IMAGES(bf16, BF16)
