// Prints the canonical dump of ONNX files as libprotobuf reads them; see README.md.
#include <onnx/onnx-data.pb.h>
#include <onnx/onnx-ml.pb.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace {

using onnx::TensorProto;

struct Hash {
  uint64_t value = 0xcbf29ce484222325u;
  void add(const void *data, size_t count) {
    auto bytes = static_cast<const unsigned char *>(data);
    for (size_t i = 0; i < count; ++i) value = (value ^ bytes[i]) * 0x100000001b3u;
  }
  std::string text() const {
    char digits[17];
    snprintf(digits, sizeof digits, "%016" PRIx64, value);
    return digits;
  }
};

std::string hashed(const std::string &bytes) {
  Hash hash;
  hash.add(bytes.data(), bytes.size());
  return std::to_string(bytes.size()) + ":" + hash.text();
}

template <class T, class List> std::string hashedNumbers(const List &list) {
  Hash hash;
  for (T number : list) hash.add(&number, sizeof number);
  return std::to_string(list.size()) + ":" + hash.text();
}

template <class List> std::string hashedStrings(const List &list) {
  Hash hash;
  for (const std::string &bytes : list) {
    uint64_t length = bytes.size();
    hash.add(&length, sizeof length);
    hash.add(bytes.data(), bytes.size());
  }
  return std::to_string(list.size()) + ":" + hash.text();
}

std::string escaped(const std::string &bytes) {
  std::string text;
  for (unsigned char byte : bytes) {
    if (byte > 0x20 && byte < 0x7f && byte != '\\' && byte != '"' && byte != ',') {
      text += static_cast<char>(byte);
    } else {
      char digits[5];
      snprintf(digits, sizeof digits, "\\x%02x", byte);
      text += digits;
    }
  }
  return text;
}

template <class List> std::string names(const List &list) {
  std::string text;
  for (const std::string &name : list) text += (&name == &list[0] ? "" : ",") + escaped(name);
  return "[" + text + "]";
}

template <class List> std::string numbers(const List &list) {
  std::string text = "[";
  for (int64_t number : list) text += (text.size() > 1 ? "," : "") + std::to_string(number);
  return text + "]";
}

std::string floatBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  char digits[9];
  snprintf(digits, sizeof digits, "%08x", bits);
  return digits;
}

int bitWidth(int type) {
  switch (type) {
  case TensorProto::UINT2: case TensorProto::INT2: return 2;
  case TensorProto::UINT4: case TensorProto::INT4: case TensorProto::FLOAT4E2M1: return 4;
  case TensorProto::FLOAT6E2M3: case TensorProto::FLOAT6E3M2: return 6;
  case TensorProto::UINT16: case TensorProto::INT16: case TensorProto::FLOAT16: case TensorProto::BFLOAT16: return 16;
  case TensorProto::FLOAT: case TensorProto::INT32: case TensorProto::UINT32: return 32;
  case TensorProto::DOUBLE: case TensorProto::INT64: case TensorProto::UINT64: case TensorProto::COMPLEX64: return 64;
  case TensorProto::COMPLEX128: return 128;
  case TensorProto::STRING: case TensorProto::UNDEFINED: return 0;
  default: return TensorProto::DataType_IsValid(type) ? 8 : 0;
  }
}

template <class T, class List> std::string bytesOf(const List &list) {
  std::string bytes;
  for (auto value : list) {
    T element = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char *>(&element), sizeof element);
  }
  return bytes;
}

std::optional<std::string> externalBytes(const TensorProto &tensor, const std::string &folder, size_t needed) {
  std::string location;
  uint64_t offset = 0;
  for (const auto &entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = strtoull(entry.value().c_str(), nullptr, 10);
    if (entry.key() == "length" && strtoull(entry.value().c_str(), nullptr, 10) != needed) return std::nullopt;
  }
  std::ifstream file(folder + "/" + location, std::ios::binary);
  std::string bytes(needed, '\0');
  if (!file.seekg(offset) || !file.read(bytes.data(), needed)) return std::nullopt;
  return bytes;
}

