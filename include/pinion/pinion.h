/*
 * Pinion: an inference runtime for ONNX and PyTorch (.pt2) models that other programs embed.
 *
 * This header is the whole C interface of libpinion.so and its manual. It compiles as C99 and as C++.
 *
 *
 * OVERVIEW
 *
 *   model    what a file holds: graph, weights, metadata. Immutable; loaded once, shared by many sessions.
 *   session  a model made ready for a device. Immutable to its users; any number of threads may run it at once.
 *   value    what goes into a run and comes out of it: a tensor, a sequence, a map, or nothing (an empty optional).
 *   run      named values in, named values out, under a deadline, a cancel token and budgets.
 *   runtime  threads, allocator, log and executor that sessions share. Optional: NULL is the process's default.
 *   graph    what a model is made of in code, where there is no file.
 *
 * A complete program: it loads the model named on its command line and feeds a float32 tensor to its first input.
 *
 *     #include <pinion/pinion.h>
 *     #include <stdio.h>
 *
 *     static int fail(void) {
 *       fprintf(stderr, "%s\n", pinion_error_text(NULL));
 *       return 1;
 *     }
 *
 *     int main(int argc, char **argv) {
 *       pinion_model *model;
 *       pinion_session *session;
 *       pinion_value *input, *output = NULL;
 *       static float pixels[1 * 3 * 224 * 224];
 *       const int64_t dims[] = {1, 3, 224, 224};
 *
 *       if (argc != 2 || pinion_abi_check(PINION_ABI_VERSION) != PINION_OK) return 2;
 *       if (pinion_model_load_file(argv[1], NULL, &model) != PINION_OK) return fail();
 *       if (pinion_session_create(model, NULL, &session) != PINION_OK) return fail();
 *       if (pinion_tensor_wrap(pixels, PINION_FLOAT32, 4, dims, NULL, NULL, NULL, &input) != PINION_OK) return fail();
 *       if (pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output) != PINION_OK) return fail();
 *
 *       const float *scores = pinion_tensor_data(output);
 *       printf("%lld scores, the first is %g\n", (long long)pinion_tensor_element_count(output), scores[0]);
 *
 *       pinion_value_release(output);
 *       pinion_value_release(input);
 *       pinion_session_release(session);
 *       pinion_model_release(model);
 *       return 0;
 *     }
 *
 *
 * RULES THAT HOLD FOR EVERY FUNCTION
 *
 * Status.      A function that can fail returns a pinion_status, PINION_OK (0) for success. What went wrong in detail is
 *              kept per thread until the thread's next failing call: pinion_error_message(NULL) and its siblings.
 *              Every such function may return PINION_INVALID_ARGUMENT for a null pointer or an option out of range,
 *              PINION_OUT_OF_MEMORY, and PINION_INTERNAL for a defect of Pinion; only further codes are named below.
 *              No function ends the process, throws, or prints.
 * Results.     Output parameters come last. On failure they are set to NULL or 0, unless the function says otherwise.
 * Ownership.   Objects are counted: a `..._create`, `..._load_...`, `..._wrap` or `..._get` function gives the caller one
 *              reference, `..._retain` adds one, `..._release` gives one back. Releasing NULL does nothing. An object
 *              keeps alive what it is made from: a model may be released as soon as its session exists.
 * Strings      are UTF-8 and zero-terminated, except where a length stands beside the pointer. A returned `const char *`
 *              belongs to the object it was read from and lives as long; it is never NULL unless that is said.
 *              A returned `char *` is the caller's, who gives it back to pinion_string_release().
 * Getters      of a NULL object or of an index out of range return 0, NULL or an empty string, and leave the thread's
 *              last error as it is.
 * Options      are passed in structures that begin with their own size, initialised with PINION_..._INIT:
 *                  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
 *              NULL instead of a structure means its defaults. Structures only grow, at their end, in later versions; the
 *              library reads no further than struct_size and takes defaults for the rest.
 * Threads.     "Thread-safe.": may be called from any thread at any time, also on the same object.
 *              "Thread-compatible.": calls on different objects may run at once, and so may calls that only read one
 *              object; a call that changes an object must be alone on it.
 *              Callbacks may be called from any thread, also from several at once, and must not throw or longjmp.
 * Fork.        A child of fork() may use what the parent made, also when other threads of the parent were at work: its runs have
 *              threads of their own. fork() waits for the locks of other threads, a second at most. Not usable in the child are
 *              calls that were in progress in other threads, and objects that those were using alone, as states.
 * Stack.       A thread that calls a function has 256 KiB of stack, or more. Threads of the library bring their own.
 * Unloading.   The library stays in the process once it is loaded: dlclose() leaves it where it is, and a later dlopen() finds
 *              it as it was. Its threads, and what it does when a thread of the host ends, need its code.
 * Stability.   Functions and constants are added, never changed or removed, while the number in the library's name
 *              (libpinion.so.0) stays. "Since" names the version that a declaration first appeared in.
 */
#ifndef PINION_H
#define PINION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define PINION_API __attribute__((visibility("default")))
#else
#define PINION_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------------------
 * Version
 * ---------------------------------------------------------------------------------------------------------------- */

/* The version of this header. Since: 0.1. */
#define PINION_VERSION_MAJOR 0
#define PINION_VERSION_MINOR 1
#define PINION_VERSION_PATCH 0
#define PINION_VERSION_STRING "0.1.0"

/* Counts the additions to this interface; see pinion_abi_check(). Since: 0.1. */
#define PINION_ABI_VERSION 3

/*
 * The version of the library as "major.minor.patch". The string lives as long as the library is loaded.
 * Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_version_string(void);

/* The PINION_ABI_VERSION that the library was built with. Thread-safe. Since: 0.1. */
PINION_API int32_t pinion_abi_version(void);

/* ------------------------------------------------------------------------------------------------------------------
 * Status and errors
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * How a call ended. The values never change; later versions may add some, so treat an unknown one as a failure.
 * Since: 0.1.
 */
typedef enum pinion_status {
  PINION_OK = 0,
  /* An argument of a call is wrong: a null pointer, an unknown name, an option out of range. */
  PINION_INVALID_ARGUMENT = 1,
  /* The file or buffer is not a well-formed model. */
  PINION_INVALID_MODEL = 2,
  /* The model is well-formed and asks for something that this build does not do. */
  PINION_UNSUPPORTED = 3,
  /* The shapes or element types of inputs do not fit the model or one of its nodes. */
  PINION_INVALID_SHAPE = 4,
  /* A value inside a tensor is not allowed where it is used, e.g. an index out of range. */
  PINION_INVALID_VALUE = 5,
  /* The allocator returned nothing. */
  PINION_OUT_OF_MEMORY = 6,
  /* The call would need more bytes or steps than its budget allows. */
  PINION_BUDGET_EXCEEDED = 7,
  /* The run's deadline passed. */
  PINION_DEADLINE_EXCEEDED = 8,
  /* The run's cancel token was set. */
  PINION_CANCELLED = 9,
  /* The operating system, or a reader callback, refused to open, read or map a file. */
  PINION_IO = 10,
  /* The named thing does not exist. */
  PINION_NOT_FOUND = 11,
  /* A defect of Pinion itself; please report it. */
  PINION_INTERNAL = 12,
  /* Makes the type 32 bits wide in every compiler; never returned. */
  PINION_STATUS_FORCE_32_BITS = 0x7fffffff
} pinion_status;

/*
 * What went wrong, in detail: a code, a sentence, and where in the model it happened.
 *
 * Every pinion_error_ getter takes such an object or NULL. NULL stands for the error of the calling thread's last failing
 * call; what it returns is valid until the thread's next failing call. Without a failing call before, the code is
 * PINION_OK and the strings are empty. A call that succeeds leaves the thread's last error as it is.
 */
typedef struct pinion_error pinion_error;

/*
 * Asks whether this library serves a program compiled against a header: pass PINION_ABI_VERSION.
 * Returns PINION_OK, or PINION_UNSUPPORTED when the library is older than the header. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_abi_check(int32_t header_abi_version);

/*
 * The name of a status as it is written in this header, e.g. "PINION_INVALID_SHAPE"; "PINION_UNKNOWN" for a number that
 * this version does not know. The string lives as long as the library is loaded. Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_status_name(pinion_status status);

/* The status that the failing call returned. Thread-safe. Since: 0.1. */
PINION_API pinion_status pinion_error_code(const pinion_error *error);

/* One sentence for a person: what was found and what was expected. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_error_message(const pinion_error *error);

/* The name of the node in the model, or empty where no node is concerned. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_error_node(const pinion_error *error);

/* The operator as "domain::Name", or "Name" for ai.onnx; empty where no node is concerned. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_error_operator(const pinion_error *error);

/* The operator set version that the model asks for; 0 where no node is concerned. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_error_opset(const pinion_error *error);

/* The number of the node's inputs whose types are known. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_error_input_type_count(const pinion_error *error);

/* Element type and shape of one input of the node, e.g. "float32[1,3,224,224]". Thread-safe. Since: 0.1. */
PINION_API const char *pinion_error_input_type(const pinion_error *error, size_t index);

/*
 * The number of further problems found by the same call, e.g. all the other unsupported nodes of a model.
 * Thread-safe. Since: 0.1.
 */
PINION_API size_t pinion_error_other_count(const pinion_error *error);

/*
 * One of the further problems. It belongs to `error` and lives as long: the caller does not release it.
 * Thread-safe. Since: 0.1.
 */
PINION_API const pinion_error *pinion_error_other(const pinion_error *error, size_t index);

/* Everything above as text, one line a problem. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_error_text(const pinion_error *error);

/*
 * Everything above as a JSON object with the members "code" (number), "status" (name), "message", "node", "operator",
 * "opset", "inputs" (array of strings) and "others" (array of such objects). Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_error_json(const pinion_error *error);

/*
 * The calling thread's last error as an object of the caller's, who releases it; it stays valid after further calls and
 * may be handed to other threads. NULL if no call of this thread failed yet, or without memory. Thread-safe. Since: 0.1.
 */
PINION_API pinion_error *pinion_error_copy(void);

/* Gives back what pinion_error_copy() returned. Thread-safe. Since: 0.1. */
PINION_API void pinion_error_release(pinion_error *error);

