# Tests of Sources/CThreads: `make -f Tests/CThreads/threads.mk` from the repository root.
CC := clang
BUILD := .build/ctests
# The ThreadSanitizer of Swift's clang refers to libdispatch.
SWIFT_LIBRARIES := $(shell $(CC) -print-resource-dir)/../../swift/linux
FLAGS := -std=c17 -g -Wall -Wextra -ISources/CThreads/include -pthread

.PHONY: test-threads
test-threads: $(BUILD)/pool_test $(BUILD)/pool_test_tsan
	$(BUILD)/pool_test --time
	TSAN_OPTIONS=halt_on_error=1 $(BUILD)/pool_test_tsan

SOURCES := Tests/CThreads/pool_test.c Sources/CThreads/cthreads.c
$(BUILD)/pool_test: $(SOURCES) Sources/CThreads/include/cthreads.h
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) -O2 $(SOURCES) -o $@
$(BUILD)/pool_test_tsan: $(SOURCES) Sources/CThreads/include/cthreads.h
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) -O1 -fsanitize=thread $(SOURCES) -L$(SWIFT_LIBRARIES) -Wl,-rpath,$(SWIFT_LIBRARIES) -ldispatch -lBlocksRuntime -o $@
