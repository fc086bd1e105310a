// pinion.hpp: ownership, exceptions, typed access.
#include <pinion/pinion.hpp>

#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

extern "C" {
#include "models.h"
}

namespace {

int failures = 0;

void check(bool holds, const char *what, int line) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "wrapper.cpp:%d: not so: %s\n", line, what);
}
#define CHECK(condition) check((condition), #condition, __LINE__)

template <class Body>
void expect(pinion::Status code, int line, Body body) {
  try {
    body();
    check(false, "an exception", line);
  } catch (const pinion::Error &error) {
    if (error.code() != code) std::fprintf(stderr, "%s\n", error.text().c_str());
    check(error.code() == code, pinion_status_name(code), line);
    check(std::strlen(error.what()) > 0 && !error.text().empty(), "a message", line);
  }
}

template <class T>
constexpr bool is_move_only = !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> && std::is_nothrow_move_constructible_v<T> &&
                              std::is_nothrow_move_assignable_v<T>;
static_assert(is_move_only<pinion::Model> && is_move_only<pinion::Session> && is_move_only<pinion::Value>);
static_assert(is_move_only<pinion::Graph> && is_move_only<pinion::Attributes>);
static_assert(is_move_only<pinion::Runtime> && is_move_only<pinion::CancelToken> && is_move_only<pinion::Plan>);
static_assert(std::is_nothrow_move_constructible_v<pinion::Model>);
static_assert(std::is_nothrow_move_assignable_v<pinion::Value>);

pinion::Model load(const buffer &bytes) { return pinion::Model::from_memory(bytes.bytes, bytes.size); }

void models() {
  pinion::Model model = load(add_model());
  CHECK(model.ir_version() == 9);
  CHECK(model.producer_name() == "capi" && model.producer_version() == "7" && model.domain() == "org.example");
  CHECK(model.version() == 3 && model.doc_string() == "a test" && model.graph_name() == "addition");
  CHECK(model.opsets().size() == 1 && model.opsets()[0].first == "ai.onnx" && model.opsets()[0].second == 18);
  CHECK(model.metadata().at(0).second == "nobody");
  CHECK(model.operators().at(0).first == "Add" && model.node_count() == 1);
  CHECK(!model.text().empty());
  CHECK(model.weight_bytes() == 8);
  pinion::ValueInfo x = model.inputs().at(0);
  CHECK(x.name() == "x" && x.kind() == PINION_KIND_TENSOR && x.element_type() == PINION_FLOAT32 && x.rank() == 2);
  CHECK(x.shape()[0].size == -1 && x.shape()[0].symbol == "n" && x.shape()[1].size == 2);
  CHECK(model.inputs().at(1).is_optional() && !x.is_optional());
  CHECK(model.outputs().at(0).name() == "y" && x.text() == "float32[n,2]");

  buffer bytes = add_model();
  auto read = [&](std::int64_t offset, std::size_t length, void *destination) {
    std::memcpy(destination, bytes.bytes + offset, length);
    return true;
  };
  CHECK(pinion::Model::from_reader(read, static_cast<std::int64_t>(bytes.size)).inputs().size() == 2);
  expect(PINION_IO, __LINE__, [] {
    pinion::Model::from_reader([](std::int64_t, std::size_t, void *) -> bool { throw 1; }, 100);
  });
  expect(PINION_IO, __LINE__, [] { pinion::Model::from_file("/no/such/file.onnx"); });
}

void errors() {
  try {
    load(unsupported_model());
    CHECK(false);
  } catch (const pinion::Error &error) {
    pinion::Error copy = error;
    CHECK(copy.code() == PINION_UNSUPPORTED);
    CHECK(copy.json().front() == '{' && !copy.text().empty());
    CHECK(pinion_error_other_count(copy.get()) >= 1);
    CHECK(copy.node() == "first" || pinion_error_other_count(copy.get()) >= 2);
  }
}