/* Gives back a `char *` that a function of this header returned. Thread-safe. Since: 0.1. */
PINION_API void pinion_string_release(char *string);

/* ------------------------------------------------------------------------------------------------------------------
 * Element types and kinds
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * The type of a tensor's elements. The values are those of ONNX's TensorProto.DataType.
 *
 * Elements of less than a byte are packed without gaps, the first one in the lowest bits: two 4-bit or four 2-bit elements
 * a byte; the last byte's unused bits are zero. Booleans are bytes of 0 or 1. Complex numbers are pairs (real, imaginary).
 * Since: 0.1.
 */
typedef enum pinion_element_type {
  PINION_UNDEFINED = 0,
  PINION_FLOAT32 = 1,
  PINION_UINT8 = 2,
  PINION_INT8 = 3,
  PINION_UINT16 = 4,
  PINION_INT16 = 5,
  PINION_INT32 = 6,
  PINION_INT64 = 7,
  PINION_STRING = 8,
  PINION_BOOL = 9,
  PINION_FLOAT16 = 10,
  PINION_FLOAT64 = 11,
  PINION_UINT32 = 12,
  PINION_UINT64 = 13,
  PINION_COMPLEX64 = 14,
  PINION_COMPLEX128 = 15,
  PINION_BFLOAT16 = 16,
  PINION_FLOAT8E4M3FN = 17,
  PINION_FLOAT8E4M3FNUZ = 18,
  PINION_FLOAT8E5M2 = 19,
  PINION_FLOAT8E5M2FNUZ = 20,
  PINION_UINT4 = 21,
  PINION_INT4 = 22,
  PINION_FLOAT4E2M1 = 23,
  PINION_FLOAT8E8M0 = 24,
  PINION_UINT2 = 25,
  PINION_INT2 = 26,
  /* Makes the type 32 bits wide in every compiler; never returned. */
  PINION_ELEMENT_TYPE_FORCE_32_BITS = 0x7fffffff
} pinion_element_type;

/* What a value, or the declared type of an input or output, is. Since: 0.1. */
typedef enum pinion_kind {
  /* An empty optional. */
  PINION_KIND_NONE = 0,
  PINION_KIND_TENSOR = 1,
  PINION_KIND_SEQUENCE = 2,
  PINION_KIND_MAP = 3,
  /* Only a declared type: a value of it is either of its content's kind or PINION_KIND_NONE. */
  PINION_KIND_OPTIONAL = 4,
  /* Makes the type 32 bits wide in every compiler; never returned. */
  PINION_KIND_FORCE_32_BITS = 0x7fffffff
} pinion_kind;

/*
 * The name of an element type as Pinion prints it, e.g. "float32", "int4", "float8e4m3fn"; "undefined" for a number that is
 * none. The string lives as long as the library is loaded. Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_element_type_name(pinion_element_type type);

/* The bits of one element, e.g. 32, 4; 0 for strings and for a number that is no element type. Thread-safe. Since: 0.1. */
PINION_API int32_t pinion_element_type_bits(pinion_element_type type);

/* ------------------------------------------------------------------------------------------------------------------
 * Runtime: threads, memory, log
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * What sessions share: a thread pool, an allocator, a log. Wherever a runtime is asked for, NULL means the process's default:
 * all cores, the C heap, no log. Its threads start with the first run that needs them.
 */
typedef struct pinion_runtime pinion_runtime;

/*
 * How much a log tells; each level includes those before it: errors of loading, creating, preparing and running, wrong arguments of such
 * calls among them; what may be slower or other than
 * meant; models and sessions that are made; runs that are not planned yet. Since: 0.1.
 */
typedef enum pinion_log_level {
  PINION_LOG_OFF = 0,
  PINION_LOG_ERROR = 1,
  PINION_LOG_WARNING = 2,
  PINION_LOG_INFO = 3,
  PINION_LOG_DEBUG = 4,
  /* Makes the type 32 bits wide in every compiler. */
  PINION_LOG_FORCE_32_BITS = 0x7fffffff
} pinion_log_level;

/* Receives one line without its line end; `message` is valid during the call. */
typedef void (*pinion_log_fn)(pinion_log_level level, const char *message, void *context);

/*
 * Returns at least `bytes` bytes at an address that is a multiple of `alignment` (a power of two, at least 16), or NULL to
 * refuse; the call that needed the memory then fails with PINION_OUT_OF_MEMORY. Asked for weights, arenas and tensors, not
 * for small objects.
 */
typedef void *(*pinion_allocate_fn)(size_t bytes, size_t alignment, void *context);

/* Takes back memory of a pinion_allocate_fn; `bytes` is the size it was asked for. */
typedef void (*pinion_deallocate_fn)(void *memory, size_t bytes, void *context);

/* One piece of a parallel loop. */
typedef void (*pinion_task_fn)(size_t index, void *task_context);

/*
 * Calls task(index, task_context) once for every index from 0 to count - 1, in any order, on any threads, and returns when all
 * of them have returned. The pieces never wait for each other.
 */
typedef void (*pinion_parallel_for_fn)(size_t count, pinion_task_fn task, void *task_context, void *context);

/*
 * Options of pinion_runtime_create(). The callbacks and their contexts must stay valid until the runtime, and every model,
 * session and value made with it, is released. Since: 0.1.
 */
typedef struct pinion_runtime_options {
  /* sizeof(pinion_runtime_options) */
  size_t struct_size;
  /* Threads that a run may use, its caller's among them; 0 means all cores. With parallel_for: how many pieces to cut. */
  int32_t threads;
  /* The most detailed level that is passed to `log`. */
  pinion_log_level log_level;
  /* Receives the log; NULL means no log. */
  pinion_log_fn log;
  void *log_context;
  /* The host's allocator; both are NULL (the C heap) or neither is. */
  pinion_allocate_fn allocate;
  pinion_deallocate_fn deallocate;
  void *allocator_context;
  /* The host's executor in place of Pinion's own threads; NULL means Pinion's own. */
  pinion_parallel_for_fn parallel_for;
  void *parallel_for_context;
} pinion_runtime_options;

