# Tests of Sources/CThreads: `make -f Tests/CThreads/threads.mk` from the repository root.
CC := clang
BUILD := .build/ctests
# The ThreadSanitizer of Swift's clang refers to libdispatch.
SWIFT_LIBRARIES := $(shell $(CC) -print-resource-dir)/../../swift/linux
FLAGS := -std=c17 -g -Wall -Wextra -ISources/CThreads/include -pthread

.PHONY: test-threads
test-threads: $(BUILD)/pool_test $(BUILD)/pool_test_tsan $(BUILD)/lock_test $(BUILD)/lock_test_tsan
	$(BUILD)/pool_test --time
	TSAN_OPTIONS=halt_on_error=1:die_after_fork=0 $(BUILD)/pool_test_tsan
	$(BUILD)/lock_test
# The sanitizer's own locks do not bear many forks beside many threads.
	TSAN_OPTIONS=halt_on_error=1 $(BUILD)/lock_test_tsan 0

SOURCES := Tests/CThreads/pool_test.c Sources/CThreads/cthreads.c
$(BUILD)/pool_test: $(SOURCES) Sources/CThreads/include/cthreads.h
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) -O2 $(SOURCES) -o $@
$(BUILD)/pool_test_tsan: $(SOURCES) Sources/CThreads/include/cthreads.h
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) -O1 -fsanitize=thread $(SOURCES) -L$(SWIFT_LIBRARIES) -Wl,-rpath,$(SWIFT_LIBRARIES) -ldispatch -lBlocksRuntime -o $@

LOCK_SOURCES := Tests/CThreads/lock_test.c Sources/CThreads/ct_lock.c
$(BUILD)/lock_test: $(LOCK_SOURCES) Sources/CThreads/include/ct_lock.h
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) -O2 $(LOCK_SOURCES) -o $@
$(BUILD)/lock_test_tsan: $(LOCK_SOURCES) Sources/CThreads/include/ct_lock.h
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) -O1 -fsanitize=thread $(LOCK_SOURCES) -L$(SWIFT_LIBRARIES) -Wl,-rpath,$(SWIFT_LIBRARIES) -ldispatch -lBlocksRuntime -o $@
