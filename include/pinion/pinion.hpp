/*
 * Pinion for C++17: objects that own their handles, exceptions in place of status codes. Header only, over pinion.h, which is
 * the manual: what it says of a function holds for the member that calls it.
 *
 *     #include <pinion/pinion.hpp>
 *     #include <iostream>
 *
 *     int main(int argc, char **argv) {
 *       if (argc != 2) return 2;
 *       try {
 *         pinion::Session session(pinion::Model::from_file(argv[1]));
 *         pinion::Value image = pinion::Value::own(std::vector<float>(1 * 3 * 224 * 224), {1, 3, 224, 224});
 *         std::vector<pinion::Value> outputs = session.run({{"image", image}});
 *         for (float score : outputs[0].elements<float>()) std::cout << score << "\n";
 *       } catch (const pinion::Error &error) {
 *         std::cerr << error.text() << "\n";
 *         return 1;
 *       }
 *     }
 *
 * Model, Session, Value, Graph, Attributes, Runtime, CancelToken and Plan are move-only; share() gives a second owner of the same object. An
 * object that was moved from may only be assigned to or destroyed.
 */
#ifndef PINION_HPP
#define PINION_HPP

#include <pinion/pinion.h>

#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pinion {

using Status = pinion_status;
using ElementType = pinion_element_type;
using Kind = pinion_kind;

/* What went wrong. what() is the message; text() adds where, and all further problems. */
class Error : public std::exception {
 public:
  /* Takes over the calling thread's last error. */
  explicit Error(Status code) : code_(code), error_(pinion_error_copy(), &pinion_error_release) {}

  /* An error that this header found. */
  Error(Status code, const std::string &message) : code_(code), message_(std::make_shared<std::string>(message)) {}

  /* The message with the node, its operator and its inputs, as text() gives it. */
  const char *what() const noexcept override {
    if (message_) return message_->c_str();
    return error_ ? pinion_error_text(error_.get()) : pinion_status_name(code_);
  }
  Status code() const noexcept { return code_; }
  /* The message alone. */
  std::string message() const { return error_ ? pinion_error_message(error_.get()) : what(); }
  /* The name of the node in the model, or empty. */
  std::string node() const { return error_ ? pinion_error_node(error_.get()) : ""; }
  /* The operator as "domain::Name", or "Name" for ai.onnx, or empty. */
  std::string operator_name() const { return error_ ? pinion_error_operator(error_.get()) : ""; }
  std::string text() const { return what(); }
  /* Empty for an error that this header found. */
  std::string json() const { return error_ ? pinion_error_json(error_.get()) : ""; }
  /* The C object with all the details, or NULL; it lives as long as this exception. */
  const pinion_error *get() const noexcept { return error_.get(); }

 private:
  Status code_;
  std::shared_ptr<pinion_error> error_;
  std::shared_ptr<std::string> message_;
};

inline void check(Status status) {
  if (status != PINION_OK) throw Error(status);
}

/* Contiguous elements that something else owns. */
template <class T>
class Span {
 public:
  Span() = default;
  Span(T *data, std::size_t size) : data_(data), size_(size) {}
  T *data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T *begin() const { return data_; }
  T *end() const { return data_ + size_; }
  T &operator[](std::size_t index) const { return data_[index]; }

 private:
  T *data_ = nullptr;
  std::size_t size_ = 0;
};

/* A 16-bit float as its bits. */
struct Float16 {
  std::uint16_t bits;
};

/* A bfloat16 as its bits. */
struct BFloat16 {
  std::uint16_t bits;
};

/* The element type of a C++ type, as `value`. */
template <class T>
struct element_type_of;
template <> struct element_type_of<float> { static constexpr ElementType value = PINION_FLOAT32; };
template <> struct element_type_of<double> { static constexpr ElementType value = PINION_FLOAT64; };
template <> struct element_type_of<Float16> { static constexpr ElementType value = PINION_FLOAT16; };
template <> struct element_type_of<BFloat16> { static constexpr ElementType value = PINION_BFLOAT16; };
template <> struct element_type_of<bool> { static constexpr ElementType value = PINION_BOOL; };
template <> struct element_type_of<std::int8_t> { static constexpr ElementType value = PINION_INT8; };
template <> struct element_type_of<std::int16_t> { static constexpr ElementType value = PINION_INT16; };
template <> struct element_type_of<std::int32_t> { static constexpr ElementType value = PINION_INT32; };
template <> struct element_type_of<std::int64_t> { static constexpr ElementType value = PINION_INT64; };
template <> struct element_type_of<std::uint8_t> { static constexpr ElementType value = PINION_UINT8; };
template <> struct element_type_of<std::uint16_t> { static constexpr ElementType value = PINION_UINT16; };
template <> struct element_type_of<std::uint32_t> { static constexpr ElementType value = PINION_UINT32; };
template <> struct element_type_of<std::uint64_t> { static constexpr ElementType value = PINION_UINT64; };
template <> struct element_type_of<std::complex<float>> { static constexpr ElementType value = PINION_COMPLEX64; };
template <> struct element_type_of<std::complex<double>> { static constexpr ElementType value = PINION_COMPLEX128; };

