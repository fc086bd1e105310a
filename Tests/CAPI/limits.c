/* Deadlines, tokens, budgets and questions, of runs and of what is made before them. */
#define _POSIX_C_SOURCE 200809L
#include "sessions.h"

#include <pthread.h>
#include <time.h>

static void *cancel_soon(void *token) {
  const struct timespec pause = {0, 50 * 1000 * 1000};
  nanosleep(&pause, NULL);
  pinion_cancel_token_set(token);
  return NULL;
}

static void limits(void) {
  enum { size = 1500 };
  const int64_t dims[] = {size, size};
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  pinion_value *input, *output = NULL;
  pinion_cancel_token *token;
  pthread_t thread;
  double begin;
  pinion_session *session = session_of(matmul_model(size, 40), NULL);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &input));
  memset(pinion_tensor_data(input), 0, pinion_tensor_byte_size(input));

  CHECK_OK(pinion_cancel_token_create(&token));
  CHECK(!pinion_cancel_token_is_set(token));
  options.cancel_token = token;
  begin = seconds();
  CHECK(pthread_create(&thread, NULL, cancel_soon, token) == 0);
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_CANCELLED);
  CHECK(seconds() - begin < 1.0);
  pthread_join(thread, NULL);
  CHECK(pinion_cancel_token_is_set(token));
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_CANCELLED);
  pinion_cancel_token_reset(token);
  CHECK(!pinion_cancel_token_is_set(token));

  options.timeout_ns = 20 * 1000 * 1000;
  begin = seconds();
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_DEADLINE_EXCEEDED);
  CHECK(seconds() - begin < 1.0);
  options.timeout_ns = 0;

  options.byte_budget = 1000;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_BUDGET_EXCEEDED);
  options.byte_budget = -1;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  options.byte_budget = 0;
  options.step_budget = 3;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_BUDGET_EXCEEDED);
  options.step_budget = 0;
  options.struct_size = 0;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK(output == NULL);
  pinion_cancel_token_release(token);
  pinion_value_release(input);
  pinion_session_release(session);
}

typedef struct question {
  int asked, stop_at;
  pthread_t thread;
} question;

static int32_t should_stop(void *context) {
  question *mine = context;
  CHECK(pthread_equal(mine->thread, pthread_self()));
  return ++mine->asked >= mine->stop_at;
}

/* A long run asks its caller again and again, and ends soon after the answer. */
static void questions(void) {
  const int64_t dims[] = {1024, 1024};
  int32_t threads;
  for (threads = 1; threads <= 2; ++threads) {
    pinion_session_options session_options = PINION_SESSION_OPTIONS_INIT;
    pinion_run_options options = PINION_RUN_OPTIONS_INIT;
    question mine;
    pinion_session *session;
    pinion_value *input, *output = NULL;
    double start;
    session_options.threads = threads;
    session = session_of(matmul_model(1024, 60), &session_options);
    CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &input));
    memset(pinion_tensor_data(input), 0, pinion_tensor_byte_size(input));
    mine.asked = 0, mine.stop_at = 3, mine.thread = pthread_self();
    options.should_stop = should_stop;
    options.should_stop_context = &mine;
    start = seconds();
    CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_CANCELLED);
    CHECK(mine.asked == 3 && output == NULL);
    CHECK(seconds() - start >= 0.05);
    mine.asked = 0, mine.stop_at = 1 << 30;
    CHECK_OK(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output));
    CHECK(mine.asked >= 3);
    pinion_value_release(output);
    pinion_value_release(input);
    pinion_session_release(session);
  }
}

/* Loading and creating end at their limits too, and both work without them afterwards. */
static void creation_limits(void) {
  buffer bytes = add_model();
  pinion_model_options load = PINION_MODEL_OPTIONS_INIT;
  pinion_session_options create = PINION_SESSION_OPTIONS_INIT;
  pinion_cancel_token *token;
  pinion_model *model;
  pinion_session *session;
  question mine = {0};
  CHECK_OK(pinion_cancel_token_create(&token));
  pinion_cancel_token_set(token);
  load.cancel_token = token;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_CANCELLED);
  CHECK(model == NULL);
  CHECK_STATUS(pinion_model_load_callback(read_part, &bytes, (int64_t)bytes.size, &load, &model), PINION_CANCELLED);
  load.cancel_token = NULL;
  load.timeout_ns = 1;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_DEADLINE_EXCEEDED);
  load.timeout_ns = -1;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_INVALID_ARGUMENT);
  load.timeout_ns = 0;
  load.byte_budget = 100;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_BUDGET_EXCEEDED);
  load.byte_budget = -1;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_INVALID_ARGUMENT);
  load.byte_budget = 1 << 20;
  mine.stop_at = 1 << 30, mine.thread = pthread_self();
  load.should_stop = should_stop;
  load.should_stop_context = &mine;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model));

  create.cancel_token = token;
  CHECK_STATUS(pinion_session_create(model, &create, &session), PINION_CANCELLED);
  CHECK(session == NULL);
  create.cancel_token = NULL;
  create.timeout_ns = 1;
  CHECK_STATUS(pinion_session_create(model, &create, &session), PINION_DEADLINE_EXCEEDED);
  create.timeout_ns = -1;
  CHECK_STATUS(pinion_session_create(model, &create, &session), PINION_INVALID_ARGUMENT);
  create.timeout_ns = INT64_C(1000000000) * 60;
  create.byte_budget = 1 << 20;
  create.should_stop = should_stop;
  create.should_stop_context = &mine;
  CHECK_OK(pinion_session_create(model, &create, &session));
  pinion_session_release(session);
  pinion_model_release(model);

  /* Options of a program that was compiled before they grew. */
  load.struct_size = 24;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model));
  create.struct_size = 56;
  CHECK_OK(pinion_session_create(model, &create, &session));
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_cancel_token_release(token);
}

int main(void) {
  limits();
  questions();
  creation_limits();
  return check_result("limits");
}
