/* Misuse of states, graphs in code, preparation and saving: a code for each, and everything works afterwards. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static pinion_value *floats(float *data, int32_t rank, const int64_t *dims) {
  pinion_value *value = NULL;
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, rank, dims, NULL, NULL, NULL, &value));
  return value;
}

static pinion_graph_value node(pinion_graph *graph, const char *op, const pinion_node_options *options, size_t count, const pinion_graph_value *inputs) {
  pinion_graph_value output = 0;
  CHECK_OK(pinion_graph_add_node(graph, op, options, count, inputs, 1, &output));
  return output;
}

/* present_0[1,P+N,2] = Concat(past_0, x) along axis 1, y = Neg(x), made in code. */
static pinion_model *make_model(void) {
  pinion_graph *graph = NULL;
  pinion_graph_value x = 0, past = 0;
  pinion_attributes *axis = NULL;
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  const int64_t dims[] = {1, -1, 2};
  const char *rows[] = {NULL, "N", NULL}, *earlier[] = {NULL, "P", NULL}, *present[] = {"present_0"}, *negative[] = {"y"};
  pinion_model *model = NULL;
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 3, dims, rows, &x));
  CHECK_OK(pinion_graph_add_input(graph, "past_0", PINION_FLOAT32, 3, dims, earlier, &past));
  CHECK_OK(pinion_attributes_create(&axis));
  CHECK_OK(pinion_attributes_set_int(axis, "axis", 1));
  options.attributes = axis;
  options.output_names = present;
  const pinion_graph_value pair[] = {past, x};
  const pinion_graph_value joined = node(graph, "Concat", &options, 2, pair);
  options.attributes = NULL;
  options.output_names = negative;
  const pinion_graph_value y = node(graph, "Neg", &options, 1, &x);
  CHECK_OK(pinion_graph_add_output(graph, joined, NULL));
  CHECK_OK(pinion_graph_add_output(graph, y, NULL));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  pinion_attributes_release(axis);
  pinion_graph_release(graph);
  return model;
}

static pinion_session *make_session(void) {
  pinion_model *model = make_model();
  pinion_session *session = NULL;
  CHECK_OK(pinion_session_create(model, NULL, &session));
  pinion_model_release(model);
  return session;
}

/* One row more; the state works. */
static pinion_status step(pinion_state *state) {
  static float row[2] = {1, -2};
  const int64_t dims[] = {1, 1, 2};
  pinion_value *input = floats(row, 3, dims), *output = NULL;
  const pinion_status status = pinion_state_run(state, NULL, 1, NULL, &input, 1, NULL, &output);
  if (status == PINION_OK) CHECK(((const float *)pinion_tensor_data(output))[1] == 2);
  else CHECK(output == NULL);
  pinion_value_release(output);
  pinion_value_release(input);
  return status;
}

