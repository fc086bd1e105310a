#ifndef PINION_CC_TEXTS_H
#define PINION_CC_TEXTS_H

#include <stddef.h>

/// Texts of CUDA C++ that are part of the library, zero-terminated.
typedef struct cc_text {
  const char *name;
  const char *text;
  size_t bytes;
} cc_text;

/// NULL if there is none of that name.
const cc_text *cc_text_named(const char *name);

/// All of them, ended by one without a name.
const cc_text *cc_texts(void);

#endif
