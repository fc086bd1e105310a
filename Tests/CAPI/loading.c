/* Models from memory, callbacks and files. */
#define _POSIX_C_SOURCE 200809L
#include "sessions.h"

#include <stdlib.h>
#include <unistd.h>

static int32_t refuse(int64_t offset, size_t length, void *destination, void *context) {
  (void)offset, (void)length, (void)destination, (void)context;
  return 1;
}

static void models(void) {
  buffer bytes = add_model();
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_model *model;
  char *text;
  CHECK_OK(pinion_model_load_callback(read_part, &bytes, (int64_t)bytes.size, &options, &model));
  CHECK(pinion_model_ir_version(model) == 9);
  CHECK(strcmp(pinion_model_producer_name(model), "capi") == 0);
  CHECK(strcmp(pinion_model_producer_version(model), "7") == 0);
  CHECK(strcmp(pinion_model_domain(model), "org.example") == 0);
  CHECK(pinion_model_version(model) == 3);
  CHECK(strcmp(pinion_model_doc_string(model), "a test") == 0);
  CHECK(strcmp(pinion_model_graph_name(model), "addition") == 0);
  CHECK(pinion_model_opset_count(model) == 1);
  CHECK(strcmp(pinion_model_opset_domain(model, 0), "ai.onnx") == 0);
  CHECK(pinion_model_opset_version(model, 0) == 18);
  CHECK(pinion_model_opset_version(model, 1) == 0 && pinion_model_opset_domain(model, 1)[0] == 0);
  CHECK(pinion_model_metadata_count(model) == 1);
  CHECK(strcmp(pinion_model_metadata_key(model, 0), "author") == 0);
  CHECK(strcmp(pinion_model_metadata_value(model, 0), "nobody") == 0);
  CHECK(strcmp(pinion_model_metadata_find(model, "author"), "nobody") == 0);
  CHECK(pinion_model_metadata_find(model, "nothing") == NULL);
  CHECK(pinion_model_input_count(model) == 2 && pinion_model_output_count(model) == 1);
  describe(pinion_model_input(model, 0), pinion_model_input(model, 1));
  CHECK(pinion_model_input(model, 2) == NULL && pinion_model_output(model, 1) == NULL);
  CHECK(pinion_model_node_count(model) == 1);
  CHECK(pinion_model_weight_bytes(model) == 8);
  CHECK(pinion_model_operator_count(model) == 1);
  CHECK(strcmp(pinion_model_operator_name(model, 0), "Add") == 0 && pinion_model_operator_uses(model, 0) == 1);
  CHECK_OK(pinion_model_text(model, &text));
  CHECK(strstr(text, "Add") != NULL);
  pinion_string_release(text);
  pinion_model_release(model);

  CHECK_STATUS(pinion_model_load_callback(refuse, NULL, 100, NULL, &model), PINION_IO);
  CHECK(model == NULL);
  CHECK_STATUS(pinion_model_load_callback(refuse, NULL, -1, NULL, &model), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_load_memory("no model at all", 15, false, NULL, &model), PINION_INVALID_MODEL);
  CHECK(model == NULL);
  options.struct_size = 0;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &options, &model), PINION_INVALID_ARGUMENT);
}

static void files(void) {
  buffer bytes = add_model();
  char path[] = "/tmp/pinion-capi-XXXXXX";
  int descriptor = mkstemp(path);
  FILE *file = fdopen(descriptor, "wb");
  pinion_model *model;
  fwrite(bytes.bytes, 1, bytes.size, file);
  fclose(file);
  CHECK_OK(pinion_model_load_file(path, NULL, &model));
  CHECK(pinion_model_input_count(model) == 2);
  pinion_model_release(model);
  remove(path);
}

/* A file that is read and not mapped may change afterwards. */
static void read_files(void) {
  buffer bytes = add_model();
  char path[] = "/tmp/pinion-read-XXXXXX";
  const int64_t dims[] = {1, 2};
  float data[2] = {1, 2};
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_model *model;
  pinion_session *session;
  pinion_value *input, *output = NULL;
  int file = mkstemp(path);
  CHECK(file >= 0 && write(file, bytes.bytes, bytes.size) == (ssize_t)bytes.size);
  options.read_files = 1;
  CHECK_OK(pinion_model_load_file(path, &options, &model));
  CHECK(ftruncate(file, 1) == 0);
  close(file);
  unlink(path);
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK(((const float *)pinion_tensor_data(output))[0] == 11);
  pinion_value_release(output);
  pinion_value_release(input);
  pinion_session_release(session);
  pinion_model_release(model);
}

int main(void) {
  models();
  files();
  read_files();
  return check_result("loading");
}
