/* Prepared calls, and maps as tables. */
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

int main(void) {
  prepared_calls();
  tables();
  return check_result("calls");
}
