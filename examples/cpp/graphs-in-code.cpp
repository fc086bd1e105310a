// Models without a file: an MLP, an attention block and a loop, made in code and run. Prints what each gives.
//
//   graphs-in-code [FILE.onnx]     writes the attention block as an ONNX file as well
#include <pinion/pinion.hpp>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace {

using pinion::Attributes;
using pinion::Graph;
using pinion::GraphValue;
using pinion::Value;

// A constant of one number everywhere.
GraphValue filled(const Graph &graph, float number, const pinion::Dims &dims) {
  std::size_t count = 1;
  for (std::int64_t dim : dims) count *= static_cast<std::size_t>(dim);
  // The vector's memory goes to the graph, and is not copied again.
  return graph.constant(Value::own(std::vector<float>(count, number), dims), "", false);
}

// Runs a model of the graph on one tensor, and prints its outputs.
void run(const std::string &name, const Graph &graph, const char *input, const Value &value, const std::string &file = "") {
  const pinion::Model model = graph.model();
  if (!file.empty()) model.save(file);
  std::cout << name << ":";
  for (const Value &output : pinion::Session(model).run({{input, value}})) {
    if (output.element_type() == PINION_FLOAT32)
      for (float number : output.elements<float>()) std::cout << " " << number;
    else
      for (std::int64_t number : output.elements<std::int64_t>()) std::cout << " " << number;
  }
  std::cout << "\n";
}

// softmax(relu(x w + b) v) of an open batch.
void mlp() {
  Graph graph;
  const GraphValue x = graph.input("x", PINION_FLOAT32, {"batch", 3});
  GraphValue hidden = graph.node("MatMul", {x, filled(graph, 0.5f, {3, 4})});
  hidden = graph.node("Relu", {graph.node("Add", {hidden, filled(graph, 1, {4})})});
  const GraphValue scores = graph.node("Softmax", {graph.node("MatMul", {hidden, filled(graph, 1, {4, 2})})});
  graph.output(scores, "scores");
  std::cout << "scores: " << graph.info(scores).text() << "\n";
  run("mlp", graph, "x", Value::own(std::vector<float>{1, 2, 3}, {1, 3}));
}

// LayerNormalization(x + softmax(q k' / 2) v) with weights for q, k and v.
void attention(const std::string &file) {
  Graph graph;
  const GraphValue x = graph.input("x", PINION_FLOAT32, {"words", 4});
  const GraphValue q = graph.node("MatMul", {x, filled(graph, 1, {4, 4})});
  const GraphValue k = graph.node("MatMul", {x, filled(graph, 1, {4, 4})});
  const GraphValue v = graph.node("MatMul", {x, filled(graph, 0.25f, {4, 4})});
  const GraphValue turned = graph.node("Transpose", {k}, Attributes().set("perm", std::vector<std::int64_t>{1, 0}));
  const GraphValue scaled = graph.node("Mul", {graph.node("MatMul", {q, turned}), filled(graph, 0.5f, {})});
  const GraphValue sum = graph.node("Add", {x, graph.node("MatMul", {graph.node("Softmax", {scaled}), v})});
  const GraphValue norm = graph.node("LayerNormalization", {sum, filled(graph, 0, {4})});
  graph.output(graph.node("Add", {norm, filled(graph, 1, {4})}), "y");
  run("attention", graph, "x", Value::own(std::vector<float>{1, 0, 0, 0, 0, 1, 0, 0}, {2, 4}), file);
}

// The sum of 0 ... n - 1, and the square of each.
void loop() {
  Graph graph;
  const GraphValue n = graph.input("n", PINION_INT64, {});
  const GraphValue start = graph.constant(Value::own(std::vector<std::int64_t>{0}, {}), "start");
  const Graph body = graph.subgraph("body");
  const GraphValue i = body.input("i", PINION_INT64, {});
  const GraphValue going = body.input("going", PINION_BOOL, {});
  const GraphValue sum = body.input("sum", PINION_INT64, {});
  body.output(going);
  body.output(body.node("Add", {sum, i}));
  body.output(body.node("Mul", {i, i}));
  pinion::NodeOptions options;
  options.output_names = {"sum_of_all", "squares"};
  for (GraphValue output : graph.nodes("Loop", {n, GraphValue(), start}, Attributes().set("body", body), options)) graph.output(output);
  run("loop", graph, "n", Value::own(std::vector<std::int64_t>{5}, {}));
}

} // namespace

int main(int argc, char **argv) {
  try {
    pinion::check_version();
    mlp();
    attention(argc > 1 ? argv[1] : "");
    loop();
  } catch (const pinion::Error &error) {
    std::cerr << error.text() << "\n";
    return 1;
  }
}
