#define _GNU_SOURCE
#include "cc_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *cc_open(const char *path, int only_if_loaded, char *reason, size_t capacity) {
  // Symbols are looked up by name in each library, so that two versions in one process do not get in each other's way.
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | (only_if_loaded ? RTLD_NOLOAD : 0));
  if (!library && reason && capacity) {
    const char *text = dlerror();
    snprintf(reason, capacity, "%s", text ? text : "not loaded");
  }
  return library;
}

void cc_path_of(const void *function, char *path, size_t capacity) {
  Dl_info info;
  path[0] = 0;
  if (dladdr(function, &info) && info.dli_fname) snprintf(path, capacity, "%s", info.dli_fname);
}

// A newer form of a function with the same arguments, which some libraries have instead of the plain one.
static void *symbol(void *library, const char *name) {
  if (strcmp(name, "cuEventElapsedTime") == 0) {
    void *newer = dlsym(library, "cuEventElapsedTime_v2");
    if (newer) return newer;
  }
  return dlsym(library, name);
}

#define CC_LOAD(name, result, arguments) \
  if (!(address = symbol(library, #name))) return #name; \
  memcpy(&table->name, &address, sizeof address);

const char *cc_driver_load(void *library, cc_driver *table) {
  void *address;
  CC_DRIVER_FUNCTIONS(CC_LOAD)
  return NULL;
}

const char *cc_nvrtc_load(void *library, cc_nvrtc *table) {
  void *address;
  CC_NVRTC_FUNCTIONS(CC_LOAD)
  return NULL;
}

const char *cc_blaslt_load(void *library, cc_blaslt *table) {
  void *address;
  CC_BLASLT_FUNCTIONS(CC_LOAD)
  return NULL;
}

const char *cc_environment(const char *name) { return secure_getenv(name); }
