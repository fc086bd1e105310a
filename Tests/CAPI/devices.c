/* The list of devices. The makefile sets PINION_CUDA_DRIVER to a file that is not there, so that no GPU is found. */
#include "check.h"
#include "models.h"

int main(void) {
  pinion_model *model;
  pinion_session *session;
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  const char *reason;
  buffer bytes;

  CHECK(pinion_device_count() == 1);
  CHECK(strcmp(pinion_device_name(0), "cpu") == 0);
  CHECK(strstr(pinion_device_description(0), pinion_cpu_isa_name()) != NULL);
  CHECK(pinion_device_name(1)[0] == 0 && pinion_device_description(1)[0] == 0);
  CHECK(pinion_device_why_not(NULL)[0] == 0 && pinion_device_why_not("cpu")[0] == 0);

  reason = pinion_device_why_not("cuda:0");
  CHECK(strncmp(reason, "no NVIDIA driver: ", 18) == 0);
  CHECK(pinion_device_why_not("cuda:0") == reason && pinion_device_why_not("cuda:7") == reason);
  CHECK(strstr(pinion_device_why_not("abacus"), "no device of that name") != NULL);

  bytes = add_model();
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, NULL, &model));
  options.device = "cpu";
  CHECK_OK(pinion_session_create(model, &options, &session));
  pinion_session_release(session);
  options.device = "cuda:0";
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_UNSUPPORTED);
  CHECK(session == NULL && strcmp(pinion_error_message(NULL), reason) == 0);
  options.device = "abacus";
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_NOT_FOUND);
  pinion_model_release(model);
  return check_result("devices");
}