void values() {
  std::vector<float> data = {1, 2, 3, 4, 5, 6};
  const float *memory = data.data();
  pinion::Value borrowed = pinion::Value::borrow(data, {2, 3});
  CHECK(borrowed.elements<float>().data() == memory);
  CHECK((borrowed.dims() == pinion::Dims{2, 3}));
  pinion::Value owned = pinion::Value::own(std::move(data), {3, 2});
  CHECK(owned.elements<const float>().data() == memory && owned.elements<float>()[5] == 6);
  pinion::Value moved = std::move(owned);
  CHECK(!owned && moved);
  pinion::Value shared = moved.share();
  moved = pinion::Value();
  float sum = 0;
  for (float element : shared.elements<float>()) sum += element;
  CHECK(sum == 21);
  expect(PINION_INVALID_ARGUMENT, __LINE__, [&] { shared.elements<double>(); });
  expect(PINION_INVALID_SHAPE, __LINE__, [&] { pinion::Value::own(std::vector<int>{1, 2}, {3}); });
  expect(PINION_INVALID_SHAPE, __LINE__, [&] { pinion::Value::own(std::vector<int>{1, 2}, {-2, -1}); });

  pinion::Value strings = pinion::Value::strings({"one", std::string("t\0o", 3)}, {2});
  CHECK(strings.string(1) == std::string_view("t\0o", 3) && strings.element_type() == PINION_STRING);
  expect(PINION_NOT_FOUND, __LINE__, [&] { strings.string(2); });

  std::vector<pinion::Value> parts;
  parts.push_back(shared.share());
  parts.push_back(pinion::Value::own(std::vector<float>{7}, {1}));
  pinion::Value sequence = pinion::Value::sequence(parts);
  sequence.append(shared);
  CHECK(sequence.kind() == PINION_KIND_SEQUENCE && sequence.count() == 3 && sequence.at(1).elements<float>()[0] == 7);
  expect(PINION_NOT_FOUND, __LINE__, [&] { sequence.at(3); });

  pinion::Value map =
      pinion::Value::map(pinion::Value::own(std::vector<std::int64_t>{4, 5}, {2}), pinion::Value::own(std::vector<float>{1, 2}, {2}));
  CHECK(map.map_keys().elements<std::int64_t>()[1] == 5 && map.map_values().elements<float>()[0] == 1);
  CHECK(pinion::Value::none().kind() == PINION_KIND_NONE);
  CHECK(pinion::Value::tensor<std::uint8_t>({4}).describe().byte_size == 4);

  pinion::Value through = pinion::Value::from_dlpack(shared.to_dlpack());
  CHECK(through.elements<float>().data() == memory);
  CHECK(pinion::Value::from_dlpack(shared.to_dlpack_versioned()).elements<float>().data() == memory);
}

void runs() {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  options.profile = 1;
  pinion::Session session(load(add_model()), options);
  pinion::Value x = pinion::Value::own(std::vector<float>{1, 2, 3, 4}, {2, 2});
  pinion::Value b = pinion::Value::own(std::vector<float>{1, 1}, {2});

  std::vector<pinion::Value> outputs = session.run({{"x", x}});
  CHECK(outputs.size() == 1 && outputs[0].elements<float>()[3] == 24);
  outputs = session.run({{"x", x}, {"b", b}});
  CHECK(outputs[0].elements<float>()[3] == 5);

  pinion::Value made, target = pinion::Value::tensor<float>({2, 2});
  session.run_into({{"x", x}}, {{"y", made}});
  session.run_into({{std::string("x"), x}}, {{std::string("y"), target}});
  CHECK(made && made.elements<float>()[0] == 11 && target.elements<float>()[3] == 24);

  expect(PINION_NOT_FOUND, __LINE__, [&] { session.run({{"z", x}}); });
  expect(PINION_INVALID_ARGUMENT, __LINE__, [&] { session.run({}); });
  expect(PINION_INVALID_SHAPE, __LINE__, [&] { session.run({{"x", b}}); });

  pinion::CancelToken token;
  token.set();
  pinion::RunOptions limits;
  limits.cancel_token = &token;
  expect(PINION_CANCELLED, __LINE__, [&] { session.run({{"x", x}}, limits); });
  token.reset();
  CHECK(!token.share().is_set());
  limits.timeout = std::chrono::nanoseconds(1);
  expect(PINION_DEADLINE_EXCEEDED, __LINE__, [&] { session.run({{"x", x}}, limits); });
  limits.timeout = std::chrono::seconds(60);
  session.run({{"x", x}}, limits);

  pinion::Call call = session.prepare({{"x", {2, 2}}});
  const float fed[] = {1, 2, 3, 4};
  float received[4] = {};
  const void *from[] = {fed};
  void *into[] = {received};
  call.share().run(from, into);
  CHECK(!call.output_keys(0) && !session.prepare_with_tables({{"x", {2, 2}}}).output_keys(0));
  CHECK(received[0] == 11 && received[3] == 24 && call.outputs().at(0).shape()[0].size == 2);
  call.run(from, into, limits);
  limits.should_stop = [](void *asked) -> std::int32_t { return ++*static_cast<int *>(asked); };
  int asked = 0;
  limits.should_stop_context = &asked;
  call.run(from, into, limits);

  {
    pinion::Session texts(load(string_model()));
    pinion::Call same = texts.prepare_with_strings({{"x", {2}}});
    const pinion::StringView words[] = {{"one", 3}, {"three", 5}};
    const void *given[] = {words};
    pinion::StringOutput shown(2);
    for (int i = 0; i < 3; ++i) {
      void *places[] = {shown.address()};
      same.run(given, places);
      CHECK(shown.size() == 2 && shown[0] == "one" && shown[1] == "three" && !same.has_own_strings(0));
    }
  }

  session.prepare_run({{"x", {7, 2}}});
  pinion::Plan plan = session.plan({{"x", {7, 2}}});
  CHECK(plan.is_complete() && plan.outputs().at(0).shape()[0].size == 7 && plan.peak_bytes() > 0 && plan.flops() >= 0);
  CHECK(session.profile_json().find("nodes") != std::string::npos && !session.profile_trace().empty());
  session.reset_profile();
  CHECK(session.trim() >= 0);
  CHECK(session.share().inputs().size() == 2 && session.outputs().size() == 1);
}

