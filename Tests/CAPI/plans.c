/* Plans, preparations, profiles. */
#define _POSIX_C_SOURCE 200809L
#include "sessions.h"

static void plans(void) {
  const int64_t dims[] = {5, 2}, wrong[] = {5, 3}, square[] = {64, 64};
  pinion_input_shape shape = {"x", NULL, PINION_UNDEFINED, 2, NULL};
  pinion_plan *plan;
  const pinion_value_info *info;
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_run_options limits = PINION_RUN_OPTIONS_INIT;
  pinion_session *session = session_of(add_model(), NULL);
  shape.dims = dims;
  CHECK_OK(pinion_session_plan(session, 1, &shape, &plan));
  CHECK(pinion_plan_output_count(plan) == 1);
  info = pinion_plan_output(plan, 0);
  CHECK(strcmp(pinion_value_info_name(info), "y") == 0);
  CHECK(pinion_value_info_rank(info) == 2 && pinion_value_info_dim(info, 0) == 5 && pinion_value_info_dim(info, 1) == 2);
  CHECK(pinion_plan_is_complete(plan));
  CHECK(pinion_plan_peak_bytes(plan) >= 40);
  CHECK(pinion_plan_output(plan, 1) == NULL);
  pinion_session_release(session);
  CHECK(pinion_plan_flops(plan) >= 0);
  pinion_plan_release(plan);

  session = session_of(add_model(), NULL);
  shape.dims = wrong;
  CHECK_STATUS(pinion_session_plan(session, 1, &shape, &plan), PINION_INVALID_SHAPE);
  CHECK(plan == NULL);
  shape.dims = dims;
  shape.name = "z";
  CHECK_STATUS(pinion_session_plan(session, 1, &shape, &plan), PINION_NOT_FOUND);
  pinion_session_release(session);

  options.optimization_level = 0;
  session = session_of(matmul_model(64, 3), &options);
  shape.name = "x";
  shape.dims = square;
  CHECK_OK(pinion_session_plan(session, 1, &shape, &plan));
  CHECK(pinion_plan_flops(plan) == 3 * 2 * 64 * 64 * 64);
  pinion_plan_release(plan);
  CHECK_OK(pinion_session_plan_with_options(session, &limits, 1, &shape, &plan));
  CHECK(pinion_plan_flops(plan) == 3 * 2 * 64 * 64 * 64);
  CHECK(pinion_plan_peak_bytes(plan) >= 64 * 64 * 4);
  pinion_plan_release(plan);
  CHECK_OK(pinion_cancel_token_create(&limits.cancel_token));
  pinion_cancel_token_set(limits.cancel_token);
  CHECK_STATUS(pinion_session_plan_with_options(session, &limits, 1, &shape, &plan), PINION_CANCELLED);
  CHECK(plan == NULL);
  pinion_cancel_token_release(limits.cancel_token);
  limits.cancel_token = NULL;
  limits.timeout_ns = 1;
  CHECK_STATUS(pinion_session_plan_with_options(session, &limits, 1, &shape, &plan), PINION_DEADLINE_EXCEEDED);
  limits.timeout_ns = -1;
  CHECK_STATUS(pinion_session_plan_with_options(session, &limits, 1, &shape, &plan), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
}

/* How many nodes planning met anew. */
static long planned(pinion_session *session) {
  char *json;
  long made = -1;
  CHECK_OK(pinion_session_profile_json(session, &json));
  const char *numbers = strstr(json, "\"planned\":");
  CHECK(numbers != NULL && sscanf(numbers, "\"planned\":{\"made\":%ld,\"kept\":0}", &made) == 1);
  pinion_string_release(json);
  return made;
}

static void preparations(void) {
  const int64_t dims[] = {64, 64}, wrong[] = {5, 3};
  const char *names[] = {"x"}, *unknown[] = {"nowhere"};
  pinion_input_shape shape = {"x", NULL, PINION_UNDEFINED, 2, NULL};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_run_options limits = PINION_RUN_OPTIONS_INIT;
  pinion_value *x, *y = NULL;
  pinion_session *session;
  long made;
  options.profile = 1;
  session = session_of(matmul_model(64, 3), &options);
  shape.dims = dims;
  CHECK_OK(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL));
  made = planned(session);
  CHECK(made == 3);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &x));
  memset(pinion_tensor_data(x), 0, 64 * 64 * 4);
  CHECK_OK(pinion_session_run(session, NULL, 1, names, &x, 1, NULL, &y));
  /* The run has nothing to plan. */
  CHECK(planned(session) == made);
  pinion_value_release(y);
  /* Prepared again, and by an input in place of its shape: what is there already. */
  shape.value = x;
  CHECK_OK(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL));
  CHECK(planned(session) == made);
  shape.value = NULL;
  pinion_value_release(x);

  limits.byte_budget = 100;
  CHECK_STATUS(pinion_session_prepare(session, &limits, 1, &shape, 1, NULL), PINION_BUDGET_EXCEEDED);
  limits.byte_budget = 0;
  CHECK_OK(pinion_cancel_token_create(&limits.cancel_token));
  pinion_cancel_token_set(limits.cancel_token);
  CHECK_STATUS(pinion_session_prepare(session, &limits, 1, &shape, 1, NULL), PINION_CANCELLED);
  pinion_cancel_token_release(limits.cancel_token);
  shape.dims = wrong;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL), PINION_INVALID_SHAPE);
  shape.name = "nowhere";
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL), PINION_NOT_FOUND);
  shape.name = "x";
  shape.dims = dims;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 1, unknown), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 2, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, NULL, 1, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(NULL, NULL, 1, &shape, 1, NULL), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
}

static void profiles(void) {
  float data[2] = {1, 2};
  const int64_t dims[] = {1, 2};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_value *input, *output = NULL;
  pinion_session *session = session_of(add_model(), NULL);
  char *json;
  CHECK_STATUS(pinion_session_profile_json(session, &json), PINION_UNSUPPORTED);
  CHECK(json == NULL);
  pinion_session_release(session);
  options.profile = 1;
  session = session_of(add_model(), &options);
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK_OK(pinion_session_profile_json(session, &json));
  CHECK(strstr(json, "\"nodes\"") && strstr(json, "\"runs\"") && strstr(json, "Add"));
  pinion_string_release(json);
  CHECK_OK(pinion_session_profile_trace(session, &json));
  CHECK(strstr(json, "traceEvents") || json[0] == '[');
  pinion_string_release(json);
  pinion_session_profile_reset(session);
  pinion_value_release(input);
  pinion_value_release(output);
  pinion_session_release(session);
}

int main(void) {
  plans();
  preparations();
  profiles();
  return check_result("plans");
}
