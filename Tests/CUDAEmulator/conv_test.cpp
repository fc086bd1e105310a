// Convolutions, pooling and resizing of channels-last pictures against double-precision loops, and
// against Conv, the pools and Resize.
#include "products.h"

#include "conv.cu"
#include "image.cu"

static int out_extent(int extent, int kernel, int stride, int dilation, int before, int after) {
  return (extent + before + after - dilation * (kernel - 1) - 1) / stride + 1;
}

static Convolution random_convolution(int groups, int group_channels, int group_outputs) {
  Convolution c = {};
  do {
    c = {between(1, 2), between(1, 9), between(1, 9), groups * group_channels, 0, 0, groups * group_outputs, between(1, 3), between(1, 3),
         {between(1, 2), between(1, 2)}, {between(0, 2), between(0, 2)}, {between(1, 2), between(1, 2)}, groups, between(0, 5)};
    c.out_height = out_extent(c.height, c.kernel_height, c.stride[0], c.dilation[0], c.padding[0], between(0, 2));
    c.out_width = out_extent(c.width, c.kernel_width, c.stride[1], c.dilation[1], c.padding[1], between(0, 2));
  } while (c.out_height < 1 || c.out_width < 1);
  return c;
}

static double plain_factor(float x) { return x; }

static processor::Value channels_first(processor::Graph &graph, processor::Value x) { return graph.transposed(x, {0, 3, 1, 2}); }
static processor::Value channels_last(processor::Graph &graph, processor::Value x) { return graph.transposed(x, {0, 2, 3, 1}); }

// w is [groups, kernel height, kernel width, group's channels, group's outputs], for depthwise kernels [kernel height, kernel width, channels].
template <class T, class Run>
static void conv(const std::string &name, Convolution c, Run run, double (*factor)(float) = plain_factor) {
  typedef typename T::Stored U;
  const int gc = c.channels / c.groups, go = c.out_channels / c.groups, rows = c.images * c.out_height * c.out_width;
  Device<U> x((size_t)c.images * c.height * c.width * c.channels), w((size_t)c.groups * c.kernel_height * c.kernel_width * gc * go),
      y((size_t)rows * c.out_channels);
  auto random = [](size_t) { return T::store(normal()); };
  x.fill(random), w.fill(random);
  WayOut<T> out(rows, c.out_channels);
  c.activation = out.activation_;
  const bool is_depthwise = name[0] == 'd';
  const bool ok = run(c, x.data(), w.data(), out.bias_pointer(), out.residual_pointer(), y.data());
  expect(name + sizes({c.images, c.height, c.width, c.channels, c.out_channels, c.groups}), ok, y.count(), [&](size_t i) { return T::load(y[i]); },
         [&](size_t i) {
           const int m = i % c.out_channels, place = i / c.out_channels, column = place % c.out_width, row = place / c.out_width % c.out_height;
           const int image = place / c.out_width / c.out_height, group = m / go;
           double sum = 0;
           for (int ky = 0; ky < c.kernel_height; ky++)
             for (int kx = 0; kx < c.kernel_width; kx++) {
               const int from_y = row * c.stride[0] + ky * c.dilation[0] - c.padding[0], from_x = column * c.stride[1] + kx * c.dilation[1] - c.padding[1];
               if (from_y < 0 || from_x < 0 || from_y >= c.height || from_x >= c.width) continue;
               for (int k = 0; k < gc; k++) {
                 const size_t at = is_depthwise ? (size_t)(ky * c.kernel_width + kx) * c.channels + m
                                                : (((size_t)(group * c.kernel_height + ky) * c.kernel_width + kx) * gc + k) * go + m % go;
                 sum += factor(T::load(x[((size_t)(image * c.height + from_y) * c.width + from_x) * c.channels + group * gc + k])) * factor(T::load(w[at]));
               }
             }
           return out(sum, i);
         },
         Exactness<T>::tolerance);
  expect_processor(name + sizes({c.images, c.height, c.width, c.channels, c.out_channels, c.groups}), ok, y.count(), [&](size_t i) { return T::load(y[i]); },
                   Exactness<T>::tolerance, [&](processor::Graph &graph) {
                     auto factors = [&](const Device<U> &from, const processor::Ints &dims) {
                       std::vector<float> elements(from.count());
                       for (size_t i = 0; i < elements.size(); i++) elements[i] = (float)factor(T::load(from[i]));
                       return graph.floats(elements, dims);
                     };
                     // As many places behind the picture as the last window reaches into.
                     auto behind = [](int extent, int out, int kernel, int stride, int dilation, int before) {
                       return std::max(0, (out - 1) * stride + dilation * (kernel - 1) + 1 - extent - before);
                     };
                     const processor::Value image = channels_first(graph, factors(x, {c.images, c.height, c.width, c.channels}));
                     const processor::Value weights =
                         is_depthwise ? graph.transposed(factors(w, {c.kernel_height, c.kernel_width, 1, c.channels}), {3, 2, 0, 1})
                                      : graph.reshaped(graph.transposed(factors(w, {c.groups, c.kernel_height, c.kernel_width, gc, go}), {0, 4, 3, 1, 2}),
                                                       {c.out_channels, gc, c.kernel_height, c.kernel_width});
                     const processor::Value sum = graph.node(
                         "Conv", {image, weights},
                         {{"group", c.groups}, {"strides", processor::Ints{c.stride[0], c.stride[1]}}, {"dilations", processor::Ints{c.dilation[0], c.dilation[1]}},
                          {"pads", processor::Ints{c.padding[0], c.padding[1], behind(c.height, c.out_height, c.kernel_height, c.stride[0], c.dilation[0], c.padding[0]),
                                                   behind(c.width, c.out_width, c.kernel_width, c.stride[1], c.dilation[1], c.padding[1])}}});
                     return out(graph, channels_last(graph, sum), {c.images, c.out_height, c.out_width, c.out_channels});
                   });
}

