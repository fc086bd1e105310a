// The emulated tests' launches, on the GPU.
#include "check.h"
#include "device.h"

namespace emulator {

struct Region {
  size_t bytes;
  cc_address address;
};
static std::map<uintptr_t, Region> regions;
// So that a kernel that writes beside its memory is noticed and not only harms another.
static const size_t GUARD = 256;

void watch(void *start, size_t bytes) { regions[(uintptr_t)start] = {bytes, device::allocate(bytes + 2 * GUARD)}; }
void forget(void *start) {
  auto found = regions.find((uintptr_t)start);
  if (found == regions.end()) return;
  device::release(found->second.address);
  regions.erase(found);
}

void *on_device(const void *address) {
  if (!address) return nullptr;
  auto next = regions.upper_bound((uintptr_t)address);
  if (next == regions.begin()) return (void *)address;
  --next;
  const size_t offset = (uintptr_t)address - next->first;
  return offset <= next->second.bytes ? (void *)(uintptr_t)(next->second.address + GUARD + offset) : (void *)address;
}

// bfloat16 and tf32 came to the matrix units with capability 8.0.
bool skips(void *kernel) {
  if (device::facts().capability >= 80) return false;
  const std::string name = kernel_symbol(kernel);
  auto has = [&](const char *part) { return name.find(part) != std::string::npos; };
  if (has("tf32") || name == "primitive_multiply_add_bfloat" || name == "primitive_rounding") return true;
  return has("bf16") && (has("gemm") || has("conv_") || has("tiles") || has("attention_64") || has("attention_128"));
}

bool launch_on_device(void *kernel, dim3 grid, dim3 block, size_t shared_bytes, void **arguments) {
  const std::string name = kernel_symbol(kernel);
  void *function = device::kernel(name);
  if (!function) {
    report("no image has this kernel");
    return false;
  }
  kernel_name = name.c_str();
  std::vector<char> guard(GUARD, (char)0xff), seen(GUARD);
  for (const auto &[start, region] : regions) {
    device::upload(region.address, guard.data(), GUARD);
    device::upload(region.address + GUARD, (const void *)start, region.bytes);
    device::upload(region.address + GUARD + region.bytes, guard.data(), GUARD);
  }
  const unsigned blocks[3] = {grid.x, grid.y, grid.z};
  device::check(device::launch(function, blocks, block.x * block.y * block.z, shared_bytes, arguments), name.c_str());
  // A fault of a kernel ends the context, and with it the program.
  device::check(device::synchronize(), name.c_str());
  bool is_intact = true;
  for (const auto &[start, region] : regions) {
    device::download((void *)start, region.address + GUARD, region.bytes);
    for (cc_address side : {region.address, region.address + GUARD + region.bytes}) {
      device::download(seen.data(), side, GUARD);
      device::check(device::synchronize(), name.c_str());
      is_intact = is_intact && seen == guard;
    }
  }
  if (!is_intact) report("a write beside an allocation");
  return is_intact;
}

}  // namespace emulator