static void states(void) {
  pinion_session *session = make_session();
  pinion_state *state = NULL, *fork = (pinion_state *)1;
  static float data[12];
  const int64_t dims[] = {1, 1, 2}, wide[] = {1, 1, 3}, flat[] = {2}, whole[] = {1, 2, 2};
  const char *x[] = {"x"}, *past[] = {"past_0"}, *nobody[] = {"nobody"}, *null[] = {NULL}, *y[] = {"y"}, *present[] = {"present_0"};
  pinion_value *input = floats(data, 3, dims), *odd = floats(data, 3, wide), *low = floats(data, 1, flat), *rows = floats(data, 3, whole);
  pinion_value *none = NULL, *strings = NULL, *output = NULL, *missing = NULL;
  const char *text[] = {"a"};
  CHECK_OK(pinion_none_create(&none));
  CHECK_OK(pinion_tensor_create_strings(text, NULL, 1, (const int64_t[]){1}, &strings));
  CHECK_STATUS(pinion_state_create(session, 1, null, y, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(session, 1, x, null, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(session, (size_t)-1, past, present, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(session, 0, NULL, NULL, INT64_MAX, &state), PINION_INVALID_ARGUMENT);
  CHECK(state == NULL);
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &state));
  /* Before anything is held. */
  CHECK_STATUS(pinion_state_get(state, "past_0", &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_truncate(state, 1), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_truncate(state, -1), PINION_INVALID_ARGUMENT);
  CHECK_OK(step(state));
  /* Null pointers. */
  CHECK_STATUS(pinion_state_run(NULL, NULL, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, NULL, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, &input, 1, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, null, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, &input, 1, null, &output), PINION_INVALID_ARGUMENT);
  CHECK(pinion_state_run(state, NULL, 1, NULL, &missing, 1, NULL, &output) == PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_get(state, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_get(state, "past_0", NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_set(state, NULL, input), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_set(state, "past_0", NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_fork(state, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_fork(NULL, &fork), PINION_INVALID_ARGUMENT);
  CHECK(fork == NULL);
  /* Counts and names. */
  CHECK_STATUS(pinion_state_run(state, NULL, (size_t)-1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, &input, (size_t)-1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 2, NULL, (pinion_value *[]){input, input}, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, nobody, &input, 1, NULL, &output), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, x, &input, 1, nobody, &output), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, past, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 0, NULL, NULL, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_get(state, "x", &output), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_state_set(state, "nobody", input), PINION_NOT_FOUND);
  /* Types and sizes. */
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, &odd, 1, NULL, &output), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, &low, 1, NULL, &output), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_run(state, NULL, 1, NULL, &none, 1, NULL, &output), PINION_INVALID_SHAPE);
  CHECK(strstr(pinion_error_message(NULL), "input 'x' is an empty optional, expected float32[") != NULL);
  CHECK_STATUS(pinion_state_set(state, "past_0", odd), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_set(state, "past_0", low), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_set(state, "past_0", strings), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_set(state, "past_0", none), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_truncate(state, 2), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_truncate(state, INT64_MIN), PINION_INVALID_ARGUMENT);
  /* Options. */
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  const size_t sizes[] = {0, 1, 7, 4097, (size_t)-1};
  for (size_t i = 0; i < COUNT(sizes); ++i) {
    options.struct_size = sizes[i];
    CHECK_STATUS(pinion_state_run(state, &options, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
    CHECK_STATUS(pinion_session_prepare(session, &options, 0, NULL, 0, NULL), PINION_INVALID_ARGUMENT);
  }
  options.struct_size = sizeof options;
  options.timeout_ns = -1;
  CHECK(pinion_state_run(state, &options, 1, NULL, &input, 1, NULL, &output) == PINION_INVALID_ARGUMENT);
  options.timeout_ns = 0;
  options.byte_budget = -1;
  CHECK(pinion_state_run(state, &options, 1, NULL, &input, 1, NULL, &output) == PINION_INVALID_ARGUMENT);
  CHECK(output == NULL);
  /* An older host's options are shorter. */
  pinion_run_options shorter = PINION_RUN_OPTIONS_INIT;
  shorter.struct_size = sizeof(size_t);
  CHECK_OK(pinion_state_run(state, &shorter, 1, NULL, &input, 1, NULL, &output));
  pinion_value_release(output);
  output = NULL;
  CHECK(pinion_state_pair_input(state, 1) == NULL && pinion_state_pair_output(state, (size_t)-1) == NULL && !pinion_state_pair_is_appended(state, 9));
  CHECK(pinion_state_length(state) == 2);
  CHECK_OK(pinion_state_set(state, "past_0", rows));
  CHECK_OK(step(state));
  CHECK(pinion_state_length(state) == 3);
  /* The session may go before its state, references come and go. */
  CHECK(pinion_state_retain(state) == state);
  pinion_session_release(session);
  pinion_state_release(state);
  CHECK_OK(step(state));
  CHECK_OK(pinion_state_fork(state, &fork));
  pinion_state_release(state);
  CHECK_OK(step(fork));
  CHECK_OK(pinion_state_get(fork, "past_0", &output));
  pinion_state_release(fork);
  CHECK(pinion_tensor_element_count(output) == 10);
  pinion_value_release(output);
  pinion_value_release(input);
  pinion_value_release(odd);
  pinion_value_release(low);
  pinion_value_release(rows);
  pinion_value_release(none);
  pinion_value_release(strings);
}

/* ------------------------------------------------------------------------------------------------------------------ */

typedef struct shared {
  pinion_state *state;
  int seconds, number;
  int counts[3]; /* done, refused as in use, anything else */
} shared;

static void *use(void *argument) {
  shared *own = argument;
  unsigned random = 12345u + (unsigned)own->number;
  for (int i = 0; i < 400; ++i) {
    pinion_status status = PINION_OK;
    pinion_value *value = NULL;
    pinion_state *fork = NULL;
    random = random * 1103515245u + 12345u;
    switch (random >> 16 & 7) {
      case 0: status = pinion_state_reset(own->state); break;
      case 1: status = pinion_state_truncate(own->state, 0); break;
      case 2: status = pinion_state_fork(own->state, &fork); break;
      case 3: status = pinion_state_get(own->state, "past_0", &value); break;
      case 4: pinion_state_release(pinion_state_retain(own->state)); break;
      default: status = step(own->state);
    }
    /* In use, or nothing is held. */
    ++own->counts[status == PINION_OK ? 0 : status == PINION_INVALID_ARGUMENT ? 1 : 2];
    if (fork) CHECK(step(fork) == PINION_OK);
    (void)pinion_state_length(own->state);
    (void)pinion_state_bytes(own->state);
    (void)pinion_state_moved_bytes(own->state);
    pinion_state_release(fork);
    pinion_value_release(value);
  }
  pinion_state_release(own->state);
  return NULL;
}

/* A state that many threads use at once: each call is done or refused. */
static void threads(void) {
  pinion_session *session = make_session();
  pinion_state *state = NULL;
  shared all[6];
  pthread_t ids[6];
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &state));
  for (int i = 0; i < 6; ++i) {
    all[i] = (shared){.state = pinion_state_retain(state), .number = i};
    CHECK(pthread_create(&ids[i], NULL, use, &all[i]) == 0);
  }
  /* Its owner lets it go while they run. */
  pinion_state_release(state);
  pinion_session_release(session);
  int done = 0;
  for (int i = 0; i < 6; ++i) {
    pthread_join(ids[i], NULL);
    done += all[i].counts[0];
    CHECK(all[i].counts[2] == 0);
  }
  CHECK(done > 0);
}

static pinion_state *running;
static pinion_status seen[5];
static int32_t ask(void *context) {
  pinion_value *value = NULL;
  pinion_state *fork = NULL;
  (void)context;
  seen[0] = pinion_state_reset(running);
  seen[1] = pinion_state_fork(running, &fork);
  seen[2] = pinion_state_get(running, "past_0", &value);
  seen[3] = pinion_state_truncate(running, 0);
  seen[4] = step(running);
  return 1;
}

/* What is done to a state from within its own run, by the function that asks whether the run shall stop. */
static void within(void) {
  pinion_session *session = make_session();
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  const int64_t dims[] = {1, 1 << 22, 2};
  float *data = calloc(2u << 22, sizeof *data);
  pinion_value *input = floats(data, 3, dims), *output = NULL;
  int tries = 0;
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &running));
  options.should_stop = ask;
  /* A fast machine may end a run before it is asked. */
  while (seen[4] == PINION_OK && tries++ < 50) {
    const pinion_status status = pinion_state_run(running, &options, 1, NULL, &input, 1, NULL, &output);
    CHECK(status == PINION_OK || status == PINION_CANCELLED);
    pinion_value_release(output);
    output = NULL;
    if (status == PINION_OK) CHECK_OK(pinion_state_reset(running));
  }
  if (tries <= 50)
    for (int i = 0; i < 5; ++i) CHECK(seen[i] == PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_state_reset(running));
  CHECK_OK(step(running));
  pinion_state_release(running);
  pinion_session_release(session);
  pinion_value_release(input);
  free(data);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void graphs(void) {
  pinion_graph *graph = NULL, *inner = NULL, *deeper = NULL;
  pinion_graph_value x = 0, c = 0, y = 0, outputs[2] = {0, 0};
  pinion_attributes *attributes = NULL;
  pinion_node_options node_options = PINION_NODE_OPTIONS_INIT;
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_graph_options graph_options = PINION_GRAPH_OPTIONS_INIT;
  pinion_model *model = (pinion_model *)1;
  const int64_t dims[] = {2};
  char *text = (char *)1;
  CHECK_STATUS(pinion_graph_create(NULL, NULL), PINION_INVALID_ARGUMENT);
  const size_t sizes[] = {0, 7, 4097, (size_t)-1};
  for (size_t i = 0; i < COUNT(sizes); ++i) {
    graph_options.struct_size = sizes[i];
    CHECK_STATUS(pinion_graph_create(&graph_options, &graph), PINION_INVALID_ARGUMENT);
  }
  graph_options.struct_size = sizeof graph_options;
  graph_options.opset = 9999;
  CHECK_STATUS(pinion_graph_create(&graph_options, &graph), PINION_UNSUPPORTED);
  graph_options.opset = -1;
  CHECK(pinion_graph_create(&graph_options, &graph) != PINION_OK && graph == NULL);
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_STATUS(pinion_graph_create_subgraph(NULL, "s", &inner), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_create_subgraph(graph, "s", NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_text(NULL, &text), PINION_INVALID_ARGUMENT);
  CHECK(text == NULL);
  CHECK_STATUS(pinion_graph_text(graph, NULL), PINION_INVALID_ARGUMENT);
  CHECK(pinion_graph_retain(NULL) == NULL);
  pinion_graph_release(NULL);
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 1, dims, NULL, &x));
  CHECK_OK(pinion_graph_add_input(graph, "c", PINION_BOOL, 0, NULL, NULL, &c));
  CHECK_STATUS(pinion_graph_add_node(graph, "Neg", NULL, (size_t)-1, &x, 1, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_node(graph, "Neg", NULL, 1, &x, (size_t)-1, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_node(graph, "Neg", NULL, 1, &x, 1 << 20, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_graph_add_node(NULL, "Neg", NULL, 1, &x, 1, outputs), PINION_INVALID_ARGUMENT);
  node_options.struct_size = 3;
  CHECK_STATUS(pinion_graph_add_node(graph, "Neg", &node_options, 1, &x, 1, outputs), PINION_INVALID_ARGUMENT);
  node_options.struct_size = sizeof node_options;
  const pinion_graph_value strange[] = {-1, 1, INT64_MAX, INT64_MIN, x + 1000, x + ((int64_t)1 << 40)};
  for (size_t i = 0; i < COUNT(strange); ++i) {
    CHECK(pinion_graph_add_node(graph, "Neg", NULL, 1, &strange[i], 1, outputs) == PINION_INVALID_ARGUMENT);
    CHECK(pinion_graph_add_output(graph, strange[i], NULL) == PINION_INVALID_ARGUMENT);
    CHECK(pinion_graph_value_info(graph, strange[i]) == NULL);
  }

  /* Subgraphs: of themselves, without outputs, for two nodes, after their node, as models. */
  CHECK_OK(pinion_attributes_create(&attributes));
  CHECK_OK(pinion_graph_create_subgraph(graph, "inner", &inner));
  CHECK_OK(pinion_graph_create_subgraph(inner, "deeper", &deeper));
  CHECK_STATUS(pinion_model_create(inner, NULL, &model), PINION_INVALID_ARGUMENT);
  CHECK(model == NULL);
  CHECK(pinion_graph_set_metadata(inner, "a", "b") != PINION_OK);
  CHECK_OK(pinion_attributes_set_graph(attributes, "then_branch", inner));
  CHECK_OK(pinion_attributes_set_graph(attributes, "else_branch", inner));
  node_options.attributes = attributes;
  CHECK(pinion_graph_add_node(inner, "If", &node_options, 1, &c, 1, outputs) != PINION_OK);
  CHECK(pinion_graph_add_node(deeper, "If", &node_options, 1, &c, 1, outputs) != PINION_OK);
  CHECK(pinion_graph_add_node(graph, "If", &node_options, 1, &c, 1, outputs) != PINION_OK);
  CHECK(outputs[0] == 0);
  const pinion_graph_value negative = node(inner, "Neg", NULL, 1, &x);
  CHECK_OK(pinion_graph_add_output(inner, negative, NULL));
  CHECK_OK(pinion_attributes_set_graph(attributes, "else_branch", deeper));
  CHECK(pinion_graph_add_node(graph, "If", &node_options, 1, &c, 1, outputs) != PINION_OK);
  pinion_graph *other = NULL;
  CHECK_OK(pinion_graph_create_subgraph(graph, "other", &other));
  CHECK_OK(pinion_graph_add_output(other, node(other, "Abs", NULL, 1, &x), NULL));
  CHECK_OK(pinion_attributes_set_graph(attributes, "else_branch", other));
  CHECK_OK(pinion_graph_add_node(graph, "If", &node_options, 1, &c, 1, outputs));
  y = outputs[0];
  CHECK(pinion_graph_add_node(graph, "If", &node_options, 1, &c, 1, outputs) != PINION_OK);
  CHECK(pinion_graph_add_node(inner, "Neg", NULL, 1, &x, 1, outputs) != PINION_OK);
  CHECK(pinion_graph_add_output(inner, x, "late") != PINION_OK);
  CHECK_OK(pinion_graph_add_output(graph, y, "y"));

  /* Limits and options of the model. */
  for (size_t i = 0; i < COUNT(sizes); ++i) {
    options.struct_size = sizes[i];
    CHECK_STATUS(pinion_model_create(graph, &options, &model), PINION_INVALID_ARGUMENT);
  }
  options.struct_size = sizeof options;
  options.byte_budget = -1;
  CHECK_STATUS(pinion_model_create(graph, &options, &model), PINION_INVALID_ARGUMENT);
  options.byte_budget = 100;
  CHECK_STATUS(pinion_model_create(graph, &options, &model), PINION_BUDGET_EXCEEDED);
  options.byte_budget = 0;
  options.mutations = (pinion_mutations)77;
  CHECK_STATUS(pinion_model_create(graph, &options, &model), PINION_INVALID_ARGUMENT);
  options.mutations = PINION_MUTATIONS_OUTPUTS;
  pinion_cancel_token *token = NULL;
  CHECK_OK(pinion_cancel_token_create(&token));
  pinion_cancel_token_set(token);
  options.cancel_token = token;
  CHECK_STATUS(pinion_model_create(graph, &options, &model), PINION_CANCELLED);
  CHECK_STATUS(pinion_model_create(graph, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK(model == NULL);
  options.cancel_token = NULL;
  options.byte_budget = 1 << 20;
  CHECK_OK(pinion_model_create(graph, &options, &model));
  pinion_cancel_token_release(token);
  pinion_model_release(model);
  /* Subgraphs and attributes may outlive the graph. */
  pinion_graph_release(graph);
  CHECK(pinion_graph_value_info(inner, negative) != NULL);
  pinion_graph_release(deeper);
  pinion_graph_release(inner);
  pinion_graph_release(other);
  pinion_attributes_release(attributes);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void preparing(void) {
  pinion_session *session = make_session();
  const int64_t dims[] = {1, 4, 2}, odd[] = {1, 4, 3}, negative[] = {1, -5, 2}, huge[] = {1, INT64_MAX, 2};
  pinion_input_shape shapes[2] = {{.name = "x", .rank = 3, .dims = dims}, {.name = "past_0", .rank = 3, .dims = dims}};
  const char *nobody[] = {"nobody"}, *null[] = {NULL};
  CHECK_STATUS(pinion_session_prepare(NULL, NULL, 0, NULL, 0, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 0, NULL, 0, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, NULL, 0, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, (size_t)-1, shapes, 0, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, (size_t)-1, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 9, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 1, nobody), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 1, null), PINION_INVALID_ARGUMENT);
  shapes[0].name = "nobody";
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL), PINION_NOT_FOUND);
  shapes[0].name = NULL;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL), PINION_INVALID_ARGUMENT);
  shapes[0].name = "x";
  shapes[0].dims = NULL;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL), PINION_INVALID_ARGUMENT);
  shapes[0].dims = odd;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL), PINION_INVALID_SHAPE);
  shapes[0].dims = negative;
  CHECK(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL) != PINION_OK);
  shapes[0].dims = huge;
  CHECK(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL) != PINION_OK);
  shapes[0].dims = dims;
  shapes[0].rank = -1;
  CHECK(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL) != PINION_OK);
  shapes[0].rank = 1 << 20;
  CHECK(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL) != PINION_OK);
  shapes[0].rank = 3;
  CHECK_OK(pinion_session_prepare(session, NULL, 2, shapes, 0, NULL));
  pinion_session_release(session);
}