std::optional<std::string> elements(const TensorProto &tensor, const std::string &folder) {
  unsigned __int128 count = 1;
  for (int64_t dimension : tensor.dims()) {
    if (dimension < 0 || (count *= dimension) >> 56) return std::nullopt;
  }
  int width = bitWidth(tensor.data_type());
  if (width == 0 || tensor.has_segment()) return std::nullopt;
  size_t needed = static_cast<size_t>((count * width + 7) / 8);
  std::string bytes;
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    auto external = externalBytes(tensor, folder, needed);
    if (!external) return std::nullopt;
    bytes = *external;
  } else if (tensor.has_raw_data()) {
    bytes = tensor.raw_data();
  } else {
    switch (tensor.data_type()) {
    case TensorProto::FLOAT: case TensorProto::COMPLEX64: bytes = bytesOf<float>(tensor.float_data()); break;
    case TensorProto::DOUBLE: case TensorProto::COMPLEX128: bytes = bytesOf<double>(tensor.double_data()); break;
    case TensorProto::INT64: bytes = bytesOf<int64_t>(tensor.int64_data()); break;
    case TensorProto::UINT64: bytes = bytesOf<uint64_t>(tensor.uint64_data()); break;
    case TensorProto::UINT32: bytes = bytesOf<uint32_t>(tensor.uint64_data()); break;
    case TensorProto::BOOL: bytes = bytesOf<bool>(tensor.int32_data()); break;
    case TensorProto::FLOAT6E2M3: case TensorProto::FLOAT6E3M2: {
      if (static_cast<unsigned __int128>(tensor.int32_data_size()) != count) return std::nullopt;
      std::vector<bool> bits;
      for (int32_t value : tensor.int32_data()) {
        for (int bit = 0; bit < 6; ++bit) bits.push_back(value >> bit & 1);
      }
      bytes.assign(needed, '\0');
      for (size_t bit = 0; bit < bits.size(); ++bit) bytes[bit / 8] |= static_cast<char>(bits[bit] << bit % 8);
      break;
    }
    default:
      bytes = width == 32 ? bytesOf<int32_t>(tensor.int32_data())
            : width == 16 ? bytesOf<int16_t>(tensor.int32_data()) : bytesOf<int8_t>(tensor.int32_data());
    }
  }
  if (bytes.size() != needed) return std::nullopt;
  if (tensor.data_type() == TensorProto::BOOL) {
    for (char &byte : bytes) byte = byte != 0;
  }
  return bytes;
}

struct Dump {
  std::string out;
  std::string folder;

  void line(const std::string &text) { out += text + "\n"; }

  void tensor(const char *role, const TensorProto &tensor) {
    std::string text = std::string(role) + " " + escaped(tensor.name()) + " type=" + std::to_string(tensor.data_type()) + " dims=" +
                       numbers(tensor.dims()) + (tensor.data_location() == TensorProto::EXTERNAL ? " external" : "") + " data=";
    if (tensor.data_type() == TensorProto::STRING) {
      unsigned __int128 count = 1;
      for (int64_t dimension : tensor.dims()) count = dimension < 0 || count >> 56 ? ~0u : count * dimension;
      bool fits = static_cast<unsigned __int128>(tensor.string_data_size()) == count;
      text += fits ? hashedStrings(tensor.string_data()) : "invalid";
    } else {
      auto bytes = elements(tensor, folder);
      text += bytes ? hashed(*bytes) : "invalid";
    }
    line(text);
  }

  void sparse(const char *role, const onnx::SparseTensorProto &sparse) {
    line(std::string(role) + " dims=" + numbers(sparse.dims()));
    if (sparse.has_values()) tensor("values", sparse.values());
    if (sparse.has_indices()) tensor("indices", sparse.indices());
  }

  template <class T> static std::string tensorType(const char *word, const T &type) {
    std::string text = std::string(word) + "(" + std::to_string(type.elem_type());
    if (type.has_shape()) {
      text += ",[";
      bool first = true;
      for (const auto &dimension : type.shape().dim()) {
        if (!first) text += ",";
        first = false;
        if (dimension.has_dim_value()) text += std::to_string(dimension.dim_value());
        else if (!dimension.dim_param().empty()) text += "\"" + escaped(dimension.dim_param()) + "\"";
        else text += "?";
      }
      text += "]";
    }
    return text + ")";
  }

