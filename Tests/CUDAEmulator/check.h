// Device memory, random numbers and comparison for the emulated tests: with plain loops, and with Pinion's operators on the processor.
#pragma once
#include <dlfcn.h>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "emulator_prims.h"
#include "processor.h"

inline std::mt19937 generator(7);
inline int failures = 0, cases = 0;

// What was seen of each kernel.
struct Result {
  int cases = 0, failures = 0, skipped = 0;
  double worst = 0, tolerance = 0;
  // Of the cases, those against the processor's operators.
  int processor_cases = 0;
};
inline int processor_cases = 0;
inline std::map<std::string, Result> results;
// Kernels are called as the linker calls them, where the program exports its names.
inline std::string kernel_symbol(void *kernel) {
  Dl_info info;
  return dladdr(kernel, &info) && info.dli_sname ? info.dli_sname : "";
}

inline int between(int low, int high) { return low + (int)(generator() % (unsigned)(high - low + 1)); }
inline float normal() {
  static std::normal_distribution<float> distribution;
  return distribution(generator);
}

// Exactly as many bytes as asked for, so that AddressSanitizer meets what lies behind; aligned as the driver aligns; full of NaNs.
template <class T> class Device {
 public:
  explicit Device(size_t count) : count_(count) {
    if (posix_memalign((void **)&data_, 256, std::max<size_t>(count * sizeof(T), 1))) abort();
    memset((void *)data_, 0xff, count * sizeof(T));
    emulator::watch(data_, count * sizeof(T));
  }
  Device(const Device &) = delete;
  ~Device() {
    emulator::forget(data_);
    free(data_);
  }
  Device &fill(const std::function<T(size_t)> &value) {
    for (size_t i = 0; i < count_; i++) data_[i] = value(i);
    return *this;
  }
  size_t count() const { return count_; }
  T *data() const { return data_; }
  T &operator[](size_t i) const { return data_[i]; }

 private:
  T *data_;
  size_t count_;
};

inline u16 half(double value) { return half_of_float((float)value); }

typedef std::function<double(size_t)> ElementAt;

// Fails where the launch did, or where a result is further from what was expected than `tolerance` of it, or of 1 if that is more.
inline void expect(const std::string &name, bool launched, size_t count, const ElementAt &got, const ElementAt &wanted, double tolerance,
                   bool is_processor = false) {
  emulator::is_looked_at = true;
  if (emulator::is_skipped) {
    for (void *kernel : emulator::launched) results[kernel_symbol(kernel)].skipped++;
    return;
  }
  cases++, processor_cases += is_processor;
  double worst = 0;
  size_t place = 0;
  for (size_t i = 0; i < count; i++) {
    const double x = got(i), y = wanted(i);
    double error = std::isnan(y) ? (std::isnan(x) ? 0 : 1e30) : x == y ? 0 : std::fabs(x - y) / std::max(1.0, std::fabs(y));
    if (std::isnan(error)) error = 1e30;
    if (error > worst) worst = error, place = i;
  }
  const bool is_right = launched && worst <= tolerance;
  for (void *kernel : emulator::launched) {
    Result &result = results[kernel_symbol(kernel)];
    result.cases++, result.failures += !is_right, result.processor_cases += is_processor;
    if (worst > result.worst) result.worst = worst, result.tolerance = tolerance;
  }
  if (is_right) return;
  failures++;
  fprintf(stderr, "FAIL %s, seed %u: launch %s, error %g at %zu of %zu (%g, expected %g)\n", name.c_str(), emulator::seed,
          launched ? "ok" : "faulty", worst, place, count, count ? got(place) : 0, count ? wanted(place) : 0);
}

// The same against what a graph of Pinion's operators gives, whose kernels sum in float32 as well; `build` adds it and returns its value.
inline void expect_processor(const std::string &name, bool launched, size_t count, const ElementAt &got, double tolerance,
                             const std::function<processor::Value(processor::Graph &)> &build) {
  if (emulator::is_skipped || !processor::is_there()) return;
  processor::Graph graph;
  const processor::Result wanted = graph.run(build(graph));
  const bool fits = wanted.count == count;
  if (!fits) fprintf(stderr, "%s: the processor gives %zu elements, expected %zu\n", name.c_str(), wanted.count, count);
  expect(name + " on the processor", launched && fits, fits ? count : 0, got, [&](size_t i) { return wanted[i]; }, tolerance ? tolerance + 1e-5 : 0, true);
}

// The element type of moved and whole numbers.
template <class U> constexpr processor::Type type_of() {
  if constexpr (std::is_same_v<U, float>) return processor::FLOAT32;
  else if constexpr (std::is_same_v<U, u8>) return processor::UINT8;
  else if constexpr (std::is_same_v<U, i8>) return processor::INT8;
  else if constexpr (std::is_same_v<U, u16>) return processor::UINT16;
  else if constexpr (std::is_same_v<U, i32>) return processor::INT32;
  else if constexpr (std::is_same_v<U, u32>) return processor::UINT32;
  else if constexpr (std::is_same_v<U, u64>) return processor::UINT64;
  else {
    static_assert(std::is_same_v<U, i64>);
    return processor::INT64;
  }
}
template <class U> processor::Value placed(processor::Graph &graph, const Device<U> &x, const processor::Ints &dims) {
  return graph.input(type_of<U>(), x.data(), dims);
}
// ElementAt of a floating-point type, as float32.
template <class T> processor::Value widened(processor::Graph &graph, const Device<typename T::Stored> &x, const processor::Ints &dims) {
  std::vector<float> elements(x.count());
  for (size_t i = 0; i < elements.size(); i++) elements[i] = T::load(x[i]);
  return graph.floats(elements, dims);
}

// Runs `test` with every order of warps and lanes. With `has_operators` every kernel has to be compared with the processor's.
inline int finish(const char *family, int seeds, const std::function<void()> &test, bool has_operators = true) {
  failures = cases = processor_cases = 0;
  for (int s = 0; s < seeds; s++) {
    emulator::seed = s;
    test();
  }
#ifndef PINION_SELFTEST
  if (has_operators && !processor::is_there()) {
    fprintf(stderr, "%s: there is no libpinion.so to compare with; PINION_LIBRARY names one\n", family);
    failures++;
  } else if (has_operators && seeds >= 6) {
    // Fewer rounds do not meet every kernel with data that has an answer.
    for (const auto &[name, r] : results)
      if (!name.empty() && !r.processor_cases) fprintf(stderr, "%s: %s is not compared with the processor's operators\n", family, name.c_str()), failures++;
  }
#endif
  printf("%s: %d cases, %d of them against the processor's operators, %d failures\n", family, cases, processor_cases, failures);
  if (FILE *file = getenv("PINION_RESULTS") ? fopen(getenv("PINION_RESULTS"), "a") : nullptr) {
    for (const auto &[name, r] : results) fprintf(file, "%s %s %d %d %g %g %d\n", family, name.c_str(), r.cases, r.failures, r.worst, r.tolerance, r.processor_cases);
    fclose(file);
  }
  return failures ? 1 : 0;
}

inline int seeds_of(int count, char **arguments) { return count > 1 ? atoi(arguments[1]) : 6; }