/* Owns one reference of a C object. */
template <class T, T *(*Retain)(T *), void (*Release)(T *)>
class Handle {
 public:
  Handle() = default;
  /* Takes over a reference. */
  explicit Handle(T *object) noexcept : object_(object) {}
  Handle(Handle &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      Release(object_);
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  ~Handle() { Release(object_); }

  /* The C object, still owned by this one. */
  T *get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /* Hands the reference to the caller. */
  T *detach() noexcept { return std::exchange(object_, nullptr); }

 protected:
  T *retained() const noexcept { return Retain(object_); }
  T *object_ = nullptr;
};

/* One dimension of a declared type. */
struct Dimension {
  /* -1 where it is symbolic or unknown. */
  std::int64_t size;
  std::string symbol;
};

/* The declared name and type of an input or output; lives as long as the model, session or plan it was read from. */
class ValueInfo {
 public:
  explicit ValueInfo(const pinion_value_info *info) : info_(info) {}
  std::string name() const { return pinion_value_info_name(info_); }
  /* Where the value lies in nested arguments or results of a PyTorch model. */
  std::string path() const { return pinion_value_info_path(info_); }
  Kind kind() const { return pinion_value_info_kind(info_); }
  ElementType element_type() const { return pinion_value_info_element_type(info_); }
  /* -1 where unknown. */
  int rank() const { return pinion_value_info_rank(info_); }
  std::vector<Dimension> shape() const {
    std::vector<Dimension> dims;
    for (std::int32_t axis = 0; axis < rank(); ++axis)
      dims.push_back({pinion_value_info_dim(info_, axis), pinion_value_info_dim_name(info_, axis)});
    return dims;
  }
  /* What a sequence or optional holds, or a map's values; only for these kinds. */
  ValueInfo content() const { return ValueInfo(pinion_value_info_content(info_)); }
  bool is_optional() const { return pinion_value_info_is_optional(info_); }
  std::string text() const { return pinion_value_info_text(info_); }

 private:
  const pinion_value_info *info_;
};

class Runtime : public Handle<pinion_runtime, pinion_runtime_retain, pinion_runtime_release> {
 public:
  explicit Runtime(const pinion_runtime_options &options) { check(pinion_runtime_create(&options, &object_)); }
  explicit Runtime(int threads) {
    pinion_runtime_options options = PINION_RUNTIME_OPTIONS_INIT;
    options.threads = threads;
    check(pinion_runtime_create(&options, &object_));
  }
  Runtime share() const { return Runtime(retained()); }
  int threads() const { return pinion_runtime_threads(object_); }

 private:
  explicit Runtime(pinion_runtime *object) : Handle(object) {}
};

class Model : public Handle<pinion_model, pinion_model_retain, pinion_model_release> {
 public:
  /* Takes over a reference. */
  explicit Model(pinion_model *object) : Handle(object) {}

  static Model from_file(const std::string &path, const pinion_model_options *options = nullptr) {
    Model model;
    check(pinion_model_load_file(path.c_str(), options, &model.object_));
    return model;
  }
  /* Copies the bytes. */
  static Model from_memory(const void *bytes, std::size_t length, const pinion_model_options *options = nullptr) {
    Model model;
    check(pinion_model_load_memory(bytes, length, true, options, &model.object_));
    return model;
  }
  /* Borrows the bytes, which must outlive the model and all that is made from it. */
  static Model from_borrowed_memory(const void *bytes, std::size_t length, const pinion_model_options *options = nullptr) {
    Model model;
    check(pinion_model_load_memory(bytes, length, false, options, &model.object_));
    return model;
  }
  /* `read` is called as bool(std::int64_t offset, std::size_t length, void *destination); false, or an exception, is a failure. */
  template <class Read>
  static Model from_reader(Read read, std::int64_t length, const pinion_model_options *options = nullptr) {
    Model model;
    auto thunk = [](std::int64_t offset, std::size_t count, void *destination, void *context) -> std::int32_t {
      try {
        return (*static_cast<Read *>(context))(offset, count, destination) ? 0 : 1;
      } catch (...) {
        return 1;
      }
    };
    check(pinion_model_load_callback(thunk, &read, length, options, &model.object_));
    return model;
  }

  Model share() const { return Model(retained()); }

  std::int64_t ir_version() const { return pinion_model_ir_version(object_); }
  std::string producer_name() const { return pinion_model_producer_name(object_); }
  std::string producer_version() const { return pinion_model_producer_version(object_); }
  std::string domain() const { return pinion_model_domain(object_); }
  std::int64_t version() const { return pinion_model_version(object_); }
  std::string doc_string() const { return pinion_model_doc_string(object_); }
  std::string graph_name() const { return pinion_model_graph_name(object_); }
  std::vector<std::pair<std::string, std::int64_t>> opsets() const {
    std::vector<std::pair<std::string, std::int64_t>> list;
    for (std::size_t i = 0; i < pinion_model_opset_count(object_); ++i)
      list.emplace_back(pinion_model_opset_domain(object_, i), pinion_model_opset_version(object_, i));
    return list;
  }
  std::vector<std::pair<std::string, std::string>> metadata() const {
    std::vector<std::pair<std::string, std::string>> list;
    for (std::size_t i = 0; i < pinion_model_metadata_count(object_); ++i)
      list.emplace_back(pinion_model_metadata_key(object_, i), pinion_model_metadata_value(object_, i));
    return list;
  }
  /* The operators that the model uses and the number of their nodes. */
  std::vector<std::pair<std::string, std::size_t>> operators() const {
    std::vector<std::pair<std::string, std::size_t>> list;
    for (std::size_t i = 0; i < pinion_model_operator_count(object_); ++i)
      list.emplace_back(pinion_model_operator_name(object_, i), pinion_model_operator_uses(object_, i));
    return list;
  }
  std::size_t node_count() const { return pinion_model_node_count(object_); }
  std::int64_t weight_bytes() const { return pinion_model_weight_bytes(object_); }
  std::vector<ValueInfo> inputs() const {
    std::vector<ValueInfo> list;
    for (std::size_t i = 0; i < pinion_model_input_count(object_); ++i) list.emplace_back(pinion_model_input(object_, i));
    return list;
  }
  std::vector<ValueInfo> outputs() const {
    std::vector<ValueInfo> list;
    for (std::size_t i = 0; i < pinion_model_output_count(object_); ++i) list.emplace_back(pinion_model_output(object_, i));
    return list;
  }
  /* The graph as text, one line a node. */
  std::string text() const;