/* x of the next run is y = x + {10, 20}. */
void states() {
  buffer bytes = add_model();
  pinion::Session session(pinion::Model::from_borrowed_memory(bytes.bytes, bytes.size));
  pinion::State state = session.state({{"x", "y"}});
  CHECK(state.pairs().size() == 1 && state.pairs()[0].input == "x" && state.pairs()[0].output == "y" && !state.is_appended(0));
  const float zeros[] = {0, 0, 1, 1};
  state.set("x", pinion::Value::borrow(zeros, 4, {2, 2}));
  for (int i = 1; i < 4; ++i) {
    pinion::Value y;
    state.run_into({}, {{"y", y}});
    const pinion::Value held = state.get("x");
    CHECK(y.elements<float>()[0] == 10.0f * static_cast<float>(i) && held.elements<float>()[3] == 1 + 20.0f * static_cast<float>(i));
  }
  CHECK(state.length() == -1 && state.bytes() >= 16 && state.moved_bytes() == 16);
  pinion::State fork = state.fork();
  fork.run_into({}, {});
  CHECK(fork.get("x").elements<float>()[0] == 40 && state.share().get("x").elements<float>()[0] == 30);
  expect(PINION_UNSUPPORTED, __LINE__, [&] { state.truncate(0); });
  state.reset();
  // Nothing says how many rows the first run has.
  expect(PINION_INVALID_ARGUMENT, __LINE__, [&] { state.run_into({}, {}); });
  state.set("x", pinion::Value::borrow(zeros, 4, {2, 2}));
  state.run_into({}, {});
  CHECK(state.get("x").elements<float>()[1] == 20);
  expect(PINION_NOT_FOUND, __LINE__, [&] { session.state(); });
  pinion::RunOptions limits;
  limits.timeout = std::chrono::nanoseconds(1);
  expect(PINION_DEADLINE_EXCEEDED, __LINE__, [&] { session.state({{"x", "y"}}, 0, limits); });
  limits.timeout = std::chrono::seconds(60);
  CHECK(session.state({{"x", "y"}}, 0, limits).pairs().size() == 1);
}

void runtimes() {
  pinion::Runtime runtime(2);
  CHECK(runtime.threads() == 2 && runtime.share().threads() == 2);
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  options.runtime = runtime.get();
  buffer bytes = add_model();
  pinion::Session session(pinion::Model::from_borrowed_memory(bytes.bytes, bytes.size, &options));
  CHECK(session.inputs().size() == 2);
}

