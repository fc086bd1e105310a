// gpu-selftest: runs every kernel on a GPU against plain loops on the processor, and against Pinion's operators there where libpinion.so is beside
// it, then times them, and prints what was seen as JSON.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/random.h>

#include "check.h"
#include "device.h"
#include "timing.h"

// The mains of the emulated tests.
#define FAMILIES(FAMILY) \
  FAMILY(primitives) FAMILY(elementwise) FAMILY(reduction) FAMILY(gemm) FAMILY(products) FAMILY(conv) FAMILY(attention) FAMILY(selection) FAMILY(movement)
#define DECLARE(name) int name##_main(int count, char **arguments);
FAMILIES(DECLARE)

// What the standard library takes random numbers from came to the C library with 2.36; here that of 2.34 does.
extern "C" __uint32_t arc4random(void) noexcept {
  __uint32_t number = 0;
  while (getrandom(&number, sizeof number, 0) != sizeof number) {
  }
  return number;
}

static std::string escaped(const std::string &text) {
  std::string result;
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if ((unsigned char)c >= 32) result += c;
  }
  return result;
}

static std::string folder_of(const char *program) {
  const char *slash = strrchr(program, '/');
  return slash ? std::string(program, slash - program) : ".";
}

int main(int count, char **arguments) {
  std::string images = folder_of(arguments[0]) + "/images", output, seeds = "3";
  double scale = 1;
  bool times = true;
  for (int i = 1; i < count; i++) {
    const std::string option = arguments[i];
    const bool has_value = i + 1 < count;
    if (option == "--images" && has_value) images = arguments[++i];
    else if (option == "--json" && has_value) output = arguments[++i];
    else if (option == "--seeds" && has_value) seeds = arguments[++i];
    else if (option == "--scale" && has_value) scale = atof(arguments[++i]);
    else if (option == "--no-times") times = false;
    else {
      fprintf(stderr,
              "usage: gpu-selftest [--images FOLDER] [--json FILE] [--seeds N] [--no-times] [--scale X]\n"
              "Runs every kernel on the first GPU against plain loops on the processor, and against the operators of the libpinion.so that lies\n"
              "beside the program or that PINION_LIBRARY names, and prints what was seen as JSON.\n"
              "  --images  compiled kernels, NAME.cu.sm_NN.cubin (default: images beside the program); where there is none, NVRTC makes it\n"
              "  --json    write the JSON there instead of the standard output\n"
              "  --seeds   rounds of random shapes (default 3)\n"
              "  --scale   timed shapes of so much of their size\n");
      return 2;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  if (const std::string problem = device::open(images); !problem.empty()) {
    fprintf(stderr, "gpu-selftest: %s\n", problem.c_str());
    return 4;
  }
  // Families say how they went in lines of their own, which are no JSON.
  fflush(stdout);
  FILE *json = output.empty() ? stdout : fopen(output.c_str(), "w");
  if (!json) {
    fprintf(stderr, "gpu-selftest: %s cannot be written\n", output.c_str());
    return 2;
  }
  char *values[] = {arguments[0], seeds.data(), nullptr};
  int failed = 0;
#define RUN(name) failed += name##_main(2, values);
  FAMILIES(RUN)
  const auto &facts = device::facts();
  fprintf(json, "{\"device\": \"%s\", \"capability\": %d, \"multiprocessors\": %d, \"memory_bytes\": %zu, \"driver\": \"%s\", \"images\": \"%s\",\n",
          escaped(facts.name).c_str(), facts.capability, facts.multiprocessors, facts.memory, facts.driver.c_str(), escaped(facts.images).c_str());
  fprintf(json, " \"operators\": %s,\n", processor::is_there() ? "true" : "false");
  fprintf(json, " \"bandwidth_by_clock\": %.4g, \"clock\": %.4g,\n \"kernels\": [", facts.bandwidth, facts.clock);
  bool is_first = true;
  for (const auto &[name, r] : results) {
    fprintf(json, "%s\n  {\"kernel\": \"%s\", \"cases\": %d, \"failures\": %d, \"processor_cases\": %d, \"skipped\": %d, \"worst_error\": %.3g, \"allowed_error\": %.3g}", is_first ? "" : ",",
            name.c_str(), r.cases, r.failures, r.processor_cases, r.skipped, r.worst, r.tolerance);
    is_first = false;
  }
  fprintf(json, "\n ],\n \"times\": %s,\n", times ? timings(scale).c_str() : "[]");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fprintf(json, " \"failed_families\": %d, \"seconds\": %.1f}\n", failed, seconds);
  if (json != stdout) fclose(json);
  return failed ? 1 : 0;
}
