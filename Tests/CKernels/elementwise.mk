# Tests of the elementwise, reduction and data-movement kernels: `make -f Tests/CKernels/elementwise.mk` from the repository root;
# `... TIME=--time` also prints speeds, `... SANITIZE=-fsanitize=address,undefined,float-cast-overflow` looks for undefined behaviour.
CC := clang
TIME :=
SANITIZE :=
BUILD := .build/ctests$(if $(SANITIZE),-sanitized)
FLAGS := -std=gnu17 -g -O3 -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror -ISources/CKernels -ISources/CKernels/include $(if $(SANITIZE),-Wno-pass-failed -fno-sanitize-recover $(SANITIZE))
KERNELS := $(patsubst Sources/CKernels/%.c,$(BUILD)/%.o,$(foreach f,isa convert unary binary compare reduce softmax norm move index,$(wildcard Sources/CKernels/*/pk_$(f)*.c)))
TESTS := $(patsubst Tests/CKernels/%_test.c,%,$(foreach f,convert unary binary compare reduce softmax norm move,$(wildcard Tests/CKernels/$(f)_test.c)))

.SECONDARY:
.PHONY: test-elementwise
test-elementwise: $(TESTS:%=run-%)
.PHONY: $(TESTS:%=run-%)
$(TESTS:%=run-%): run-%: $(BUILD)/%_test
	$< $(TIME)

$(BUILD)/%.o: Sources/CKernels/%.c $(wildcard Sources/CKernels/*/*.h)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -c $< -o $@
$(BUILD)/%_test: Tests/CKernels/%_test.c Tests/CKernels/check.h $(KERNELS)
	$(CC) $(FLAGS) $< $(KERNELS) -lm -o $@