  /* Writes the model as an ONNX file; see pinion_model_save(). */
  void save(const std::string &path, const pinion_save_options *options = nullptr) const {
    check(pinion_model_save(object_, path.c_str(), options));
  }

 private:
  Model() = default;
};

namespace detail {
/* The text of a string that the caller owns, which is given back. */
inline std::string take(char *string) {
  std::unique_ptr<char, void (*)(char *)> owner(string, &pinion_string_release);
  return owner.get();
}
}  // namespace detail

inline std::string Model::text() const {
  char *string = nullptr;
  check(pinion_model_text(object_, &string));
  return detail::take(string);
}

using Dims = std::vector<std::int64_t>;

class Value : public Handle<pinion_value, pinion_value_retain, pinion_value_release> {
 public:
  /* An absent value, e.g. an output that a run is to make. */
  Value() = default;
  /* Takes over a reference. */
  explicit Value(pinion_value *object) : Handle(object) {}

  /* A tensor over the caller's memory, which must outlive the value and the runs that take it; const memory as input only. */
  template <class T>
  static Value borrow(T *data, std::size_t count, const Dims &dims) {
    return wrap(data, count, dims, nullptr, nullptr);
  }
  template <class T>
  static Value borrow(std::vector<T> &elements, const Dims &dims) {
    return borrow(elements.data(), elements.size(), dims);
  }
  /* A tensor that takes the vector's memory over, without copying it. */
  template <class T>
  static Value own(std::vector<T> elements, const Dims &dims) {
    static_assert(!std::is_same_v<T, bool>, "a std::vector<bool> has no elements in memory");
    auto owner = std::make_unique<std::vector<T>>(std::move(elements));
    Value value = wrap(
        owner->data(), owner->size(), dims, [](void *, void *vector) { delete static_cast<std::vector<T> *>(vector); },
        owner.get());
    owner.release();
    return value;
  }
  /* A tensor of undefined contents. */
  static Value tensor(ElementType type, const Dims &dims) {
    Value value;
    check(pinion_tensor_create(nullptr, type, rank_of(dims), dims.data(), &value.object_));
    return value;
  }
  template <class T>
  static Value tensor(const Dims &dims) {
    return tensor(element_type_of<T>::value, dims);
  }
  static Value strings(const std::vector<std::string> &items, const Dims &dims) {
    expect(items.size(), dims);
    std::vector<const char *> pointers;
    std::vector<std::size_t> lengths;
    for (const std::string &item : items) {
      pointers.push_back(item.data());
      lengths.push_back(item.size());
    }
    Value value;
    check(pinion_tensor_create_strings(pointers.data(), lengths.data(), rank_of(dims), dims.data(), &value.object_));
    return value;
  }
  static Value sequence(const std::vector<Value> &elements) {
    Value value;
    check(pinion_sequence_create(&value.object_));
    for (const Value &element : elements) check(pinion_sequence_append(value.object_, element.object_));
    return value;
  }
  static Value map(const Value &keys, const Value &values) {
    Value value;
    check(pinion_map_create(keys.object_, values.object_, &value.object_));
    return value;
  }
  /* An empty optional. */
  static Value none() {
    Value value;
    check(pinion_none_create(&value.object_));
    return value;
  }
  /* On success the value owns `managed`. */
  static Value from_dlpack(DLManagedTensor *managed) {
    Value value;
    check(pinion_tensor_from_dlpack(managed, &value.object_));
    return value;
  }
  static Value from_dlpack(DLManagedTensorVersioned *managed) {
    Value value;
    check(pinion_tensor_from_dlpack_versioned(managed, &value.object_));
    return value;
  }

  Value share() const { return Value(retained()); }