  static std::string typeText(const onnx::TypeProto &type) {
    switch (type.value_case()) {
    case onnx::TypeProto::kTensorType: return tensorType("tensor", type.tensor_type());
    case onnx::TypeProto::kSparseTensorType: return tensorType("sparse", type.sparse_tensor_type());
    case onnx::TypeProto::kSequenceType: return "sequence(" + typeText(type.sequence_type().elem_type()) + ")";
    case onnx::TypeProto::kOptionalType: return "optional(" + typeText(type.optional_type().elem_type()) + ")";
    case onnx::TypeProto::kMapType:
      return "map(" + std::to_string(type.map_type().key_type()) + "," + typeText(type.map_type().value_type()) + ")";
    case onnx::TypeProto::kOpaqueType:
      return "opaque(" + escaped(type.opaque_type().domain()) + "," + escaped(type.opaque_type().name()) + ")";
    default: return "undefined";
    }
  }

  template <class List> void values(const char *role, const List &list) {
    for (const auto &value : list) {
      line(std::string(role) + " " + escaped(value.name()) + " " + (value.has_type() ? typeText(value.type()) : "none"));
    }
  }

  static int kind(const onnx::AttributeProto &a) {
    if (a.type() != onnx::AttributeProto::UNDEFINED) return a.type();
    if (a.has_f()) return onnx::AttributeProto::FLOAT;
    if (a.has_i()) return onnx::AttributeProto::INT;
    if (a.has_s()) return onnx::AttributeProto::STRING;
    if (a.has_t()) return onnx::AttributeProto::TENSOR;
    if (a.has_g()) return onnx::AttributeProto::GRAPH;
    if (a.floats_size()) return onnx::AttributeProto::FLOATS;
    if (a.ints_size()) return onnx::AttributeProto::INTS;
    if (a.strings_size()) return onnx::AttributeProto::STRINGS;
    if (a.tensors_size()) return onnx::AttributeProto::TENSORS;
    if (a.graphs_size()) return onnx::AttributeProto::GRAPHS;
    if (a.has_sparse_tensor()) return onnx::AttributeProto::SPARSE_TENSOR;
    if (a.sparse_tensors_size()) return onnx::AttributeProto::SPARSE_TENSORS;
    if (a.has_tp()) return onnx::AttributeProto::TYPE_PROTO;
    return a.type_protos_size() ? onnx::AttributeProto::TYPE_PROTOS : onnx::AttributeProto::UNDEFINED;
  }

  void attribute(const onnx::AttributeProto &a) {
    line("attribute " + escaped(a.name()) + " kind=" + std::to_string(kind(a)) + " ref=" + escaped(a.ref_attr_name()) + " f=" +
         floatBits(a.f()) + " i=" + std::to_string(a.i()) + " s=" + (a.has_s() ? hashed(a.s()) : "-") + " floats=" +
         hashedNumbers<float>(a.floats()) + " ints=" + hashedNumbers<int64_t>(a.ints()) + " strings=" + hashedStrings(a.strings()));
    if (a.has_t()) tensor("t", a.t());
    if (a.has_g()) graph(a.g());
    if (a.has_sparse_tensor()) sparse("sparse", a.sparse_tensor());
    if (a.has_tp()) line("tp " + typeText(a.tp()));
    for (const auto &element : a.tensors()) tensor("tensors", element);
    for (const auto &element : a.graphs()) graph(element);
    for (const auto &element : a.sparse_tensors()) sparse("sparses", element);
    for (const auto &element : a.type_protos()) line("types " + typeText(element));
  }

  template <class List> void nodes(const List &list) {
    for (const auto &node : list) {
      line("node " + escaped(node.name()) + " " + escaped(node.domain()) + "::" + escaped(node.op_type()) + ":" +
           escaped(node.overload()) + " " + names(node.input()) + " -> " + names(node.output()));
      for (const auto &a : node.attribute()) attribute(a);
    }
  }

  template <class List> void entries(const List &list) {
    for (const auto &entry : list) line("metadata " + escaped(entry.key()) + " " + hashed(entry.value()));
  }

  template <class List> void opsets(const List &list) {
    for (const auto &opset : list) line("opset " + escaped(opset.domain()) + " " + std::to_string(opset.version()));
  }