// y = relu(x w), with attributes of every kind, a loop, misuse, and what becomes of it as a file.
void graphs() {
  pinion::Graph graph("g", 22);
  const pinion::GraphValue x = graph.input("x", PINION_FLOAT32, {"batch", 2});
  const pinion::GraphValue w = graph.constant(pinion::Value::own(std::vector<float>{1, -1, 1, 1}, {2, 2}), "w", false);
  const pinion::GraphValue y = graph.node("Relu", {graph.node("MatMul", {x, w})});
  CHECK(graph.info(y).text() == "float32[batch,2]" && graph.info(y).shape()[0].symbol == "batch");
  graph.output(y, "y");
  graph.set_metadata("author", "nobody");
  CHECK(graph.text().find("MatMul") != std::string::npos);

  const pinion::Value seven = pinion::Value::own(std::vector<float>{7}, {1});
  pinion::GraphValue shape = graph.node("Shape", {x});
  CHECK(graph.info(graph.node("ConstantOfShape", {shape}, pinion::Attributes().set("value", seven))).element_type() == PINION_FLOAT32);
  CHECK(graph.info(graph.node("Cast", {x}, pinion::Attributes().set("to", PINION_INT64))).element_type() == PINION_INT64);
  graph.node("LeakyRelu", {x}, pinion::Attributes().set("alpha", 0.5));
  const std::vector<std::int64_t> perm{1, 0};
  CHECK(graph.info(graph.node("Transpose", {x}, pinion::Attributes().set("perm", perm))).shape()[0].size == 2);
  CHECK(graph.info(graph.node("Constant", {}, pinion::Attributes().set("value_floats", std::vector<float>{1, 2}))).shape()[0].size == 2);
  CHECK(graph.info(graph.node("Constant", {}, pinion::Attributes().set("value_string", "text"))).element_type() == PINION_STRING);
  CHECK(graph.info(graph.node("Constant", {}, pinion::Attributes().set("value_strings", std::vector<std::string>{"a", "b"}))).shape()[0].size == 2);
  CHECK(graph.info(graph.node("Optional", {}, pinion::Attributes().set_type("type", "seq(float32[?])"))).kind() == PINION_KIND_OPTIONAL);
  pinion::Graph other;
  CHECK(other.info(other.input("s", "seq(int64[...])")).kind() == PINION_KIND_SEQUENCE);
  const pinion::GraphValue scale = graph.input_with_default("scale", seven);

  const pinion::GraphValue n = graph.input("n", PINION_INT64, {});
  const pinion::Graph body = graph.subgraph("body");
  body.input("i", PINION_INT64, {});
  const pinion::GraphValue going = body.input("going", PINION_BOOL, {}), sum = body.input("sum", PINION_FLOAT32, {1});
  body.output(going);
  body.output(body.node("Add", {sum, scale}));
  pinion::NodeOptions options;
  options.name = "adds";
  options.output_names = {"total"};
  expect(PINION_INVALID_MODEL, __LINE__, [&] { graph.nodes("Loop", {n}, pinion::Attributes().set("body", body), options); });
  const std::vector<pinion::GraphValue> made =
      graph.nodes("Loop", {n, pinion::GraphValue(), scale}, pinion::Attributes().set("body", body), options);
  graph.output(made.at(0));

  expect(PINION_UNSUPPORTED, __LINE__, [&] { graph.node("Dance", {x}); });
  expect(PINION_INVALID_SHAPE, __LINE__, [&] { graph.node("Add", {x, shape}); });
  try {
    graph.node("Relu", {x, w});
    CHECK(false);
  } catch (const std::exception &error) {
    const std::string text = error.what();
    CHECK(text.find("Relu") != std::string::npos && text.find("float32[batch,2]") != std::string::npos);
  }
  expect(PINION_INVALID_ARGUMENT, __LINE__, [&] { graph.node("Relu", {pinion::Graph().input("x", PINION_FLOAT32, {1})}); });
  expect(PINION_INVALID_ARGUMENT, __LINE__, [&] { graph.input("x", PINION_FLOAT32, {1}); });
  expect(PINION_NOT_FOUND, __LINE__, [&] { graph.info(sum); });
  expect(PINION_UNSUPPORTED, __LINE__, [&] { graph.set_opset("", 99); });

  const pinion::Model model = graph.model();
  char folder[] = "/tmp/pinion-wrapper-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/m.onnx";
  model.save(path);
  for (const pinion::Model &each : {model.share(), pinion::Model::from_file(path)}) {
    CHECK(each.opsets().at(0).second == 22 && each.metadata().at(0).second == "nobody");
    const pinion::Value given = pinion::Value::own(std::vector<float>{3, 1}, {1, 2});
    const pinion::Value count = pinion::Value::own(std::vector<std::int64_t>{2}, {});
    pinion::Value out, total;
    pinion::Session(each).run_into({{"x", given}, {"n", count}}, {{"y", out}, {"total", total}});
    CHECK(out.elements<float>()[0] == 4 && out.elements<float>()[1] == 0 && total.elements<float>()[0] == 21);
  }
  expect(PINION_IO, __LINE__, [&] { model.save("/nowhere/at/all.onnx"); });
  CHECK(unlink(path.c_str()) == 0 && rmdir(folder) == 0);
}

}  // namespace

void devices() {
  const std::vector<pinion::Device> all = pinion::devices();
  CHECK(!all.empty() && all[0].name == "cpu" && !all[0].description.empty() && all[0].why_not.empty());
  CHECK(!pinion::device_why_not("cuda:0").empty());
}

int main() {
  pinion::check_version();
  devices();
  CHECK(pinion::version() == PINION_VERSION_STRING);
  models();
  errors();
  values();
  runs();
  states();
  runtimes();
  graphs();
  if (failures) {
    std::fprintf(stderr, "wrapper: %d checks failed\n", failures);
    return 1;
  }
  std::puts("wrapper: ok");
}
