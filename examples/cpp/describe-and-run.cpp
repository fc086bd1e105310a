// Prints what a model takes and gives, and runs it once with inputs of zeros.
//
//   describe-and-run MODEL.onnx [SYMBOL=SIZE ...]
#include <pinion/pinion.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Sizes = std::map<std::string, std::int64_t>;

pinion::Value zeros(const pinion::ValueInfo &info, const Sizes &sizes) {
  if (info.kind() != PINION_KIND_TENSOR || info.rank() < 0) throw std::invalid_argument(info.name() + " is no tensor of known rank");
  pinion::Dims dims;
  for (const pinion::Dimension &dim : info.shape()) {
    auto given = sizes.find(dim.symbol);
    dims.push_back(dim.size >= 0 ? dim.size : given != sizes.end() ? given->second : 1);
  }
  pinion::Value value = pinion::Value::tensor(info.element_type(), dims);
  pinion_tensor_view view = value.describe();
  if (view.data) std::memset(view.data, 0, view.byte_size);
  return value;
}

template <class T>
void print_elements(const pinion::Value &value) {
  auto elements = value.elements<T>();
  for (std::size_t i = 0; i < std::min<std::size_t>(elements.size(), 5); ++i) std::cout << ' ' << elements[i];
}

void print(const std::string &name, const pinion::Value &value) {
  std::cout << "  " << name << ":";
  if (value.kind() != PINION_KIND_TENSOR) {
    std::cout << " a sequence of " << value.count() << " values, or a map, or nothing\n";
    return;
  }
  std::cout << ' ' << pinion_element_type_name(value.element_type()) << '[';
  const char *separator = "";
  for (std::int64_t dim : value.dims()) std::cout << std::exchange(separator, ",") << dim;
  std::cout << ']';
  if (value.element_type() == PINION_FLOAT32) print_elements<float>(value);
  if (value.element_type() == PINION_INT64) print_elements<std::int64_t>(value);
  std::cout << '\n';
}

void run(const std::string &path, const Sizes &sizes) {
  pinion::Model model = pinion::Model::from_file(path);
  pinion::Session session(model);
  std::cout << path << ": " << model.node_count() << " nodes, written by " << model.producer_name() << "\ninputs\n";

  std::vector<std::string> names;
  std::vector<pinion::Value> values;
  for (const pinion::ValueInfo &info : session.inputs()) {
    std::cout << "  " << info.name() << ": " << info.text() << '\n';
    if (info.is_optional()) continue;
    names.push_back(info.name());
    values.push_back(zeros(info, sizes));
  }
  std::vector<pinion::Input> inputs;
  for (std::size_t i = 0; i < names.size(); ++i) inputs.emplace_back(names[i], values[i]);

  pinion::RunOptions options;
  options.timeout = std::chrono::minutes(1);
  std::vector<pinion::Value> outputs = session.run(inputs, options);
  std::cout << "outputs\n";
  std::vector<pinion::ValueInfo> infos = session.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) print(infos[i].name(), outputs[i]);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::cerr << "usage: describe-and-run MODEL.onnx [SYMBOL=SIZE ...]\n";
    return 2;
  }
  try {
    pinion::check_version();
    Sizes sizes;
    for (int i = 2; i < argc; ++i) {
      std::string argument = argv[i];
      std::size_t equals = argument.find('=');
      if (equals == std::string::npos) throw std::invalid_argument(argument + " is not SYMBOL=SIZE");
      sizes[argument.substr(0, equals)] = std::stoll(argument.substr(equals + 1));
    }
    run(argv[1], sizes);
  } catch (const pinion::Error &error) {
    std::cerr << error.text() << '\n';
    return 1;
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
