/* What programs of several tests begin with. */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "check.h"
#include "models.h"

#include <time.h>

static inline pinion_session *session_of(buffer bytes, const pinion_session_options *options) {
  pinion_model *model;
  pinion_session *session;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, NULL, &model));
  CHECK_OK(pinion_session_create(model, options, &session));
  pinion_model_release(model);
  return session;
}

static inline void describe(const pinion_value_info *x, const pinion_value_info *b) {
  CHECK(strcmp(pinion_value_info_name(x), "x") == 0);
  CHECK(pinion_value_info_kind(x) == PINION_KIND_TENSOR);
  CHECK(pinion_value_info_element_type(x) == PINION_FLOAT32);
  CHECK(pinion_value_info_rank(x) == 2);
  CHECK(pinion_value_info_dim(x, 0) == -1 && pinion_value_info_dim(x, 1) == 2);
  CHECK(strcmp(pinion_value_info_dim_name(x, 0), "n") == 0);
  CHECK(pinion_value_info_dim_name(x, 1)[0] == 0);
  CHECK(pinion_value_info_dim_name(x, 9)[0] == 0);
  CHECK(pinion_value_info_content(x) == NULL);
  CHECK(!pinion_value_info_is_optional(x));
  CHECK(pinion_value_info_is_optional(b));
  CHECK(strcmp(pinion_value_info_text(x), "float32[n,2]") == 0);
}

static inline int32_t read_part(int64_t offset, size_t length, void *destination, void *context) {
  const buffer *bytes = context;
  if (offset < 0 || (size_t)offset + length > bytes->size) return 1;
  memcpy(destination, bytes->bytes + offset, length);
  return 0;
}

static inline double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
