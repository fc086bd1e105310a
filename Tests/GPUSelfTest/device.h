// A GPU for the self-test: the driver, the kernels' images and simple calls.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" {
#include "cc_library.h"
}

namespace device {

struct Facts {
  std::string name, driver, images;
  int capability = 0, multiprocessors = 0;
  size_t memory = 0;
  // By the driver's clocks: bytes a second, and products and sums a second and multiprocessor's clock are turned into a peak elsewhere.
  double bandwidth = 0, clock = 0;
};

// Opens the first GPU and loads every kernel: compiled images of `folder`, else what NVRTC makes of the texts. A sentence where that fails.
std::string open(const std::string &folder);
const Facts &facts();
// Ends the program with a line where a call of the driver fails.
void check(int status, const char *call);
void *kernel(const std::string &symbol);
cc_address allocate(size_t bytes);
void release(cc_address address);
void upload(cc_address to, const void *from, size_t bytes);
void download(void *to, cc_address from, size_t bytes);
int launch(void *function, const unsigned (&grid)[3], unsigned threads, size_t shared_bytes, void **arguments);
int synchronize();
// Milliseconds of `launches` of the same kernel, one behind the other.
double milliseconds(void *function, const unsigned (&grid)[3], unsigned threads, size_t shared_bytes, void **arguments, int launches);

}  // namespace device
