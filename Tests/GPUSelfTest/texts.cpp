#include "texts.h"

#include <cstring>

extern "C" {
#include "cc_texts.h"
}
#pragma clang diagnostic ignored "-Wc23-extensions"

namespace texts {

#define EMBEDDED(name) static const char name[] = {
EMBEDDED(half_flat)
#embed "../CUDAStatic/generated/half_flat.cu" suffix(, )
0};
EMBEDDED(pairs_flat)
#embed "../CUDAStatic/generated/pairs_flat.cu" suffix(, )
0};
EMBEDDED(casts_flat)
#embed "../CUDAStatic/generated/casts_flat.cu" suffix(, )
0};
EMBEDDED(half_strided)
#embed "../CUDAStatic/generated/half_strided.cu" suffix(, )
0};
EMBEDDED(long_flat)
#embed "../CUDAStatic/generated/long_flat.cu" suffix(, )
0};
EMBEDDED(mixed_flat)
#embed "../CUDAStatic/generated/mixed_flat.cu" suffix(, )
0};
EMBEDDED(silu_flat)
#embed "../CUDAStatic/generated/silu_flat.cu" suffix(, )
0};
EMBEDDED(silu_strided)
#embed "../CUDAStatic/generated/silu_strided.cu" suffix(, )
0};
EMBEDDED(primitives)
#embed "../CUDAEmulator/primitives.cu" suffix(, )
0};

static bool is_header(const char *name) { return strstr(name, ".cuh") != nullptr; }

const std::vector<Text> &headers() {
  static const std::vector<Text> result = [] {
    std::vector<Text> all;
    for (const cc_text *text = cc_texts(); text->name; text++)
      if (is_header(text->name)) all.push_back({text->name, text->text});
    return all;
  }();
  return result;
}

const std::vector<Text> &programs() {
  static const std::vector<Text> result = [] {
    std::vector<Text> all = {{"primitives.cu", primitives}};
    for (const cc_text *text = cc_texts(); text->name; text++)
      if (!is_header(text->name)) all.push_back({text->name, text->text});
    const std::vector<Text> generated = {{"pairs_flat.cu", pairs_flat}, {"casts_flat.cu", casts_flat}, {"half_flat.cu", half_flat},   {"half_strided.cu", half_strided}, {"long_flat.cu", long_flat},
                                         {"mixed_flat.cu", mixed_flat}, {"silu_flat.cu", silu_flat},       {"silu_strided.cu", silu_strided}};
    all.insert(all.end(), generated.begin(), generated.end());
    return all;
  }();
  return result;
}

}  // namespace texts
