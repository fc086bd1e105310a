#include "processor.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

#include <pinion/pinion.h>

namespace processor {

#define FUNCTIONS(F) \
  F(pinion_error_text) F(pinion_graph_create) F(pinion_graph_release) F(pinion_graph_add_input) F(pinion_graph_add_node) F(pinion_graph_add_output) \
  F(pinion_attributes_create) F(pinion_attributes_release) F(pinion_attributes_set_int) F(pinion_attributes_set_float) \
  F(pinion_attributes_set_string) F(pinion_attributes_set_ints) F(pinion_model_create) F(pinion_model_release) F(pinion_session_create) \
  F(pinion_session_release) F(pinion_session_run) F(pinion_tensor_create) F(pinion_tensor_data) F(pinion_tensor_byte_size) \
  F(pinion_tensor_element_count) F(pinion_tensor_element_type) F(pinion_value_release)

namespace {

struct Library {
  bool is_open = false;
#define MEMBER(name) decltype(&::name) name = nullptr;
  FUNCTIONS(MEMBER)
#undef MEMBER

  Library() {
    const char *chosen = getenv("PINION_LIBRARY");
    std::string path = chosen ? chosen : "";
    if (!chosen) {
      char program[4096];
      const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
      path.assign(program, length > 0 ? (size_t)length : 0);
      path = path.substr(0, path.rfind('/')) + "/libpinion.so";
      if (access(path.c_str(), F_OK)) return;
    }
    // Read when the library is asked for its kernels the first time.
    setenv("PINION_ISA", "scalar", 1);
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      fprintf(stderr, "processor: %s\n", dlerror());
      exit(2);
    }
#define LOOK_UP(function) \
  function = (decltype(function))dlsym(handle, #function); \
  if (!function) fprintf(stderr, "processor: %s has no %s\n", path.c_str(), #function), exit(2);
    FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    is_open = true;
  }
};

const Library &library() {
  static const Library library;
  return library;
}

void check(pinion_status status, const char *what) {
  if (status == PINION_OK) return;
  fprintf(stderr, "processor: %s: %s\n", what, library().pinion_error_text(nullptr));
  exit(2);
}

float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

template <class T> double element(const char *bytes, size_t i) {
  T value;
  memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return (double)value;
}

}  // namespace

bool is_there() { return library().is_open; }

double Result::operator[](size_t i) const {
  const char *from = bytes.data();
  switch (type) {
  case FLOAT32: return element<float>(from, i);
  case UINT8: case BOOL: return element<uint8_t>(from, i);
  case INT8: return element<int8_t>(from, i);
  case UINT16: return element<uint16_t>(from, i);
  case INT32: return element<int32_t>(from, i);
  case INT64: return element<int64_t>(from, i);
  case UINT32: return element<uint32_t>(from, i);
  case UINT64: return element<uint64_t>(from, i);
  case FLOAT16: return element<_Float16>(from, i);
  case BFLOAT16: return float_of((uint32_t)element<uint16_t>(from, i) << 16);
  }
  fprintf(stderr, "processor: a result of type %d\n", type);
  exit(2);
}

Graph::Graph() {
  pinion_graph_options options = PINION_GRAPH_OPTIONS_INIT;
  options.opset = 25;
  check(library().pinion_graph_create(&options, &graph_), "a graph");
}

Graph::~Graph() {
  for (pinion_value *input : inputs_) library().pinion_value_release(input);
  library().pinion_graph_release(graph_);
}

Value Graph::input(Type type, const void *contents, const Ints &dims) {
  const Library &l = library();
  pinion_value *tensor = nullptr;
  check(l.pinion_tensor_create(nullptr, (pinion_element_type)type, (int32_t)dims.size(), dims.data(), &tensor), "a tensor");
  inputs_.push_back(tensor);
  memcpy(l.pinion_tensor_data(tensor), contents, l.pinion_tensor_byte_size(tensor));
  names_.push_back("input" + std::to_string(names_.size()));
  Value value;
  check(l.pinion_graph_add_input(graph_, names_.back().c_str(), (pinion_element_type)type, (int32_t)dims.size(), dims.data(), nullptr, &value.number), "an input");
  return value;
}

std::vector<Value> Graph::nodes(const char *name, const std::vector<Value> &inputs, int outputs, Attributes list) {
  const Library &l = library();
  pinion_attributes *attributes = nullptr;
  check(l.pinion_attributes_create(&attributes), name);
  for (const Attribute &a : list) {
    switch (a.kind) {
    case Attribute::INT: check(l.pinion_attributes_set_int(attributes, a.name, a.number), a.name); break;
    case Attribute::FLOAT: check(l.pinion_attributes_set_float(attributes, a.name, a.real), a.name); break;
    case Attribute::TEXT: check(l.pinion_attributes_set_string(attributes, a.name, a.text.data(), a.text.size()), a.name); break;
    case Attribute::INTS: check(l.pinion_attributes_set_ints(attributes, a.name, a.numbers.data(), a.numbers.size()), a.name); break;
    }
  }
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  options.attributes = attributes;
  const char *colon = strchr(name, ':');
  options.domain = colon ? "com.microsoft" : nullptr;
  std::vector<pinion_graph_value> from, to(outputs);
  for (Value input : inputs) from.push_back(input.number);
  check(l.pinion_graph_add_node(graph_, colon ? colon + 1 : name, &options, from.size(), from.data(), to.size(), to.data()), name);
  l.pinion_attributes_release(attributes);
  std::vector<Value> values;
  for (pinion_graph_value number : to) values.push_back({number});
  return values;
}

Result Graph::run(Value value) {
  const Library &l = library();
  check(l.pinion_graph_add_output(graph_, value.number, "y"), "an output");
  pinion_model *model = nullptr;
  pinion_session *session = nullptr;
  check(l.pinion_model_create(graph_, nullptr, &model), "a model");
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  options.threads = 1;
  check(l.pinion_session_create(model, &options, &session), "a session");
  std::vector<const char *> names;
  for (const std::string &name : names_) names.push_back(name.c_str());
  pinion_value *output = nullptr;
  const char *wanted = "y";
  check(l.pinion_session_run(session, nullptr, inputs_.size(), names.data(), inputs_.data(), 1, &wanted, &output), "a run");
  Result result;
  result.type = (Type)l.pinion_tensor_element_type(output);
  result.count = (size_t)l.pinion_tensor_element_count(output);
  const char *data = (const char *)l.pinion_tensor_data(output);
  result.bytes.assign(data, data + l.pinion_tensor_byte_size(output));
  l.pinion_value_release(output);
  l.pinion_session_release(session);
  l.pinion_model_release(model);
  return result;
}

}  // namespace processor
