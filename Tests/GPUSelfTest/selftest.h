// Runs the emulated tests' kernels on a GPU instead: the tests keep their data in the host's memory, and each launch takes it to the device and
// back. Included by emulator.h in place of the emulator's own launches.
#pragma once
#include <tuple>

namespace emulator {

void watch(void *start, size_t bytes);
void forget(void *start);
// The device's address for one in a watched place of the host; the same for null.
void *on_device(const void *address);
// Copies all watched memory to the device, runs and copies back. False, with a line on the standard error, where the driver says so.
bool launch_on_device(void *kernel, dim3 grid, dim3 block, size_t shared_bytes, void **arguments);
bool skips(void *kernel);

template <class T> T translated(T value) { return value; }
template <class T> T *translated(T *value) { return (T *)on_device(value); }

template <class... Parameters, class... Arguments>
bool run(const char *, dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...), Arguments... arguments) {
  note((void *)kernel);
  is_skipped = skips((void *)kernel);
  if (is_skipped) return true;
  std::tuple<std::remove_cv_t<Parameters>...> values(translated((std::remove_cv_t<Parameters>)arguments)...);
  return std::apply(
      [&](auto &...each) {
        void *pointers[] = {(void *)&each...};
        return launch_on_device((void *)kernel, grid, block, shared_bytes, pointers);
      },
      values);
}

}  // namespace emulator
