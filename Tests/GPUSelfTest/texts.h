// The kernels' texts that the self-test needs: the library's, the generated ones and the primitives'.
#pragma once
#include <vector>

namespace texts {
struct Text {
  const char *name, *text;
};
const std::vector<Text> &headers();
const std::vector<Text> &programs();
}  // namespace texts
