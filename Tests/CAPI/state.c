/* States: values that stay in the session from run to run. */
#include "check.h"
#include "models.h"

/* TypeProto of float32 tensors; a name for each dimension, or a number. */
static buffer named_type(int rank, const char *const *dims) {
  buffer shape = {{0}, 0}, tensor = {{0}, 0}, type = {{0}, 0};
  int axis;
  for (axis = 0; axis < rank; ++axis) {
    buffer dim = {{0}, 0};
    if (dims[axis][0] >= '0' && dims[axis][0] <= '9') put_number(&dim, 1, (uint64_t)(dims[axis][0] - '0'));
    else put_string(&dim, 2, dims[axis]);
    put_message(&shape, 1, &dim);
  }
  put_number(&tensor, 1, 1);
  put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  return type;
}

/* present_0[B,P+N,2] = Concat(past_0, x) along axis 1, hn[B,2] = h + b, y = Neg(x), z = Abs(hn). */
static pinion_session *make_limited_session(pinion_session_options *options) {
  static const char *const past[] = {"B", "P", "2"}, *const x[] = {"B", "N", "2"}, *const h[] = {"B", "2"}, *const present[] = {"B", "T", "2"};
  buffer graph = {{0}, 0}, node = {{0}, 0}, attribute = {{0}, 0}, model;
  pinion_model *loaded;
  pinion_session *session;
  put_string(&node, 1, "past_0");
  put_string(&node, 1, "x");
  put_string(&node, 2, "present_0");
  put_string(&node, 4, "Concat");
  put_string(&attribute, 1, "axis");
  put_number(&attribute, 3, 1);
  put_number(&attribute, 20, 2);
  put_message(&node, 5, &attribute);
  put_message(&graph, 1, &node);
  put_node(&graph, "Add", "sum", "h", "b", "hn");
  put_node(&graph, "Neg", "negative", "x", NULL, "y");
  put_value(&graph, 11, "x", named_type(3, x));
  put_value(&graph, 11, "past_0", named_type(3, past));
  put_value(&graph, 11, "b", named_type(2, h));
  put_value(&graph, 11, "h", named_type(2, h));
  put_value(&graph, 12, "present_0", named_type(3, present));
  put_value(&graph, 12, "hn", named_type(2, h));
  put_value(&graph, 12, "y", named_type(3, x));
  model = finish_model("state", &graph);
  CHECK_OK(pinion_model_load_memory(model.bytes, model.size, true, NULL, &loaded));
  options->threads = 1;
  CHECK_OK(pinion_session_create(loaded, options, &session));
  pinion_model_release(loaded);
  return session;
}

static pinion_session *make_session(int64_t byte_budget) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  options.byte_budget = byte_budget;
  return make_limited_session(&options);
}

static pinion_value *tensor_of(const float *data, int32_t rank, int64_t a, int64_t b, int64_t c) {
  const int64_t dims[] = {a, b, c};
  pinion_value *value;
  CHECK_OK(pinion_tensor_wrap((void *)(size_t)data, PINION_FLOAT32, rank, dims, NULL, NULL, NULL, &value));
  return value;
}

static void check_values(pinion_state *state, const char *name, const float *expected, size_t count) {
  pinion_value *value;
  CHECK_OK(pinion_state_get(state, name, &value));
  CHECK(pinion_tensor_byte_size(value) == count * sizeof(float));
  CHECK(count == 0 || memcmp(pinion_tensor_data(value), expected, count * sizeof(float)) == 0);
  pinion_value_release(value);
}

