// Lets kernels of a shared library be launched by name. Follows the kernels' text; EMULATED_KERNEL(name) for each of them.
#pragma once
#include <type_traits>
#include <utility>

#include "emulator.h"

namespace emulator {

template <class... Parameters, size_t... I>
bool run_with(const char *name, void (*kernel)(Parameters...), const unsigned *grid, const unsigned *block, size_t shared_bytes,
              void **arguments, std::index_sequence<I...>) {
  return run(name, dim3(grid[0], grid[1], grid[2]), dim3(block[0], block[1], block[2]), shared_bytes, kernel,
             *(std::remove_cv_t<Parameters> *)arguments[I]...);
}

template <class... Parameters>
int call(const char *name, void (*kernel)(Parameters...), const unsigned *grid, const unsigned *block, size_t shared_bytes,
         void **arguments, unsigned order) {
  seed = order;
  return run_with(name, kernel, grid, block, shared_bytes, arguments, std::index_sequence_for<Parameters...>());
}

template <class... Parameters> size_t parameters(void (*)(Parameters...), size_t *sizes) {
  const size_t all[] = {sizeof(Parameters)..., 0};
  for (size_t i = 0; i < sizeof...(Parameters); i++) sizes[i] = all[i];
  return sizeof...(Parameters);
}

}  // namespace emulator

#define EMULATED_KERNEL(name) \
  extern "C" int emulated_##name( \
      const unsigned *grid, const unsigned *block, size_t shared_bytes, void **arguments, unsigned order) { \
    return emulator::call(#name, name, grid, block, shared_bytes, arguments, order); \
  } \
  extern "C" size_t emulated_parameters_##name(size_t *sizes) { return emulator::parameters(name, sizes); }
