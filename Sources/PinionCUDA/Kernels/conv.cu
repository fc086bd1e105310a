// Convolutions of two dimensions, channels last: x is [N, H, W, C], y [N, OH, OW, M]; y = activation(sum + bias) + residual.
// As a product of patches: rows are the output's places, the depth is [kernel height, kernel width, channels of the group], and
// w is [groups, depth, M / groups]; the groups are a batch of products.
#include "matrix.cuh"

struct Convolution {
  i32 images, height, width, channels, out_height, out_width, out_channels;
  i32 kernel_height, kernel_width, stride[2], padding[2], dilation[2];  // padding: at the top and at the left
  i32 groups, activation;
};

// The patches of one group as a matrix by rows, which is nowhere in memory.
template <class U, bool is_aligned> struct Patches {
  const U *x;
  Convolution c;
  int group_channels, first_channel;

  // The element of channel 0 that a row meets at a place of the kernel; -1 in the padding and beyond the last row.
  DEVICE i64 locate(const Patches &source, int line, int kernel_place) {
    const Convolution &c = source.c;
    const int column = line % c.out_width, rest = line / c.out_width, row = rest % c.out_height, image = rest / c.out_height;
    const int y = row * c.stride[0] - c.padding[0] + kernel_place / c.kernel_width * c.dilation[0];
    const int x = column * c.stride[1] - c.padding[1] + kernel_place % c.kernel_width * c.dilation[1];
    if (image >= c.images || y < 0 || y >= c.height || x < 0 || x >= c.width) return -1;
    return (((i64)image * c.height + y) * c.width + x) * c.channels + source.first_channel;
  }
  DEVICE U element(const Patches &source, int line, int place) {
    const int kernel_place = place / source.group_channels;
    if (kernel_place >= source.c.kernel_height * source.c.kernel_width) return (U)0;
    const i64 at = locate(source, line, kernel_place);
    return at < 0 ? (U)0 : source.x[at + place % source.group_channels];
  }
  DEVICE U at(const Patches &source, int line, int place) { return element(source, line, place); }
  DEVICE void fill(const Patches &source, U *to, int line, int place) {
    enum { EACH = 16 / sizeof(U) };
    if (is_aligned) {
      // The piece's channels are neighbours: they are whole pieces.
      const int kernel_place = place / source.group_channels;
      const i64 at = kernel_place < source.c.kernel_height * source.c.kernel_width ? locate(source, line, kernel_place) : -1;
      copy_async(to, at < 0 ? source.x : source.x + at + place % source.group_channels, at < 0 ? 0 : 16);
    } else {
#pragma unroll 1
      for (int i = 0; i < EACH; i++) to[i] = element(source, line, place + i);
    }
  }
};

template <class T>
DEVICE Plain<T> conv_output(
    typename T::Stored *y, const typename T::Stored *bias, const typename T::Stored *residual, const Convolution &c, int first) {
  const Plain<T> output = {y + first, bias ? bias + first : bias, residual ? residual + first : residual, c.out_channels, c.activation, 1.0f};
  return output;
}

template <class T, bool is_aligned>
DEVICE void convolve(
    const typename T::Stored *x, const typename T::Stored *w, const typename T::Stored *bias, const typename T::Stored *residual,
    typename T::Stored *y, const Convolution &c) {
  typedef typename T::Stored U;
  typedef Tiles<typename UnitOf<T>::Unit, 64, 64, false> Product_;
  DYNAMIC_SHARED(U, ring);
  const int group_channels = c.channels / c.groups, group_outputs = c.out_channels / c.groups;
  const int rows = c.images * c.out_height * c.out_width, depth = c.kernel_height * c.kernel_width * group_channels;
  const TilePlace place = Product_::place(rows, group_outputs);
  const Patches<U, is_aligned> left = {x, c, group_channels, place.batch * group_channels};
  const Lines<U, is_aligned> right = {w + (i64)place.batch * depth * group_outputs, depth, group_outputs};
  Product_ tiles;
  Product_::multiply(tiles, ring, left, right, place, depth);
  Product_::finish(tiles, ring, conv_output<T>(y, bias, residual, c, place.batch * group_outputs), place, rows, group_outputs);
}