  void graph(const onnx::GraphProto &graph) {
    line("graph " + escaped(graph.name()) + " doc=" + hashed(graph.doc_string()));
    values("input", graph.input());
    values("output", graph.output());
    values("inner", graph.value_info());
    for (const auto &element : graph.initializer()) tensor("initializer", element);
    for (const auto &element : graph.sparse_initializer()) sparse("sparse-initializer", element);
    nodes(graph.node());
    entries(graph.metadata_props());
    line("end");
  }

  void function(const onnx::FunctionProto &f) {
    line("function " + escaped(f.domain()) + "::" + escaped(f.name()) + ":" + escaped(f.overload()) + " " + names(f.input()) + " -> " +
         names(f.output()) + " attributes=" + names(f.attribute()));
    for (const auto &a : f.attribute_proto()) attribute(a);
    opsets(f.opset_import());
    values("inner", f.value_info());
    nodes(f.node());
    line("end");
  }

  void model(const onnx::ModelProto &model) {
    line("model ir=" + std::to_string(model.ir_version()) + " version=" + std::to_string(model.model_version()) + " domain=" +
         escaped(model.domain()) + " producer=" + escaped(model.producer_name()) + " producer_version=" +
         escaped(model.producer_version()) + " doc=" + hashed(model.doc_string()));
    opsets(model.opset_import());
    entries(model.metadata_props());
    for (const auto &f : model.functions()) function(f);
    if (model.has_graph()) graph(model.graph());
  }

  static int contained(int type) { return onnx::SequenceProto::DataType_IsValid(type) ? type : 0; }

  void sequence(const onnx::SequenceProto &s) {
    line("sequence " + escaped(s.name()) + " kind=" + std::to_string(contained(s.elem_type())));
    for (const auto &element : s.tensor_values()) tensor("tensor", element);
    for (const auto &element : s.sparse_tensor_values()) sparse("sparse", element);
    for (const auto &element : s.sequence_values()) sequence(element);
    for (const auto &element : s.map_values()) map(element);
    for (const auto &element : s.optional_values()) optional(element);
    line("end");
  }

  void optional(const onnx::OptionalProto &o) {
    line("optional " + escaped(o.name()) + " kind=" + std::to_string(contained(o.elem_type())));
    if (o.has_tensor_value()) tensor("tensor", o.tensor_value());
    if (o.has_sparse_tensor_value()) sparse("sparse", o.sparse_tensor_value());
    if (o.has_sequence_value()) sequence(o.sequence_value());
    if (o.has_map_value()) map(o.map_value());
    if (o.has_optional_value()) optional(o.optional_value());
    line("end");
  }

  void map(const onnx::MapProto &m) {
    line("map " + escaped(m.name()) + " key=" + std::to_string(m.key_type()) + " keys=" + hashedNumbers<int64_t>(m.keys()) +
         " strings=" + hashedStrings(m.string_keys()));
    if (m.has_values()) sequence(m.values());
    line("end");
  }
};

std::string dump(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.empty()) return "unreadable\n";
  Dump dump;
  size_t slash = path.rfind('/');
  dump.folder = slash == std::string::npos ? "." : path.substr(0, slash);
  auto parsed = [&](const char *word, auto message, auto print) {
    if (message.ParseFromString(bytes)) print(message);
    else dump.line(std::string("not a ") + word);
  };
  if (path.size() > 3 && path.compare(path.size() - 3, 3, ".pb") == 0) {
    parsed("tensor", TensorProto(), [&](auto &message) { dump.tensor("tensor", message); });
    parsed("sequence", onnx::SequenceProto(), [&](auto &message) { dump.sequence(message); });
    parsed("optional", onnx::OptionalProto(), [&](auto &message) { dump.optional(message); });
    parsed("map", onnx::MapProto(), [&](auto &message) { dump.map(message); });
  } else {
    parsed("model", onnx::ModelProto(), [&](auto &message) { dump.model(message); });
  }
  return dump.out;
}

} // namespace

int main(int argc, char **argv) {
  bool digest = argc > 1 && strcmp(argv[1], "--digest") == 0;
  for (int i = digest ? 2 : 1; i < argc; ++i) {
    std::string text = dump(argv[i]);
    if (digest) printf("%s %s\n", hashed(text).c_str(), argv[i]);
    else fwrite(text.data(), 1, text.size(), stdout);
  }
  return 0;
}