  Kind kind() const { return pinion_value_kind(object_); }
  ElementType element_type() const { return pinion_tensor_element_type(object_); }
  Dims dims() const {
    pinion_tensor_view view = describe();
    return view.rank == 0 ? Dims() : Dims(view.dims, view.dims + view.rank);
  }
  /* Everything about a tensor at once. */
  pinion_tensor_view describe() const {
    pinion_tensor_view view = PINION_TENSOR_VIEW_INIT;
    check(pinion_tensor_describe(object_, &view));
    return view;
  }
  /* The elements of a tensor of just this type, valid as long as the value. */
  template <class T>
  Span<T> elements() const {
    static_assert(!std::is_same_v<T, bool> || sizeof(bool) == 1, "a bool is a byte");
    pinion_tensor_view view = describe();
    if (view.element_type != element_type_of<std::remove_const_t<T>>::value)
      throw Error(
          PINION_INVALID_ARGUMENT, std::string("the tensor's elements are ") + pinion_element_type_name(view.element_type) +
                                       ", not " + pinion_element_type_name(element_type_of<std::remove_const_t<T>>::value));
    return Span<T>(static_cast<T *>(view.data), static_cast<std::size_t>(view.element_count));
  }
  /* One string of a tensor of strings, valid as long as the value. */
  std::string_view string(std::int64_t index) const {
    const char *data = nullptr;
    std::size_t length = 0;
    check(pinion_tensor_string(object_, index, &data, &length));
    return std::string_view(data, length);
  }
  /* The number of a sequence's elements. */
  std::size_t count() const { return pinion_sequence_count(object_); }
  /* One element of a sequence. */
  Value at(std::size_t index) const {
    Value element;
    check(pinion_sequence_get(object_, index, &element.object_));
    return element;
  }
  void append(const Value &element) { check(pinion_sequence_append(object_, element.object_)); }
  Value map_keys() const {
    Value keys;
    check(pinion_map_get_keys(object_, &keys.object_));
    return keys;
  }
  Value map_values() const {
    Value values;
    check(pinion_map_get_values(object_, &values.object_));
    return values;
  }
  /* Shares the value's memory; the caller calls the deleter. */
  DLManagedTensor *to_dlpack() const {
    DLManagedTensor *managed = nullptr;
    check(pinion_tensor_to_dlpack(object_, &managed));
    return managed;
  }
  DLManagedTensorVersioned *to_dlpack_versioned() const {
    DLManagedTensorVersioned *managed = nullptr;
    check(pinion_tensor_to_dlpack_versioned(object_, &managed));
    return managed;
  }

 private:
  static std::int32_t rank_of(const Dims &dims) { return static_cast<std::int32_t>(dims.size()); }

  static void expect(std::size_t count, const Dims &dims) {
    std::size_t product = 1;
    bool fits = true;
    for (std::int64_t dim : dims) {
      fits = fits && dim >= 0 && (dim == 0 || product <= SIZE_MAX / static_cast<std::size_t>(dim));
      if (fits) product *= static_cast<std::size_t>(dim);
    }
    if (!fits || product != count)
      throw Error(PINION_INVALID_SHAPE, std::to_string(count) + " elements do not fill the tensor's dimensions");
  }

  template <class T>
  static Value wrap(T *data, std::size_t count, const Dims &dims, pinion_memory_release_fn release, void *context) {
    expect(count, dims);
    Value value;
    check(pinion_tensor_wrap(
        const_cast<std::remove_const_t<T> *>(data), element_type_of<std::remove_const_t<T>>::value, rank_of(dims), dims.data(),
        nullptr, release, context, &value.object_));
    return value;
  }
};

class CancelToken
    : public Handle<pinion_cancel_token, pinion_cancel_token_retain, pinion_cancel_token_release> {
 public:
  CancelToken() { check(pinion_cancel_token_create(&object_)); }
  CancelToken share() const { return CancelToken(retained()); }
  void set() const { pinion_cancel_token_set(object_); }
  void reset() const { pinion_cancel_token_reset(object_); }
  bool is_set() const { return pinion_cancel_token_is_set(object_); }

 private:
  explicit CancelToken(pinion_cancel_token *object) : Handle(object) {}
};

/* Limits of a run; zero means none. */
struct RunOptions {
  std::chrono::nanoseconds timeout{0};
  const CancelToken *cancel_token = nullptr;
  std::int64_t byte_budget = 0;
  std::int64_t step_budget = 0;
  /* Ends the run when it returns anything but 0; see pinion_run_options. */
  pinion_should_stop_fn should_stop = nullptr;
  void *should_stop_context = nullptr;

  pinion_run_options for_c() const {
    pinion_run_options options = PINION_RUN_OPTIONS_INIT;
    options.timeout_ns = timeout.count();
    options.cancel_token = cancel_token ? cancel_token->get() : nullptr;
    options.byte_budget = byte_budget;
    options.step_budget = step_budget;
    options.should_stop = should_stop;
    options.should_stop_context = should_stop_context;
    return options;
  }
};

/* A string in memory of somebody else's. */
using StringView = pinion_string_view;

/* The strings of one output of a Call; its address is what Call::run() takes for that output. */
class StringOutput {
 public:
  explicit StringOutput(std::size_t count) : views_(count), output_{views_.data(), nullptr, nullptr, 0, 0} {}
  StringOutput(const StringOutput &) = delete;
  StringOutput &operator=(const StringOutput &) = delete;
  ~StringOutput() { pinion_value_release(output_.owner); }
  /* For one run; what the run before gave is gone. */
  void *address() {
    pinion_value_release(output_.owner);
    output_.owner = nullptr;
    return &output_;
  }
  std::size_t size() const { return views_.size(); }
  /* Valid as long as the call, the inputs of the run, and this object up to its next run. */
  std::string_view operator[](std::size_t index) const { return {views_[index].data, views_[index].length}; }

