/*
 * stack LIBRARY KIB MODEL...: loads, compiles, plans, prepares and runs models on a thread that has so much stack; ends by a signal where
 * that is too little. `code` in place of a model makes nested graphs in code, and a state.
 *
 * The thread's stack lies right behind a page that nobody may touch, so that what a call takes is what it needs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pinion/pinion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *library;
#define F(name) __typeof__(&name) name##_ = (__typeof__(&name))dlsym(library, #name)

static void run(pinion_model *model) {
  F(pinion_session_create);
  F(pinion_session_run);
  F(pinion_session_prepare);
  F(pinion_session_release);
  F(pinion_model_input_count);
  F(pinion_model_input);
  F(pinion_value_info_element_type);
  F(pinion_value_info_rank);
  F(pinion_value_info_dim);
  F(pinion_tensor_create);
  F(pinion_tensor_data);
  F(pinion_tensor_byte_size);
  F(pinion_value_release);
  F(pinion_state_create);
  F(pinion_state_run);
  F(pinion_state_release);
  pinion_session *session = NULL;
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  options.threads = 1;
  if (pinion_session_create_(model, &options, &session) != PINION_OK) return;
  pinion_session_prepare_(session, NULL, 0, NULL, 0, NULL);
  pinion_value *inputs[16] = {NULL}, *output = NULL;
  size_t count = pinion_model_input_count_(model);
  if (count > 16) count = 16;
  for (size_t i = 0; i < count; ++i) {
    const pinion_value_info *info = pinion_model_input_(model, i);
    int64_t dims[16];
    int32_t rank = pinion_value_info_rank_(info);
    if (rank > 16) rank = 16;
    if (rank < 0) dims[0] = 2, rank = pinion_value_info_element_type_(info) == PINION_BOOL ? 0 : 1;
    else
      for (int32_t axis = 0; axis < rank; ++axis) dims[axis] = pinion_value_info_dim_(info, axis) < 0 ? 1 : pinion_value_info_dim_(info, axis);
    if (pinion_tensor_create_(NULL, pinion_value_info_element_type_(info), rank, dims, &inputs[i]) != PINION_OK) continue;
    if (pinion_tensor_byte_size_(inputs[i])) memset(pinion_tensor_data_(inputs[i]), 1, pinion_tensor_byte_size_(inputs[i]));
  }
  pinion_run_options limits = PINION_RUN_OPTIONS_INIT;
  limits.step_budget = 20000;
  pinion_session_run_(session, &limits, count, NULL, inputs, 1, NULL, &output);
  pinion_value_release_(output);
  pinion_state *state = NULL;
  if (pinion_state_create_(session, 0, NULL, NULL, 0, &state) == PINION_OK) {
    output = NULL;
    pinion_state_run_(state, &limits, 1, NULL, inputs, 0, NULL, NULL);
    pinion_state_release_(state);
  }
  for (size_t i = 0; i < count; ++i) pinion_value_release_(inputs[i]);
  pinion_session_release_(session);
}

/* Ifs inside each other as deep as they are taken. */
static void in_code(void) {
  F(pinion_graph_create);
  F(pinion_graph_create_subgraph);
  F(pinion_graph_add_input);
  F(pinion_graph_add_node);
  F(pinion_graph_add_output);
  F(pinion_graph_text);
  F(pinion_string_release);
  F(pinion_graph_release);
  F(pinion_attributes_create);
  F(pinion_attributes_set_graph);
  F(pinion_attributes_release);
  F(pinion_model_create);
  F(pinion_model_save);
  F(pinion_model_release);
  enum { DEPTH = 300 };
  pinion_graph *graphs[DEPTH] = {NULL};
  pinion_graph_value x = 0, c = 0, value = 0;
  const int64_t dims[] = {2};
  int depth = 0;
  if (pinion_graph_create_(NULL, &graphs[0]) != PINION_OK) return;
  pinion_graph_add_input_(graphs[0], "x", PINION_FLOAT32, 1, dims, NULL, &x);
  pinion_graph_add_input_(graphs[0], "c", PINION_BOOL, 0, NULL, NULL, &c);
  while (depth + 1 < DEPTH && pinion_graph_create_subgraph_(graphs[depth], "inner", &graphs[depth + 1]) == PINION_OK) ++depth;
  if (pinion_graph_add_node_(graphs[depth], "Neg", NULL, 1, &x, 1, &value) != PINION_OK) value = 0;
  for (; depth > 0; --depth) {
    pinion_graph *other = NULL;
    pinion_attributes *attributes = NULL;
    pinion_node_options options = PINION_NODE_OPTIONS_INIT;
    pinion_graph_value plain = 0;
    pinion_graph_add_output_(graphs[depth], value, NULL);
    pinion_graph_create_subgraph_(graphs[depth - 1], "other", &other);
    pinion_graph_add_node_(other, "Abs", NULL, 1, &x, 1, &plain);
    pinion_graph_add_output_(other, plain, NULL);
    pinion_attributes_create_(&attributes);
    pinion_attributes_set_graph_(attributes, "then_branch", graphs[depth]);
    pinion_attributes_set_graph_(attributes, "else_branch", other);
    options.attributes = attributes;
    if (pinion_graph_add_node_(graphs[depth - 1], "If", &options, 1, &c, 1, &value) != PINION_OK)
      pinion_graph_add_node_(graphs[depth - 1], "Neg", NULL, 1, &x, 1, &value);
    pinion_attributes_release_(attributes);
    pinion_graph_release_(other);
    pinion_graph_release_(graphs[depth]);
  }
  pinion_graph_add_output_(graphs[0], value, "y");
  char *text = NULL;
  pinion_graph_text_(graphs[0], &text);
  pinion_string_release_(text);
  pinion_model *model = NULL;
  if (pinion_model_create_(graphs[0], NULL, &model) == PINION_OK) {
    pinion_model_save_(model, "/dev/null/nowhere", NULL);
    run(model);
    pinion_model_release_(model);
  }
  pinion_graph_release_(graphs[0]);
}

static char **models;

static void *work(void *unused) {
  F(pinion_model_load_file);
  F(pinion_model_release);
  (void)unused;
  for (char **path = models; *path; ++path) {
    pinion_model *model = NULL;
    if (strcmp(*path, "code") == 0) in_code();
    else if (pinion_model_load_file_(*path, NULL, &model) == PINION_OK) {
      run(model);
      pinion_model_release_(model);
    }
  }
  return NULL;
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 2;
  const size_t size = (size_t)atol(arguments[2]) * 1024, guard = 1 << 20;
  models = arguments + 3;
  char *stack = mmap(NULL, size + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED || mprotect(stack, guard, PROT_NONE)) return 2;
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstack(&attributes, stack + guard, size)) return 2;
  if (pthread_create(&thread, &attributes, work, NULL)) return 2;
  pthread_join(thread, NULL);
  return 0;
}