template <class T, class Aligned, class Any>
static void convs(const std::string &name, int unit, Aligned aligned, Any any, double (*factor)(float) = plain_factor) {
  auto run = [](auto kernel, const Convolution &c, auto... pointers) {
    const dim3 grid = blocks_of(c.images * c.out_height * c.out_width, c.out_channels / c.groups, c.groups, 64, 64);
    return emulator::run("conv", grid, 128, ring_bytes(64), kernel, pointers..., c);
  };
  conv<T>("conv_" + name + "_aligned", random_convolution(between(1, 2), unit * between(1, 2), unit * between(1, 3)),
          [&](const Convolution &c, auto... pointers) { return run(aligned, c, pointers...); }, factor);
  conv<T>("conv_" + name + "_any", random_convolution(between(1, 2), between(1, 9), between(1, 20)),
          [&](const Convolution &c, auto... pointers) { return run(any, c, pointers...); }, factor);
}

template <class T, class One, class Several> static void depthwise(const std::string &name, One one, Several several) {
  for (int width = 1; width <= 4; width += 3) {
    const int channels = width == 4 ? 4 * between(1, 9) : between(1, 40);
    conv<T>("depthwise_" + std::to_string(width) + "_" + name, random_convolution(channels, 1, 1), [&](const Convolution &c, auto... pointers) {
      const int count = c.images * c.out_height * c.out_width * channels / width;
      return emulator::run("depthwise", between(1, 3), 256, 0, width == 4 ? several : one, pointers..., c, count);
    });
  }
}