 private:
  std::vector<pinion_string_view> views_;
  pinion_string_output output_;
};

/* A run with known types that only takes addresses; see pinion_call_create(). Threads may share one. */
class Call : public Handle<pinion_call, pinion_call_retain, pinion_call_release> {
 public:
  /* Takes over a reference. */
  explicit Call(pinion_call *object) : Handle(object) {}
  Call share() const { return Call(retained()); }
  std::vector<ValueInfo> outputs() const {
    std::vector<ValueInfo> list;
    for (std::size_t i = 0; i < pinion_call_output_count(object_); ++i) list.emplace_back(pinion_call_output(object_, i));
    return list;
  }
  /* The keys of an output that is a table of maps, an empty Value for any other; see pinion_call_output_keys(). */
  Value output_keys(std::size_t index) const {
    return Value(pinion_value_retain(const_cast<pinion_value *>(pinion_call_output_keys(object_, index))));
  }
  /* Whether an output's strings lie in the call; see pinion_call_output_has_own_strings(). */
  bool has_own_strings(std::size_t index) const { return pinion_call_output_has_own_strings(object_, index); }
  /* Reads inputs and writes outputs at these addresses, in the order in which the call was prepared. */
  void run(const void *const *inputs, void *const *outputs) const {
    check(pinion_call_run(object_, nullptr, const_cast<void *const *>(inputs), outputs));
  }
  void run(const void *const *inputs, void *const *outputs, const RunOptions &options) const {
    const pinion_run_options limits = options.for_c();
    check(pinion_call_run(object_, &limits, const_cast<void *const *>(inputs), outputs));
  }
};

/* A named input of a run. The name and the value must live until the run returns. */
struct Input {
  Input(const char *input_name, const Value &input_value) : name(input_name), value(&input_value) {}
  Input(const std::string &input_name, const Value &input_value) : name(input_name.c_str()), value(&input_value) {}
  const char *name;
  const Value *value;
};

/* A named output of a run: written into, or made where the value is absent. */
struct Output {
  Output(const char *output_name, Value &output_value) : name(output_name), value(&output_value) {}
  Output(const std::string &output_name, Value &output_value) : name(output_name.c_str()), value(&output_value) {}
  const char *name;
  Value *value;
};

/* The shape of an input that a plan is asked for. */
struct InputShape {
  InputShape(std::string input_name, Dims input_dims, ElementType input_type = PINION_UNDEFINED)
      : name(std::move(input_name)), dims(std::move(input_dims)), element_type(input_type) {}
  std::string name;
  Dims dims;
  /* PINION_UNDEFINED: the declared type. */
  ElementType element_type;
};

/* What a run with given input shapes would do. */
class Plan : public Handle<pinion_plan, pinion_plan_retain, pinion_plan_release> {
 public:
  /* Takes over a reference. */
  explicit Plan(pinion_plan *object) : Handle(object) {}
  Plan share() const { return Plan(retained()); }
  std::vector<ValueInfo> outputs() const {
    std::vector<ValueInfo> list;
    for (std::size_t i = 0; i < pinion_plan_output_count(object_); ++i) list.emplace_back(pinion_plan_output(object_, i));
    return list;
  }
  bool is_complete() const { return pinion_plan_is_complete(object_); }
  std::int64_t peak_bytes() const { return pinion_plan_peak_bytes(object_); }
  std::int64_t flops() const { return pinion_plan_flops(object_); }
};

/* A pair of an input and the output that is this input in the next run. */
struct StatePair {
  std::string input;
  std::string output;
};

/* Values that a session keeps from run to run; see pinion_state_create(). One call at a time; a copy is fork(). */
class State : public Handle<pinion_state, pinion_state_retain, pinion_state_release> {
 public:
  /* Takes over a reference. */
  explicit State(pinion_state *object) : Handle(object) {}
  State share() const { return State(retained()); }

  /* What it holds. */
  std::vector<StatePair> pairs() const {
    std::vector<StatePair> list;
    for (std::size_t i = 0; i < pinion_state_pair_count(object_); ++i)
      list.push_back({pinion_value_info_name(pinion_state_pair_input(object_, i)), pinion_value_info_name(pinion_state_pair_output(object_, i))});
    return list;
  }
  /* Whether new positions of a pair's value are written behind the earlier ones. */
  bool is_appended(std::size_t pair) const { return pinion_state_pair_is_appended(object_, pair); }

  /* Runs the model for the named outputs: into those that have a value, and makes the others. */
  void run_into(const std::vector<Input> &inputs, const std::vector<Output> &outputs, const RunOptions &options = RunOptions()) const {
    std::vector<const char *> names, output_names;
    std::vector<pinion_value *> values, results;
    for (const Input &input : inputs) {
      names.push_back(input.name);
      values.push_back(input.value->get());
    }
    for (const Output &output : outputs) {
      output_names.push_back(output.name);
      results.push_back(output.value->get());
    }
    const pinion_run_options limits = options.for_c();
    check(pinion_state_run(object_, &limits, names.size(), names.data(), values.data(), outputs.size(), output_names.data(), results.data()));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (!*outputs[i].value) *outputs[i].value = Value(results[i]);
  }

  /* The positions that growing values hold; -1 where nothing grows. */
  std::int64_t length() const { return pinion_state_length(object_); }
  std::int64_t bytes() const { return pinion_state_bytes(object_); }
  /* The bytes of its values that the last run wrote. */
  std::int64_t moved_bytes() const { return pinion_state_moved_bytes(object_); }

  void reset() const { check(pinion_state_reset(object_)); }
  void truncate(std::int64_t length) const { check(pinion_state_truncate(object_, length)); }
  /* A state of its own with a copy of all that this one holds. */
  State fork() const {
    pinion_state *made = nullptr;
    check(pinion_state_fork(object_, &made));
    return State(made);
  }
  /* A copy of what is held for an input. */
  Value get(const std::string &input) const {
    pinion_value *value = nullptr;
    check(pinion_state_get(object_, input.c_str(), &value));
    return Value(value);
  }
  /* Holds a copy of a tensor for an input. */
  void set(const std::string &input, const Value &value) const { check(pinion_state_set(object_, input.c_str(), value.get())); }
};

class Session : public Handle<pinion_session, pinion_session_retain, pinion_session_release> {
 public:
  /* Takes over a reference. */
  explicit Session(pinion_session *object) : Handle(object) {}
  explicit Session(const Model &model) { check(pinion_session_create(model.get(), nullptr, &object_)); }
  Session(const Model &model, const pinion_session_options &options) {
    check(pinion_session_create(model.get(), &options, &object_));
  }