static void saving(void) {
  pinion_model *model = make_model(), *again = NULL;
  pinion_save_options options = PINION_SAVE_OPTIONS_INIT;
  char folder[] = "/tmp/pinion-misuse-XXXXXX", path[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/m.onnx", folder);
  CHECK_STATUS(pinion_model_save(NULL, path, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_save(model, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_save(model, "", NULL), PINION_IO);
  CHECK_STATUS(pinion_model_save(model, folder, NULL), PINION_IO);
  CHECK_STATUS(pinion_model_save(model, "/nowhere/m.onnx", NULL), PINION_IO);
  CHECK_STATUS(pinion_model_save(model, "/proc/m.onnx", NULL), PINION_IO);
  const size_t sizes[] = {0, 7, 4097, (size_t)-1};
  for (size_t i = 0; i < COUNT(sizes); ++i) {
    options.struct_size = sizes[i];
    CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  }
  options.struct_size = sizeof options;
  options.external_data = (pinion_external_data)9;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  options.external_data = PINION_EXTERNAL_DATA_AUTO;
  options.opset = -3;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  options.opset = 9999;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  options.opset = 7;
  CHECK_STATUS(pinion_model_save(model, path, &options), PINION_INVALID_ARGUMENT);
  CHECK(access(path, F_OK) != 0);
  options.opset = 0;
  CHECK_OK(pinion_model_save(model, path, &options));
  pinion_model_release(model);
  CHECK_OK(pinion_model_load_file(path, NULL, &again));
  /* Over the file that it lies in. */
  CHECK_OK(pinion_model_save(again, path, NULL));
  pinion_model_release(again);
  unlink(path);
  CHECK(rmdir(folder) == 0);
}

int main(void) {
  states();
  threads();
  within();
  graphs();
  preparing();
  saving();
  return check_result("misuse");
}
