// What Pinion's own operators give on the processor, with its scalar kernels: the other side of comparisons with CUDA kernels.
//
// A graph of operators is made by the C interface of libpinion.so, which is opened when the first is made: the file that PINION_LIBRARY
// names, else libpinion.so beside the program. Whatever fails on the way ends the program with a line.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

struct pinion_graph;
struct pinion_value;

namespace processor {

// Element types, numbered as ONNX does.
enum Type { FLOAT32 = 1, UINT8 = 2, INT8 = 3, UINT16 = 4, INT32 = 6, INT64 = 7, BOOL = 9, FLOAT16 = 10, UINT32 = 12, UINT64 = 13, BFLOAT16 = 16 };

typedef std::vector<int64_t> Ints;

struct Attribute {
  enum Kind { INT, FLOAT, TEXT, INTS };
  const char *name;
  Kind kind;
  int64_t number = 0;
  float real = 0;
  std::string text;
  Ints numbers;
  Attribute(const char *name, int number) : name(name), kind(INT), number(number) {}
  Attribute(const char *name, bool) = delete;
  Attribute(const char *name, float real) : name(name), kind(FLOAT), real(real) {}
  Attribute(const char *name, const char *text) : name(name), kind(TEXT), text(text) {}
  Attribute(const char *name, Ints numbers) : name(name), kind(INTS), numbers(std::move(numbers)) {}
};
typedef std::initializer_list<Attribute> Attributes;

// A value of a graph; the default stands for an input that is absent.
struct Value {
  int64_t number = 0;
};

// What a run gave.
struct Result {
  Type type = FLOAT32;
  std::vector<char> bytes;
  size_t count = 0;
  double operator[](size_t i) const;
};

// Whether the library is there. Where it is not, no graph can be made.
bool is_there();

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph &) = delete;
  // Contents of `type`, copied.
  Value input(Type type, const void *contents, const Ints &dims);
  Value floats(const std::vector<float> &elements, const Ints &dims) { return input(FLOAT32, elements.data(), dims); }
  Value scalar(float number) { return input(FLOAT32, &number, {}); }
  Value integers(const Ints &numbers) { return input(INT64, numbers.data(), {(int64_t)numbers.size()}); }
  // An operator of the newest form; a name with a colon is one of com.microsoft's.
  std::vector<Value> nodes(const char *name, const std::vector<Value> &inputs, int outputs, Attributes attributes = {});
  Value node(const char *name, const std::vector<Value> &inputs, Attributes attributes = {}) { return nodes(name, inputs, 1, attributes)[0]; }
  Value cast(Value value, Type type) { return node("Cast", {value}, {{"to", (int)type}}); }
  Value transposed(Value value, const Ints &axes) { return node("Transpose", {value}, {{"perm", axes}}); }
  Value reshaped(Value value, const Ints &dims) { return node("Reshape", {value, integers(dims)}); }
  // Computes a value of the graph, to which nothing is added after.
  Result run(Value value);

 private:
  pinion_graph *graph_ = nullptr;
  std::vector<pinion_value *> inputs_;
  std::vector<std::string> names_;
};

}  // namespace processor