#define PINION_RUNTIME_OPTIONS_INIT \
  { sizeof(pinion_runtime_options), 0, PINION_LOG_WARNING, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/* Creates a runtime; `options` may be NULL. The caller releases it. Thread-safe. Since: 0.1. */
PINION_API pinion_status pinion_runtime_create(const pinion_runtime_options *options, pinion_runtime **runtime);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1. */
PINION_API pinion_runtime *pinion_runtime_retain(pinion_runtime *runtime);

/* Gives a reference back; the last one stops the runtime's threads. Thread-safe. Since: 0.1. */
PINION_API void pinion_runtime_release(pinion_runtime *runtime);

/* The threads that a run may use; for NULL those of the default runtime. Thread-safe. Since: 0.1. */
PINION_API int32_t pinion_runtime_threads(const pinion_runtime *runtime);

/* ------------------------------------------------------------------------------------------------------------------
 * Types of inputs and outputs
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * The declared name and type of an input or output. It belongs to the model, session or plan it was read from and lives as
 * long; nobody releases it.
 */
typedef struct pinion_value_info pinion_value_info;

/* The name; empty for the content of a sequence, optional or map. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_value_info_name(const pinion_value_info *info);

/*
 * Where a value lies in the nested arguments or results of a PyTorch model: `batch.tokens.0`; empty for others. Runs take it in
 * place of the name. The whole trees are in the model's metadata, `pt2.input_tree` and `pt2.output_tree`, in JSON.
 * Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API const char *pinion_value_info_path(const pinion_value_info *info);

/* Tensor, sequence, map or optional. Thread-safe. Since: 0.1. */
PINION_API pinion_kind pinion_value_info_kind(const pinion_value_info *info);

/* The element type of a tensor, the key type of a map; PINION_UNDEFINED where unknown. Thread-safe. Since: 0.1. */
PINION_API pinion_element_type pinion_value_info_element_type(const pinion_value_info *info);

/* The number of dimensions of a tensor; -1 where unknown and for other kinds. Thread-safe. Since: 0.1. */
PINION_API int32_t pinion_value_info_rank(const pinion_value_info *info);

/* One dimension of a tensor; -1 where it is symbolic or unknown. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_value_info_dim(const pinion_value_info *info, int32_t axis);

/*
 * The symbol of one dimension, e.g. "batch"; empty where the model gives none. The model expects dimensions with the same
 * symbol to be equal; a run does not compare them beforehand, and fails at the node that they do not fit. Thread-safe.
 * Since: 0.1.
 */
PINION_API const char *pinion_value_info_dim_name(const pinion_value_info *info, int32_t axis);

/* What a sequence or an optional holds, or a map's values; NULL for a tensor. Thread-safe. Since: 0.1. */
PINION_API const pinion_value_info *pinion_value_info_content(const pinion_value_info *info);

/*
 * True if a run may leave the input out, because the model has a default for it or it is optional. Thread-safe. Since: 0.1.
 */
PINION_API bool pinion_value_info_is_optional(const pinion_value_info *info);

/* The type as text, e.g. "float32[batch,3,224,224]", "sequence(map(int64, float32[]))". Thread-safe. Since: 0.1. */
PINION_API const char *pinion_value_info_text(const pinion_value_info *info);

/* ------------------------------------------------------------------------------------------------------------------
 * Model
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * A loaded model: graph, weights and metadata. Immutable. Models that a runtime loads from one unchanged file share what they
 * hold; sessions of them with the same options share plans and idle arenas as well.
 */
typedef struct pinion_model pinion_model;

/* A flag that any thread may set to stop the runs, loads and creations of sessions that were given it; see pinion_cancel_token_create(). */
typedef struct pinion_cancel_token pinion_cancel_token;

/* Asked whether a run, a load or the creation of a session shall stop; returns 0 for one that goes on. */
typedef int32_t (*pinion_should_stop_fn)(void *context);

/*
 * What becomes of new contents that a PyTorch model (.pt2) writes to its buffers and inputs. ONNX models write to neither.
 * Since: 0.1, ABI 3.
 */
typedef enum pinion_mutations {
  /*
   * They are outputs behind the model's own, `NAME.new`. A buffer is an input with a default, its stored contents, so that a
   * caller carries it from run to run, or leaves it out and starts afresh.
   */
  PINION_MUTATIONS_OUTPUTS = 0,
  /*
   * Each session keeps the buffers' contents from run to run, from the stored ones on; they are neither inputs nor outputs. A run
   * that fails leaves them as they were; one run at a time. New contents of inputs are outputs, as above.
   */
  PINION_MUTATIONS_STATE = 1,
  /* They are dropped; buffers are inputs with a default. */
  PINION_MUTATIONS_DROPPED = 2
} pinion_mutations;

/* Options of the pinion_model_load_ functions. Since: 0.1. */
typedef struct pinion_model_options {
  /* sizeof(pinion_model_options) */
  size_t struct_size;
  /* Allocator and log; NULL means the default runtime. The model keeps a reference. */
  pinion_runtime *runtime;
  /*
   * The folder that the model's external data files lie in. NULL means the folder in `path`, or, for a model that is not a
   * file, that external data is refused. Nothing outside of it is opened, with one exception: a symbolic link may lead into the
   * folder where the model file really lies, behind symbolic links of its own, as in caches that keep all files in one place.
   */
  const char *external_data_folder;
  /* Nanoseconds from the call on after which the load ends with PINION_DEADLINE_EXCEEDED; 0: no limit. Since: 0.1, ABI 3. */
  int64_t timeout_ns;
  /* Ends the load with PINION_CANCELLED when it is set; may be NULL. It must live until the call returns. Since: 0.1, ABI 3. */
  pinion_cancel_token *cancel_token;
  /*
   * Bytes that the load may take for the model's structures, about 2 KiB a node, and for tensors that the file does not hold as they
   * are, such as sparse ones; PINION_BUDGET_EXCEEDED beyond. 0: no limit. What stays in the file does not count. Since: 0.1, ABI 3.
   */
  int64_t byte_budget;
  /* As in pinion_run_options: ends the load with PINION_CANCELLED; may be NULL. Since: 0.1, ABI 3. */
  pinion_should_stop_fn should_stop;
  void *should_stop_context;
  /*
   * 1: pinion_model_load_file() copies the model's file and its external data into memory instead of mapping them, for files that
   * others may change or truncate while the model lives: what has been loaded stays as it was. 0: files are mapped. Since: 0.1, ABI 3.
   */
  int32_t read_files;
  /* Since: 0.1, ABI 3. */
  pinion_mutations mutations;
} pinion_model_options;

#define PINION_MODEL_OPTIONS_INIT { sizeof(pinion_model_options), NULL, NULL, 0, NULL, 0, NULL, NULL, 0, PINION_MUTATIONS_OUTPUTS }

/*
 * Reads `length` bytes from `offset` of the model into `destination`; returns 0 for success, anything else for failure.
 */
typedef int32_t (*pinion_read_fn)(int64_t offset, size_t length, void *destination, void *context);

/*
 * Loads a model from a file, ONNX or PyTorch's .pt2 as its first bytes say. The file is mapped, not read: it must not be
 * changed while the model lives, unless the option read_files is set.
 *
 * `path` is copied; `options` may be NULL; the caller releases `model`. PINION_UNSUPPORTED reports all operators at once that
 * this build does not have (pinion_error_other()). Also returns PINION_IO, PINION_INVALID_MODEL, PINION_INVALID_SHAPE (types
 * inside the model contradict each other), PINION_INVALID_VALUE, and what its options' limits say. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_model_load_file(const char *path, const pinion_model_options *options, pinion_model **model);

/*
 * Loads a model from memory. With `copy` the bytes are the caller's again on return; without, they must stay valid and
 * unchanged until the model and everything made from it is released.
 * Otherwise as pinion_model_load_file(). Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_model_load_memory(
    const void *bytes, size_t length, bool copy, const pinion_model_options *options, pinion_model **model);

/*
 * Loads a model of `length` bytes that the caller reads, e.g. from an archive or through a decoder. `read` is called only
 * during this call, from this thread; each byte is asked for once. A failure of `read` is PINION_IO.
 * Otherwise as pinion_model_load_file(). Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_model_load_callback(
    pinion_read_fn read, void *context, int64_t length, const pinion_model_options *options, pinion_model **model);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1. */
PINION_API pinion_model *pinion_model_retain(pinion_model *model);

/* Gives a reference back. Thread-safe. Since: 0.1. */
PINION_API void pinion_model_release(pinion_model *model);

/* The version of the file format. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_model_ir_version(const pinion_model *model);

/* The program that wrote the model, or empty. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_producer_name(const pinion_model *model);

/* The version of that program, or empty. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_producer_version(const pinion_model *model);

/* The model's namespace in reverse-DNS form, or empty. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_domain(const pinion_model *model);

/* The model's own version number; 0 where it has none. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_model_version(const pinion_model *model);

/* The model's description, or empty. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_doc_string(const pinion_model *model);

/* The name of the main graph, or empty. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_graph_name(const pinion_model *model);

/* The number of operator sets that the model imports. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_model_opset_count(const pinion_model *model);

/* The domain of an imported operator set; "ai.onnx" for the default one. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_opset_domain(const pinion_model *model, size_t index);

/* The version of an imported operator set. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_model_opset_version(const pinion_model *model, size_t index);

/* The number of key-value pairs that the model carries. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_model_metadata_count(const pinion_model *model);

/* The key of one pair. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_metadata_key(const pinion_model *model, size_t index);

/* The value of one pair. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_metadata_value(const pinion_model *model, size_t index);

/* The value of the pair with that key; NULL if there is none. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_metadata_find(const pinion_model *model, const char *key);

/*
 * The number of inputs that a run can feed, in the model's order; initializers that are listed as inputs are among them
 * (pinion_value_info_is_optional()). Thread-safe. Since: 0.1.
 */
PINION_API size_t pinion_model_input_count(const pinion_model *model);

/* Name and type of an input; NULL out of range. It lives as long as the model. Thread-safe. Since: 0.1. */
PINION_API const pinion_value_info *pinion_model_input(const pinion_model *model, size_t index);

/* The number of outputs. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_model_output_count(const pinion_model *model);

/* Name and type of an output; NULL out of range. It lives as long as the model. Thread-safe. Since: 0.1. */
PINION_API const pinion_value_info *pinion_model_output(const pinion_model *model, size_t index);

/*
 * The number of nodes of the graph as it was loaded, those of subgraphs included: the model's functions are expanded, Constant
 * nodes are weights and no nodes, and nodes of old operator sets are in their newest form. The uses of the operators below add
 * up to it. Thread-safe. Since: 0.1.
 */
PINION_API size_t pinion_model_node_count(const pinion_model *model);

/* The bytes of the model's weights, the values of Constant nodes among them. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_model_weight_bytes(const pinion_model *model);

/* The number of different operators that the model uses. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_model_operator_count(const pinion_model *model);

/* One of these operators as "domain::Name", or "Name" for ai.onnx; sorted. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_model_operator_name(const pinion_model *model, size_t index);

/* The number of nodes with that operator. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_model_operator_uses(const pinion_model *model, size_t index);

/*
 * The graph as text, one line a node. The caller gives `text` to pinion_string_release(). Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_model_text(const pinion_model *model, char **text);

/* ------------------------------------------------------------------------------------------------------------------
 * Devices
 *
 * The processor, and the NVIDIA GPUs that the driver of this machine knows. The driver is looked for with the first call that
 * asks for devices, or for a session on one; before, and in a process that never asks, nothing of it is touched. What is found
 * then holds until the process ends.
 * ---------------------------------------------------------------------------------------------------------------- */

/* The number of devices: 1 for the processor, and one for each GPU. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_device_count(void);

/*
 * The name of a device as pinion_session_options takes it: "cpu" for the first, "cuda:0", "cuda:1" ... for the GPUs; empty out
 * of range. The string lives as long as the library is loaded. Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_device_name(size_t index);

/*
 * What a device is, in one line: the instruction set and the number of processors, or a GPU's name, compute capability,
 * multiprocessors and memory; empty out of range. The string lives as long as the library is loaded. Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_device_description(size_t index);

/*
 * Why no session can be made for a device of that name, e.g. "cuda:0", as one sentence: there is no driver, it is too old, the
 * kernel compiler was not found ... Empty if one can. pinion_session_create() returns PINION_UNSUPPORTED with this message, or
 * PINION_NOT_FOUND for a name that no device has. NULL stands for "cpu". The string lives as long as the library is loaded.
 * Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_device_why_not(const char *name);

/* ------------------------------------------------------------------------------------------------------------------
 * Session
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * A model made ready to run. Runs with new input shapes build a plan, later runs with the same shapes reuse it.
 */
typedef struct pinion_session pinion_session;

/* Options of pinion_session_create(). Since: 0.1. */
typedef struct pinion_session_options {
  /* sizeof(pinion_session_options) */
  size_t struct_size;
  /* Threads, allocator and log; NULL means the model's. The session keeps a reference. */
  pinion_runtime *runtime;
  /* The device, one of pinion_device_name(); NULL means "cpu". */
  const char *device;
  /* Threads that a run may use, its caller's among them; 0 means those of the runtime. */
  int32_t threads;
  /* 0: nodes run as the model has them. 1: folding of constants and removal of dead nodes. 2: all, fusion among it. */
  int32_t optimization_level;
  /* 1: runs are timed per node, see pinion_session_profile_json(); costs some 50 ns a node. 0: they are not. */
  int32_t profile;
  /* Zero. */
  int32_t reserved;
  /*
   * Bytes that are held between runs besides weights: idle arenas and constants of plans, those of subgraphs and of known branches
   * among them, what plans for more than 16 input shapes take, and memory of results that were released, up to a quarter of it, for all
   * sessions together that share them. The arena that was used last and the plans for 16 shapes are kept in any case. 0 means the
   * default of 256 MiB. Memory of a host's own allocator is not kept: results go back to it when they are released.
   */
  int64_t plan_cache_bytes;
  /*
   * Bytes that a run may hold besides weights where its own options set no limit; bytes that the session's states and the buffers that it
   * keeps may hold together; 0: no limit. Nodes that depend on nothing are computed when the session is made as far as they need no more than this; the others
   * are left to the runs.
   */
  int64_t byte_budget;
  /*
   * Nanoseconds from the call on after which the creation ends with PINION_DEADLINE_EXCEEDED; 0: no limit. Each state of the session has
   * as many for its own creation. Since: 0.1, ABI 3.
   */
  int64_t timeout_ns;
  /*
   * Ends the creation, and that of the session's states, with PINION_CANCELLED when it is set; may be NULL. It must live until the call
   * returns; the session keeps a reference. Since: 0.1, ABI 3.
   */
  pinion_cancel_token *cancel_token;
  /* As in pinion_run_options: ends the creation with PINION_CANCELLED; may be NULL. It is not asked later on. Since: 0.1, ABI 3. */
  pinion_should_stop_fn should_stop;
  void *should_stop_context;
} pinion_session_options;

#define PINION_SESSION_OPTIONS_INIT { sizeof(pinion_session_options), NULL, NULL, 0, 2, 0, 0, 0, 0, 0, NULL, NULL, NULL }

/*
 * Makes a model ready to run. `options` may be NULL; the caller releases `session`, which keeps the model alive.
 * Also returns PINION_NOT_FOUND (no such device), PINION_UNSUPPORTED (the model, or the device: see pinion_device_why_not()),
 * PINION_INVALID_MODEL, PINION_INVALID_SHAPE, PINION_INVALID_VALUE, PINION_DEADLINE_EXCEEDED, PINION_CANCELLED. Thread-safe.
 * Since: 0.1.
 */
PINION_API pinion_status pinion_session_create(
    pinion_model *model, const pinion_session_options *options, pinion_session **session);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1. */
PINION_API pinion_session *pinion_session_retain(pinion_session *session);

/* Gives a reference back. Thread-safe. Since: 0.1. */
PINION_API void pinion_session_release(pinion_session *session);

/* The number of inputs, as pinion_model_input_count(). Thread-safe. Since: 0.1. */
PINION_API size_t pinion_session_input_count(const pinion_session *session);

/* Name and type of an input; NULL out of range. It lives as long as the session. Thread-safe. Since: 0.1. */
PINION_API const pinion_value_info *pinion_session_input(const pinion_session *session, size_t index);

/* The number of outputs. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_session_output_count(const pinion_session *session);

/*
 * Name and type of an output, the type as far as it was found out; NULL out of range. It lives as long as the session.
 * Thread-safe. Since: 0.1.
 */
PINION_API const pinion_value_info *pinion_session_output(const pinion_session *session, size_t index);

/*
 * Gives back cached plans and what is held between runs, that which is shared with other sessions among it, not weights; the
 * next run builds what it needs again. Returns the bytes given back.
 * Thread-safe. Since: 0.1.
 */
PINION_API int64_t pinion_session_trim(pinion_session *session);

/* ------------------------------------------------------------------------------------------------------------------
 * Values
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * A tensor, a sequence of values, a map, or nothing. Getters are thread-compatible: many threads may read one value, and many
 * runs may take it as input at once.
 *
 * A tensor is contiguous and row-major: its data is one block, the last dimension's neighbours lie side by side. It has at most 4096
 * dimensions; more are PINION_INVALID_SHAPE wherever a call takes a rank, and a node that would give more fails with it.
 */
typedef struct pinion_value pinion_value;

/* Called once when memory that was lent to a value is needed no more; from any thread. */
typedef void (*pinion_memory_release_fn)(void *data, void *context);

/*
 * Everything about a tensor in one call. The pointers are those of pinion_tensor_dims() and pinion_tensor_data().
 * Since: 0.1.
 */
typedef struct pinion_tensor_view {
  /* sizeof(pinion_tensor_view), set by the caller. */
  size_t struct_size;
  pinion_element_type element_type;
  int32_t rank;
  const int64_t *dims;
  /* NULL for strings and where byte_size is 0. */
  void *data;
  /* 0 for strings. */
  size_t byte_size;
  int64_t element_count;
} pinion_tensor_view;

#define PINION_TENSOR_VIEW_INIT { sizeof(pinion_tensor_view), PINION_UNDEFINED, 0, NULL, NULL, 0, 0 }

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1. */
PINION_API pinion_value *pinion_value_retain(pinion_value *value);

/* Gives a reference back. Thread-safe. Since: 0.1. */
PINION_API void pinion_value_release(pinion_value *value);

/* What the value is; PINION_KIND_NONE for NULL. Thread-compatible. Since: 0.1. */
PINION_API pinion_kind pinion_value_kind(const pinion_value *value);

/*
 * Makes a tensor of memory of the caller's, without copying it.
 *
 * `dims` has `rank` entries (may be NULL for rank 0) and is copied. `strides` are in elements, may be negative or zero, and
 * NULL means contiguous row-major. Memory whose strides are not that, or that is not aligned to its elements, is copied into
 * memory of the value's own during this call. Elements of less than a byte must be contiguous.
 *
 * `release`, which may be NULL, is called with `data` and `release_context` once the memory is needed no more, after a copy
 * before this function returns, and not at all if this function fails. With NULL the memory must stay valid until the value
 * is released and no run that takes it is in progress. The memory may be written between runs.
 *
 * Also returns PINION_INVALID_SHAPE (a negative dimension, or a size that no memory can have), PINION_UNSUPPORTED (strings:
 * see pinion_tensor_create_strings()). Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_wrap(
    void *data, pinion_element_type element_type, int32_t rank, const int64_t *dims, const int64_t *strides,
    pinion_memory_release_fn release, void *release_context, pinion_value **value);

/*
 * Makes a tensor with memory of its own, aligned to 64 bytes, whose contents are undefined until they are written through
 * pinion_tensor_data(); strings start empty. `runtime` gives the allocator and may be NULL.
 * Also returns PINION_INVALID_SHAPE. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_create(
    pinion_runtime *runtime, pinion_element_type element_type, int32_t rank, const int64_t *dims, pinion_value **value);

/*
 * Makes a tensor of strings. `strings` has as many entries as the tensor has elements; `lengths` gives their bytes, and NULL
 * means that they are zero-terminated. Everything is copied. Also returns PINION_INVALID_SHAPE. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_create_strings(
    const char *const *strings, const size_t *lengths, int32_t rank, const int64_t *dims, pinion_value **value);

/* The element type; PINION_UNDEFINED if the value is no tensor. Thread-compatible. Since: 0.1. */
PINION_API pinion_element_type pinion_tensor_element_type(const pinion_value *value);

/* The number of dimensions; -1 if the value is no tensor. Thread-compatible. Since: 0.1. */
PINION_API int32_t pinion_tensor_rank(const pinion_value *value);

/* The dimensions, `rank` of them, valid as long as the value; NULL if there are none. Thread-compatible. Since: 0.1. */
PINION_API const int64_t *pinion_tensor_dims(const pinion_value *value);

/* The product of the dimensions: 1 for rank 0. Thread-compatible. Since: 0.1. */
PINION_API int64_t pinion_tensor_element_count(const pinion_value *value);

/*
 * The elements, valid as long as the value; NULL for strings and for a tensor without elements. The memory of an output, or of
 * pinion_tensor_create(), may be written while no run takes the value. Thread-compatible. Since: 0.1.
 */
PINION_API void *pinion_tensor_data(const pinion_value *value);

/* The bytes at pinion_tensor_data(); 0 for strings. Thread-compatible. Since: 0.1. */
PINION_API size_t pinion_tensor_byte_size(const pinion_value *value);

/*
 * All of the above at once. The caller sets view->struct_size, or starts from PINION_TENSOR_VIEW_INIT; on failure the other
 * members are 0. PINION_INVALID_ARGUMENT if the value is no tensor. Thread-compatible. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_describe(const pinion_value *value, pinion_tensor_view *view);

/*
 * One string of a tensor of strings, by its position in row-major order. `data` is valid as long as the value and is not
 * zero-terminated. Also returns PINION_NOT_FOUND (out of range). Thread-compatible. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_string(const pinion_value *value, int64_t index, const char **data, size_t *length);

/*
 * All strings of a tensor at once, in row-major order, with a zero behind each: string i begins at (*offsets)[i] of `*data` and has
 * (*offsets)[i + 1] - (*offsets)[i] - 1 bytes, among which may be zeros. Both pointers are valid as long as the value.
 * PINION_INVALID_ARGUMENT if the value is no tensor of strings.
 * Thread-compatible. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_tensor_strings(const pinion_value *value, const char **data, const int64_t **offsets);

/*
 * Makes a tensor of strings that lie one after the other: string i is the bytes from offsets[i] to offsets[i + 1] of `text`.
 * `offsets` ascends and has one entry more than the tensor has elements; `text` may be NULL if all strings are empty. Everything
 * is copied. Also returns PINION_INVALID_SHAPE. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_tensor_create_text(
    const char *text, const int64_t *offsets, int32_t rank, const int64_t *dims, pinion_value **value);

/* Makes an empty sequence. Thread-safe. Since: 0.1. */
PINION_API pinion_status pinion_sequence_create(pinion_value **sequence);

/*
 * Appends a value, to which the sequence adds a reference. All elements of a sequence have one kind and, if tensors, one
 * element type; PINION_INVALID_SHAPE otherwise. They are tensors or maps, since ONNX's sequences do not nest;
 * PINION_INVALID_VALUE otherwise. Thread-compatible. Since: 0.1.
 */
PINION_API pinion_status pinion_sequence_append(pinion_value *sequence, pinion_value *element);

/* The number of elements; 0 if the value is no sequence. Thread-compatible. Since: 0.1. */
PINION_API size_t pinion_sequence_count(const pinion_value *sequence);

/* One element; the caller releases it. Also returns PINION_NOT_FOUND (out of range). Thread-compatible. Since: 0.1. */
PINION_API pinion_status pinion_sequence_get(const pinion_value *sequence, size_t index, pinion_value **element);

/*
 * Makes a map of two tensors with one dimension and equally many elements, to which it adds references: `keys` holds strings
 * or integers. PINION_INVALID_SHAPE otherwise. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_map_create(pinion_value *keys, pinion_value *values, pinion_value **map);

/* The keys of a map as a tensor with one dimension; the caller releases it. Thread-compatible. Since: 0.1. */
PINION_API pinion_status pinion_map_get_keys(const pinion_value *map, pinion_value **keys);

/* The values of a map in the order of its keys; the caller releases the tensor. Thread-compatible. Since: 0.1. */
PINION_API pinion_status pinion_map_get_values(const pinion_value *map, pinion_value **values);

/*
 * All maps of a sequence at once, as tensors that the caller releases. Where all maps have the same keys in the same order, as
 * those of ZipMap have, `keys` has the K keys of one map, `values` the dimensions [maps, K], and `*offsets` is NULL. Otherwise
 * keys and values have one dimension and all pairs, and `offsets` is an int64 tensor of one entry more than there are maps: map i
 * has the pairs from offsets[i] to offsets[i + 1]. A sequence without elements has NULL for none of the three.
 * PINION_INVALID_ARGUMENT if the value is no sequence of maps. Thread-compatible. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_sequence_get_maps(
    const pinion_value *sequence, pinion_value **keys, pinion_value **values, pinion_value **offsets);

/*
 * Describes `count` elements of a sequence from number `first` on, each as pinion_tensor_describe() does; `views` has that many entries with
 * `struct_size` set. All other members are 0 for an element that is no tensor, and for one of elements of less than a byte, which
 * pinion_sequence_get() has. The pointers are valid as long as the sequence and until something is appended to it; the memory is the
 * sequence's. Also returns PINION_NOT_FOUND (out of range). Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_sequence_describe(
    const pinion_value *sequence, size_t first, size_t count, pinion_tensor_view *views);

/*
 * Makes an empty optional. An optional that holds something is that thing itself and needs no function.
 * Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_none_create(pinion_value **none);

/* ------------------------------------------------------------------------------------------------------------------
 * DLPack: tensors from and for other libraries, without copies (https://dmlc.github.io/dlpack)
 *
 * The structures are those of dlpack.h, which this header does not need. Only memory of the CPU crosses (kDLCPU, and
 * kDLCUDAHost, which the CPU reads as well). Booleans are kDLBool; the types of 8 bits and less have their codes of DLPack 1.1.
 * ---------------------------------------------------------------------------------------------------------------- */

struct DLManagedTensor;
struct DLManagedTensorVersioned;

/*
 * Makes a tensor of a DLPack tensor, without copying where it is contiguous. On success the value owns `managed` and calls its
 * deleter once it is needed no more; on failure the caller still owns it. PINION_UNSUPPORTED for a device or an element type
 * that Pinion cannot read. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_from_dlpack(struct DLManagedTensor *managed, pinion_value **value);

/* The same for the versioned structure; PINION_UNSUPPORTED if its major version is not 1. Thread-safe. Since: 0.1. */
PINION_API pinion_status pinion_tensor_from_dlpack_versioned(struct DLManagedTensorVersioned *managed, pinion_value **value);

/*
 * A DLPack tensor that shares the value's memory and keeps it alive until the caller, or whoever it is handed to, calls its
 * deleter. PINION_UNSUPPORTED for strings and for types without a DLPack code. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_tensor_to_dlpack(pinion_value *value, struct DLManagedTensor **managed);

/* The same with the versioned structure. Thread-safe. Since: 0.1. */
PINION_API pinion_status pinion_tensor_to_dlpack_versioned(pinion_value *value, struct DLManagedTensorVersioned **managed);

/* ------------------------------------------------------------------------------------------------------------------
 * Run
 * ---------------------------------------------------------------------------------------------------------------- */


/* Creates a token that is not set. The caller releases it. Thread-safe. Since: 0.1. */
PINION_API pinion_status pinion_cancel_token_create(pinion_cancel_token **token);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1. */
PINION_API pinion_cancel_token *pinion_cancel_token_retain(pinion_cancel_token *token);

/* Gives a reference back. Thread-safe. Since: 0.1. */
PINION_API void pinion_cancel_token_release(pinion_cancel_token *token);

/*
 * Sets the token: runs that were given it end with PINION_CANCELLED within milliseconds, later ones at once. May be called
 * from a signal handler. Thread-safe. Since: 0.1.
 */
PINION_API void pinion_cancel_token_set(pinion_cancel_token *token);

/* Takes the setting back, for further runs. Thread-safe. Since: 0.1. */
PINION_API void pinion_cancel_token_reset(pinion_cancel_token *token);

/* True if the token is set. Thread-safe. Since: 0.1. */
PINION_API bool pinion_cancel_token_is_set(const pinion_cancel_token *token);

/* Options of pinion_session_run(), pinion_call_run() and pinion_state_run(). Since: 0.1. */
typedef struct pinion_run_options {
  /* sizeof(pinion_run_options) */
  size_t struct_size;
  /* Nanoseconds from the call on after which the run ends with PINION_DEADLINE_EXCEEDED; 0: no limit. */
  int64_t timeout_ns;
  /* Ends the run when it is set; may be NULL. It must live until the call returns. */
  pinion_cancel_token *cancel_token;
  /* Bytes that the run may hold besides weights and the caller's values; 0: the session's limit. */
  int64_t byte_budget;
  /* Nodes that the run may execute, those in loop bodies counted each time; 0: no limit. */
  int64_t step_budget;
  /*
   * Ends the run with PINION_CANCELLED when it returns anything but 0; may be NULL. It is asked about every 20 ms, between nodes
   * and pieces of long ones, always on the thread that called the run, so that an interpreter can look for signals there. It may
   * call any function of this header; while it runs, the run waits, and a slow answer makes the questions rarer. Since: 0.1, ABI 2.
   */
  pinion_should_stop_fn should_stop;
  void *should_stop_context;
} pinion_run_options;

#define PINION_RUN_OPTIONS_INIT { sizeof(pinion_run_options), 0, NULL, 0, 0, NULL, NULL }

/*
 * The buffers that the session keeps: those that a model loaded with PINION_MUTATIONS_STATE writes to, else 0. Thread-safe.
 * Since: 0.1, ABI 2.
 */
PINION_API size_t pinion_session_buffer_count(const pinion_session *session);

/* The name of a buffer in the module; NULL past the end. Lives as long as the session. Thread-safe. Since: 0.1, ABI 2. */
PINION_API const char *pinion_session_buffer_name(const pinion_session *session, size_t index);

/*
 * A copy of a buffer's contents, which the caller releases. PINION_NOT_FOUND past the end, PINION_UNSUPPORTED where the session
 * keeps no buffers, PINION_INVALID_ARGUMENT while a run is in progress. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_session_buffer_get(pinion_session *session, size_t index, pinion_value **value);

/*
 * Sets a buffer's contents to a copy of `value`, a tensor of the same type and shape (else PINION_INVALID_SHAPE). Fails as
 * pinion_session_buffer_get() does. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_session_buffer_set(pinion_session *session, size_t index, const pinion_value *value);

/* Sets all buffers to the contents in the model's file. Fails as pinion_session_buffer_get(). Thread-safe. Since: 0.1, ABI 2. */
PINION_API pinion_status pinion_session_buffers_reset(pinion_session *session);

/*
 * Runs the model once.
 *
 * `input_names` has `input_count` entries; NULL means the first `input_count` inputs in the session's order. `inputs` has the
 * values; an entry may be NULL where the input may be left out. The values are only read, and only during the call.
 *
 * `output_names` has `output_count` entries; NULL means the first `output_count` outputs in the session's order. What only
 * other outputs need is not computed.
 *
 * `outputs` has `output_count` entries, in and out. Set an entry to NULL to receive a new value, which the caller releases.
 * Set it to a tensor of the very type and shape, e.g. of pinion_tensor_create() or pinion_tensor_wrap(), to have the result
 * written into it: the entry stays, no reference is added, and its memory must not overlap an input or another output. An
 * output never shares memory with an input, a weight or another output.
 *
 * On failure the entries that were NULL are NULL, and the contents of the others are undefined; the session stays usable.
 *
 * Also returns PINION_NOT_FOUND (no input or output of that name), PINION_INVALID_ARGUMENT (an input is missing, or named
 * twice), PINION_INVALID_SHAPE, PINION_INVALID_VALUE, PINION_UNSUPPORTED, PINION_BUDGET_EXCEEDED, PINION_DEADLINE_EXCEEDED,
 * PINION_CANCELLED. Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_session_run(
    pinion_session *session, const pinion_run_options *options, size_t input_count, const char *const *input_names,
    pinion_value *const *inputs, size_t output_count, const char *const *output_names, pinion_value **outputs);

/*
 * Strings that lie one after the other: string i is the bytes from offsets[i] to offsets[i + 1] of `text`, as for
 * pinion_tensor_create_text(). This structure does not grow. Since: 0.1, ABI 3.
 */
typedef struct pinion_text {
  const char *text;
  const int64_t *offsets;
} pinion_text;

/*
 * Runs the model once, as pinion_session_run() does, on memory of the caller's that no values were made of.
 *
 * `inputs` has `input_count` entries, each with `struct_size` set, whose `byte_size` and `element_count` are not read. `data` of an
 * entry is that of `rank` dimensions at `dims`, contiguous; a pinion_text where element_type is PINION_STRING; and where it is
 * PINION_UNDEFINED a pinion_value, or NULL for an input that may be left out. All of it is only read, and only during the call;
 * memory that is not aligned to its elements, and strings, are copied.
 *
 * `views` is NULL or has `output_count` entries with `struct_size` set, which describe the outputs as pinion_tensor_describe()
 * does; all members of one that is no tensor, and of all on failure, are 0. Fails as pinion_session_run(). Thread-safe.
 * Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_session_run_views(
    pinion_session *session, const pinion_run_options *options, size_t input_count, const char *const *input_names,
    const pinion_tensor_view *inputs, size_t output_count, const char *const *output_names, pinion_value **outputs,
    pinion_tensor_view *views);

/* ------------------------------------------------------------------------------------------------------------------
 * Plan: what a run with given input shapes would do
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * The shape of an input that a plan is asked for. This structure does not grow. Since: 0.1.
 */
typedef struct pinion_input_shape {
  /* The input's name. */
  const char *name;
  /*
   * The input itself, or NULL. With it the plan knows the values that shapes may depend on, and the members below are not
   * read. Where all shapes follow from types the plan is the same as without. It is read only during the call.
   */
  pinion_value *value;
  /* PINION_UNDEFINED means the declared type. */
  pinion_element_type element_type;
  int32_t rank;
  /* `rank` dimensions; may be NULL for rank 0. */
  const int64_t *dims;
} pinion_input_shape;

/* What a run would do. Immutable. */
typedef struct pinion_plan pinion_plan;

/*
 * Plans a run for input shapes. Nothing is run, and no tensor allocated, but for the arithmetic on shapes that follows from
 * given values. The caller releases `plan`; it keeps the session alive. Inputs that are left out must have fully declared
 * shapes, or be optional.
 * Also returns PINION_NOT_FOUND (no input of that name), PINION_INVALID_SHAPE, PINION_INVALID_VALUE, PINION_UNSUPPORTED.
 * Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_session_plan(
    pinion_session *session, size_t input_count, const pinion_input_shape *inputs, pinion_plan **plan);

/*
 * As pinion_session_plan(), within limits. `options` may be NULL and limits as for pinion_session_run(), but for steps, of which there are
 * none: what is computed to tell shapes counts against the byte budget, and where it does not fit the shapes are not told.
 * Also returns PINION_DEADLINE_EXCEEDED, PINION_CANCELLED. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_session_plan_with_options(
    pinion_session *session, const pinion_run_options *options, size_t input_count, const pinion_input_shape *inputs,
    pinion_plan **plan);

/*
 * Makes all that a run with inputs of these shapes would make before it computes anything: the plan, the forms of weights that its
 * kernels read, and the memory of one run, so that the first run is as fast as those after it. Nothing is computed but arithmetic on
 * shapes. `inputs` is as for pinion_session_plan(), but shapes have to fit what the model declares, as for a run. `output_names`
 * has `output_count` entries; NULL means the first `output_count` outputs in the session's order.
 *
 * What follows a node whose outputs' shapes depend on data is prepared as far as given values tell them. Where the values of an
 * input decide which branch of an If is taken, the plan is made only if they are given; the weights of all branches are packed in
 * any case. `options` may be NULL and limits as for pinion_session_run(): the memory of one run, outputs left out, counts against
 * the byte budget. What has been made by the time that a limit ends the call stays, and the next call or run goes on from there.
 *
 * Also returns PINION_NOT_FOUND (no input or output of that name), PINION_INVALID_ARGUMENT (the shape of an input is neither
 * declared nor given), PINION_INVALID_SHAPE, PINION_INVALID_VALUE, PINION_UNSUPPORTED, PINION_BUDGET_EXCEEDED,
 * PINION_DEADLINE_EXCEEDED, PINION_CANCELLED. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_session_prepare(
    pinion_session *session, const pinion_run_options *options, size_t input_count, const pinion_input_shape *inputs,
    size_t output_count, const char *const *output_names);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1. */
PINION_API pinion_plan *pinion_plan_retain(pinion_plan *plan);

/* Gives a reference back. Thread-safe. Since: 0.1. */
PINION_API void pinion_plan_release(pinion_plan *plan);

/* The number of outputs, in the session's order. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_plan_output_count(const pinion_plan *plan);

/*
 * Name and type of an output; a dimension of -1 depends on data. NULL out of range. It lives as long as the plan.
 * Thread-safe. Since: 0.1.
 */
PINION_API const pinion_value_info *pinion_plan_output(const pinion_plan *plan, size_t index);

/* False if some shape depends on data: peak bytes and FLOPs then leave out what follows it. Thread-safe. Since: 0.1. */
PINION_API bool pinion_plan_is_complete(const pinion_plan *plan);

/*
 * The most bytes of values that the run holds at once besides weights and inputs, outputs included. Kernels take some memory of their own for each
 * thread besides, which counts against a run's byte budget. Thread-safe. Since: 0.1.
 */
PINION_API int64_t pinion_plan_peak_bytes(const pinion_plan *plan);

/*
 * Floating-point (or integer) operations of the run's matrix products, convolutions and elementwise kernels; a multiply and
 * add counts two. Thread-safe. Since: 0.1.
 */
PINION_API int64_t pinion_plan_flops(const pinion_plan *plan);

/* ------------------------------------------------------------------------------------------------------------------
 * Prepared calls: runs that only take addresses
 * ---------------------------------------------------------------------------------------------------------------- */

/* Runs of one session whose inputs, outputs and their types are settled once. Immutable. */
typedef struct pinion_call pinion_call;

/*
 * Prepares runs with inputs of these types and shapes: each of the `input_count` entries of `inputs` names one; a `value` stands
 * for its type only. `output_names` has `output_count` entries; NULL means the first `output_count` outputs in the session's
 * order. The caller releases `call`, which keeps the session alive. Nothing is run.
 *
 * Also returns PINION_NOT_FOUND (no input or output of that name), PINION_INVALID_ARGUMENT (an input is missing, or named twice),
 * PINION_UNSUPPORTED (an input or output is no tensor, or one of strings or of elements of less than a byte, or the shape of an
 * output depends on data: use pinion_session_run()), and what pinion_session_plan() returns. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_call_create(
    pinion_session *session, size_t input_count, const pinion_input_shape *inputs, size_t output_count,
    const char *const *output_names, pinion_call **call);

/*
 * As pinion_call_create(), for callers that make maps themselves: an output that is a sequence of maps with the same keys, as ZipMap makes
 * it, is given as one tensor, which has a row of values for each map (or, of one dimension, is the only row). pinion_call_output_keys()
 * has the keys. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_call_create_with_tables(
    pinion_session *session, size_t input_count, const pinion_input_shape *inputs, size_t output_count,
    const char *const *output_names, pinion_call **call);

/* A string: `length` bytes at `data`, which may be NULL for an empty one. This structure does not grow. Since: 0.1, ABI 3. */
typedef struct pinion_string_view {
  const char *data;
  size_t length;
} pinion_string_view;

/* Where a prepared call puts the strings of an output. This structure does not grow. Since: 0.1, ABI 3. */
typedef struct pinion_string_output {
  /* Memory of the caller's for as many strings as the output has elements; NULL only where it has none. */
  pinion_string_view *strings;
  /*
   * Set by every run. NULL: the strings lie in `text` if that was long enough, else in the inputs of the run or in the call, and are
   * valid as long as these are. Otherwise the value that they lie in, which the caller releases. NULL after a run that failed.
   */
  pinion_value *owner;
  /* NULL, or memory of the caller's that all strings are copied to one after the other, with a zero behind each. */
  char *text;
  /* The room at `text`, in bytes. Where the strings need more, nothing is copied. */
  size_t text_capacity;
  /* Set by every run: what the strings need, in bytes; 0 where `text` is NULL. */
  size_t text_size;
} pinion_string_output;

/* Options of pinion_call_create_with_options(). Since: 0.1, ABI 3. */
typedef struct pinion_call_options {
  /* sizeof(pinion_call_options) */
  size_t struct_size;
  /* 1: outputs that are maps are given as tables, as by pinion_call_create_with_tables(). 0: they are not. */
  int32_t tables;
  /*
   * 1: inputs and outputs may be tensors of strings. The address for an input is that of as many pinion_string_view as it has elements,
   * which are not copied, and the address for an output that of a pinion_string_output. 0: they may not.
   */
  int32_t strings;
} pinion_call_options;

#define PINION_CALL_OPTIONS_INIT { sizeof(pinion_call_options), 0, 0 }

/*
 * As pinion_call_create(), for callers that make maps and strings themselves. `options` may be NULL. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_call_create_with_options(
    pinion_session *session, const pinion_call_options *options, size_t input_count, const pinion_input_shape *inputs,
    size_t output_count, const char *const *output_names, pinion_call **call);

/*
 * True for an output of strings that never lie in inputs, such as the labels of a classifier: where a run names no owner and is given no
 * `text`, they lie in the call, and as long as that is there the same address and length are the same string. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API bool pinion_call_output_has_own_strings(const pinion_call *call, size_t index);

/*
 * Copies `count` strings one after the other to `text`, with a zero behind each, as pinion_tensor_strings() shows those of a tensor.
 * `capacity` is the room at `text`, in bytes; PINION_INVALID_ARGUMENT where it is less than all lengths and `count` together.
 * Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_string_views_join(const pinion_string_view *strings, size_t count, char *text, size_t capacity);

/*
 * The reverse: where `count` strings lie in `length` bytes of `text` that have a zero between each two, not behind the last.
 * PINION_INVALID_VALUE where the zeros are not `count` - 1, so that some string has one in it. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_string_views_split(const char *text, size_t length, size_t count, pinion_string_view *strings);

/*
 * The keys that the columns of an output stand for, a tensor of int64 or strings; NULL for an output that is a tensor itself, and out of
 * range. It lives as long as the call. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API const pinion_value *pinion_call_output_keys(const pinion_call *call, size_t index);

/*
 * As pinion_call_create(), for outputs whose types are known only after a run: those whose shapes depend on data, sequences, maps. The
 * library makes them, and pinion_call_run_values() gives them. Inputs are held against the declared types, and all else is for the runs. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_call_create_for_values(
    pinion_session *session, size_t input_count, const pinion_input_shape *inputs, size_t output_count,
    const char *const *output_names, pinion_call **call);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1, ABI 2. */
PINION_API pinion_call *pinion_call_retain(pinion_call *call);

/* Gives a reference back. Thread-safe. Since: 0.1, ABI 2. */
PINION_API void pinion_call_release(pinion_call *call);

/* The number of outputs. Thread-safe. Since: 0.1, ABI 2. */
PINION_API size_t pinion_call_output_count(const pinion_call *call);

/*
 * Name and type of an output in the order of pinion_call_create(); all its dimensions are known, but for those of a call that was made
 * by pinion_call_create_for_values(). NULL out of range. It lives as long as the call. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API const pinion_value_info *pinion_call_output(const pinion_call *call, size_t index);

/*
 * Runs the model once: reads the inputs at `inputs`, writes the outputs to `outputs`, both in the order of pinion_call_create().
 * Each address is of contiguous row-major memory, aligned to its elements (to 8 bytes if these are longer); NULL only for a tensor
 * without elements. Memory for an output must not overlap an input or another output. Once such a run has been planned, by the
 * first one, a call allocates nothing, unless the model has control flow (If, Loop, Scan).
 *
 * On failure the contents of outputs are undefined. Otherwise as pinion_session_run(). Threads may share one call, each with
 * addresses of its own. Thread-safe. Since: 0.1, ABI 2.
 */
PINION_API pinion_status pinion_call_run(
    pinion_call *call, const pinion_run_options *options, void *const *inputs, void *const *outputs);

/*
 * Runs the model once: reads the inputs at `inputs`, as pinion_call_run() does, and gives new values in `outputs`, which the caller
 * releases; NULL on failure. The call may be of either kind. `views` is NULL or has as many entries as there are outputs, each with
 * `struct_size` set, which describe them as those of pinion_session_run_views() do. Otherwise as pinion_session_run().
 * Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_call_run_values(
    pinion_call *call, const pinion_run_options *options, void *const *inputs, pinion_value **outputs, pinion_tensor_view *views);

/* ------------------------------------------------------------------------------------------------------------------
 * State: values that stay in the session from run to run
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * Pairs of an input and an output of a session's model: what a run gives for the output is the input in the next run. A decoder's
 * keys and values (`past_key_values.0.key` and `present.0.key`) grow where they lie, in memory with room behind them, so that a run
 * writes the new positions and moves nothing of the past; the state of a recurrent network (`h` and `hn`) takes its predecessor's
 * place. Masks, position ids and all other inputs are the caller's with each run.
 *
 * A run that fails, is cancelled or goes beyond a limit leaves the state as it was before. A state takes part in one call at a time:
 * a second one at the same time returns PINION_INVALID_ARGUMENT. Several states of one session are independent of each other, in as
 * many threads. All sequences of a batch have one length.
 */
typedef struct pinion_state pinion_state;

/*
 * Makes a state that holds nothing yet: values that grow have no positions, others are zero.
 *
 * The `pair_count` pairs are `input_names` and `output_names`. With 0 pairs and NULL they are those that the model's names tell.
 * `capacity` is the number of positions that the first run makes room for, as far as the session's byte budget has it; 0 lets the state find out,
 * growing by half of what it has. The caller releases `state`, which keeps the session alive.
 *
 * Also returns PINION_NOT_FOUND (no input or output of that name, or none whose names tell a pair), PINION_INVALID_ARGUMENT (a name in
 * two pairs, of no tensor of numbers, or that by its declared type cannot be the other's next value), and PINION_DEADLINE_EXCEEDED and
 * PINION_CANCELLED by the session's `timeout_ns`, counted from this call on, and `cancel_token`, since the model may have to be compiled for
 * such a state. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_create(
    pinion_session *session, size_t pair_count, const char *const *input_names, const char *const *output_names, int64_t capacity,
    pinion_state **state);

/*
 * As pinion_state_create(), within limits: what `options` does not give is as in the session's creation, and so is all where it is NULL.
 * Steps are not counted. The byte budget is for what is computed beforehand where the model has to be compiled for such a state; what does
 * not fit it is left to the runs, and a program that was made under another budget than the session's is this state's alone.
 * Also returns PINION_DEADLINE_EXCEEDED, PINION_CANCELLED, PINION_BUDGET_EXCEEDED. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_create_with_options(
    pinion_session *session, const pinion_run_options *options, size_t pair_count, const char *const *input_names,
    const char *const *output_names, int64_t capacity, pinion_state **state);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1, ABI 3. */
PINION_API pinion_state *pinion_state_retain(pinion_state *state);

/* Gives a reference back. Thread-safe. Since: 0.1, ABI 3. */
PINION_API void pinion_state_release(pinion_state *state);

/* The number of pairs. Thread-safe. Since: 0.1, ABI 3. */
PINION_API size_t pinion_state_pair_count(const pinion_state *state);

/* Name and declared type of a pair's input; NULL out of range. It lives as long as the state. Thread-safe. Since: 0.1, ABI 3. */
PINION_API const pinion_value_info *pinion_state_pair_input(const pinion_state *state, size_t index);

/* Name and type of a pair's output; NULL out of range. It lives as long as the state. Thread-safe. Since: 0.1, ABI 3. */
PINION_API const pinion_value_info *pinion_state_pair_output(const pinion_state *state, size_t index);

/*
 * Whether the model appends to the pair's value in a way that lets new positions be written behind the earlier ones; false for a
 * value that each run replaces as a whole. Where inputs decide branches, whether a branch does so. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API bool pinion_state_pair_is_appended(const pinion_state *state, size_t index);

/*
 * Runs the session's model once on what the state holds, and lets the state hold what comes of it. Arguments are those of
 * pinion_session_run(), but that inputs which the state holds are not given, and that without names inputs and outputs are counted
 * without those in pairs. The output of a pair may be asked for by name, and is a copy then.
 *
 * Also returns PINION_INVALID_ARGUMENT (the state is in use, an input is held by the state, or values were set that differ in length),
 * PINION_BUDGET_EXCEEDED (the state would grow beyond the session's or the run's bytes, which count what the session's states hold),
 * and what pinion_session_run() returns. The state is then as it was. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_run(
    pinion_state *state, const pinion_run_options *options, size_t input_count, const char *const *input_names, pinion_value *const *inputs,
    size_t output_count, const char *const *output_names, pinion_value **outputs);

/*
 * The positions that growing values hold, 0 before the first run; -1 where nothing grows, or values were set that differ in length.
 * Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API int64_t pinion_state_length(const pinion_state *state);

/* The bytes that the state holds, with the room for more positions. Thread-safe. Since: 0.1, ABI 3. */
PINION_API int64_t pinion_state_bytes(const pinion_state *state);

/*
 * The bytes of its values that the last run wrote: new positions; all positions where memory had to grow, or where a node of the
 * model reads a value in another way than by attention; whole values that are replaced. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API int64_t pinion_state_moved_bytes(const pinion_state *state);

/*
 * Forgets everything: the next run is the first one, with whatever batch. Memory is kept for it.
 * Also returns PINION_INVALID_ARGUMENT (the state is in use). Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_reset(pinion_state *state);

/*
 * Forgets the positions from `length` on. Nothing is moved.
 * Also returns PINION_INVALID_ARGUMENT (fewer positions are there, or the state is in use), PINION_UNSUPPORTED (a value does not grow, so
 * that nothing of what it was is left). Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_truncate(pinion_state *state, int64_t length);

/*
 * Makes a state of its own with a copy of all that this one holds, e.g. for each beam of a search. The caller releases `fork`.
 * Also returns PINION_INVALID_ARGUMENT (the state is in use), PINION_BUDGET_EXCEEDED. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_fork(pinion_state *state, pinion_state **fork);

/*
 * A copy of what is held for the input of that name, as the next run would read it. The caller releases `value`.
 * Also returns PINION_NOT_FOUND (no such pair), PINION_INVALID_ARGUMENT (nothing is held before the first run, or the state is in use).
 * Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_get(pinion_state *state, const char *input_name, pinion_value **value);

/*
 * Holds a copy of a tensor for the input of that name, in place of what was held. Values that grow must have one length when the next
 * run begins.
 * Also returns PINION_NOT_FOUND (no such pair), PINION_INVALID_SHAPE (the tensor is not as the input is declared),
 * PINION_BUDGET_EXCEEDED, PINION_INVALID_ARGUMENT (the state is in use). Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_state_set(pinion_state *state, const char *input_name, pinion_value *value);

/* ------------------------------------------------------------------------------------------------------------------
 * Profile
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * What the runs since the session's creation, or the last reset, spent their time on, as a JSON object: "runs" (number),
 * "run_ns" and "total_ns" (numbers: in runs, and of that in nodes, each counted once), "between_ns" (the rest), "planned", an
 * object that counts the nodes that planning met, "made" those that were made ready and "kept" those taken over from an earlier
 * plan, and "nodes", an array in execution order of objects with "name", "operator", "calls", "ns" (the sum over all calls, of a
 * node with graphs with what runs inside it), "own_ns" (without that), "operations" and "bytes" (of arithmetic, and of inputs,
 * weights and outputs, over all calls), "kernel" (which of an operator's ways, "" where there is one) and "element" (the first
 * input's element type, or null). The caller gives `json` to pinion_string_release().
 * Also returns PINION_UNSUPPORTED (the session was created without `profile`). Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_session_profile_json(pinion_session *session, char **json);

/*
 * The last run since the last reset as a JSON text of the Chrome trace event format, which chrome://tracing and Perfetto show.
 * Otherwise as pinion_session_profile_json(). Thread-safe. Since: 0.1.
 */
PINION_API pinion_status pinion_session_profile_trace(pinion_session *session, char **json);

/* Forgets what was measured. Thread-safe. Since: 0.1. */
PINION_API void pinion_session_profile_reset(pinion_session *session);

/* ------------------------------------------------------------------------------------------------------------------
 * Graphs in code: models without a file
 *
 * Inputs, constants and nodes are added in the order in which they follow from each other. Types are inferred as the graph
 * grows, and a call that does not fit fails at once, with the node, its operator and its inputs' types in the error; the graph
 * is then as it was before. A graph and those inside it count as one object for threads. Documentation/Graphs.md is a tour.
 * ---------------------------------------------------------------------------------------------------------------- */

/* A graph that grows, of a model or inside a node. */
typedef struct pinion_graph pinion_graph;

/* A value of a graph: an input, a constant, or what a node gives. 0 stands for none. Since: 0.1, ABI 3. */
typedef int64_t pinion_graph_value;

/* Options of pinion_graph_create(). Since: 0.1, ABI 3. */
typedef struct pinion_graph_options {
  /* sizeof(pinion_graph_options) */
  size_t struct_size;
  /* Gives memory for copies of constants; NULL is the process's default. */
  pinion_runtime *runtime;
  /* The graph's name; NULL means none. */
  const char *name;
  /* The version of ai.onnx that nodes are of where they do not say; 0 means 21. */
  int64_t opset;
} pinion_graph_options;

#define PINION_GRAPH_OPTIONS_INIT { sizeof(pinion_graph_options), NULL, NULL, 0 }

/*
 * Creates an empty graph; `options` may be NULL. The caller releases it.
 * Also returns PINION_UNSUPPORTED for an opset that this build does not read. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_create(const pinion_graph_options *options, pinion_graph **graph);

/*
 * Creates a graph inside another one, for an attribute of a node that is added to the other next: a branch of If, a body of Loop
 * or Scan. Its nodes may use values of the graphs around it. `name` may be NULL. The caller releases it.
 * Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_create_subgraph(pinion_graph *graph, const char *name, pinion_graph **subgraph);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1, ABI 3. */
PINION_API pinion_graph *pinion_graph_retain(pinion_graph *graph);

/* Gives a reference back. Thread-safe. Since: 0.1, ABI 3. */
PINION_API void pinion_graph_release(pinion_graph *graph);

/*
 * Chooses the version of an operator set that later nodes are of where they do not say; 1 for domains without a choice.
 * Not for a subgraph. Also returns PINION_UNSUPPORTED for a version of ai.onnx that this build does not read.
 * Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_set_opset(pinion_graph *graph, const char *domain, int64_t version);

/* Sets one of the model's own key-value pairs. Not for a subgraph. Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_graph_set_metadata(pinion_graph *graph, const char *key, const char *text);

/*
 * Adds a tensor input, of the model or of a subgraph. A dimension of -1 is open; `dim_names` may be NULL, and so may its entries:
 * open dimensions of one name are taken for equal. A rank of -1 leaves all open; at most 64 dimensions are declared here.
 * Returns PINION_INVALID_ARGUMENT also for a name that a value in sight has. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_add_input(
    pinion_graph *graph, const char *name, pinion_element_type element_type, int32_t rank, const int64_t *dims,
    const char *const *dim_names, pinion_graph_value *value);

/*
 * The same for a type in the words of pinion_value_info_text(): "float32[batch,3,?]", "float32[...]", "seq(int64[?])",
 * "optional(float32[...])", "map(string,float32[])". Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_add_input_of_type(
    pinion_graph *graph, const char *name, const char *type, pinion_graph_value *value);

/*
 * Adds an input that a run may leave out, which then has these contents. Not for a subgraph. Otherwise as
 * pinion_graph_add_constant(). Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_add_input_with_default(
    pinion_graph *graph, const char *name, pinion_value *contents, bool copy, pinion_graph_value *value);

/*
 * Adds a tensor that never changes. Without `copy` its memory is shared: the graph and what is made of it keep the value alive,
 * and nobody may write to it. `name` may be NULL. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_add_constant(
    pinion_graph *graph, const char *name, pinion_value *contents, bool copy, pinion_graph_value *value);

/* The attributes of a node. */
typedef struct pinion_attributes pinion_attributes;

/* Creates an empty list of attributes, for any number of nodes. The caller releases it. Thread-safe. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_create(pinion_attributes **attributes);

/* Adds a reference and returns its argument. Thread-safe. Since: 0.1, ABI 3. */
PINION_API pinion_attributes *pinion_attributes_retain(pinion_attributes *attributes);

/* Gives a reference back. Thread-safe. Since: 0.1, ABI 3. */
PINION_API void pinion_attributes_release(pinion_attributes *attributes);

/*
 * Each sets the attribute of a name, in place of one that is there. Arrays and strings are copied; tensors are shared and must not
 * change. Whether a node takes an attribute is said when it is added. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_attributes_set_int(pinion_attributes *attributes, const char *name, int64_t number);
/* As pinion_attributes_set_int(). Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_float(pinion_attributes *attributes, const char *name, float number);
/* As pinion_attributes_set_int(). Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_string(
    pinion_attributes *attributes, const char *name, const char *text, size_t length);
/* As pinion_attributes_set_int(); `numbers` may be NULL for none. Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_ints(
    pinion_attributes *attributes, const char *name, const int64_t *numbers, size_t count);
/* As pinion_attributes_set_int(); `numbers` may be NULL for none. Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_floats(
    pinion_attributes *attributes, const char *name, const float *numbers, size_t count);
/* As pinion_attributes_set_int(), of zero-terminated strings; `texts` may be NULL for none. Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_strings(
    pinion_attributes *attributes, const char *name, const char *const *texts, size_t count);
/* As pinion_attributes_set_int(). Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_tensor(pinion_attributes *attributes, const char *name, pinion_value *tensor);
/* As pinion_attributes_set_int(); `tensors` may be NULL for none. Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_tensors(
    pinion_attributes *attributes, const char *name, pinion_value *const *tensors, size_t count);
/* As pinion_attributes_set_int(); a type as in pinion_graph_add_input_of_type(). Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_attributes_set_type(pinion_attributes *attributes, const char *name, const char *type);
/*
 * As pinion_attributes_set_int(): a graph of pinion_graph_create_subgraph(), for one node of the graph around it. Once it has that
 * node, nothing more can be added to it. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_attributes_set_graph(pinion_attributes *attributes, const char *name, pinion_graph *subgraph);

/* Options of pinion_graph_add_node(). Since: 0.1, ABI 3. */
typedef struct pinion_node_options {
  /* sizeof(pinion_node_options) */
  size_t struct_size;
  /* The node's name; NULL means one that is made up. */
  const char *name;
  /* The operator's domain; NULL, "" and "ai.onnx" mean the standard operators. */
  const char *domain;
  /* The version of the operator set in whose form the node is written; 0 means the graph's. */
  int64_t opset;
  /* NULL means none. */
  const pinion_attributes *attributes;
  /*
   * NULL, or a name for each output: NULL for one that is made up, "" for an output that is not wanted, whose value is 0. Outputs that the
   * operator has in any case are listed even so.
   */
  const char *const *output_names;
} pinion_node_options;

#define PINION_NODE_OPTIONS_INIT { sizeof(pinion_node_options), NULL, NULL, 0, NULL, NULL }

/*
 * Adds a node of any operator that pinion_operator_name() lists, and gives a value for each of its `output_count` outputs. An
 * entry of `inputs` is 0 for an optional input that is absent. `options` may be NULL. On failure all outputs are 0;
 * `outputs` may be `inputs`.
 *
 * Also returns PINION_UNSUPPORTED (unknown operator or opset), PINION_INVALID_MODEL (attributes or inputs that are missing, unknown
 * or of another kind; fewer or more outputs than the operator has; a subgraph that does not fit the node), PINION_INVALID_SHAPE (types that do not fit, whatever open dimensions
 * turn out to be), PINION_INVALID_VALUE. What depends on them is checked when a run begins. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_add_node(
    pinion_graph *graph, const char *operator_name, const pinion_node_options *options, size_t input_count,
    const pinion_graph_value *inputs, size_t output_count, pinion_graph_value *outputs);

/*
 * Adds an output, of the model or of a subgraph. `name` may be NULL for the value's own name; a value that is an input, a constant
 * or an output already goes under another name as a copy. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_graph_add_output(pinion_graph *graph, pinion_graph_value value, const char *name);

/*
 * Name and type of a value as far as it is known: a dimension of -1 is open, and so is a rank. NULL for a value that is none of this
 * graph or of those around it. It lives as long as the graph. Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API const pinion_value_info *pinion_graph_value_info(pinion_graph *graph, pinion_graph_value value);

/* The graph as text, one line a node; the caller gives it to pinion_string_release(). Thread-compatible. Since: 0.1, ABI 3. */
PINION_API pinion_status pinion_graph_text(pinion_graph *graph, char **text);

/*
 * Makes a model of what the graph has come to; later additions have no part in it. `options` may be NULL; its runtime gives memory
 * for what sessions make of constants, and its limits hold as for a load: of the byte budget the records of nodes are taken. What is
 * about files has no meaning here. The caller releases it. Not for a subgraph.
 * Also returns PINION_INVALID_MODEL for a graph without outputs, PINION_BUDGET_EXCEEDED, PINION_DEADLINE_EXCEEDED, PINION_CANCELLED.
 * Thread-compatible. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_model_create(
    pinion_graph *graph, const pinion_model_options *options, pinion_model **model);

/* ------------------------------------------------------------------------------------------------------------------
 * ONNX out
 * ---------------------------------------------------------------------------------------------------------------- */

/* Where pinion_model_save() puts the elements of tensors. Since: 0.1, ABI 3. */
typedef enum pinion_external_data {
  /* In the model's file, or beside it where the file would have more than 2 GB, which protobuf does not allow. */
  PINION_EXTERNAL_DATA_AUTO = 0,
  /* Those of at least a kilobyte in a file beside the model's, of its name and ".data". */
  PINION_EXTERNAL_DATA_ALWAYS = 1,
  /* In the model's file; PINION_UNSUPPORTED where it would have more than 2 GB. */
  PINION_EXTERNAL_DATA_NEVER = 2,
  /* Makes the type 32 bits wide in every compiler. */
  PINION_EXTERNAL_DATA_FORCE_32_BITS = 0x7fffffff
} pinion_external_data;

/* Options of pinion_model_save(). Since: 0.1, ABI 3. */
typedef struct pinion_save_options {
  /* sizeof(pinion_save_options) */
  size_t struct_size;
  pinion_external_data external_data;
  /* Zero. */
  int32_t reserved;
  /*
   * The version of ai.onnx to write, at least 21; PINION_UNSUPPORTED where a node needs a later one. 0 means 21 or the model's own,
   * whichever is later, or a later one that a node needs.
   */
  int64_t opset;
} pinion_save_options;

#define PINION_SAVE_OPTIONS_INIT { sizeof(pinion_save_options), PINION_EXTERNAL_DATA_AUTO, 0, 0 }

/*
 * Writes the model as an ONNX file: the graph that was loaded or made, before any optimisation, functions expanded, and nodes of
 * older operator sets in their newest form. `options` may be NULL. The file appears when it is complete: one that is there, be it
 * the model's own, stays as it is until then, and also where this fails.
 * Also returns PINION_IO, and PINION_UNSUPPORTED for what ONNX cannot express. Thread-safe. Since: 0.1, ABI 3.
 */
PINION_API pinion_status pinion_model_save(pinion_model *model, const char *path, const pinion_save_options *options);

/* ------------------------------------------------------------------------------------------------------------------
 * About this build
 * ---------------------------------------------------------------------------------------------------------------- */

/*
 * The instruction set that kernels were chosen for on this machine: "scalar", "avx2" or "avx512". The string lives as long as
 * the library is loaded. Thread-safe. Since: 0.1.
 */
PINION_API const char *pinion_cpu_isa_name(void);

/* The number of operators that this build implements. Thread-safe. Since: 0.1. */
PINION_API size_t pinion_operator_count(void);

/* The name of an operator, e.g. "Conv". Lives as long as the library is loaded. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_operator_name(size_t index);

/* The domain of an operator, e.g. "ai.onnx". Lives as long as the library is loaded. Thread-safe. Since: 0.1. */
PINION_API const char *pinion_operator_domain(size_t index);

/* The first operator set version that has the operator. Thread-safe. Since: 0.1. */
PINION_API int64_t pinion_operator_since(size_t index);

#ifdef __cplusplus
}
#endif

#endif