template <class T, class Maximum, class Average> static void pooling(const std::string &name, Maximum maximum_kernel, Average average) {
  typedef typename T::Stored U;
  // No window lies wholly in the padding.
  const Convolution c = random_convolution(1, 1, 1);
  Pooling p = {between(1, 2), between(3, 9), between(3, 9), between(1, 9), 0, 0, between(2, 3), between(2, 3),
               {c.stride[0], c.stride[1]}, {between(0, 1), between(0, 1)}, {1, 1}, between(0, 1), {between(0, 1), between(0, 1)}};
  p.out_height = out_extent(p.height, p.kernel_height, p.stride[0], 1, p.padding[0], p.end_padding[0]);
  p.out_width = out_extent(p.width, p.kernel_width, p.stride[1], 1, p.padding[1], p.end_padding[1]);
  const int count = p.images * p.out_height * p.out_width * p.channels;
  Device<U> x((size_t)p.images * p.height * p.width * p.channels), y(count);
  x.fill([](size_t) { return T::store(normal()); });
  for (int is_average = 0; is_average < 2; is_average++) {
    const bool ok = emulator::run("pool", between(1, 2), 256, 0, is_average ? average : maximum_kernel, x.data(), y.data(), p, count);
    expect("pool_" + name, ok, count, [&](size_t i) { return T::load(y[i]); },
           [&](size_t i) {
             const int channel = i % p.channels, column = i / p.channels % p.out_width, row = i / p.channels / p.out_width % p.out_height;
             const int image = i / p.channels / p.out_width / p.out_height;
             double sum = 0, most = -INFINITY;
             int inside = 0, padded = 0;
             for (int ky = 0; ky < p.kernel_height; ky++)
               for (int kx = 0; kx < p.kernel_width; kx++) {
                 const int from_y = row * p.stride[0] + ky - p.padding[0], from_x = column * p.stride[1] + kx - p.padding[1];
                 if (from_y >= p.height + p.end_padding[0] || from_x >= p.width + p.end_padding[1]) continue;
                 padded++;
                 if (from_y < 0 || from_x < 0 || from_y >= p.height || from_x >= p.width) continue;
                 inside++;
                 const double value = T::load(x[((size_t)(image * p.height + from_y) * p.width + from_x) * p.channels + channel]);
                 sum += value, most = std::max(most, value);
               }
             return is_average ? sum / (p.counts_padding ? padded : inside) : most;
           },
           Exactness<T>::tolerance);
    expect_processor("pool_" + name, ok, count, [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance, [&](processor::Graph &graph) {
      const processor::Value image = channels_first(graph, widened<T>(graph, x, {p.images, p.height, p.width, p.channels}));
      const processor::Ints kernel = {p.kernel_height, p.kernel_width}, stride = {p.stride[0], p.stride[1]};
      const processor::Ints pads = {p.padding[0], p.padding[1], p.end_padding[0], p.end_padding[1]};
      if (!is_average) return channels_last(graph, graph.node("MaxPool", {image}, {{"kernel_shape", kernel}, {"strides", stride}, {"pads", pads}}));
      const int counts_padding = p.counts_padding;
      return channels_last(graph, graph.node("AveragePool", {image}, {{"kernel_shape", kernel}, {"strides", stride}, {"pads", pads}, {"count_include_pad", counts_padding}}));
    });
  }
}

static double cubic_weight(double distance, double a) {
  const double d = std::fabs(distance);
  return d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

// The value of a line of `extent` elements at `at`, by the specification's weights.
static double interpolated(int kind, double at, int extent, const Resizing &r, const std::function<double(int)> &element) {
  auto bordered = [&](int place) { return element(std::min(std::max(place, 0), extent - 1)); };
  const int low = (int)std::floor(at);
  if (kind == NEAREST) {
    const double rounded[4] = {std::ceil(at - 0.5), std::floor(at + 0.5), std::floor(at), std::ceil(at)};
    return bordered((int)rounded[r.rounding]);
  }
  if (kind == LINEAR) return (1 - (at - low)) * bordered(low) + (at - low) * bordered(low + 1);
  double sum = 0, total = 0;
  for (int place = low - 1; place <= low + 2; place++) {
    if (r.excludes_outside && (place < 0 || place >= extent)) continue;
    const double weight = cubic_weight(at - place, r.cubic);
    sum += weight * bordered(place), total += weight;
  }
  return sum / total;
}

template <class T, class Nearest, class Linear, class Cubic> static void resizing(const std::string &name, Nearest nearest_kernel, Linear linear, Cubic cubic) {
  typedef typename T::Stored U;
  for (int kind = 0; kind < 3; kind++) {
    // Powers of two, so that no place lies just beside a half.
    const int up = between(0, 1), factor = 1 << between(0, 2);
    Resizing r = {between(1, 2), 4 * between(1, 2), 4 * between(1, 2), between(1, 5), 0, 0, {}, {}, between(0, 3), -0.75f, between(0, 1)};
    r.out_height = up ? r.height * factor : r.height / factor, r.out_width = up ? r.width * factor : r.width / factor;
    if (!r.out_height) r.out_height = 1;
    if (!r.out_width) r.out_width = 1;
    const float scale = up ? 1.0f / factor : (float)factor;
    const bool is_half_pixel = between(0, 1);
    for (int axis = 0; axis < 2; axis++) r.scale[axis] = scale, r.shift[axis] = is_half_pixel ? 0.5f * scale - 0.5f : 0.0f;
    const int count = r.images * r.out_height * r.out_width * r.channels;
    Device<U> x((size_t)r.images * r.height * r.width * r.channels), y(count);
    x.fill([](size_t) { return T::store(normal()); });
    const bool ok = emulator::run("resize", between(1, 2), 256, 0, kind == NEAREST ? nearest_kernel : kind == LINEAR ? linear : cubic, x.data(), y.data(), r, count);
    expect("resize_" + std::to_string(kind) + "_" + name, ok, count, [&](size_t i) { return T::load(y[i]); },
           [&](size_t i) {
             const int channel = i % r.channels, column = i / r.channels % r.out_width, row = i / r.channels / r.out_width % r.out_height;
             const int image = i / r.channels / r.out_width / r.out_height;
             return interpolated(kind, (double)row * r.scale[0] + r.shift[0], r.height, r, [&](int from_y) {
               return interpolated(kind, (double)column * r.scale[1] + r.shift[1], r.width, r, [&](int from_x) {
                 return (double)T::load(x[((size_t)(image * r.height + from_y) * r.width + from_x) * r.channels + channel]);
               });
             });
           },
           Exactness<T>::tolerance);
    expect_processor("resize_" + std::to_string(kind) + "_" + name, ok, count, [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance, [&](processor::Graph &graph) {
      static const char *const modes[] = {"nearest", "linear", "cubic"}, *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
      const processor::Value image = channels_first(graph, widened<T>(graph, x, {r.images, r.height, r.width, r.channels}));
      const processor::Value scales = graph.floats({1, 1, 1 / r.scale[0], 1 / r.scale[1]}, {4});
      const int excludes_outside = r.excludes_outside && kind == CUBIC;
      const processor::Value resized = graph.node(
          "Resize", {image, {}, scales},
          {{"mode", modes[kind]}, {"nearest_mode", roundings[r.rounding]}, {"cubic_coeff_a", r.cubic}, {"exclude_outside", excludes_outside},
           {"coordinate_transformation_mode", is_half_pixel ? "half_pixel" : "asymmetric"}});
      return channels_last(graph, resized);
    });
  }
}

int main(int count, char **arguments) {
  return finish("conv", seeds_of(count, arguments), [&] {
    convs<F16>("f16", 8, conv_f16_aligned, conv_f16_any);
    convs<BF16>("bf16", 8, conv_bf16_aligned, conv_bf16_any);
    convs<F32>("tf32", 4, conv_tf32_aligned, conv_tf32_any, [](float x) { return tf32(x); });
    conv<F32>("conv_f32", random_convolution(between(1, 2), between(1, 9), between(1, 20)), [](const Convolution &c, auto... pointers) {
      const dim3 grid = blocks_of(c.images * c.out_height * c.out_width, c.out_channels / c.groups, c.groups, 64, 64);
      return emulator::run("conv_f32", grid, 256, 0, conv_f32, pointers..., c);
    });
    depthwise<F32>("f32", depthwise_1_f32, depthwise_4_f32);
    depthwise<F16>("f16", depthwise_1_f16, depthwise_4_f16);
    depthwise<BF16>("bf16", depthwise_1_bf16, depthwise_4_bf16);
    pooling<F32>("f32", pool_maximum_f32, pool_average_f32);
    pooling<F16>("f16", pool_maximum_f16, pool_average_f16);
    pooling<BF16>("bf16", pool_maximum_bf16, pool_average_bf16);
    for (int i = 0; i < 2; i++) {
      resizing<F32>("f32", resize_nearest_f32, resize_linear_f32, resize_cubic_f32);
      resizing<F16>("f16", resize_nearest_f16, resize_linear_f16, resize_cubic_f16);
      resizing<BF16>("bf16", resize_nearest_bf16, resize_linear_bf16, resize_cubic_bf16);
    }
  });
}
