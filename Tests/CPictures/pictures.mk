# Tests of Sources/CPictures: `make -f Tests/CPictures/pictures.mk [SECONDS=600]` from the repository root.
CC := clang
SECONDS := 3
BUILD := .build/ctests
FLAGS := -std=c17 -g -O1 -Wall -Wextra -ISources/CPictures/include -pthread -fsanitize=address,undefined -fno-sanitize-recover=all -fuse-ld=lld

.PHONY: test-pictures
test-pictures: $(BUILD)/pictures
	$(BUILD)/pictures missing Tests/CPictures/pictures/*
	$(BUILD)/pictures whole Tests/CPictures/pictures/*
	ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=2048 $(BUILD)/pictures damage $(SECONDS) $${SEED:-1} Tests/CPictures/pictures/*

SOURCES := Tests/CPictures/pictures.c $(wildcard Sources/CPictures/*.c)
$(BUILD)/pictures: $(SOURCES) $(wildcard Sources/CPictures/*.h Sources/CPictures/include/*.h)
	@mkdir -p $(BUILD)
	$(CC) $(FLAGS) $(SOURCES) -o $@
