/*
 * Small ONNX models, written byte by byte in protobuf's wire format, so that these programs need no other library.
 * The field numbers are those of onnx.proto.
 */
#ifndef MODELS_H
#define MODELS_H

#include <stdint.h>
#include <string.h>

typedef struct buffer {
  unsigned char bytes[4096];
  size_t size;
} buffer;

static inline void put_varint(buffer *b, uint64_t value) {
  while (value >= 0x80) {
    b->bytes[b->size++] = (unsigned char)(value | 0x80);
    value >>= 7;
  }
  b->bytes[b->size++] = (unsigned char)value;
}

static inline void put_number(buffer *b, int field, uint64_t value) {
  put_varint(b, (uint64_t)field << 3);
  put_varint(b, value);
}

static inline void put_bytes(buffer *b, int field, const void *bytes, size_t size) {
  put_varint(b, (uint64_t)field << 3 | 2);
  put_varint(b, size);
  if (size) memcpy(b->bytes + b->size, bytes, size);
  b->size += size;
}

static inline void put_string(buffer *b, int field, const char *string) { put_bytes(b, field, string, strlen(string)); }

static inline void put_message(buffer *b, int field, const buffer *message) {
  put_bytes(b, field, message->bytes, message->size);
}

/* TypeProto of a tensor; a dimension of -1 is the symbol "n". */
static inline buffer tensor_type(int element_type, int rank, const int64_t *dims) {
  buffer shape = {{0}, 0}, tensor = {{0}, 0}, type = {{0}, 0};
  int axis;
  for (axis = 0; axis < rank; ++axis) {
    buffer dim = {{0}, 0};
    if (dims[axis] < 0)
      put_string(&dim, 2, "n");
    else
      put_number(&dim, 1, (uint64_t)dims[axis]);
    put_message(&shape, 1, &dim);
  }
  put_number(&tensor, 1, (uint64_t)element_type);
  put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  return type;
}

/* TypeProto of a sequence of tensors of unknown shape. */
static inline buffer sequence_type(int element_type) {
  buffer tensor = {{0}, 0}, inner = {{0}, 0}, sequence = {{0}, 0}, type = {{0}, 0};
  put_number(&tensor, 1, (uint64_t)element_type);
  put_message(&inner, 1, &tensor);
  put_message(&sequence, 1, &inner);
  put_message(&type, 4, &sequence);
  return type;
}

/* Field 11: input, 12: output of a GraphProto. */
static inline void put_value(buffer *graph, int field, const char *name, buffer type) {
  buffer info = {{0}, 0};
  put_string(&info, 1, name);
  put_message(&info, 2, &type);
  put_message(graph, field, &info);
}

static inline void put_node(buffer *graph, const char *op, const char *name, const char *in0, const char *in1, const char *out) {
  buffer node = {{0}, 0};
  put_string(&node, 1, in0);
  if (in1) put_string(&node, 1, in1);
  put_string(&node, 2, out);
  put_string(&node, 3, name);
  put_string(&node, 4, op);
  put_message(graph, 1, &node);
}

static inline buffer finish_model(const char *graph_name, buffer *graph) {
  buffer model = {{0}, 0}, opset = {{0}, 0}, property = {{0}, 0};
  put_string(graph, 2, graph_name);
  put_string(&opset, 1, "");
  put_number(&opset, 2, 18);
  put_string(&property, 1, "author");
  put_string(&property, 2, "nobody");
  put_number(&model, 1, 9);
  put_string(&model, 2, "capi");
  put_string(&model, 3, "7");
  put_string(&model, 4, "org.example");
  put_number(&model, 5, 3);
  put_string(&model, 6, "a test");
  put_message(&model, 7, graph);
  put_message(&model, 8, &opset);
  put_message(&model, 14, &property);
  return model;
}

/* y[n,2] = x[n,2] + b[2], where b = {10, 20} unless it is fed. */
static inline buffer add_model(void) {
  static const int64_t matrix[] = {-1, 2}, vector[] = {2};
  static const float bias[] = {10, 20};
  buffer graph = {{0}, 0}, tensor = {{0}, 0};
  put_node(&graph, "Add", "sum", "x", "b", "y");
  put_number(&tensor, 1, 2);
  put_number(&tensor, 2, 1);
  put_string(&tensor, 8, "b");
  put_bytes(&tensor, 9, bias, sizeof bias);
  put_message(&graph, 5, &tensor);
  put_value(&graph, 11, "x", tensor_type(1, 2, matrix));
  put_value(&graph, 11, "b", tensor_type(1, 1, vector));
  put_value(&graph, 12, "y", tensor_type(1, 2, matrix));
  return finish_model("addition", &graph);
}

/* y = x * x * ... * x, a matrix product of size x size matrices for each of `count` nodes. */
static inline buffer matmul_model(int64_t size, int count) {
  const int64_t dims[] = {size, size};
  buffer graph = {{0}, 0};
  char in[8] = "x", out[8], name[8];
  int i;
  for (i = 0; i < count; ++i) {
    if (i == count - 1) {
      strcpy(out, "y");
    } else {
      out[0] = 't';
      out[1] = (char)('0' + i / 10);
      out[2] = (char)('0' + i % 10);
      out[3] = 0;
    }
    strcpy(name, "m");
    strcat(name, out);
    put_node(&graph, "MatMul", name, in, "x", out);
    strcpy(in, out);
  }
  put_value(&graph, 11, "x", tensor_type(1, 2, dims));
  put_value(&graph, 12, "y", tensor_type(1, 2, dims));
  return finish_model("products", &graph);
}

/* Two operators that nobody has. */
static inline buffer unsupported_model(void) {
  static const int64_t dims[] = {2};
  buffer graph = {{0}, 0};
  put_node(&graph, "NoSuchOperator", "first", "x", NULL, "t");
  put_node(&graph, "Frobnicate", "second", "t", NULL, "y");
  put_value(&graph, 11, "x", tensor_type(1, 1, dims));
  put_value(&graph, 12, "y", tensor_type(1, 1, dims));
  return finish_model("odd", &graph);
}

/* t = s with x inserted at its end. */
static inline buffer sequence_model(void) {
  static const int64_t dims[] = {-1};
  buffer graph = {{0}, 0};
  put_node(&graph, "SequenceInsert", "insert", "s", "x", "t");
  put_value(&graph, 11, "s", sequence_type(1));
  put_value(&graph, 11, "x", tensor_type(1, 1, dims));
  put_value(&graph, 12, "t", sequence_type(1));
  return finish_model("sequences", &graph);
}

/* y = x for strings. */
static inline buffer string_model(void) {
  static const int64_t dims[] = {-1};
  buffer graph = {{0}, 0};
  put_node(&graph, "Identity", "same", "x", NULL, "y");
  put_value(&graph, 11, "x", tensor_type(8, 1, dims));
  put_value(&graph, 12, "y", tensor_type(8, 1, dims));
  return finish_model("strings", &graph);
}

#endif
