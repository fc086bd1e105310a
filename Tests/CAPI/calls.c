/* Prepared calls, maps as tables, and strings. */
#define _POSIX_C_SOURCE 200809L
#include "sessions.h"

static void prepared_calls(void) {
  const int64_t dims[] = {3, 2}, vector[] = {2}, none[] = {0, 2}, open[] = {2};
  const char *names[] = {"y", "y"};
  pinion_input_shape shapes[2] = {{"x", NULL, PINION_UNDEFINED, 2, NULL}, {"b", NULL, PINION_FLOAT32, 1, NULL}};
  float x[6] = {1, 2, 3, 4, 5, 6}, b[2] = {1, 1}, y[6], other[6];
  void *inputs[2], *outputs[2];
  pinion_session *session = session_of(add_model(), NULL);
  pinion_call *call, *second;
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  pinion_cancel_token *token;
  int i;
  shapes[0].dims = dims;
  shapes[1].dims = vector;
  inputs[0] = x, inputs[1] = b, outputs[0] = y, outputs[1] = other;

  CHECK_OK(pinion_call_create(session, 1, shapes, 1, NULL, &call));
  CHECK(pinion_call_retain(call) == call);
  pinion_call_release(call);
  CHECK(pinion_call_output_count(call) == 1 && pinion_call_output(call, 1) == NULL);
  CHECK(strcmp(pinion_value_info_text(pinion_call_output(call, 0)), "float32[3,2]") == 0);
  CHECK(strcmp(pinion_value_info_name(pinion_call_output(call, 0)), "y") == 0);
  pinion_session_release(session);
  for (i = 0; i < 4; ++i) {
    x[0] = (float)i;
    memset(y, 0, sizeof y);
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(y[0] == (float)(i + 10) && y[5] == 26);
    CHECK_OK(pinion_call_run(call, &options, inputs, outputs));
  }
  CHECK_OK(pinion_cancel_token_create(&token));
  pinion_cancel_token_set(token);
  options.cancel_token = token;
  CHECK_STATUS(pinion_call_run(call, &options, inputs, outputs), PINION_CANCELLED);
  pinion_cancel_token_release(token);
  inputs[0] = NULL;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  inputs[0] = (char *)x + 1;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  inputs[0] = x;
  outputs[0] = NULL;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run(call, NULL, NULL, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run(NULL, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  outputs[0] = y;
  pinion_call_release(call);
  pinion_call_release(NULL);
  CHECK(pinion_call_output_count(NULL) == 0 && pinion_call_output(NULL, 0) == NULL && pinion_call_retain(NULL) == NULL);

  /* A default that is fed, in another order than the session's; one output twice. */
  session = session_of(add_model(), NULL);
  {
    pinion_input_shape swapped[2];
    void *addresses[2];
    swapped[0] = shapes[1], swapped[1] = shapes[0];
    addresses[0] = b, addresses[1] = x;
    CHECK_OK(pinion_call_create(session, 2, swapped, 2, names, &second));
    CHECK(pinion_call_output_count(second) == 2);
    for (i = 0; i < 3; ++i) {
      memset(y, 0, sizeof y);
      memset(other, 0, sizeof other);
      CHECK_OK(pinion_call_run(second, NULL, addresses, outputs));
      CHECK(y[5] == 7 && other[5] == 7);
    }
    pinion_call_release(second);
  }
  shapes[0].dims = none;
  CHECK_OK(pinion_call_create(session, 1, shapes, 1, NULL, &call));
  inputs[0] = outputs[0] = NULL;
  for (i = 0; i < 3; ++i) CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
  pinion_call_release(call);

  CHECK_STATUS(pinion_call_create(session, 0, NULL, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK(call == NULL);
  CHECK_STATUS(pinion_call_create(session, 1, shapes, 2, NULL, &call), PINION_INVALID_ARGUMENT);
  shapes[1] = shapes[0];
  CHECK_STATUS(pinion_call_create(session, 2, shapes, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  shapes[0].name = "nobody";
  CHECK_STATUS(pinion_call_create(session, 1, shapes, 1, NULL, &call), PINION_NOT_FOUND);
  names[0] = "nobody";
  CHECK_STATUS(pinion_call_create(session, 1, shapes + 1, 1, names, &call), PINION_NOT_FOUND);
  shapes[1].rank = -1;
  CHECK_STATUS(pinion_call_create(session, 1, shapes + 1, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_create(NULL, 1, shapes + 1, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);

  session = session_of(string_model(), NULL);
  shapes[0].name = "x", shapes[0].rank = 1, shapes[0].dims = open;
  CHECK_STATUS(pinion_call_create(session, 1, shapes, 1, NULL, &call), PINION_UNSUPPORTED);
  pinion_session_release(session);
}

/* A classifier's maps as one table with the keys beside. */
static void tables(void) {
  static const char *const labels[] = {"a", "b"};
  const int64_t dims[] = {-1, 2}, given[] = {3, 2};
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  pinion_input_shape shape = {"x", NULL, PINION_FLOAT32, 2, NULL};
  float x[6] = {1, 2, 3, 4, 5, 6}, y[6], z[6];
  void *inputs[1], *outputs[2];
  pinion_graph *graph;
  pinion_attributes *attributes;
  pinion_graph_value in = 0, negated = 0, maps = 0;
  pinion_model *model;
  pinion_session *session;
  pinion_call *call;
  const pinion_value *keys;
  const char *order[] = {"z", "maps"};
  int i;
  shape.dims = given;
  inputs[0] = x, outputs[0] = y, outputs[1] = z;
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, dims, NULL, &in));
  CHECK_OK(pinion_graph_add_node(graph, "Neg", NULL, 1, &in, 1, &negated));
  CHECK_OK(pinion_attributes_create(&attributes));
  CHECK_OK(pinion_attributes_set_strings(attributes, "classlabels_strings", labels, 2));
  options.domain = "ai.onnx.ml";
  options.attributes = attributes;
  CHECK_OK(pinion_graph_add_node(graph, "ZipMap", &options, 1, &negated, 1, &maps));
  CHECK_OK(pinion_graph_add_output(graph, maps, "maps"));
  CHECK_OK(pinion_graph_add_output(graph, negated, "z"));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_STATUS(pinion_call_create(session, 1, &shape, 2, NULL, &call), PINION_UNSUPPORTED);
  CHECK_OK(pinion_call_create_with_tables(session, 1, &shape, 2, NULL, &call));
  CHECK(strcmp(pinion_value_info_text(pinion_call_output(call, 0)), "float32[3,2]") == 0);
  keys = pinion_call_output_keys(call, 0);
  CHECK(keys != NULL && pinion_value_kind(keys) == PINION_KIND_TENSOR);
  CHECK(pinion_call_output_keys(call, 1) == NULL && pinion_call_output_keys(call, 2) == NULL && pinion_call_output_keys(NULL, 0) == NULL);
  for (i = 0; i < 3; ++i) {
    memset(y, 0, sizeof y);
    memset(z, 0, sizeof z);
    x[0] = (float)i;
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(y[0] == (float)-i && y[5] == -6 && z[5] == -6);
  }
  pinion_call_release(call);
  /* In another order. */
  CHECK_OK(pinion_call_create_with_tables(session, 1, &shape, 2, order, &call));
  CHECK(pinion_call_output_keys(call, 0) == NULL && pinion_call_output_keys(call, 1) != NULL);
  for (i = 0; i < 3; ++i) {
    memset(z, 0, sizeof z);
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(z[5] == -6);
  }
  pinion_call_release(call);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_attributes_release(attributes);
  pinion_graph_release(graph);
}

/* A session of y = LabelEncoder(x), numbers to strings. */
static pinion_session *label_session(void) {
  static const char *const names[] = {"red", "", "blue"};
  static const int64_t keys[] = {0, 1, 2}, dims[] = {-1};
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  pinion_graph *graph;
  pinion_attributes *attributes;
  pinion_graph_value x = 0, y = 0;
  pinion_model *model;
  pinion_session *session;
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_INT64, 1, dims, NULL, &x));
  CHECK_OK(pinion_attributes_create(&attributes));
  CHECK_OK(pinion_attributes_set_ints(attributes, "keys_int64s", keys, 3));
  CHECK_OK(pinion_attributes_set_strings(attributes, "values_strings", names, 3));
  CHECK_OK(pinion_attributes_set_string(attributes, "default_string", "?", 1));
  options.domain = "ai.onnx.ml";
  options.attributes = attributes;
  CHECK_OK(pinion_graph_add_node(graph, "LabelEncoder", &options, 1, &x, 1, &y));
  CHECK_OK(pinion_graph_add_output(graph, y, "y"));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  pinion_model_release(model);
  pinion_attributes_release(attributes);
  pinion_graph_release(graph);
  return session;
}

static int is(pinion_string_view view, const char *text, size_t length) {
  return view.length == length && (length == 0 || memcmp(view.data, text, length) == 0);
}

/* Strings of inputs are where the caller has them, those of outputs there or in the call. */
static void strings(void) {
  static const int64_t dims[] = {3};
  pinion_call_options options = PINION_CALL_OPTIONS_INIT;
  pinion_input_shape shape = {"x", NULL, PINION_UNDEFINED, 1, NULL};
  pinion_string_view given[3] = {{"one", 3}, {NULL, 0}, {"a\0b", 3}}, found[3];
  pinion_string_output output = {NULL, NULL, NULL, 0, 0};
  pinion_session_options budget = PINION_SESSION_OPTIONS_INIT;
  pinion_run_options limits = PINION_RUN_OPTIONS_INIT;
  int64_t numbers[3] = {2, 1, 0};
  char text[16];
  void *inputs[1], *outputs[1];
  pinion_session *session = session_of(string_model(), NULL);
  pinion_call *call;
  int i;
  shape.dims = dims;
  output.strings = found;
  inputs[0] = given, outputs[0] = &output;
  CHECK_STATUS(pinion_call_create_with_options(session, NULL, 1, &shape, 1, NULL, &call), PINION_UNSUPPORTED);
  options.strings = 2;
  CHECK_STATUS(pinion_call_create_with_options(session, &options, 1, &shape, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK(call == NULL);
  options.strings = 1;
  CHECK_OK(pinion_call_create_with_options(session, &options, 1, &shape, 1, NULL, &call));
  CHECK(strcmp(pinion_value_info_text(pinion_call_output(call, 0)), "string[3]") == 0);
  CHECK(!pinion_call_output_has_own_strings(call, 0) && !pinion_call_output_has_own_strings(call, 1) && !pinion_call_output_has_own_strings(NULL, 0));
  for (i = 0; i < 4; ++i) {
    memset(found, 0xff, sizeof found);
    output.owner = (pinion_value *)1;
    output.text_size = 77;
    CHECK_OK(pinion_call_run(call, i == 3 ? &limits : NULL, inputs, outputs));
    CHECK(is(found[0], "one", 3) && is(found[1], "", 0) && is(found[2], "a\0b", 3) && output.text_size == 0);
    /* The first run is planned and makes copies. */
    CHECK(i == 0 || (output.owner == NULL && found[2].data == given[2].data));
    pinion_value_release(output.owner);
  }

  /* Copied one after the other, where there is room for that. */
  output.text = text, output.text_capacity = sizeof text;
  memset(text, 0x55, sizeof text);
  CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
  CHECK(output.text_size == 9 && memcmp(text, "one\0\0a\0b\0U", 10) == 0 && output.owner == NULL);
  CHECK(found[2].data == text + 5 && is(found[2], "a\0b", 3) && is(found[1], "", 0));
  output.text_capacity = 8;
  memset(text, 0x55, sizeof text);
  CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
  CHECK(output.text_size == 9 && text[0] == 0x55 && found[2].data == given[2].data && output.owner == NULL);
  output.text = NULL;

  /* What cannot be is told before anything runs. */
  given[1].length = 1;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  given[1].data = "x", given[1].length = (size_t)-1;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  given[1].length = 1;
  output.strings = NULL;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  output.strings = (pinion_string_view *)((char *)found + 1);
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  outputs[0] = NULL;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  outputs[0] = (char *)&output + 1;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  outputs[0] = &output, output.strings = found;
  CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
  pinion_call_release(call);
  pinion_session_release(session);

  /* A budget makes a run copy: its strings have an owner. */
  budget.byte_budget = 1 << 20;
  session = session_of(string_model(), &budget);
  CHECK_OK(pinion_call_create_with_options(session, &options, 1, &shape, 1, NULL, &call));
  for (i = 0; i < 3; ++i) {
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(output.owner != NULL && found[0].data != given[0].data);
    pinion_call_release(i == 2 ? call : NULL);
    CHECK(is(found[0], "one", 3) && is(found[1], "x", 1) && is(found[2], "a\0b", 3));
    pinion_value_release(output.owner);
  }
  pinion_session_release(session);

  /* Labels lie in the call. */
  session = label_session();
  CHECK_OK(pinion_call_create_with_options(session, &options, 1, &shape, 1, NULL, &call));
  pinion_session_release(session);
  CHECK(pinion_call_output_has_own_strings(call, 0));
  inputs[0] = numbers;
  for (i = 0; i < 4; ++i) {
    const char *before = found[0].data;
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(is(found[0], "blue", 4) && is(found[1], "", 0) && is(found[2], "red", 3));
    CHECK(i < 2 || (output.owner == NULL && found[0].data == before));
    pinion_value_release(output.owner);
  }
  numbers[1] = 9;
  CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
  CHECK(is(found[1], "?", 1));
  pinion_call_release(call);
}

/* Strings one after the other and back. */
static void joined_strings(void) {
  const pinion_string_view views[3] = {{"one", 3}, {NULL, 0}, {"two", 3}};
  pinion_string_view found[3];
  char text[16];
  memset(text, 0x55, sizeof text);
  CHECK_OK(pinion_string_views_join(views, 3, text, 9));
  CHECK(memcmp(text, "one\0\0two\0U", 10) == 0);
  CHECK_STATUS(pinion_string_views_join(views, 3, text, 8), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_string_views_join(NULL, 0, NULL, 0));
  CHECK_STATUS(pinion_string_views_join(NULL, 1, text, 9), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_string_views_join(views, 1, NULL, 9), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_string_views_split(text, 8, 3, found));
  CHECK(is(found[0], "one", 3) && is(found[1], "", 0) && is(found[2], "two", 3) && found[2].data == text + 5);
  CHECK_STATUS(pinion_string_views_split(text, 8, 2, found), PINION_INVALID_VALUE);
  CHECK_STATUS(pinion_string_views_split(text, 9, 3, found), PINION_INVALID_VALUE);
  CHECK_STATUS(pinion_string_views_split(text, 3, 2, found), PINION_INVALID_VALUE);
  CHECK_STATUS(pinion_string_views_split(text, 1, 0, found), PINION_INVALID_VALUE);
  CHECK_STATUS(pinion_string_views_split(NULL, 1, 1, found), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_string_views_split(text, 1, 1, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_string_views_split(text, 1, (size_t)-1, found), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_string_views_split(NULL, 0, 1, found));
  CHECK(found[0].length == 0);
  CHECK_OK(pinion_string_views_split(NULL, 0, 0, NULL));
}

/* Outputs whose shapes data decide, and a sequence. */
static void calls_for_values(void) {
  const int64_t dims[] = {-1}, given[] = {4}, other[] = {3, 1};
  pinion_input_shape shape = {"x", NULL, PINION_UNDEFINED, 1, NULL};
  float x[4] = {1, 0, 3, 0};
  void *inputs[1];
  pinion_tensor_view views[3] = {PINION_TENSOR_VIEW_INIT, PINION_TENSOR_VIEW_INIT, PINION_TENSOR_VIEW_INIT};
  pinion_value *outputs[3];
  pinion_graph *graph;
  pinion_graph_value in = 0, places = 0, parts = 0, negated = 0;
  pinion_model *model;
  pinion_session *session;
  pinion_call *call, *plain;
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  pinion_cancel_token *token;
  const char *names[] = {"negated", "places"}, *unknown[] = {"nothing"};
  int i, count;
  shape.dims = given;
  inputs[0] = x;
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 1, dims, NULL, &in));
  CHECK_OK(pinion_graph_add_node(graph, "NonZero", NULL, 1, &in, 1, &places));
  CHECK_OK(pinion_graph_add_node(graph, "SequenceConstruct", NULL, 1, &places, 1, &parts));
  CHECK_OK(pinion_graph_add_node(graph, "Neg", NULL, 1, &in, 1, &negated));
  CHECK_OK(pinion_graph_add_output(graph, places, "places"));
  CHECK_OK(pinion_graph_add_output(graph, parts, "parts"));
  CHECK_OK(pinion_graph_add_output(graph, negated, "negated"));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_STATUS(pinion_call_create(session, 1, &shape, 3, NULL, &call), PINION_UNSUPPORTED);
  CHECK_OK(pinion_call_create_for_values(session, 1, &shape, 3, NULL, &call));
  CHECK(pinion_call_output_count(call) == 3 && strcmp(pinion_value_info_name(pinion_call_output(call, 1)), "parts") == 0);
  for (i = 0; i < 5; ++i) {
    x[1] = (float)(i % 2);
    count = 2 + i % 2;
    CHECK_OK(pinion_call_run_values(call, NULL, inputs, outputs, i == 3 ? NULL : views));
    CHECK(pinion_value_kind(outputs[1]) == PINION_KIND_SEQUENCE && pinion_sequence_count(outputs[1]) == 1);
    if (i != 3) {
      CHECK(views[0].element_type == PINION_INT64 && views[0].rank == 2 && views[0].dims[0] == 1 && views[0].dims[1] == count);
      CHECK(((const int64_t *)views[0].data)[count - 1] == 2 && views[0].data == pinion_tensor_data(outputs[0]));
      CHECK(views[1].element_type == PINION_UNDEFINED && views[1].data == NULL);
      CHECK(views[2].element_count == 4 && ((const float *)views[2].data)[2] == -3);
    }
    CHECK_OK(pinion_sequence_describe(outputs[1], 0, 1, views));
    CHECK(views[0].dims[1] == count && ((const int64_t *)views[0].data)[count - 1] == 2);
    CHECK(views[0].data != pinion_tensor_data(outputs[0]));
    pinion_value_release(outputs[0]), pinion_value_release(outputs[1]), pinion_value_release(outputs[2]);
  }
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, (void *const *)outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run_values(call, NULL, NULL, outputs, views), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run_values(call, NULL, inputs, NULL, views), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run_values(NULL, NULL, inputs, outputs, views), PINION_INVALID_ARGUMENT);
  inputs[0] = NULL;
  outputs[0] = (pinion_value *)x;
  CHECK_STATUS(pinion_call_run_values(call, NULL, inputs, outputs, views), PINION_INVALID_ARGUMENT);
  CHECK(outputs[0] == NULL && outputs[2] == NULL && views[0].data == NULL);
  inputs[0] = x;
  CHECK_OK(pinion_cancel_token_create(&token));
  pinion_cancel_token_set(token);
  options.cancel_token = token;
  CHECK_STATUS(pinion_call_run_values(call, &options, inputs, outputs, NULL), PINION_CANCELLED);
  pinion_cancel_token_release(token);
  pinion_call_release(call);

  /* Chosen outputs, and a call of the other kind. */
  CHECK_OK(pinion_call_create_for_values(session, 1, &shape, 2, names, &call));
  CHECK_OK(pinion_call_create(session, 1, &shape, 1, names, &plain));
  CHECK_OK(pinion_call_run_values(call, NULL, inputs, outputs, views));
  CHECK(views[0].element_count == 4 && views[1].element_type == PINION_INT64);
  pinion_value_release(outputs[0]), pinion_value_release(outputs[1]);
  CHECK_OK(pinion_call_run_values(plain, NULL, inputs, outputs, views));
  CHECK(views[0].element_count == 4 && ((const float *)views[0].data)[0] == -1);
  pinion_value_release(outputs[0]);
  pinion_call_release(plain);
  pinion_call_release(call);
  CHECK_STATUS(pinion_call_create_for_values(session, 1, &shape, 1, unknown, &call), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_call_create_for_values(session, 0, NULL, 3, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_create_for_values(session, 1, &shape, 4, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_create_for_values(NULL, 1, &shape, 3, NULL, &call), PINION_INVALID_ARGUMENT);
  shape.element_type = PINION_STRING;
  CHECK_STATUS(pinion_call_create_for_values(session, 1, &shape, 3, NULL, &call), PINION_UNSUPPORTED);
  /* What the model does not take is said at once: another element type, another rank. */
  shape.element_type = PINION_INT64;
  shape.dims = other;
  CHECK_STATUS(pinion_call_create_for_values(session, 1, &shape, 3, NULL, &call), PINION_INVALID_SHAPE);
  CHECK(call == NULL && strstr(pinion_error_message(NULL), "input 'x' is int64[3], expected element type float32") != NULL);
  shape.element_type = PINION_FLOAT32;
  shape.rank = 2;
  CHECK_STATUS(pinion_call_create_for_values(session, 1, &shape, 3, NULL, &call), PINION_INVALID_SHAPE);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_graph_release(graph);
}

int main(void) {
  prepared_calls();
  calls_for_values();
  tables();
  strings();
  joined_strings();
  return check_result("calls");
}
