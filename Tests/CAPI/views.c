/* Runs on memory that no values were made of. */
#include "sessions.h"

static pinion_tensor_view view_of(pinion_element_type type, int32_t rank, const int64_t *dims, const void *data) {
  pinion_tensor_view view = PINION_TENSOR_VIEW_INIT;
  view.element_type = type;
  view.rank = rank;
  view.dims = dims;
  view.data = (void *)data;
  return view;
}

static void numbers(void) {
  const int64_t dims[] = {3, 2}, vector[] = {2}, none[] = {0, 2}, wrong[] = {2, 3};
  const char *swapped[] = {"b", "x"}, *unknown[] = {"z"}, *twice[] = {"x", "x"};
  const float x[6] = {1, 2, 3, 4, 5, 6}, b[2] = {1, 1};
  unsigned char odd[sizeof x + 1];
  pinion_tensor_view inputs[2], views[1] = {PINION_TENSOR_VIEW_INIT}, old;
  pinion_value *y = NULL, *value;
  pinion_session *session = session_of(add_model(), NULL);
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  inputs[0] = view_of(PINION_FLOAT32, 2, dims, x);
  CHECK_OK(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views));
  CHECK(views[0].element_type == PINION_FLOAT32 && views[0].rank == 2 && views[0].dims[0] == 3 && views[0].dims[1] == 2);
  CHECK(views[0].byte_size == sizeof x && views[0].element_count == 6 && views[0].data == pinion_tensor_data(y));
  CHECK(((float *)views[0].data)[0] == 11 && ((float *)views[0].data)[5] == 26);

  /* Into the caller's tensor, by names, with limits, with no views. */
  inputs[1] = inputs[0];
  inputs[0] = view_of(PINION_FLOAT32, 1, vector, b);
  value = y;
  CHECK_OK(pinion_session_run_views(session, &options, 2, swapped, inputs, 1, NULL, &y, NULL));
  CHECK(y == value && ((float *)pinion_tensor_data(y))[0] == 2 && ((float *)pinion_tensor_data(y))[5] == 7);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 2, twice, inputs, 1, NULL, &y, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, unknown, inputs, 1, NULL, &y, NULL), PINION_NOT_FOUND);
  pinion_value_release(y);

  /* A value among the views, one left out, memory that is not aligned, nothing at all. */
  y = NULL;
  CHECK_OK(pinion_tensor_wrap((void *)b, PINION_FLOAT32, 1, vector, NULL, NULL, NULL, &value));
  inputs[0] = view_of(PINION_UNDEFINED, 0, NULL, value);
  memcpy(odd + 1, x, sizeof x);
  inputs[1] = view_of(PINION_FLOAT32, 2, dims, odd + 1);
  CHECK_OK(pinion_session_run_views(session, NULL, 2, swapped, inputs, 1, NULL, &y, views));
  CHECK(((float *)views[0].data)[5] == 7);
  pinion_value_release(y);
  pinion_value_release(value);
  y = NULL;
  inputs[0] = view_of(PINION_UNDEFINED, 0, NULL, NULL);
  CHECK_OK(pinion_session_run_views(session, NULL, 2, swapped, inputs, 1, NULL, &y, views));
  CHECK(((float *)views[0].data)[5] == 26);
  pinion_value_release(y);
  y = NULL;
  inputs[0] = view_of(PINION_FLOAT32, 2, none, NULL);
  CHECK_OK(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views));
  CHECK(views[0].rank == 2 && views[0].dims[0] == 0 && views[0].byte_size == 0 && views[0].data == NULL);
  pinion_value_release(y);

  /* What is refused leaves nothing. */
  y = NULL;
  inputs[0] = view_of(PINION_FLOAT32, 2, wrong, x);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_SHAPE);
  CHECK(y == NULL && views[0].rank == 0 && views[0].dims == NULL && views[0].data == NULL);
  inputs[0] = view_of(PINION_FLOAT32, 2, dims, NULL);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  inputs[0] = view_of(PINION_FLOAT32, -1, dims, x);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  inputs[0] = view_of(PINION_FLOAT32, 4097, dims, x);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_SHAPE);
  inputs[0] = view_of(PINION_FLOAT32, 2, NULL, x);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  inputs[0] = view_of((pinion_element_type)99, 2, dims, x);
  CHECK(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views) != PINION_OK);
  inputs[0] = view_of(PINION_FLOAT32, 2, dims, x);
  inputs[0].struct_size = 8;
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  inputs[0].struct_size = sizeof inputs[0];
  memset(&old, 0, sizeof old);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, &y, &old), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 3, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, NULL, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, inputs, 1, NULL, NULL, views), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run_views(NULL, NULL, 1, NULL, inputs, 1, NULL, &y, views), PINION_INVALID_ARGUMENT);
  CHECK(y == NULL);
  options.byte_budget = 1;
  CHECK_STATUS(pinion_session_run_views(session, &options, 1, NULL, inputs, 1, NULL, &y, views), PINION_BUDGET_EXCEEDED);
  CHECK(y == NULL);
  pinion_session_release(session);
}

static void strings(void) {
  const int64_t count[] = {3}, offsets[] = {0, 1, 1, 4}, falling[] = {0, 2, 1, 4};
  pinion_text text;
  pinion_tensor_view input, view = PINION_TENSOR_VIEW_INIT;
  pinion_value *y = NULL;
  const char *data;
  size_t length;
  char bytes[] = "abcd";
  pinion_session *session = session_of(string_model(), NULL);
  text.text = bytes;
  text.offsets = offsets;
  input = view_of(PINION_STRING, 1, count, &text);
  CHECK_OK(pinion_session_run_views(session, NULL, 1, NULL, &input, 1, NULL, &y, &view));
  CHECK(view.element_type == PINION_STRING && view.rank == 1 && view.dims[0] == 3 && view.data == NULL && view.element_count == 3);
  /* The caller's memory is not what the output's strings lie in. */
  memset(bytes, 'x', 4);
  CHECK_OK(pinion_tensor_string(y, 2, &data, &length));
  CHECK(length == 3 && memcmp(data, "bcd", 3) == 0);
  pinion_value_release(y);
  y = NULL;
  text.offsets = falling;
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, &input, 1, NULL, &y, &view), PINION_INVALID_ARGUMENT);
  text.offsets = NULL;
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, &input, 1, NULL, &y, &view), PINION_INVALID_ARGUMENT);
  input.data = NULL;
  CHECK_STATUS(pinion_session_run_views(session, NULL, 1, NULL, &input, 1, NULL, &y, &view), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
}

/* What is no tensor has a view without a type. */
static void sequences(void) {
  const int64_t one[] = {1};
  const float x = 3;
  pinion_tensor_view inputs[2], view = PINION_TENSOR_VIEW_INIT;
  pinion_value *s, *t = NULL;
  pinion_session *session = session_of(sequence_model(), NULL);
  CHECK_OK(pinion_sequence_create(&s));
  inputs[0] = view_of(PINION_UNDEFINED, 0, NULL, s);
  inputs[1] = view_of(PINION_FLOAT32, 1, one, &x);
  CHECK_OK(pinion_session_run_views(session, NULL, 2, NULL, inputs, 1, NULL, &t, &view));
  CHECK(pinion_value_kind(t) == PINION_KIND_SEQUENCE && pinion_sequence_count(t) == 1);
  CHECK(view.element_type == PINION_UNDEFINED && view.data == NULL && view.dims == NULL);
  pinion_value_release(t);
  pinion_value_release(s);
  pinion_session_release(session);
}

int main(void) {
  numbers();
  strings();
  sequences();
  return check_result("views");
}