/* Runs with `rows` rows in each of two sequences, counted from `first`, and writes down what the cache must be. */
static float cache[2][4096];
static void step(pinion_state *state, int64_t *length, int rows, float first, pinion_status expected, const pinion_run_options *options) {
  static const float ones[] = {1, 1, 1, 1};
  float x[2 * 128 * 2];
  pinion_value *inputs[2], *output = NULL;
  int row, batch;
  for (batch = 0; batch < 2; ++batch)
    for (row = 0; row < 2 * rows; ++row) x[batch * 2 * rows + row] = first + (float)(1000 * batch + row);
  inputs[0] = tensor_of(x, 3, 2, rows, 2);
  inputs[1] = tensor_of(ones, 2, 2, 2, 0);
  CHECK_STATUS(pinion_state_run(state, options, 2, NULL, inputs, 1, NULL, &output), expected);
  if (expected == PINION_OK) {
    CHECK(((float *)pinion_tensor_data(output))[0] == -first);
    for (batch = 0; batch < 2; ++batch) memcpy(&cache[batch][2 * *length], x + batch * 2 * rows, (size_t)rows * 2 * sizeof(float));
    *length += rows;
  } else {
    CHECK(output == NULL);
  }
  pinion_value_release(output);
  pinion_value_release(inputs[0]);
  pinion_value_release(inputs[1]);
  CHECK(pinion_state_length(state) == *length);
}

static void check_cache(pinion_state *state, int64_t length) {
  float both[8192];
  memcpy(both, cache[0], (size_t)length * 2 * sizeof(float));
  memcpy(both + 2 * length, cache[1], (size_t)length * 2 * sizeof(float));
  check_values(state, "past_0", both, (size_t)length * 4);
}

static void grows_and_goes_back(void) {
  pinion_session *session = make_session(0);
  pinion_state *state, *fork;
  int64_t length = 0, other;
  float h[4];
  int i;
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &state));
  pinion_session_release(session);
  CHECK(pinion_state_retain(state) == state);
  pinion_state_release(state);
  CHECK(pinion_state_pair_count(state) == 2 && pinion_state_pair_input(state, 2) == NULL && pinion_state_pair_output(state, 2) == NULL);
  CHECK(strcmp(pinion_value_info_name(pinion_state_pair_input(state, 0)), "past_0") == 0);
  CHECK(strcmp(pinion_value_info_name(pinion_state_pair_output(state, 0)), "present_0") == 0);
  CHECK(strcmp(pinion_value_info_name(pinion_state_pair_output(state, 1)), "hn") == 0);
  CHECK(pinion_state_pair_is_appended(state, 0) && !pinion_state_pair_is_appended(state, 1) && !pinion_state_pair_is_appended(state, 2));
  CHECK(pinion_state_length(state) == 0 && pinion_state_bytes(state) == 0);
  for (i = 0; i < 50; ++i) {
    step(state, &length, 1 + i % 7, (float)i, PINION_OK, NULL);
    check_cache(state, length);
    h[0] = h[1] = h[2] = h[3] = (float)(i + 1);
    check_values(state, "h", h, 4);
    CHECK(pinion_state_moved_bytes(state) >= (1 + i % 7) * 16 && pinion_state_bytes(state) >= length * 16);
  }
  CHECK_OK(pinion_state_fork(state, &fork));
  other = length;
  /* h is replaced by each run. */
  CHECK_STATUS(pinion_state_truncate(state, 3), PINION_UNSUPPORTED);
  CHECK_STATUS(pinion_state_truncate(state, length + 1), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_truncate(state, -1), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_state_reset(state));
  CHECK(pinion_state_length(state) == 0 && pinion_state_length(fork) == other);
  check_cache(fork, other);
  length = 0;
  step(state, &length, 3, 7, PINION_OK, NULL);
  check_cache(state, 3);
  h[0] = h[1] = h[2] = h[3] = 1;
  check_values(state, "h", h, 4);
  pinion_state_release(fork);
  pinion_state_release(state);
}

