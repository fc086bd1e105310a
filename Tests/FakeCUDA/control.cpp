// What tests ask of the fake driver: failures, settings, counts.
#include "fake.h"

EXPORT void fake_configure(const char *cxx, const char *options, const char *work_folder) {
  compiler = cxx, include_options = options, folder = work_folder;
}
// The same from the environment, for programs that know nothing of the fake.
__attribute__((constructor)) static void configure() {
  auto set = [](const char *name, std::string &value) {
    if (const char *given = getenv(name)) value = given;
  };
  set("FAKE_CXX", compiler), set("FAKE_OPTIONS", include_options), set("FAKE_FOLDER", folder);
  const std::pair<const char *, const char *> numbers[] = {{"FAKE_DEVICES", "devices"}, {"FAKE_VERSION", "version"}, {"FAKE_CAPABILITY", "capability"}};
  for (auto [name, setting] : numbers)
    if (const char *given = getenv(name)) settings[setting] = atol(given);
}
// The nth call of a function ends with `status`, instead of doing anything.
EXPORT void fake_fail(const char *name, long nth, int status) { planned_failures[name] = {nth, status}; }
EXPORT void fake_set(const char *name, long value) {
  settings[name] = value;
  if (!strcmp(name, "order")) random_state = (uint32_t)value;
}
EXPORT long fake_calls(const char *name) { return calls[name]; }
// As after a start: what is still there, e.g. of a lost device, is forgotten.
EXPORT void fake_reset() {
  std::lock_guard<std::recursive_mutex> guard(mutex);
  planned_failures.clear(), calls.clear(), current.clear();
  streams.clear(), events.clear(), graphs.clear(), executables.clear(), modules.clear(), allocations.clear(), pinned.clear();
  retained = 0, used = 0;
  sticky = 0, is_initialised = false;
  settings = {{"devices", 1}, {"version", 13000}, {"capability", 90}, {"memory", 1 << 28}, {"order", 1}};
}
// Everything that was made and not given back, and counted contexts.
EXPORT long fake_live() {
  return retained + streams.size() + events.size() + graphs.size() + executables.size() + modules.size() + allocations.size() + pinned.size();
}
EXPORT long fake_depth() { return (long)current.size(); }
EXPORT const char *fake_function(long index) {
#define NAME(name, result, arguments) #name,
  static const char *const names[] = {CC_DRIVER_FUNCTIONS(NAME) nullptr};
  return index < (long)(sizeof names / sizeof *names) ? names[index] : nullptr;
}
