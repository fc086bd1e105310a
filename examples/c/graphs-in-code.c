/*
 * Models without a file: an MLP, an attention block and a loop, made in code and run. Prints what each gives.
 *
 *   graphs-in-code [FILE.onnx]     writes the attention block as an ONNX file as well
 */
#include <pinion/pinion.h>

#include <stdio.h>
#include <stdlib.h>

/* The first thing that fails says where in the graph, and ends the program. */
static void must(pinion_status status) {
  if (status == PINION_OK) return;
  fprintf(stderr, "%s\n", pinion_error_text(NULL));
  exit(1);
}

/* A constant of one number everywhere; the graph keeps a copy. */
static pinion_graph_value filled(pinion_graph *graph, float number, int32_t rank, const int64_t *dims) {
  float elements[64];
  int64_t count = 1;
  int32_t axis;
  pinion_value *tensor;
  pinion_graph_value constant;
  for (axis = 0; axis < rank; ++axis) count *= dims[axis];
  while (count-- > 0) elements[count] = number;
  must(pinion_tensor_wrap(elements, PINION_FLOAT32, rank, dims, NULL, NULL, NULL, &tensor));
  must(pinion_graph_add_constant(graph, NULL, tensor, true, &constant));
  pinion_value_release(tensor);
  return constant;
}

static pinion_graph_value add(pinion_graph *graph, const char *op, pinion_graph_value a, pinion_graph_value b, const pinion_attributes *attributes) {
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  const pinion_graph_value inputs[2] = {a, b};
  pinion_graph_value output;
  options.attributes = attributes;
  must(pinion_graph_add_node(graph, op, &options, b ? 2 : 1, inputs, 1, &output));
  return output;
}

/* Makes a model of the graph, runs it on one tensor, and prints its outputs. */
static void run(const char *name, pinion_graph *graph, pinion_value *input, const char *file) {
  pinion_model *model;
  pinion_session *session;
  pinion_value *outputs[2] = {NULL, NULL};
  size_t count, index;
  int64_t element;
  must(pinion_model_create(graph, NULL, &model));
  if (file) must(pinion_model_save(model, file, NULL));
  must(pinion_session_create(model, NULL, &session));
  count = pinion_session_output_count(session);
  must(pinion_session_run(session, NULL, 1, NULL, &input, count, NULL, outputs));
  printf("%s:", name);
  for (index = 0; index < count; ++index) {
    const void *data = pinion_tensor_data(outputs[index]);
    const bool is_float = pinion_tensor_element_type(outputs[index]) == PINION_FLOAT32;
    for (element = 0; element < pinion_tensor_element_count(outputs[index]); ++element)
      printf(" %g", is_float ? ((const float *)data)[element] : (double)((const int64_t *)data)[element]);
    pinion_value_release(outputs[index]);
  }
  printf("\n");
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_value_release(input);
  pinion_graph_release(graph);
}

/* softmax(relu(x w + b) v) of an open batch. */
static void mlp(void) {
  static float x[] = {1, 2, 3};
  const int64_t x_dims[] = {-1, 3}, w_dims[] = {3, 4}, b_dims[] = {4}, v_dims[] = {4, 2}, one_row[] = {1, 3};
  const char *names[] = {"batch", NULL};
  pinion_graph *graph;
  pinion_graph_value input, hidden, scores;
  pinion_value *tensor;
  must(pinion_graph_create(NULL, &graph));
  must(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, x_dims, names, &input));
  hidden = add(graph, "MatMul", input, filled(graph, 0.5f, 2, w_dims), NULL);
  hidden = add(graph, "Relu", add(graph, "Add", hidden, filled(graph, 1, 1, b_dims), NULL), 0, NULL);
  scores = add(graph, "Softmax", add(graph, "MatMul", hidden, filled(graph, 1, 2, v_dims), NULL), 0, NULL);
  must(pinion_graph_add_output(graph, scores, "scores"));
  printf("scores: %s\n", pinion_value_info_text(pinion_graph_value_info(graph, scores)));
  must(pinion_tensor_wrap(x, PINION_FLOAT32, 2, one_row, NULL, NULL, NULL, &tensor));
  run("mlp", graph, tensor, NULL);
}