static void goes_back_without_other_values(void) {
  static const char *inputs[] = {"past_0"}, *outputs[] = {"present_0"};
  static const float zeros[] = {0, 0, 0, 0};
  pinion_session *session = make_session(0);
  pinion_state *state;
  pinion_value *given[3], *results[2] = {NULL, NULL};
  static const char *names[] = {"x", "h", "b"}, *wanted[] = {"present_0", "hn"};
  float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
  const float truncated[] = {1, 2, 1, 2, 3, 4, 5, 6, 5, 6, 7, 8};
  CHECK_OK(pinion_state_create(session, 1, inputs, outputs, 10, &state));
  given[0] = tensor_of(x, 3, 2, 2, 2);
  given[1] = tensor_of(zeros, 2, 2, 2, 0);
  given[2] = tensor_of(zeros, 2, 2, 2, 0);
  CHECK_OK(pinion_state_run(state, NULL, 3, names, given, 0, NULL, NULL));
  CHECK(pinion_state_bytes(state) == 10 * 16);
  CHECK_OK(pinion_state_truncate(state, 1));
  /* What the state takes, asked for by name. */
  CHECK_OK(pinion_state_run(state, NULL, 3, names, given, 2, wanted, results));
  CHECK(pinion_state_length(state) == 3 && pinion_state_moved_bytes(state) == 2 * 16);
  CHECK(memcmp(pinion_tensor_data(results[0]), truncated, sizeof truncated) == 0);
  check_values(state, "past_0", truncated, 12);
  pinion_value_release(results[0]);
  pinion_value_release(results[1]);

  CHECK_OK(pinion_state_set(state, "past_0", given[0]));
  check_values(state, "past_0", x, 8);
  CHECK_STATUS(pinion_state_set(state, "past_0", given[1]), PINION_INVALID_SHAPE);
  CHECK_STATUS(pinion_state_set(state, "h", given[1]), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_state_set(state, "past_0", NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_set(state, NULL, given[0]), PINION_INVALID_ARGUMENT);
  names[0] = "past_0";
  CHECK_STATUS(pinion_state_run(state, NULL, 3, names, given, 0, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 4, NULL, given, 0, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(state, NULL, 3, NULL, NULL, 0, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_run(NULL, NULL, 0, NULL, NULL, 0, NULL, NULL), PINION_INVALID_ARGUMENT);
  pinion_value_release(given[0]);
  pinion_value_release(given[1]);
  pinion_value_release(given[2]);
  pinion_state_release(state);
  pinion_session_release(session);
}

static void failures_change_nothing(void) {
  pinion_session *session = make_session(0), *small = make_session(4224);
  pinion_state *state, *second;
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  int64_t length = 0;
  pinion_cancel_token *token;
  int i;
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &state));
  CHECK_OK(pinion_cancel_token_create(&token));
  for (i = 0; i < 20; ++i) {
    step(state, &length, 2, (float)i, PINION_OK, NULL);
    pinion_cancel_token_set(token);
    options.cancel_token = token;
    step(state, &length, 30, -1, PINION_CANCELLED, &options);
    options.cancel_token = NULL;
    options.step_budget = 1;
    step(state, &length, 30, -1, PINION_BUDGET_EXCEEDED, &options);
    options.step_budget = 0;
    options.byte_budget = 64;
    step(state, &length, 30, -1, PINION_BUDGET_EXCEEDED, &options);
    options.byte_budget = 0;
    options.timeout_ns = 1;
    step(state, &length, 30, -1, PINION_DEADLINE_EXCEEDED, &options);
    options.timeout_ns = 0;
    check_cache(state, length);
  }
  pinion_cancel_token_release(token);
  pinion_state_release(state);

  /* The session's budget holds for its states together. */
  CHECK_OK(pinion_state_create(small, 0, NULL, NULL, 0, &state));
  CHECK_OK(pinion_state_create(small, 0, NULL, NULL, 100, &second));
  length = 0;
  step(state, &length, 60, 1, PINION_OK, NULL);
  {
    int64_t none = 0;
    step(second, &none, 60, 1, PINION_OK, NULL);
    pinion_state_release(second);
    CHECK_OK(pinion_state_fork(state, &second));
    step(state, &length, 70, 1, PINION_BUDGET_EXCEEDED, NULL);
    pinion_state_release(second);
  }
  step(state, &length, 1, 1, PINION_OK, NULL);
  pinion_state_release(state);
  pinion_session_release(session);
  pinion_session_release(small);
}

static void bad_pairs(void) {
  static const char *input[] = {"past_0", "past_0"}, *output[] = {"present_0", "hn"}, *nobody[] = {"nobody"};
  pinion_session *session = make_session(0);
  pinion_state *state;
  CHECK_STATUS(pinion_state_create(session, 2, input, output, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(session, 1, nobody, output, 0, &state), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_state_create(session, 1, input, nobody, 0, &state), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_state_create(session, 1, input, NULL, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(session, 1, input, output, -1, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(NULL, 0, NULL, NULL, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create(session, 0, NULL, NULL, 0, NULL), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
  CHECK(pinion_state_pair_count(NULL) == 0 && pinion_state_length(NULL) == -1 && pinion_state_bytes(NULL) == 0);
  CHECK(pinion_state_moved_bytes(NULL) == 0 && pinion_state_retain(NULL) == NULL);
  pinion_state_release(NULL);
  CHECK_STATUS(pinion_state_reset(NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_truncate(NULL, 0), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_fork(NULL, &state), PINION_INVALID_ARGUMENT);
}

/* The limits of a session's creation are those of its states' as well. */
static void limits_of_the_session(void) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_session *session = make_limited_session(&options);
  pinion_state *state;
  pinion_cancel_token *token;
  pinion_session_release(session);
  CHECK_OK(pinion_cancel_token_create(&token));
  options.cancel_token = token;
  options.timeout_ns = INT64_C(60000000000);
  session = make_limited_session(&options);
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &state));
  pinion_state_release(state);
  pinion_cancel_token_set(token);
  CHECK_STATUS(pinion_state_create(session, 0, NULL, NULL, 0, &state), PINION_CANCELLED);
  CHECK(state == NULL);
  pinion_cancel_token_reset(token);
  /* The session keeps the token. */
  pinion_cancel_token_release(token);
  CHECK_OK(pinion_state_create(session, 0, NULL, NULL, 0, &state));
  pinion_state_release(state);
  pinion_session_release(session);
}

/* A creation has limits of its own, in the place of the session's. */
static void limits_of_its_own(void) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_run_options limits = PINION_RUN_OPTIONS_INIT;
  pinion_session *session;
  pinion_state *state;
  pinion_cancel_token *token, *other;
  int64_t length = 0;
  CHECK_OK(pinion_cancel_token_create(&token));
  CHECK_OK(pinion_cancel_token_create(&other));
  options.cancel_token = token;
  session = make_limited_session(&options);
  CHECK_OK(pinion_state_create_with_options(session, NULL, 0, NULL, NULL, 0, &state));
  pinion_state_release(state);
  limits.timeout_ns = 1;
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state), PINION_DEADLINE_EXCEEDED);
  CHECK(state == NULL);
  limits.timeout_ns = -1;
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state), PINION_INVALID_ARGUMENT);
  limits.timeout_ns = 0;
  limits.byte_budget = -1;
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state), PINION_INVALID_ARGUMENT);
  limits.byte_budget = 0;
  limits.struct_size = 0;
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state), PINION_INVALID_ARGUMENT);
  limits.struct_size = sizeof limits;
  pinion_cancel_token_set(token);
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state), PINION_CANCELLED);
  limits.cancel_token = other;
  /* Nothing is computed beforehand that would need as much. */
  limits.byte_budget = 1000;
  CHECK_OK(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state));
  step(state, &length, 3, 1, PINION_OK, NULL);
  check_cache(state, length);
  pinion_state_release(state);
  pinion_cancel_token_set(other);
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, &state), PINION_CANCELLED);
  CHECK_STATUS(pinion_state_create_with_options(NULL, &limits, 0, NULL, NULL, 0, &state), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_state_create_with_options(session, &limits, 0, NULL, NULL, 0, NULL), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
  pinion_cancel_token_release(token);
  pinion_cancel_token_release(other);
}

int main(void) {
  grows_and_goes_back();
  goes_back_without_other_values();
  failures_change_nothing();
  bad_pairs();
  limits_of_the_session();
  limits_of_its_own();
  return check_result("state");
}
