#include "timing.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

#include "device.h"

namespace {

// Arguments of a launch: addresses and numbers, and structures of 32-bit words.
struct Arguments {
  std::vector<std::vector<char>> values;
  template <class T> Arguments &add(const T &value) {
    values.emplace_back(sizeof(T));
    memcpy(values.back().data(), &value, sizeof(T));
    return *this;
  }
  Arguments &words(const std::vector<int> &list) {
    values.emplace_back(list.size() * 4);
    memcpy(values.back().data(), list.data(), list.size() * 4);
    return *this;
  }
};
int bits(float value) {
  int word;
  memcpy(&word, &value, 4);
  return word;
}

struct Timing {
  std::string kernel, shape;
  unsigned grid[3], threads;
  size_t shared_bytes;
  double bytes, operations;
  // What the operations run on: the key of the peak.
  const char *unit;
};

// Products and sums of a clock and multiprocessor, by the published figures of each capability.
double operations_a_clock(int capability, const std::string &unit) {
  struct Peak {
    int capability;
    double half, plain;
  };
  // tf32 is half of float16, int8 twice as much.
  static const Peak peaks[] = {{75, 1024, 128}, {80, 2048, 128}, {86, 1024, 256}, {89, 1024, 256}, {90, 4096, 256}, {100, 8192, 256}, {103, 8192, 256}, {120, 1024, 256}, {121, 1024, 256}};
  for (const Peak &peak : peaks)
    if (peak.capability == capability) return unit == "f32" ? peak.plain : unit == "tf32" ? peak.half / 2 : unit == "i8" ? peak.half * 2 : peak.half;
  return 0;
}

// Memory filled with small random 16-bit numbers, which are small as float32 as well.
class Memory {
 public:
  ~Memory() {
    for (cc_address address : addresses_) device::release(address);
  }
  cc_address operator()(double bytes) {
    const size_t size = (size_t)bytes + 256;
    const cc_address address = device::allocate(size);
    addresses_.push_back(address);
    std::vector<unsigned short> part(std::min<size_t>(size, 1 << 20) / 2);
    std::mt19937 generator(1);
    for (auto &value : part) value = (unsigned short)((generator() & 0x83ff) | 0x3000);
    for (size_t at = 0; at < size; at += part.size() * 2) device::upload(address + at, part.data(), std::min(part.size() * 2, size - at) / 2 * 2);
    device::check(device::synchronize(), "cuStreamSynchronize");
    return address;
  }

 private:
  std::vector<cc_address> addresses_;
};

void time(std::string &json, const Timing &t, Arguments arguments) {
  void *function = device::kernel(t.kernel);
  const auto &facts = device::facts();
  const bool needs_ampere = t.kernel.find("bf16") != std::string::npos || t.kernel.find("tf32") != std::string::npos;
  if (!function || (needs_ampere && facts.capability < 80)) return;
  std::vector<void *> pointers;
  for (auto &value : arguments.values) pointers.push_back(value.data());
  auto run = [&](int launches) { return device::milliseconds(function, t.grid, t.threads, t.shared_bytes, pointers.data(), launches); };
  // About ten milliseconds of them, and the middle of five such.
  const double once = run(1);
  const int launches = std::clamp((int)(10 / std::max(once, 1e-3)), 1, 200);
  std::vector<double> times;
  for (int i = 0; i < 5; i++) times.push_back(run(launches) / launches);
  std::sort(times.begin(), times.end());
  const double seconds = times[2] * 1e-3, bandwidth = t.bytes / seconds, rate = t.operations / seconds;
  const double peak = operations_a_clock(facts.capability, t.unit) * facts.clock * facts.multiprocessors;
  char line[600];
  int length = snprintf(line, sizeof line, "%s\n  {\"kernel\": \"%s\", \"shape\": \"%s\", \"microseconds\": %.3f, \"gigabytes_per_second\": %.1f, \"teraflops\": %.3f",
                        json.size() > 1 ? "," : "", t.kernel.c_str(), t.shape.c_str(), seconds * 1e6, bandwidth / 1e9, rate / 1e12);
  if (facts.bandwidth > 0) length += snprintf(line + length, sizeof line - length, ", \"share_of_bandwidth\": %.3f", bandwidth / facts.bandwidth);
  if (peak > 0) length += snprintf(line + length, sizeof line - length, ", \"share_of_peak\": %.3f", rate / peak);
  snprintf(line + length, sizeof line - length, "}");
  json += line;
}

unsigned up(double count, unsigned unit) { return (unsigned)((count + unit - 1) / unit); }

}  // namespace