  Session share() const { return Session(retained()); }

  std::vector<ValueInfo> inputs() const {
    std::vector<ValueInfo> list;
    for (std::size_t i = 0; i < pinion_session_input_count(object_); ++i) list.emplace_back(pinion_session_input(object_, i));
    return list;
  }
  std::vector<ValueInfo> outputs() const {
    std::vector<ValueInfo> list;
    for (std::size_t i = 0; i < pinion_session_output_count(object_); ++i) list.emplace_back(pinion_session_output(object_, i));
    return list;
  }

  /* Runs the model; returns all outputs in the model's order. */
  std::vector<Value> run(const std::vector<Input> &inputs, const RunOptions &options = RunOptions()) const {
    std::vector<pinion_value *> made(pinion_session_output_count(object_), nullptr);
    std::vector<Value> outputs(made.size());
    execute(inputs, options, made.size(), nullptr, made.data());
    for (std::size_t i = 0; i < made.size(); ++i) outputs[i] = Value(made[i]);
    return outputs;
  }

  /* Runs the model for the named outputs: into those that have a value, and makes the others. */
  void run_into(
      const std::vector<Input> &inputs, const std::vector<Output> &outputs, const RunOptions &options = RunOptions()) const {
    std::vector<const char *> names;
    std::vector<pinion_value *> values;
    for (const Output &output : outputs) {
      names.push_back(output.name);
      values.push_back(output.value->get());
    }
    execute(inputs, options, outputs.size(), names.data(), values.data());
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (!*outputs[i].value) *outputs[i].value = Value(values[i]);
  }

  /* Plans for these input shapes and all outputs, and packs weights, so that the first run is as fast as those after it. */
  void prepare_run(const std::vector<InputShape> &inputs, const RunOptions &options = RunOptions()) const {
    const std::vector<pinion_input_shape> shapes = shapes_of(inputs);
    const pinion_run_options limits = options.for_c();
    check(pinion_session_prepare(
        object_, &limits, shapes.size(), shapes.data(), pinion_session_output_count(object_), nullptr));
  }

  /* Prepares calls with these input shapes for all outputs, which take addresses. */
  Call prepare(const std::vector<InputShape> &inputs) const {
    const std::vector<pinion_input_shape> shapes = shapes_of(inputs);
    pinion_call *call = nullptr;
    check(pinion_call_create(
        object_, shapes.size(), shapes.data(), pinion_session_output_count(object_), nullptr, &call));
    return Call(call);
  }

  /* The same, with a table in the place of an output that is a sequence of maps; see pinion_call_create_with_tables(). */
  Call prepare_with_tables(const std::vector<InputShape> &inputs) const {
    const std::vector<pinion_input_shape> shapes = shapes_of(inputs);
    pinion_call *call = nullptr;
    check(pinion_call_create_with_tables(
        object_, shapes.size(), shapes.data(), pinion_session_output_count(object_), nullptr, &call));
    return Call(call);
  }

  /* The same, also for strings: an input is an array of StringView, an output a StringOutput; see pinion_call_options. */
  Call prepare_with_strings(const std::vector<InputShape> &inputs, bool tables = false) const {
    const std::vector<pinion_input_shape> shapes = shapes_of(inputs);
    pinion_call_options options = PINION_CALL_OPTIONS_INIT;
    options.tables = tables ? 1 : 0;
    options.strings = 1;
    pinion_call *call = nullptr;
    check(pinion_call_create_with_options(
        object_, &options, shapes.size(), shapes.data(), pinion_session_output_count(object_), nullptr, &call));
    return Call(call);
  }

  /* Values that stay from run to run: these pairs, or those that the model's names tell, made within these limits. */
  State state(const std::vector<StatePair> &pairs = {}, std::int64_t capacity = 0, const RunOptions &options = RunOptions()) const {
    std::vector<const char *> inputs, outputs;
    for (const StatePair &pair : pairs) {
      inputs.push_back(pair.input.c_str());
      outputs.push_back(pair.output.c_str());
    }
    const pinion_run_options limits = options.for_c();
    pinion_state *state = nullptr;
    check(pinion_state_create_with_options(object_, &limits, pairs.size(), inputs.data(), outputs.data(), capacity, &state));
    return State(state);
  }

  /* What a run with these input shapes would do, found out within these limits. */
  Plan plan(const std::vector<InputShape> &inputs, const RunOptions &options = RunOptions()) const {
    const std::vector<pinion_input_shape> shapes = shapes_of(inputs);
    const pinion_run_options limits = options.for_c();
    pinion_plan *plan = nullptr;
    check(pinion_session_plan_with_options(object_, &limits, shapes.size(), shapes.data(), &plan));
    return Plan(plan);
  }

  std::int64_t trim() const { return pinion_session_trim(object_); }

