// The compiler: kernel texts become shared libraries of emulated kernels.
#include "fake.h"

namespace {

struct Program {
  std::string source, log, image;
};

std::string contents(const std::string &path) {
  std::string result;
  if (FILE *file = fopen(path.c_str(), "r")) {
    char part[1 << 16];
    while (size_t count = fread(part, 1, sizeof part, file)) result.append(part, count);
    fclose(file);
  }
  return result;
}

bool write(const std::string &path, const std::string &text) {
  FILE *file = fopen(path.c_str(), "w");
  if (!file) return false;
  const bool is_written = fwrite(text.data(), 1, text.size(), file) == text.size();
  return fclose(file) == 0 && is_written;
}

int compiler_call(const char *name) {
  const long count = ++calls[name];
  auto planned = planned_failures.find(name);
  return planned != planned_failures.end() && planned->second.nth == count ? planned->second.status : 0;
}

#define COMPILER_CALL(name) \
  std::lock_guard<std::recursive_mutex> guard(mutex); \
  if (int status = compiler_call(#name)) return status;

// Preprocesses the text, finds its kernels, adds an entry for each and compiles that, unless it is there from an earlier time: the path of
// a shared library, or empty.
std::string compile(const std::string &source, std::string &log) {
  const std::string base = folder + "/work." + std::to_string(getpid());
  const std::string command = compiler + " -std=c++17 -w -DPINION_EMULATOR " + include_options + " ";
  std::string text = "#include \"emulator_prims.h\"\n#include \"emulator_module.h\"\n#line 1 \"kernels\"\n" + source;
  if (!write(base + ".cpp", text)) return "";
  if (system((command + "-E -P " + base + ".cpp -o " + base + ".ii 2>" + base + ".log").c_str())) return log = contents(base + ".log"), "";
  const std::string expanded = contents(base + ".ii"), mark = "annotate(\"pinion_kernel\"))) void ";
  const std::string library = folder + "/" + std::to_string(std::hash<std::string>()(expanded)) + ".so";
  if (access(library.c_str(), F_OK) == 0) return library;
  text += "\n#line 1 \"entries\"\n";
  for (size_t at = expanded.find(mark); at != std::string::npos; at = expanded.find(mark, at + 1)) {
    const size_t first = at + mark.size(), last = expanded.find_first_of("( \n", first);
    text += "EMULATED_KERNEL(" + expanded.substr(first, last - first) + ")\n";
  }
  if (!write(base + ".cpp", text)) return "";
  const std::string options = "-O1 -fPIC -shared -Wl,-Bsymbolic ";
  if (system((command + options + base + ".cpp -o " + base + ".so 2>" + base + ".log").c_str())) return log = contents(base + ".log"), "";
  return rename((base + ".so").c_str(), library.c_str()) ? "" : library;
}

}  // namespace

EXPORT int nvrtcVersion(int *major, int *minor) {
  *major = 13, *minor = 5;
  return 0;
}
EXPORT const char *nvrtcGetErrorString(int status) { return status == CC_NVRTC_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR"; }
EXPORT int nvrtcGetNumSupportedArchs(int *count) {
  *count = 3;
  return 0;
}
EXPORT int nvrtcGetSupportedArchs(int *architectures) {
  architectures[0] = 80, architectures[1] = 90, architectures[2] = 120;
  return 0;
}
EXPORT int nvrtcCreateProgram(void **program, const char *source, const char *, int, const char *const *, const char *const *) {
  COMPILER_CALL(nvrtcCreateProgram)
  *program = new Program{source, "", ""};
  return 0;
}
EXPORT int nvrtcDestroyProgram(void **program) {
  delete (Program *)*program;
  *program = nullptr;
  return 0;
}
EXPORT int nvrtcCompileProgram(void *handle, int option_count, const char *const *options) {
  COMPILER_CALL(nvrtcCompileProgram)
  Program *program = (Program *)handle;
  int target = 0;
  for (int i = 0; i < option_count; i++) sscanf(options[i], "--gpu-architecture=sm_%d", &target);
  const std::string library = compile(program->source, program->log);
  if (library.empty()) return CC_NVRTC_COMPILATION;
  program->image = "FAKECUBIN " + std::to_string(target) + " " + library + "\n";
  return 0;
}
EXPORT int nvrtcGetCUBINSize(void *program, size_t *bytes) {
  COMPILER_CALL(nvrtcGetCUBINSize)
  *bytes = ((Program *)program)->image.size() + 1;
  return 0;
}
EXPORT int nvrtcGetCUBIN(void *program, char *image) {
  COMPILER_CALL(nvrtcGetCUBIN)
  strcpy(image, ((Program *)program)->image.c_str());
  return 0;
}
EXPORT int nvrtcGetProgramLogSize(void *program, size_t *bytes) {
  *bytes = ((Program *)program)->log.size() + 1;
  return 0;
}
EXPORT int nvrtcGetProgramLog(void *program, char *log) {
  strcpy(log, ((Program *)program)->log.c_str());
  return 0;
}
