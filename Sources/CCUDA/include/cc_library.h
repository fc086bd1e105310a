#ifndef PINION_CC_LIBRARY_H
#define PINION_CC_LIBRARY_H

#include "cc_blaslt.h"
#include "cc_driver.h"
#include "cc_nvrtc.h"

/// Opens a shared library for good: it is never closed, since NVIDIA's libraries keep threads and handlers of their own.
/// With `only_if_loaded`, one that the process has already. NULL where it cannot be had; `reason` (may be NULL) then gets the
/// dynamic loader's text, zero-terminated and cut at `capacity`.
void *cc_open(const char *path, int only_if_loaded, char *reason, size_t capacity);

/// The file that a function of an open library lies in, cut at `capacity`; empty if it cannot be told.
void cc_path_of(const void *function, char *path, size_t capacity);

/// Fill in every function of a table. NULL, or the name of the first that the library does not have.
const char *cc_driver_load(void *library, cc_driver *table);
const char *cc_nvrtc_load(void *library, cc_nvrtc *table);
const char *cc_blaslt_load(void *library, cc_blaslt *table);

/// An environment variable, or NULL where the process runs with more rights than its caller.
const char *cc_environment(const char *name);

#endif