  std::string profile_json() const {
    char *json = nullptr;
    check(pinion_session_profile_json(object_, &json));
    return detail::take(json);
  }
  std::string profile_trace() const {
    char *json = nullptr;
    check(pinion_session_profile_trace(object_, &json));
    return detail::take(json);
  }
  void reset_profile() const { pinion_session_profile_reset(object_); }

 private:
  static std::vector<pinion_input_shape> shapes_of(const std::vector<InputShape> &inputs) {
    std::vector<pinion_input_shape> shapes;
    for (const InputShape &input : inputs)
      shapes.push_back(
          {input.name.c_str(), nullptr, input.element_type, static_cast<std::int32_t>(input.dims.size()), input.dims.data()});
    return shapes;
  }

  void execute(
      const std::vector<Input> &inputs, const RunOptions &options, std::size_t output_count, const char *const *output_names,
      pinion_value **outputs) const {
    std::vector<const char *> names;
    std::vector<pinion_value *> values;
    for (const Input &input : inputs) {
      names.push_back(input.name);
      values.push_back(input.value->get());
    }
    const pinion_run_options limits = options.for_c();
    check(pinion_session_run(
        object_, &limits, names.size(), names.data(), values.data(), output_count, output_names, outputs));
  }
};

/* A value of a graph that grows; see pinion_graph_value. */
class GraphValue {
 public:
  /* None: an input that is absent. */
  GraphValue() = default;
  explicit GraphValue(pinion_graph_value number) : number_(number) {}
  pinion_graph_value get() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ != 0; }

 private:
  pinion_graph_value number_ = 0;
};

class Graph;

/* The attributes of a node: Attributes().set("axis", 1).set("mode", "linear"). */
class Attributes : public Handle<pinion_attributes, pinion_attributes_retain, pinion_attributes_release> {
 public:
  Attributes() { check(pinion_attributes_create(&object_)); }

  /* Any integer is an INT, any floating-point number a FLOAT. */
  template <class T, std::enable_if_t<std::is_arithmetic_v<T> || std::is_enum_v<T>, int> = 0>
  Attributes &set(const char *name, T number) {
    if constexpr (std::is_floating_point_v<T>)
      check(pinion_attributes_set_float(object_, name, static_cast<float>(number)));
    else
      check(pinion_attributes_set_int(object_, name, static_cast<std::int64_t>(number)));
    return *this;
  }
  Attributes &set(const char *name, std::string_view text) {
    check(pinion_attributes_set_string(object_, name, text.data(), text.size()));
    return *this;
  }
  Attributes &set(const char *name, const std::vector<std::int64_t> &numbers) {
    check(pinion_attributes_set_ints(object_, name, numbers.data(), numbers.size()));
    return *this;
  }
  Attributes &set(const char *name, const std::vector<float> &numbers) {
    check(pinion_attributes_set_floats(object_, name, numbers.data(), numbers.size()));
    return *this;
  }
  Attributes &set(const char *name, const std::vector<std::string> &texts) {
    std::vector<const char *> pointers;
    for (const std::string &text : texts) pointers.push_back(text.c_str());
    check(pinion_attributes_set_strings(object_, name, pointers.data(), pointers.size()));
    return *this;
  }
  Attributes &set(const char *name, const Value &tensor) {
    check(pinion_attributes_set_tensor(object_, name, tensor.get()));
    return *this;
  }
  Attributes &set(const char *name, const std::vector<const Value *> &tensors) {
    std::vector<pinion_value *> values;
    for (const Value *tensor : tensors) values.push_back(tensor->get());
    check(pinion_attributes_set_tensors(object_, name, values.data(), values.size()));
    return *this;
  }
  Attributes &set(const char *name, const Graph &subgraph);
  /* A type, e.g. "seq(float32[?])". */
  Attributes &set_type(const char *name, const std::string &type) {
    check(pinion_attributes_set_type(object_, name, type.c_str()));
    return *this;
  }
};

/* What a node is, besides its operator, inputs and attributes. */
struct NodeOptions {
  std::string name;
  /* Empty for the standard operators. */
  std::string domain;
  /* 0 for the graph's. */
  std::int64_t opset = 0;
  std::size_t outputs = 1;
  /* Empty, or a name for each output; an empty one is of an output that is not wanted. */
  std::vector<std::string> output_names;
};

/* A dimension of a graph's input: a size, or a name for one that is open. */
struct GraphDimension {
  GraphDimension(std::int64_t dim_size) : size(dim_size) {}
  GraphDimension(int dim_size) : size(dim_size) {}
  GraphDimension(const char *dim_name) : size(-1), name(dim_name) {}
  std::int64_t size;
  std::string name;
};

/* A graph that is made in code; see pinion_graph_create(). */
class Graph : public Handle<pinion_graph, pinion_graph_retain, pinion_graph_release> {
 public:
  explicit Graph(const std::string &name = "", std::int64_t opset = 0) {
    pinion_graph_options options = PINION_GRAPH_OPTIONS_INIT;
    options.name = name.c_str();
    options.opset = opset;
    check(pinion_graph_create(&options, &object_));
  }
  explicit Graph(const pinion_graph_options &options) { check(pinion_graph_create(&options, &object_)); }
  /* Takes over a reference. */
  explicit Graph(pinion_graph *object) : Handle(object) {}

  Graph share() const { return Graph(retained()); }

