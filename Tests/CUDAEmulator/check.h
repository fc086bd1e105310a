// Device memory, random numbers and comparison for the emulated tests.
#pragma once
#include <dlfcn.h>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "emulator_prims.h"

inline std::mt19937 generator(7);
inline int failures = 0, cases = 0;

// What was seen of each kernel.
struct Result {
  int cases = 0, failures = 0, skipped = 0;
  double worst = 0, tolerance = 0;
};
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

// Fails where the launch did, or where a result is further from what was expected than `tolerance` of it, or of 1 if that is more.
inline void expect(const std::string &name, bool launched, size_t count, const std::function<double(size_t)> &got,
                   const std::function<double(size_t)> &wanted, double tolerance) {
  emulator::is_looked_at = true;
  if (emulator::is_skipped) {
    for (void *kernel : emulator::launched) results[kernel_symbol(kernel)].skipped++;
    return;
  }
  cases++;
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
    result.cases++, result.failures += !is_right;
    if (worst > result.worst) result.worst = worst, result.tolerance = tolerance;
  }
  if (is_right) return;
  failures++;
  fprintf(stderr, "FAIL %s, seed %u: launch %s, error %g at %zu of %zu (%g, expected %g)\n", name.c_str(), emulator::seed,
          launched ? "ok" : "faulty", worst, place, count, count ? got(place) : 0, count ? wanted(place) : 0);
}

// Runs `test` with every order of warps and lanes.
inline int finish(const char *family, int seeds, const std::function<void()> &test) {
  failures = cases = 0;
  for (int s = 0; s < seeds; s++) {
    emulator::seed = s;
    test();
  }
  printf("%s: %d cases, %d failures\n", family, cases, failures);
  if (FILE *file = getenv("PINION_RESULTS") ? fopen(getenv("PINION_RESULTS"), "a") : nullptr) {
    for (const auto &[name, r] : results) fprintf(file, "%s %s %d %d %g %g\n", family, name.c_str(), r.cases, r.failures, r.worst, r.tolerance);
    fclose(file);
  }
  return failures ? 1 : 0;
}

inline int seeds_of(int count, char **arguments) { return count > 1 ? atoi(arguments[1]) : 6; }