std::string timings(double scale) {
  std::string json = "[";
  const cc_address none = 0;
  auto scaled = [&](int value, int unit) { return std::max(unit, (int)(value * scale) / unit * unit); };
  auto name = [](std::initializer_list<int> list) {
    std::string text;
    for (int value : list) text += (text.empty() ? "" : "x") + std::to_string(value);
    return text;
  };
  // Products: [rows, columns, depth] of transformers and of one row.
  for (auto [m, n, k] : {std::array<int, 3>{4096, 4096, 4096}, {512, 3072, 768}, {128, 768, 3072}}) {
    m = scaled(m, 128), n = scaled(n, 128), k = scaled(k, 64);
    const double operations = 2.0 * m * n * k;
    Memory memory;
    const cc_address a = memory(4.0 * m * k), b = memory(4.0 * k * n), y = memory(4.0 * m * n);
    for (auto [kernel, size, tile, unit] : {std::tuple<const char *, int, unsigned, const char *>{"gemm_f16_wide", 2, 128, "f16"}, {"gemm_f16_aligned", 2, 64, "f16"},
                                            {"gemm_bf16_wide", 2, 128, "f16"}, {"gemm_tf32_wide", 4, 128, "tf32"}, {"gemm_f32", 4, 64, "f32"}}) {
      const bool is_plain = !strcmp(kernel, "gemm_f32");
      Arguments arguments;
      arguments.add(a).add(b).add(none).add(none).add(y).words({m, n, k, 0, 0, 0, 0, 0, 0, 0}).add(1.0f);
      time(json, {kernel, name({m, n, k}), {up(n, tile) * up(m, tile), 1, 1}, is_plain ? 256 : tile * 2, is_plain ? 0 : 480 * tile, (double)size * (1.0 * m * k + 1.0 * k * n + 1.0 * m * n), operations, unit},
           arguments);
    }
    Arguments integers;
    integers.add(a).add(b).add(y).words({m, n, k, 0, 0, 0, 0, 0, 0, 0});
    time(json, {"gemm_i8_i32_aligned", name({m, n, k}), {up(n, 64) * up(m, 64), 1, 1}, 128, 480 * 64, 1.0 * m * k + 1.0 * n * k + 4.0 * m * n, operations, "i8"}, integers);
  }
  for (int m : {1, 4}) {
    const int n = scaled(4096, 64), k = scaled(4096, 64);
    Memory memory;
    const cc_address a = memory(4.0 * m * k), b = memory(2.0 * k * n), y = memory(4.0 * m * n), scales = memory(2.0 * n * k / 32);
    Arguments plain, packed;
    plain.add(a).add(b).add(none).add(none).add(y).words({m, n, k, 0, 0, 0, 0, 0, 0, 0}).add(1.0f);
    time(json, {m == 1 ? "skinny_1_f16" : "skinny_4_f16", name({m, n, k}), {up(n, 64), 1, 1}, 256, 0, 2.0 * n * k, 2.0 * m * n * k, "f32"}, plain);
    packed.add(a).add(b).add(scales).add(none).add(none).add(none).add(y).words({m, n, k, 32, 0});
    time(json, {m == 1 ? "packed_4_1_f16" : "packed_4_4_f16", name({m, n, k}), {up(n, 8), 1, 1}, 256, 0, 0.5 * n * k + 2.0 * n * k / 32, 2.0 * m * n * k, "f32"}, packed);
  }
  // Attention: [batch, heads, queries, keys, size].
  for (auto [batch, heads, queries, keys, size] : {std::array<int, 5>{8, 12, 512, 512, 64}, {1, 32, 2048, 2048, 128}, {1, 32, 1, 4096, 128}}) {
    heads = scaled(heads, 1), queries = queries == 1 ? 1 : scaled(queries, 64), keys = scaled(keys, 64);
    Memory memory;
    const double q_count = 1.0 * batch * heads * queries * size, k_count = 1.0 * batch * heads * keys * size;
    const cc_address q = memory(2 * q_count), k = memory(2 * k_count), v = memory(2 * k_count), y = memory(2 * q_count);
    const std::vector<int> own = {heads * queries * size, queries * size, size}, others = {heads * keys * size, keys * size, size};
    std::vector<int> words = {heads, heads, queries, keys, size, size};
    for (const auto &steps : {own, others, others, own}) words.insert(words.end(), steps.begin(), steps.end());
    for (int word : {0, 0, 0, 0, 0, 0, 0, bits(0.125f), 0}) words.push_back(word);
    Arguments arguments;
    arguments.add(q).add(k).add(v).add(none).add(none).add(y).words(words);
    const bool is_row = queries == 1;
    const int most = size <= 64 ? 64 : 128;
    time(json, {is_row ? "attention_row_f16" : "attention_" + std::to_string(most) + "_f16", name({batch, heads, queries, keys, size}),
                {(is_row ? 1 : up(queries, 64)) * (unsigned)heads * (unsigned)batch, 1, 1}, 128, is_row ? 0 : (size_t)3 * 64 * (most + 8) * 2, 4 * q_count + 4 * k_count,
                4 * q_count * keys, is_row ? "f32" : "f16"},
         arguments);
  }
  // Convolutions of ResNet-50: [images, side, channels, outputs, kernel, stride].
  for (auto [images, side, channels, outputs, kernel, stride] : {std::array<int, 6>{32, 56, 64, 64, 3, 1}, {32, 14, 256, 256, 3, 1}, {32, 56, 64, 256, 1, 1}, {32, 28, 512, 256, 1, 1}}) {
    images = scaled(images, 1);
    const int out = side / stride, rows = images * out * out, depth = kernel * kernel * channels;
    Memory memory;
    const double x_count = 1.0 * images * side * side * channels, y_count = 1.0 * rows * outputs;
    Arguments arguments;
    arguments.add(memory(2 * x_count)).add(memory(2.0 * depth * outputs)).add(none).add(none).add(memory(2 * y_count));
    arguments.words({images, side, side, channels, out, out, outputs, kernel, kernel, stride, stride, kernel / 2, kernel / 2, 1, 1, 1, 1});
    time(json, {"conv_f16_aligned", name({images, side, channels, outputs, kernel, stride}), {up(outputs, 64) * up(rows, 64), 1, 1}, 128, 480 * 64,
                2 * (x_count + y_count + 1.0 * depth * outputs), 2.0 * rows * depth * outputs, "f16"},
         arguments);
  }
  // What is bound by memory: rows by columns.
  {
    const int rows = scaled(8192, 8), columns = 1024, count = rows * columns;
    Memory memory;
    const cc_address x = memory(2.0 * count), y = memory(2.0 * count), scale_ = memory(2.0 * columns);
    const double bytes = 4.0 * count;
    Arguments norm, soft, sum, turned;
    norm.add(x).add(scale_).add(scale_).add(y).add(columns).add(1e-5f);
    time(json, {"layer_norm_f16", name({rows, columns}), {(unsigned)rows, 1, 1}, 256, 0, bytes, 8.0 * count, "f32"}, norm);
    soft.add(x).add(y).add(rows).add(columns).add(0);
    time(json, {"softmax_1024_f16", name({rows, columns}), {up(rows, 4), 1, 1}, 128, 0, bytes, 5.0 * count, "f32"}, soft);
    sum.add(x).add(y).add(columns).add(1.0f);
    time(json, {"reduce_rows_sum_f16", name({rows, columns}), {(unsigned)rows, 1, 1}, 256, 0, bytes / 2, 1.0 * count, "f32"}, sum);
    turned.add(x).add(y).add(rows).add(columns);
    time(json, {"transpose_2", name({rows, columns}), {up(columns, 32), up(rows, 32), 1}, 256, 0, bytes, 0, "f32"}, turned);
  }
  return json + "\n]";
}