/* LayerNormalization(x + softmax(q k' / 2) v) with weights for q, k and v. */
static void attention(const char *file) {
  static float x[] = {1, 0, 0, 0, 0, 1, 0, 0};
  const int64_t x_dims[] = {-1, 4}, w_dims[] = {4, 4}, row[] = {4}, two_rows[] = {2, 4}, swapped[] = {1, 0};
  const char *names[] = {"words", NULL};
  pinion_graph *graph;
  pinion_graph_value input, q, k, v, weights, sum, norm;
  pinion_attributes *transpose;
  pinion_value *tensor;
  must(pinion_graph_create(NULL, &graph));
  must(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, x_dims, names, &input));
  q = add(graph, "MatMul", input, filled(graph, 1, 2, w_dims), NULL);
  k = add(graph, "MatMul", input, filled(graph, 1, 2, w_dims), NULL);
  v = add(graph, "MatMul", input, filled(graph, 0.25f, 2, w_dims), NULL);
  must(pinion_attributes_create(&transpose));
  must(pinion_attributes_set_ints(transpose, "perm", swapped, 2));
  weights = add(graph, "MatMul", q, add(graph, "Transpose", k, 0, transpose), NULL);
  pinion_attributes_release(transpose);
  weights = add(graph, "Softmax", add(graph, "Mul", weights, filled(graph, 0.5f, 0, NULL), NULL), 0, NULL);
  sum = add(graph, "Add", input, add(graph, "MatMul", weights, v, NULL), NULL);
  norm = add(graph, "LayerNormalization", sum, filled(graph, 0, 1, row), NULL);
  must(pinion_graph_add_output(graph, add(graph, "Add", norm, filled(graph, 1, 1, row), NULL), "y"));
  must(pinion_tensor_wrap(x, PINION_FLOAT32, 2, two_rows, NULL, NULL, NULL, &tensor));
  run("attention", graph, tensor, file);
}

/* The sum of 0 ... n - 1, and the square of each. */
static void loop(void) {
  static int64_t n = 5, zero = 0;
  pinion_graph *graph, *body;
  pinion_graph_value count, start, i, going, sum, outputs[2];
  pinion_attributes *attributes;
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  pinion_value *tensor;
  must(pinion_graph_create(NULL, &graph));
  must(pinion_graph_add_input(graph, "n", PINION_INT64, 0, NULL, NULL, &count));
  must(pinion_tensor_wrap(&zero, PINION_INT64, 0, NULL, NULL, NULL, NULL, &tensor));
  must(pinion_graph_add_constant(graph, "start", tensor, false, &start));
  pinion_value_release(tensor);
  must(pinion_graph_create_subgraph(graph, "body", &body));
  must(pinion_graph_add_input(body, "i", PINION_INT64, 0, NULL, NULL, &i));
  must(pinion_graph_add_input(body, "going", PINION_BOOL, 0, NULL, NULL, &going));
  must(pinion_graph_add_input(body, "sum", PINION_INT64, 0, NULL, NULL, &sum));
  must(pinion_graph_add_output(body, going, NULL));
  must(pinion_graph_add_output(body, add(body, "Add", sum, i, NULL), NULL));
  must(pinion_graph_add_output(body, add(body, "Mul", i, i, NULL), NULL));
  must(pinion_attributes_create(&attributes));
  must(pinion_attributes_set_graph(attributes, "body", body));
  options.attributes = attributes;
  {
    const pinion_graph_value inputs[] = {count, 0, start};
    must(pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 2, outputs));
  }
  pinion_attributes_release(attributes);
  pinion_graph_release(body);
  must(pinion_graph_add_output(graph, outputs[0], "sum"));
  must(pinion_graph_add_output(graph, outputs[1], "squares"));
  must(pinion_tensor_wrap(&n, PINION_INT64, 0, NULL, NULL, NULL, NULL, &tensor));
  run("loop", graph, tensor, NULL);
}

int main(int argc, char **argv) {
  if (argc > 2 || pinion_abi_check(PINION_ABI_VERSION) != PINION_OK) return 2;
  mlp();
  attention(argc > 1 ? argv[1] : NULL);
  loop();
  return 0;
}
