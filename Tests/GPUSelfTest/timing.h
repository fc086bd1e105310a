// Times of kernels on shapes of models, after the tests.
#pragma once
#include <string>

// A JSON array, one object a kernel; `scale` 1 for a GPU, less for shapes that an emulator bears. Objects that do not run are left out.
std::string timings(double scale);
