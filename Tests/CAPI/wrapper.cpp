// pinion.hpp: ownership, exceptions, typed access.
#include <pinion/pinion.hpp>

#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

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
  CHECK(received[0] == 11 && received[3] == 24 && call.outputs().at(0).shape()[0].size == 2);
  call.run(from, into, limits);
  limits.should_stop = [](void *asked) -> std::int32_t { return ++*static_cast<int *>(asked); };
  int asked = 0;
  limits.should_stop_context = &asked;
  call.run(from, into, limits);

  session.prepare_run({{"x", {7, 2}}});
  pinion::Plan plan = session.plan({{"x", {7, 2}}});
  CHECK(plan.is_complete() && plan.outputs().at(0).shape()[0].size == 7 && plan.peak_bytes() > 0 && plan.flops() >= 0);
  CHECK(session.profile_json().find("nodes") != std::string::npos && !session.profile_trace().empty());
  session.reset_profile();
  CHECK(session.trim() >= 0);
  CHECK(session.share().inputs().size() == 2 && session.outputs().size() == 1);
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
  runtimes();
  if (failures) {
    std::fprintf(stderr, "wrapper: %d checks failed\n", failures);
    return 1;
  }
  std::puts("wrapper: ok");
}