  /* A graph for an attribute of a node that is added to this one next. */
  Graph subgraph(const std::string &name = "") const {
    pinion_graph *inner = nullptr;
    check(pinion_graph_create_subgraph(object_, name.c_str(), &inner));
    return Graph(inner);
  }
  void set_opset(const std::string &domain, std::int64_t version) const {
    check(pinion_graph_set_opset(object_, domain.c_str(), version));
  }
  void set_metadata(const std::string &key, const std::string &text) const {
    check(pinion_graph_set_metadata(object_, key.c_str(), text.c_str()));
  }

  GraphValue input(const std::string &name, ElementType type, const std::vector<GraphDimension> &dims) const {
    Dims sizes;
    std::vector<const char *> names;
    for (const GraphDimension &dim : dims) {
      sizes.push_back(dim.size);
      names.push_back(dim.name.empty() ? nullptr : dim.name.c_str());
    }
    pinion_graph_value value = 0;
    check(pinion_graph_add_input(
        object_, name.c_str(), type, static_cast<std::int32_t>(sizes.size()), sizes.data(), names.data(), &value));
    return GraphValue(value);
  }
  /* An input of any type, e.g. "seq(float32[?])" or "float32[...]". */
  GraphValue input(const std::string &name, const std::string &type) const {
    pinion_graph_value value = 0;
    check(pinion_graph_add_input_of_type(object_, name.c_str(), type.c_str(), &value));
    return GraphValue(value);
  }
  /* An input that a run may leave out. */
  GraphValue input_with_default(const std::string &name, const Value &contents, bool copy = true) const {
    pinion_graph_value value = 0;
    check(pinion_graph_add_input_with_default(object_, name.c_str(), contents.get(), copy, &value));
    return GraphValue(value);
  }
  /* Without `copy` the value's memory is shared, and nobody may write to it. */
  GraphValue constant(const Value &contents, const std::string &name = "", bool copy = true) const {
    pinion_graph_value value = 0;
    check(pinion_graph_add_constant(object_, name.c_str(), contents.get(), copy, &value));
    return GraphValue(value);
  }

  /* Adds a node of one output. */
  GraphValue node(const std::string &op, const std::vector<GraphValue> &inputs) const { return add(op, inputs, nullptr, {})[0]; }
  GraphValue node(const std::string &op, const std::vector<GraphValue> &inputs, const Attributes &attributes) const {
    return add(op, inputs, attributes.get(), {})[0];
  }
  /* Adds a node, and gives all its outputs. */
  std::vector<GraphValue> nodes(
      const std::string &op, const std::vector<GraphValue> &inputs, const Attributes &attributes, const NodeOptions &options) const {
    return add(op, inputs, attributes.get(), options);
  }

  /* An empty name is the value's own. */
  void output(GraphValue value, const std::string &name = "") const {
    check(pinion_graph_add_output(object_, value.get(), name.c_str()));
  }
  /* Name and type of a value, as far as the type is known; lives as long as the graph. */
  ValueInfo info(GraphValue value) const {
    const pinion_value_info *info = pinion_graph_value_info(object_, value.get());
    if (!info) throw Error(PINION_NOT_FOUND, "the value is none of this graph or of those around it");
    return ValueInfo(info);
  }
  std::string text() const {
    char *string = nullptr;
    check(pinion_graph_text(object_, &string));
    return detail::take(string);
  }
  /* A model of what the graph has come to. */
  Model model(const pinion_model_options *options = nullptr) const {
    pinion_model *model = nullptr;
    check(pinion_model_create(object_, options, &model));
    return Model(model);
  }

 private:
  std::vector<GraphValue> add(
      const std::string &op, const std::vector<GraphValue> &inputs, const pinion_attributes *attributes,
      const NodeOptions &options) const {
    pinion_node_options node = PINION_NODE_OPTIONS_INIT;
    node.name = options.name.c_str();
    node.domain = options.domain.c_str();
    node.opset = options.opset;
    node.attributes = attributes;
    std::vector<pinion_graph_value> operands;
    for (GraphValue input : inputs) operands.push_back(input.get());
    std::vector<const char *> names;
    for (const std::string &name : options.output_names) names.push_back(name.c_str());
    if (!names.empty()) node.output_names = names.data();
    std::vector<pinion_graph_value> made(names.empty() ? options.outputs : names.size(), 0);
    check(pinion_graph_add_node(object_, op.c_str(), &node, operands.size(), operands.data(), made.size(), made.data()));
    std::vector<GraphValue> values;
    for (pinion_graph_value value : made) values.push_back(GraphValue(value));
    return values;
  }
};

inline Attributes &Attributes::set(const char *name, const Graph &subgraph) {
  check(pinion_attributes_set_graph(object_, name, subgraph.get()));
  return *this;
}

/* The version of the library as "major.minor.patch". */
inline std::string version() { return pinion_version_string(); }

/* A device that sessions may be made for; see SessionOptions::device. */
struct Device {
  std::string name;
  std::string description;
  /* Why no session can be made for it; empty if one can. */
  std::string why_not;
};

/* The processor and the GPUs of this machine. */
inline std::vector<Device> devices() {
  std::vector<Device> result;
  for (std::size_t i = 0; i < pinion_device_count(); ++i) {
    const char *name = pinion_device_name(i);
    result.push_back({name, pinion_device_description(i), pinion_device_why_not(name)});
  }
  return result;
}

/* Why no session can be made for a device of that name, e.g. "cuda:0"; empty if one can. */
inline std::string device_why_not(const std::string &name) { return pinion_device_why_not(name.c_str()); }

/* Throws if the library is older than this header. */
inline void check_version() { check(pinion_abi_check(PINION_ABI_VERSION)); }

}  // namespace pinion

#endif
