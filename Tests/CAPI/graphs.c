/* Graphs that are made in code, and models that are written: what is made, and every misuse that has an answer. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static pinion_value *floats(float *data, int32_t rank, const int64_t *dims) {
  pinion_value *value = NULL;
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, rank, dims, NULL, NULL, NULL, &value));
  return value;
}

static pinion_graph_value node(pinion_graph *graph, const char *op, size_t count, const pinion_graph_value *inputs) {
  pinion_graph_value output = 0;
  CHECK_OK(pinion_graph_add_node(graph, op, NULL, count, inputs, 1, &output));
  CHECK(output != 0);
  return output;
}

static void run_one(pinion_model *model, pinion_value *input, const float *expected, int64_t count) {
  pinion_session *session = NULL;
  pinion_value *output = NULL;
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK(pinion_tensor_element_count(output) == count);
  const float *found = pinion_tensor_data(output);
  for (int64_t i = 0; found && i < count && i < pinion_tensor_element_count(output); ++i) CHECK(found[i] == expected[i]);
  pinion_value_release(output);
  pinion_session_release(session);
}

/* y = relu(x w + b): types as the graph grows, a session of it, and the file that it becomes. */
static void makes_and_saves(void) {
  pinion_graph *graph = NULL;
  pinion_graph_value x = 0, w = 0, b = 0;
  static float weights[] = {1, -1, 2, 0, 1, -1}, bias[] = {0.5f, 0, -1}, data[] = {1, 2, -3, 1};
  const int64_t w_dims[] = {2, 3}, b_dims[] = {3}, x_dims[] = {-1, 2};
  const char *names[] = {"batch", NULL};
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, x_dims, names, &x));
  pinion_value *w_value = floats(weights, 2, w_dims), *b_value = floats(bias, 1, b_dims);
  CHECK_OK(pinion_graph_add_constant(graph, "w", w_value, false, &w));
  CHECK_OK(pinion_graph_add_constant(graph, NULL, b_value, true, &b));
  pinion_value_release(w_value);
  pinion_value_release(b_value);
  bias[0] = 1000; /* was copied */
  const pinion_graph_value operands[] = {x, w};
  const pinion_graph_value product = node(graph, "MatMul", 2, operands);
  const pinion_value_info *info = pinion_graph_value_info(graph, product);
  CHECK(strcmp(pinion_value_info_text(info), "float32[batch,3]") == 0);
  CHECK(pinion_value_info_dim(info, 0) == -1 && pinion_value_info_dim(info, 1) == 3);
  CHECK(strcmp(pinion_value_info_dim_name(info, 0), "batch") == 0);
  const pinion_graph_value terms[] = {product, b};
  const pinion_graph_value sum = node(graph, "Add", 2, terms), y = node(graph, "Relu", 1, &sum);
  CHECK_OK(pinion_graph_add_output(graph, y, "y"));
  CHECK(strcmp(pinion_value_info_name(pinion_graph_value_info(graph, y)), "y") == 0);
  CHECK_OK(pinion_graph_set_metadata(graph, "author", "nobody"));
  char *text = NULL;
  CHECK_OK(pinion_graph_text(graph, &text));
  CHECK(text && strstr(text, "MatMul@21(%x, %w)"));
  pinion_string_release(text);

  pinion_model *model = NULL, *again = NULL;
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  pinion_graph_release(graph);
  CHECK(strcmp(pinion_model_metadata_find(model, "author"), "nobody") == 0);
  CHECK(strcmp(pinion_value_info_text(pinion_model_output(model, 0)), "float32[batch,3]") == 0);
  const int64_t dims[] = {2, 2};
  pinion_value *input = floats(data, 2, dims);
  /* By hand: (1, 2) and (-3, 1) by columns (1, 0), (-1, 1), (2, -1), and the bias (0.5, 0, -1). */
  const float expected[] = {1.5f, 1, 0, 0, 4, 0};
  run_one(model, input, expected, 6);

  char folder[] = "/tmp/pinion-graphs-XXXXXX", path[64], data_path[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/m.onnx", folder);
  snprintf(data_path, sizeof data_path, "%s/m.onnx.data", folder);
  CHECK_OK(pinion_model_save(model, path, NULL));
  CHECK_OK(pinion_model_load_file(path, NULL, &again));
  CHECK(strcmp(pinion_model_metadata_find(again, "author"), "nobody") == 0);
  CHECK(pinion_model_opset_version(again, 0) == 21);
  run_one(again, input, expected, 6);
  /* Over itself. */
  pinion_save_options options = PINION_SAVE_OPTIONS_INIT;
  options.external_data = PINION_EXTERNAL_DATA_ALWAYS;
  options.opset = 22;
  CHECK_OK(pinion_model_save(again, path, &options));
  run_one(again, input, expected, 6);
  pinion_model_release(again);
  CHECK_OK(pinion_model_load_file(path, NULL, &again));
  CHECK(pinion_model_opset_version(again, 0) == 22);
  run_one(again, input, expected, 6);
  pinion_model_release(again);
  CHECK(access(data_path, F_OK) != 0); /* nothing has a kilobyte */

  CHECK_STATUS(pinion_model_save(NULL, path, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_save(model, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_save(model, folder, NULL), PINION_IO);
  CHECK_STATUS(pinion_model_save(model, "/nowhere/at/all.onnx", NULL), PINION_IO);
  CHECK_STATUS(pinion_model_save(model, "/dev/full", NULL), PINION_IO);
  CHECK_STATUS(pinion_model_save(model, "", NULL), PINION_IO);
  options.opset = 20;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  options.opset = 0;
  options.external_data = (pinion_external_data)7;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  options.struct_size = 3;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  pinion_value_release(input);
  pinion_model_release(model);
  unlink(path);
  CHECK(rmdir(folder) == 0); /* no temporary file is left */
}

static void expect_error(pinion_status expected, pinion_status found, const char *op, const char *part, int line) {
  const bool fits = found == expected && strcmp(pinion_error_operator(NULL), op) == 0 && strstr(pinion_error_text(NULL), part);
  if (!fits) fprintf(stderr, "graphs.c:%d: %s: %s\n", line, pinion_status_name(found), pinion_error_text(NULL));
  CHECK(fits);
}

#define ADD(graph, op, options, inputs) pinion_graph_add_node(graph, op, options, sizeof(inputs) / sizeof(*(inputs)), inputs, 1, &output)
#define EXPECT(status, op, part, call) expect_error(status, call, op, part, __LINE__)

/* What is wrong is said at once, with the node, its operator, and the types of its inputs; the graph stays as it was. */
static void says_what_is_wrong(void) {
  pinion_graph *graph = NULL, *other = NULL;
  pinion_graph_value x = 0, i = 0, s = 0, y = 0, output = 0, foreign = 0;
  const int64_t dims[] = {-1, 3}, odd[] = {-2};
  const char *names[] = {"batch", "three"};
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_create(NULL, &other));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, dims, NULL, &x));
  CHECK_OK(pinion_graph_add_input(graph, "i", PINION_INT64, -1, NULL, NULL, &i));
  CHECK_OK(pinion_graph_add_input_of_type(graph, "s", "seq(float32[?])", &s));
  CHECK_OK(pinion_graph_add_input(other, "x", PINION_FLOAT32, 2, dims, NULL, &foreign));
  CHECK(strcmp(pinion_value_info_text(pinion_graph_value_info(graph, i)), "int64[...]") == 0);
  CHECK(pinion_graph_value_info(graph, foreign) == NULL && pinion_graph_value_info(graph, 0) == NULL);
  CHECK(pinion_graph_value_info(NULL, x) == NULL);

  CHECK_STATUS(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, dims, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "", PINION_FLOAT32, 2, dims, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, NULL, PINION_FLOAT32, 2, dims, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "y", PINION_UNDEFINED, 2, dims, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "y", PINION_FLOAT32, 65, dims, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "y", PINION_FLOAT32, 2, NULL, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "y", PINION_FLOAT32, 1, odd, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "y", PINION_FLOAT32, 2, dims, names, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(graph, "y", PINION_FLOAT32, 2, dims, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input(NULL, "y", PINION_FLOAT32, 2, dims, NULL, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input_of_type(graph, "y", "float33[1]", &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input_of_type(graph, "y", "float32[1] and more", &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input_of_type(graph, "y", "seq(seq(float32[1]))", &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_constant(graph, "c", NULL, true, &y), PINION_INVALID_ARGUMENT);
  pinion_value *none = NULL;
  CHECK_OK(pinion_none_create(&none));
  CHECK_STATUS(pinion_graph_add_constant(graph, "c", none, true, &y), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input_with_default(graph, "c", none, true, &y), PINION_INVALID_ARGUMENT);
  pinion_value_release(none);
  CHECK(y == 0);

  const pinion_graph_value pair[] = {x, i}, twice[] = {x, x}, lone[] = {x}, strange[] = {foreign}, bad[] = {12345}, sequence[] = {s, x},
                           none_given[] = {0, x};
  EXPECT(PINION_UNSUPPORTED, "Frobnicate", "not known", ADD(graph, "Frobnicate", NULL, pair));
  EXPECT(PINION_INVALID_SHAPE, "Add", "input 'B' is of int64, expected float32 like input 'A'", ADD(graph, "Add", NULL, pair));
  CHECK(pinion_error_input_type_count(NULL) == 2 && strcmp(pinion_error_input_type(NULL, 1), "int64[...]") == 0);
  CHECK(pinion_error_opset(NULL) == 21 && *pinion_error_node(NULL));
  EXPECT(PINION_INVALID_SHAPE, "MatMul", "float32[?,3]", ADD(graph, "MatMul", NULL, sequence));
  EXPECT(PINION_INVALID_MODEL, "Add", "input 'B' is missing", ADD(graph, "Add", NULL, lone));
  EXPECT(PINION_INVALID_MODEL, "Add", "input 'A' is missing", ADD(graph, "Add", NULL, none_given));
  EXPECT(PINION_INVALID_MODEL, "Relu", "2 inputs", ADD(graph, "Relu", NULL, twice));
  EXPECT(PINION_INVALID_ARGUMENT, "Relu", "none of this graph", ADD(graph, "Relu", NULL, strange));
  CHECK_STATUS(ADD(graph, "Relu", NULL, bad), PINION_INVALID_ARGUMENT);
  EXPECT(PINION_INVALID_SHAPE, "SequenceAt", "expected a sequence", ADD(graph, "SequenceAt", NULL, pair));
  CHECK_STATUS(pinion_graph_add_node(graph, NULL, NULL, 1, &x, 1, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_node(graph, "Relu", NULL, 1, NULL, 1, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_node(graph, "Relu", NULL, 1, &x, 1, NULL), PINION_INVALID_ARGUMENT);
  /* An output may take the place of the input that it is made of. */
  pinion_graph_value same = x;
  CHECK_OK(pinion_graph_add_node(graph, "Relu", NULL, 1, &same, 1, &same));
  CHECK(same != 0 && same != x);
  pinion_graph_value two[2] = {7, 7};
  EXPECT(PINION_INVALID_MODEL, "Relu", "2 outputs", pinion_graph_add_node(graph, "Relu", NULL, 1, &x, 2, two));
  CHECK(two[0] == 0 && two[1] == 0);
  EXPECT(PINION_INVALID_MODEL, "Relu", "0 outputs, the operator at least 1: 'Y'", pinion_graph_add_node(graph, "Relu", NULL, 1, &x, 0, NULL));
  /* Both outputs of TopK are listed, also where one is not wanted. */
  const pinion_graph_value ranked[] = {x, i};
  const char *indices_alone[] = {"", NULL};
  pinion_node_options few = PINION_NODE_OPTIONS_INIT;
  EXPECT(PINION_INVALID_MODEL, "TopK", "1 outputs, the operator at least 2: 'Values', 'Indices'", ADD(graph, "TopK", NULL, ranked));
  few.output_names = indices_alone;
  CHECK_OK(pinion_graph_add_node(graph, "TopK", &few, 2, ranked, 2, two));
  CHECK(two[0] == 0 && two[1] != 0);

  /* A product that does not fit whatever the batch is. */
  static float numbers[20];
  const int64_t four_by_five[] = {4, 5};
  pinion_value *value = floats(numbers, 2, four_by_five);
  pinion_graph_value w = 0;
  CHECK_OK(pinion_graph_add_constant(graph, "w", value, false, &w));
  pinion_value_release(value);
  const pinion_graph_value unfit[] = {x, w};
  EXPECT(PINION_INVALID_SHAPE, "MatMul", "float32[?,3]", ADD(graph, "MatMul", NULL, unfit));
  EXPECT(PINION_INVALID_SHAPE, "Add", "float32[4,5]", ADD(graph, "Add", NULL, unfit));

  pinion_attributes *attributes = NULL;
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  CHECK_OK(pinion_attributes_create(&attributes));
  options.attributes = attributes;
  options.name = "softly";
  CHECK_OK(pinion_attributes_set_int(attributes, "axes", 1));
  EXPECT(PINION_INVALID_MODEL, "Softmax", "unknown attribute 'axes'", ADD(graph, "Softmax", &options, lone));
  CHECK(strcmp(pinion_error_node(NULL), "softly") == 0);
  pinion_attributes_release(attributes);
  CHECK_OK(pinion_attributes_create(&attributes));
  options.attributes = attributes;
  CHECK_OK(pinion_attributes_set_float(attributes, "axis", 1));
  EXPECT(PINION_INVALID_MODEL, "Softmax", "'axis' is FLOAT, expected INT", ADD(graph, "Softmax", &options, lone));
  CHECK_OK(pinion_attributes_set_int(attributes, "axis", 7));
  CHECK(ADD(graph, "Softmax", &options, lone) != PINION_OK);
  CHECK_OK(pinion_attributes_set_int(attributes, "axis", -1));
  const char *taken[] = {"x"}, *absent[] = {""};
  options.output_names = taken;
  EXPECT(PINION_INVALID_ARGUMENT, "Softmax", "has that name already", ADD(graph, "Softmax", &options, lone));
  options.output_names = absent;
  CHECK_OK(ADD(graph, "Softmax", &options, lone));
  CHECK(output == 0);
  options.output_names = NULL;
  options.opset = 99;
  EXPECT(PINION_UNSUPPORTED, "Softmax", "opset 99", ADD(graph, "Softmax", &options, lone));
  options.opset = 0;
  options.domain = "com.nobody";
  EXPECT(PINION_UNSUPPORTED, "com.nobody::Softmax", "not known", ADD(graph, "Softmax", &options, lone));
  CHECK_STATUS(pinion_attributes_set_ints(attributes, "axis", NULL, 2), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_attributes_set_string(attributes, "axis", NULL, 2), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_attributes_set_int(attributes, NULL, 2), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_attributes_set_int(NULL, "axis", 2), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_attributes_set_tensor(attributes, "axis", NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_attributes_set_graph(attributes, "axis", NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_attributes_set_type(attributes, "axis", "?"), PINION_INVALID_ARGUMENT);
  pinion_attributes_release(attributes);

  pinion_model *model = NULL;
  CHECK_STATUS(pinion_model_create(graph, NULL, &model), PINION_INVALID_MODEL);
  CHECK_STATUS(pinion_model_create(NULL, NULL, &model), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_output(graph, foreign, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_output(graph, 0, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_output(graph, x, "i"), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_set_opset(graph, "", 99), PINION_UNSUPPORTED);
  CHECK_STATUS(pinion_graph_set_opset(graph, "com.microsoft", 0), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_set_metadata(graph, NULL, ""), PINION_INVALID_ARGUMENT);

  /* After all that the graph is good. */
  y = node(graph, "Relu", 1, lone);
  CHECK_OK(pinion_graph_add_output(graph, y, NULL));
  CHECK_STATUS(pinion_graph_add_output(graph, y, NULL), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_graph_add_output(graph, y, "again"));
  CHECK_OK(pinion_graph_add_output(graph, x, "copy"));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  CHECK(pinion_model_output_count(model) == 3);
  pinion_model_release(model);
  pinion_graph_release(graph);
  pinion_graph_release(other);
}

/* sum and squares of 0 ... n - 1 by a loop that uses a value from outside. */
static void loops(void) {
  pinion_graph *graph = NULL, *body = NULL, *stray = NULL;
  pinion_graph_value n = 0, start = 0, step = 0, i = 0, going = 0, sum = 0, outputs[2];
  pinion_attributes *attributes = NULL;
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  int64_t one = 1, zero = 0;
  pinion_value *one_value = NULL, *zero_value = NULL;
  CHECK_OK(pinion_tensor_wrap(&one, PINION_INT64, 0, NULL, NULL, NULL, NULL, &one_value));
  CHECK_OK(pinion_tensor_wrap(&zero, PINION_INT64, 0, NULL, NULL, NULL, NULL, &zero_value));
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "n", PINION_INT64, 0, NULL, NULL, &n));
  CHECK_OK(pinion_graph_add_constant(graph, "start", zero_value, true, &start));
  CHECK_OK(pinion_graph_add_input_with_default(graph, "step", one_value, true, &step));
  CHECK_OK(pinion_graph_create_subgraph(graph, "body", &body));
  CHECK_STATUS(pinion_graph_set_opset(body, "", 21), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_input_with_default(body, "d", one_value, true, &i), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_graph_add_input(body, "i", PINION_INT64, 0, NULL, NULL, &i));
  CHECK_OK(pinion_graph_add_input(body, "going", PINION_BOOL, 0, NULL, NULL, &going));

  CHECK_OK(pinion_attributes_create(&attributes));
  CHECK_OK(pinion_attributes_set_graph(attributes, "body", body));
  options.attributes = attributes;
  const pinion_graph_value inputs[] = {n, 0, start};
  EXPECT(PINION_INVALID_MODEL, "Loop", "no outputs", pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 2, outputs));
  CHECK_OK(pinion_graph_add_output(body, going, NULL));
  EXPECT(PINION_INVALID_MODEL, "Loop", "expected 3", pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 2, outputs));
  CHECK_OK(pinion_graph_add_input(body, "sum", PINION_INT64, 0, NULL, NULL, &sum));
  const pinion_graph_value scaled_inputs[] = {i, step}, sum_inputs[2] = {sum, node(body, "Mul", 2, scaled_inputs)};
  const pinion_graph_value next = node(body, "Add", 2, sum_inputs);
  CHECK_OK(pinion_graph_add_output(body, next, NULL));
  const pinion_graph_value square_inputs[] = {i, i};
  CHECK_OK(pinion_graph_add_output(body, node(body, "Mul", 2, square_inputs), "squares"));
  pinion_graph_value three[3];
  EXPECT(PINION_INVALID_MODEL, "Loop", "3 outputs", pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 3, three));
  CHECK_OK(pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 2, outputs));
  CHECK(strcmp(pinion_value_info_text(pinion_graph_value_info(graph, outputs[0])), "int64[]") == 0);
  CHECK(strcmp(pinion_value_info_text(pinion_graph_value_info(graph, outputs[1])), "int64[?]") == 0);
  /* The body has its node now; its values are none of the graph around it. */
  CHECK_STATUS(pinion_graph_add_output(body, i, NULL), PINION_INVALID_ARGUMENT);
  EXPECT(PINION_INVALID_ARGUMENT, "Loop", "already", pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 2, three));
  CHECK_STATUS(pinion_graph_add_output(graph, next, NULL), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_graph_create(NULL, &stray));
  CHECK_OK(pinion_attributes_set_graph(attributes, "body", stray));
  EXPECT(PINION_INVALID_ARGUMENT, "Loop", "no subgraph of this graph", pinion_graph_add_node(graph, "Loop", &options, 3, inputs, 2, three));
  pinion_model *model = NULL;
  CHECK_STATUS(pinion_model_create(body, NULL, &model), PINION_INVALID_ARGUMENT);
  pinion_graph_release(stray);
  pinion_attributes_release(attributes);
  pinion_graph_release(body);

  CHECK_OK(pinion_graph_add_output(graph, outputs[0], "sum"));
  CHECK_OK(pinion_graph_add_output(graph, outputs[1], NULL));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  pinion_graph_release(graph);
  pinion_session *session = NULL;
  CHECK_OK(pinion_session_create(model, NULL, &session));
  int64_t four = 4, ten = 10;
  pinion_value *given[2] = {NULL, NULL}, *results[2] = {NULL, NULL};
  CHECK_OK(pinion_tensor_wrap(&four, PINION_INT64, 0, NULL, NULL, NULL, NULL, &given[0]));
  CHECK_OK(pinion_tensor_wrap(&ten, PINION_INT64, 0, NULL, NULL, NULL, NULL, &given[1]));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, given, 2, NULL, results));
  CHECK(*(int64_t *)pinion_tensor_data(results[0]) == 6);
  CHECK(pinion_tensor_element_count(results[1]) == 4 && ((int64_t *)pinion_tensor_data(results[1]))[3] == 9);
  pinion_value_release(results[0]);
  pinion_value_release(results[1]);
  results[0] = results[1] = NULL;
  CHECK_OK(pinion_session_run(session, NULL, 2, NULL, given, 1, NULL, results));
  CHECK(*(int64_t *)pinion_tensor_data(results[0]) == 60);
  pinion_value_release(results[0]);
  pinion_value_release(given[0]);
  pinion_value_release(given[1]);
  pinion_value_release(one_value);
  pinion_value_release(zero_value);
  pinion_session_release(session);
  pinion_model_release(model);
}

/* Every kind of attribute reaches its operator, and older forms are taken. */
static void takes_attributes(void) {
  pinion_graph *graph = NULL;
  pinion_attributes *attributes = NULL;
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  pinion_graph_value output = 0, x = 0, words = 0;
  const int64_t dims[] = {2, 6}, one[] = {1};
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, dims, NULL, &x));
  CHECK_OK(pinion_graph_add_input(graph, "words", PINION_STRING, 1, one, NULL, &words));
  static float seven[] = {7};
  pinion_value *tensor = floats(seven, 1, one);