// Aligned: the group's channels and outputs are whole pieces of 16 bytes, x and w start on 16 bytes.
#define CONV(name, T, is_aligned) \
  KERNEL_OF(128, 4) conv_##name( \
      const T::Stored *__restrict__ x, const T::Stored *__restrict__ w, const T::Stored *__restrict__ bias, \
      const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, Convolution c) { \
    convolve<T, is_aligned>(x, w, bias, residual, y, c); \
  }
CONV(f16_aligned, F16, true)
CONV(f16_any, F16, false)
CONV(bf16_aligned, BF16, true)
CONV(bf16_any, BF16, false)
CONV(tf32_aligned, F32, true)
CONV(tf32_any, F32, false)

// float32 on the plain units.
struct Weights {
  const float *w;
  int length;
  DEVICE float at(const Weights &source, int line, int place) { return source.w[(i64)line * source.length + place]; }
};
KERNEL(256) conv_f32(
    const float *__restrict__ x, const float *__restrict__ w, const float *__restrict__ bias, const float *__restrict__ residual,
    float *__restrict__ y, Convolution c) {
  const int group_channels = c.channels / c.groups, group_outputs = c.out_channels / c.groups;
  const int rows = c.images * c.out_height * c.out_width, depth = c.kernel_height * c.kernel_width * group_channels;
  const TilePlace place = place_of(rows, group_outputs, 64, 64);
  const Patches<float, false> left = {x, c, group_channels, place.batch * group_channels};
  const Weights right = {w + (i64)place.batch * depth * group_outputs, group_outputs};
  multiply_plain(left, right, conv_output<F32>(y, bias, residual, c, place.batch * group_outputs), place, rows, group_outputs, depth);
}

// One channel a group: w is [kernel height, kernel width, C]. A thread makes one place of `width` neighbouring channels, of `count` such.
template <class T, int width>
DEVICE void convolve_depthwise(
    const typename T::Stored *x, const typename T::Stored *w, const typename T::Stored *bias, const typename T::Stored *residual,
    typename T::Stored *y, const Convolution &c, int count) {
  typedef typename T::Stored U;
  struct alignas(sizeof(U) * width) Channels { U element[width]; };
  const int across = c.channels / width;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int channel = i % across * width, place = i / across, column = place % c.out_width, rest = place / c.out_width;
    const int row = rest % c.out_height, image = rest / c.out_height;
    float sum[width] = {};
    for (int ky = 0; ky < c.kernel_height; ky++) {
      const int from_y = row * c.stride[0] - c.padding[0] + ky * c.dilation[0];
      if (from_y < 0 || from_y >= c.height) continue;
      for (int kx = 0; kx < c.kernel_width; kx++) {
        const int from_x = column * c.stride[1] - c.padding[1] + kx * c.dilation[1];
        if (from_x < 0 || from_x >= c.width) continue;
        const Channels a = *(const Channels *)(x + (((i64)image * c.height + from_y) * c.width + from_x) * c.channels + channel);
        const Channels b = *(const Channels *)(w + (ky * c.kernel_width + kx) * c.channels + channel);
#pragma unroll
        for (int k = 0; k < width; k++) sum[k] += T::load(a.element[k]) * T::load(b.element[k]);
      }
    }
    const i64 to = (i64)place * c.channels + channel;
    Channels result;
#pragma unroll
    for (int k = 0; k < width; k++) {
      const float value = activate(bias ? sum[k] + T::load(bias[channel + k]) : sum[k], c.activation);
      result.element[k] = T::store(residual ? value + T::load(residual[to + k]) : value);
    }
    *(Channels *)(y + to) = result;
  }
}

#define DEPTHWISE(width, name, T) \
  KERNEL_OF(256, 4) depthwise_##width##_##name( \
      const T::Stored *__restrict__ x, const T::Stored *__restrict__ w, const T::Stored *__restrict__ bias, \
      const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, Convolution c, int count) { \
    convolve_depthwise<T, width>(x, w, bias, residual, y, c, count); \
  }
DEPTHWISE(1, f32, F32)
DEPTHWISE(4, f32, F32)
DEPTHWISE(1, f16, F16)
DEPTHWISE(4, f16, F16)
DEPTHWISE(1, bf16, BF16)
DEPTHWISE(4, bf16, BF16)
