// What Debian's libonnx says of models: infer check|infer FILE... prints a line for each file, or one for each output.
//
//   check  FILE TAB ok, or what its checker has against the model
//   infer  FILE TAB NAME TAB TYPE, as float32's number and the extents that its shape inference finds: 1[2,?,4], 1[...] of unknown rank;
//          FILE TAB TAB MESSAGE where it ends with an error
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace {

std::string oneLine(std::string text) {
  for (char &c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

/// Empty where nothing is known, or where it is no tensor.
std::string typeText(const onnx::TypeProto &type) {
  if (!type.has_tensor_type() || type.tensor_type().elem_type() == 0) return "";
  std::string text = std::to_string(type.tensor_type().elem_type()) + "[";
  if (!type.tensor_type().has_shape()) return text + "...]";
  bool isFirst = true;
  for (const auto &dimension : type.tensor_type().shape().dim()) {
    if (!isFirst) text += ",";
    isFirst = false;
    text += dimension.has_dim_value() ? std::to_string(dimension.dim_value()) : "?";
  }
  return text + "]";
}

void infer(const char *path, onnx::ModelProto &model) {
  onnx::ShapeInferenceOptions options;
  options.enable_data_propagation = true;
  onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), options);
  for (const auto &output : model.graph().output()) {
    std::string text = typeText(output.type());
    for (const auto &info : model.graph().value_info()) {
      if (text.empty() && info.name() == output.name()) text = typeText(info.type());
    }
    printf("%s\t%s\t%s\n", path, output.name().c_str(), text.c_str());
  }
}

} // namespace

int main(int argc, char **argv) {
  const bool checks = argc > 1 && strcmp(argv[1], "check") == 0;
  for (int i = 2; i < argc; ++i) {
    onnx::ModelProto model;
    std::ifstream file(argv[i], std::ios::binary);
    std::string result = "ok";
    try {
      if (!model.ParseFromIstream(&file)) result = "not a model";
      else if (checks) onnx::checker::check_model(model);
      else infer(argv[i], model);
    } catch (const std::exception &error) { result = oneLine(error.what()); }
    if (checks) printf("%s\t%s\n", argv[i], result.c_str());
    else if (result != "ok") printf("%s\t\t%s\n", argv[i], result.c_str());
  }
  return 0;
}
