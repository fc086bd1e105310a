/* Checks that report and go on; main() ends with check_result(). */
#ifndef CHECK_H
#define CHECK_H

#include <pinion/pinion.h>
#include <stdio.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECK_LEAKS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(CHECK_LEAKS)
#include <sanitizer/lsan_interface.h>
/* For what makes a table that lasts as long as the process. Swift points to texts and to payloads of enumerations with a tag in the pointer's
 * high bits, where the leak sanitizer sees no pointer, so it takes such a table for a leak. What leaks at each call is found at the next one. */
#define MAKES_TABLES(statement) \
  do {                          \
    __lsan_disable();           \
    statement;                  \
    __lsan_enable();            \
  } while (0)
#else
#define MAKES_TABLES(statement) statement
#endif

static int check_failures;

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) {                                                     \
      ++check_failures;                                                     \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                       \
  } while (0)

#define CHECK_STATUS(call, expected)                                                                             \
  do {                                                                                                           \
    pinion_status check_status = (call);                                                                         \
    if (check_status != (expected)) {                                                                            \
      ++check_failures;                                                                                          \
      fprintf(stderr, "%s:%d: %s is %s, not %s: %s\n", __FILE__, __LINE__, #call, pinion_status_name(check_status), \
              pinion_status_name(expected), pinion_error_text(NULL));                                            \
    }                                                                                                            \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, PINION_OK)

static inline int check_result(const char *name) {
  if (check_failures) {
    fprintf(stderr, "%s: %d checks failed\n", name, check_failures);
    return 1;
  }
  printf("%s: ok\n", name);
  return 0;
}

#endif