#define FRESH()                                    \
  pinion_attributes_release(attributes);           \
  CHECK_OK(pinion_attributes_create(&attributes)); \
  options.attributes = attributes
  FRESH();
  const int64_t axes[] = {1};
  CHECK_OK(pinion_attributes_set_ints(attributes, "axes", axes, 1)); /* the form before opset 13 */
  options.opset = 11;
  CHECK_OK(pinion_graph_add_node(graph, "ReduceSum", &options, 1, &x, 1, &output));
  CHECK(strcmp(pinion_value_info_text(pinion_graph_value_info(graph, output)), "float32[2,1]") == 0);
  options.opset = 0;
  FRESH();
  const float numbers[] = {1.5f, 2.5f};
  CHECK_OK(pinion_attributes_set_floats(attributes, "value_floats", numbers, 2));
  CHECK_OK(pinion_graph_add_node(graph, "Constant", &options, 0, NULL, 1, &output));
  CHECK(strcmp(pinion_value_info_text(pinion_graph_value_info(graph, output)), "float32[2]") == 0);
  FRESH();
  CHECK_OK(pinion_attributes_set_tensor(attributes, "value", tensor));
  const pinion_graph_value shape = node(graph, "Shape", 1, &x);
  CHECK_OK(pinion_graph_add_node(graph, "ConstantOfShape", &options, 1, &shape, 1, &output));
  CHECK(strcmp(pinion_value_info_text(pinion_graph_value_info(graph, output)), "float32[2,6]") == 0);
  FRESH();
  const char *stops[] = {"a", "the"};
  CHECK_OK(pinion_attributes_set_strings(attributes, "stopwords", stops, 2));
  CHECK_OK(pinion_attributes_set_string(attributes, "case_change_action", "LOWERxyz", 5));
  CHECK_OK(pinion_graph_add_node(graph, "StringNormalizer", &options, 1, &words, 1, &output));
  FRESH();
  CHECK_OK(pinion_attributes_set_type(attributes, "type", "seq(float32[?])"));
  CHECK_OK(pinion_graph_add_node(graph, "Optional", &options, 0, NULL, 1, &output));
  CHECK(pinion_value_info_kind(pinion_graph_value_info(graph, output)) == PINION_KIND_OPTIONAL);
  FRESH();
  CHECK_OK(pinion_attributes_set_float(attributes, "alpha", 0.5f));
  CHECK_OK(pinion_attributes_set_tensors(attributes, "unheard", &tensor, 1));
  CHECK_STATUS(pinion_graph_add_node(graph, "LeakyRelu", &options, 1, &x, 1, &output), PINION_INVALID_MODEL);
  CHECK(pinion_attributes_retain(attributes) == attributes);
  pinion_attributes_release(attributes);
  pinion_attributes_release(attributes);
  pinion_value_release(tensor);
  pinion_graph_release(graph);
}

int main(void) {
  makes_and_saves();
  says_what_is_wrong();
  loops();
  takes_attributes();
  return check_result("graphs");
}
