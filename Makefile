# Pinion: build, test, install. `make help` lists the targets.
SWIFT ?= swift
PYTHON ?= python3
PREFIX ?= /usr/local
JOBS ?= 2
STAGE := $(CURDIR)/.build/stage
VENV := $(CURDIR)/.build/venv
WHEEL_VENV := $(CURDIR)/.build/wheel-venv
CUDA_VENV := $(CURDIR)/.build/cuda-venv
BENCH_VENV := $(CURDIR)/.build/bench-venv
RELEASE := $(CURDIR)/.build/release

.PHONY: help build install uninstall wheel deb docs demo check test lint format coverage sanitize conformance bench-operators cuda-check cuda-faults cuda-report gpu-selftest gpu-selftest-tests gpu-selftest-pack deps test-deps swift-tests kernel-tests cuda-tests capi-tests example-tests python-tests oracle-tests random-tests contrib-tests node-fuzz-tests limits-tests pt2-tests pt2-sweep cancel hostile oom files soak soak-races fuzz clean stack limits-faults bench count-record count-tests

help:
	@echo "make build        libpinion.so and run-model, optimised, in .build/release"
	@echo "make deps         install the Debian packages that the build needs"
	@echo "make install      header, library, CMake package, pkg-config file, run-model, its manual page and completions under PREFIX ($(PREFIX))"
	@echo "make uninstall    take them away again"
	@echo "make wheel        a Python wheel with the library inside, in dist/"
	@echo "make deb          a Debian package, in dist/"
	@echo "make docs         the reference of the C, C++, Python and Swift interfaces as HTML, in .build/docs"
	@echo "make demo         run a real model on a real input"
	@echo "make check        the tests of what is built: C interface, examples, command, Python package"
	@echo "make test         everything that CI runs"
	@echo "make lint         rules for Swift, C, Python and shell; make format lays out FILES (default: those changed since the last commit)"
	@echo "make coverage     how many lines the tests reach, and the files with less than 80 %"
	@echo "make sanitize     kernels, pictures, C interface, thread pool, runs and plans under the address, undefined-behaviour and thread sanitizers"
	@echo "make conformance  ONNX's backend tests through the Python package, each also written as ONNX and run by onnxruntime"
	@echo "make bench        machine, kernels and models beside onnxruntime and OpenVINO from PyPI; ARGUMENTS='FOLDER --only REGEX', see Documentation/Performance.md"
	@echo "make count-tests  instructions of some kernels and small models against recorded numbers, under valgrind"
	@echo "make bench-operators  each operator alone against onnxruntime, the worst ratio first; ARGUMENTS='--only REGEX --json FILE'"
	@echo "make cancel       every operator with large inputs, stopped at random points and under budgets that are too small; loads, sessions and first runs stopped"
	@echo "make hostile      thousands of models that ask for what no host gives, in three ways of loading"
	@echo "make oom          the allocator refuses, at every place in turn"
	@echo "make files        files that fail, shrink, change and move while models are loaded from them"
	@echo "make stack        models that nest, on threads with as little stack as is promised to be enough"
	@echo "make limits-faults  put known faults back and see that the programmes find them (builds a copy)"
	@echo "make soak         sessions under many threads, cancels, trims and forks, and random graphs of each kind from new seeds, SECONDS of each (default 600)"
	@echo "make soak-races   the first part of it under ThreadSanitizer, without forks"
	@echo "make pt2-sweep    small modules of every ATen target, exported by PyTorch from PyPI and compared; ARGUMENTS='--family NAME --all'"
	@echo "make cuda-check   compile the CUDA kernels for every architecture with NVIDIA's compiler from PyPI, and report on them"
	@echo "make cuda-faults  put known faults into CUDA kernels and see that the emulated tests find them"
	@echo "make gpu-selftest-pack  a program that runs every CUDA kernel on a GPU against the processor, with compiled kernels, in dist/"
	@echo "make fuzz         the fuzz targets, FUZZ_SECONDS each (default 600)"

# Packages: what the library is built from, and what only its tests and tools need.
deps:
	@sh .ci/packages libpng-dev libturbojpeg0-dev zlib1g-dev

test-deps: deps
	@sh .ci/packages gcc g++ cmake pkg-config libprotobuf-dev protobuf-compiler python3-venv abigail-tools libonnx-dev libopenblas-dev libtiff6 libwebp7 libopenjp2-7

build:
	@for library in libpng libturbojpeg zlib; do pkg-config --exists $$library 2>/dev/null || ! command -v pkg-config >/dev/null || \
	  { echo "$$library is missing; 'make deps' installs it on Debian"; exit 1; }; done
	$(SWIFT) build -c release -j $(JOBS) --product pinion
	$(SWIFT) build -c release -j $(JOBS) --product run-model
	@ls -l $(RELEASE)/libpinion.so $(RELEASE)/run-model

# What is built is taken as it is; `make build` brings it up to date.
$(RELEASE)/libpinion.so $(RELEASE)/run-model &:
	$(MAKE) build

install: $(RELEASE)/libpinion.so $(RELEASE)/run-model
	Sources/PinionC/packaging/install.sh $(RELEASE)/libpinion.so $(PREFIX)
	packaging/install-command.sh $(RELEASE)/run-model $(PREFIX)

uninstall:
	packaging/uninstall.sh $(PREFIX)

deb: $(RELEASE)/libpinion.so $(RELEASE)/run-model
	packaging/deb.sh $(RELEASE)/libpinion.so $(RELEASE)/run-model dist

docs: $(RELEASE)/libpinion.so $(VENV)/ready
	@sh .ci/packages doxygen
	packaging/docs.sh $(CURDIR)/.build/docs $(VENV)/bin/python $(RELEASE)/libpinion.so

lint: $(VENV)/ready
	.ci/lint $(SWIFT) $(VENV)

# All of a file is laid out, also what one has not written: leave files that others work on alone.
FILES ?= $(shell git diff --name-only --diff-filter=d HEAD)
format: $(VENV)/ready
	@for file in $(FILES); do case $$file in \
	  *.swift) $(SWIFT) format format --in-place $$file ;; \
	  *.c|*.h|*.cpp|*.hpp) $(VENV)/bin/clang-format -i $$file ;; \
	  *.py) $(VENV)/bin/ruff check --quiet --fix $$file; $(VENV)/bin/ruff format --quiet $$file ;; \
	esac; done

coverage: test-deps $(VENV)/ready
	.ci/coverage $(SWIFT) $(VENV)/bin/python $(JOBS)

# The kernels' memory and arithmetic, the pool's races, the C interface as programs that are watched use it, and the races of runs, plans and states.
sanitize: test-deps $(STAGE)/ready
	$(MAKE) -j $(JOBS) --output-sync=target -C Tests/CKernels SANITIZE=address,undefined BUILD=$(CURDIR)/.build/ckernels-sanitized
	$(MAKE) -f Tests/CKernels/elementwise.mk SANITIZE=-fsanitize=address,undefined,float-cast-overflow
	$(MAKE) -f Tests/CPictures/pictures.mk
	$(MAKE) -f Tests/CThreads/threads.mk
	$(MAKE) -C Tests/CAPI PREFIX=$(STAGE) OUT=$(CURDIR)/.build/capi-sanitized SANITIZE=address,undefined check
# libpinion.so refers to symbols of the sanitizer that only programs bring.
	$(SWIFT) build -j $(JOBS) --scratch-path .build/tsan --sanitize=thread --build-tests -Xlinker --warn-unresolved-symbols
	SWIFT_BACKTRACE=enable=no $(SWIFT) test --scratch-path .build/tsan --sanitize=thread --skip-build --quiet --filter 'PinionRuntimeTests|PinionTests|ThreadCountTests|RunLimitTests'

$(VENV)/ready: bindings/python/requirements-test.txt
	@sh .ci/packages python3-venv
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# pip brings what builds it; nothing of the tests is needed.
$(WHEEL_VENV)/ready:
	@sh .ci/packages python3-venv
	$(PYTHON) -m venv $(WHEEL_VENV)
	@touch $@

wheel: $(RELEASE)/libpinion.so $(WHEEL_VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so $(WHEEL_VENV)/bin/pip wheel --disable-pip-version-check --quiet --no-deps -w dist bindings/python

demo: deps build $(VENV)/ready
	sh examples/demo.sh $(RELEASE)/run-model $(VENV)/bin/python

# Of what is built, without anything of Swift.
check: capi-tests example-tests command-tests python-tests

# Most use one processor. Those of the limits look at the time that they get.
test: test-deps build swift-tests
	$(SWIFT) build -c release -j $(JOBS) --product random-graphs
	$(SWIFT) build -c release -j $(JOBS) --product fuzz-nodes
	$(MAKE) -j $(JOBS) --output-sync=target $(SIDE_BY_SIDE)
	$(MAKE) limits-tests
	@echo "all tests pass"

SIDE_BY_SIDE := python-tests kernel-tests contrib-tests count-tests conformance random-tests oracle-tests pt2-tests cuda-tests node-fuzz-tests command-tests capi-tests example-tests lint

# At every level of instructions that this machine has.
swift-tests:
	$(SWIFT) build -j $(JOBS) --build-tests
	for isa in $$(.ci/isa-levels); do PINION_ISA=$$isa SWIFT_BACKTRACE=enable=no $(SWIFT) test --skip-build --quiet || exit 1; done

kernel-tests: $(RELEASE)/libpinion.so
	$(MAKE) -f Tests/CThreads/threads.mk
	$(MAKE) -f Tests/CPictures/pictures.mk
	$(MAKE) -j $(JOBS) --output-sync=target -C Tests/CKernels OBJECTS_IN=$(RELEASE)/CKernels.build check products

# The CUDA kernels on the processor; neither a GPU nor anything of NVIDIA's is needed.
cuda-tests: $(RELEASE)/libpinion.so
	$(MAKE) -j $(JOBS) --output-sync=target -C Tests/CUDAEmulator LIBRARY=$(RELEASE)/libpinion.so OUT=$(CURDIR)/.build/cuda-emulator check

# Those whose description has WORDS, or all.
cuda-faults: $(RELEASE)/libpinion.so
	$(MAKE) -C Tests/CUDAEmulator LIBRARY=$(RELEASE)/libpinion.so OUT=$(CURDIR)/.build/cuda-emulator faults

# What both say of each kernel; the emulated tests append their results, so they start from nothing.
cuda-report: $(RELEASE)/libpinion.so cuda-check
	@rm -f .build/cuda-emulator/results
	PINION_RESULTS=$(CURDIR)/.build/cuda-emulator/results $(MAKE) -C Tests/CUDAEmulator LIBRARY=$(RELEASE)/libpinion.so OUT=$(CURDIR)/.build/cuda-emulator plain
	$(PYTHON) Tests/CUDAStatic/report.py .build/cuda-emulator/results .build/cuda-check.json Documentation/CUDAKernels.md

# The self-test for machines with a GPU, and its run with the fake driver.
gpu-selftest:
	$(MAKE) -C Tests/GPUSelfTest OUT=$(CURDIR)/.build/gpu-selftest

gpu-selftest-tests: $(RELEASE)/libpinion.so
	$(MAKE) -C Tests/GPUSelfTest LIBRARY=$(RELEASE)/libpinion.so OUT=$(CURDIR)/.build/gpu-selftest check

# Everything that the self-test needs on a bare machine with a driver, in dist/gpu-selftest.tar.xz.
gpu-selftest-pack: $(RELEASE)/libpinion.so cuda-check gpu-selftest
	Tests/GPUSelfTest/pack.sh $(CURDIR)/.build/gpu-selftest $(RELEASE)/libpinion.so dist

# Not part of `make test`: the compiler is a download of 58 MB that not every machine may make.
CUDA_ARCHITECTURES ?= 75,80,86,89,90,100,120
cuda-check: $(CUDA_VENV)/ready
	$(CUDA_VENV)/bin/python Tests/CUDAStatic/cuda-check.py --architectures $(CUDA_ARCHITECTURES) --json .build/cuda-check.json --images .build/gpu-selftest/images \
	  Sources/PinionCUDA/Kernels Tests/CUDAStatic/generated/*.cu Tests/CUDAEmulator/primitives.cu
	$(CUDA_VENV)/bin/python Tests/CUDAStatic/abi-check.py Sources/CCUDA/include

$(CUDA_VENV)/ready: Tests/CUDAStatic/requirements.txt
	@sh .ci/packages python3-venv
	$(PYTHON) -m venv $(CUDA_VENV)
	$(CUDA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

capi-tests: $(STAGE)/ready
	$(MAKE) -C Tests/CAPI PREFIX=$(STAGE) OUT=$(CURDIR)/.build/capi-gcc check
	$(MAKE) -C Tests/CAPI PREFIX=$(STAGE) OUT=$(CURDIR)/.build/capi-clang CC=clang CXX=clang++ check

$(STAGE)/ready: $(RELEASE)/libpinion.so include/pinion/pinion.h include/pinion/pinion.hpp
	Sources/PinionC/packaging/install.sh $(RELEASE)/libpinion.so $(STAGE)
	@touch $@

example-tests: $(STAGE)/ready $(VENV)/ready
	sh examples/build-and-run.sh $(STAGE) $(CURDIR)/.build/examples $(VENV)/bin/python

oracle-tests: $(VENV)/ready
	$(MAKE) -C Tests/Oracle PYTHON=$(VENV)/bin/python
	$(SWIFT) build -j $(JOBS) --product onnx-dump
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Tests/Oracle/libonnx_compare.py Tests/Oracle/.build/infer
	Tests/Oracle/compare.sh $$($(VENV)/bin/python -c 'import onnx, pathlib; print(pathlib.Path(onnx.__file__).parent / "backend/test/data")')

python-tests: $(VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python -m pytest -q bindings/python

# com.microsoft's operators against onnxruntime: CONTRIB_SEEDS random cases of each from CONTRIB_FIRST_SEED on, and quantised models.
contrib-tests: $(VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python -m pytest -q Tests/Contrib

# Recorded programs of PyTorch's with its results, and a short run of changed ones.
pt2-tests: $(VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Tests/PT2/replay.py Tests/PT2/*.jsonl.xz
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Tests/Fuzz/fuzz-pt2.py --runs 20000 --seconds 120 --jobs $(JOBS) Tests/PT2/*.jsonl.xz

# Not part of `make test`: PyTorch is a large download. Exports every case anew, with the PyTorch of Tests/PT2/requirements.txt.
TORCH_VENV := $(CURDIR)/.build/torch-venv
pt2-sweep: $(TORCH_VENV)/ready
	$(TORCH_VENV)/bin/python Tests/PT2/defaults.py
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(TORCH_VENV)/bin/python Tests/PT2/against_torch.py --jobs $(JOBS) $(ARGUMENTS)

$(TORCH_VENV)/ready: Tests/PT2/requirements.txt
	@sh .ci/packages python3-venv
	$(PYTHON) -m venv $(TORCH_VENV)
	$(TORCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

command-tests: $(VENV)/ready
	RUN_MODEL=$(RELEASE)/run-model $(VENV)/bin/python -m pytest -q Tests/run-model

# Not part of `make test`: minutes of measuring, and figures that only an idle machine gives.
ARGUMENTS ?=
bench: build $(STAGE)/ready $(BENCH_VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python:Benchmarks $(BENCH_VENV)/bin/python -m bench $(ARGUMENTS)

$(BENCH_VENV)/ready: Benchmarks/bench/requirements.txt
	@sh .ci/packages python3-venv
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Instructions, which other processes do not change; both skip levels that nothing here can count.
COUNTS = $(VENV)/bin/python Tests/Counts/count_tests.py --out $(CURDIR)/.build/counts --prefix $(STAGE)
count-tests: $(STAGE)/ready $(VENV)/ready
	@sh .ci/packages valgrind
	$(COUNTS)

count-record: $(STAGE)/ready $(VENV)/ready
	@sh .ci/packages valgrind
	$(COUNTS) --record

bench-operators: build $(VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Benchmarks/operators.py $(ARGUMENTS)

conformance: test-deps $(VENV)/ready
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Tests/Conformance/conformance.py --known Tests/Conformance/known-failures.txt
	$(VENV)/bin/python Tests/Conformance/operator_sets.py --check
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Tests/Conformance/onnx_out.py --known Tests/Conformance/known-onnx-out.txt

# Documentation/Testing.md says what is checked. The seeds are always the same; `make soak` takes new ones.
RANDOM_GRAPHS := $(RELEASE)/random-graphs
random-tests: $(VENV)/ready
	$(SWIFT) build -c release -j $(JOBS) --product random-graphs
	$(RANDOM_GRAPHS) --coverage
	$(RANDOM_GRAPHS) --count 5000 --processes $(JOBS)
	$(RANDOM_GRAPHS) --kind sequences --count 300 --processes $(JOBS)
	$(RANDOM_GRAPHS) --kind state --count 800 --processes $(JOBS)
	$(RANDOM_GRAPHS) --record $(CURDIR)/.build/random.record --count 1000
	for isa in $$(.ci/isa-levels | sed '$$d'); do PINION_ISA=$$isa $(RANDOM_GRAPHS) --against $(CURDIR)/.build/random.record --count 1000 || exit 1; done
	rm -rf $(CURDIR)/.build/random-models
	$(RANDOM_GRAPHS) --write $(CURDIR)/.build/random-models --count 400
	$(VENV)/bin/python Tests/RandomGraphs/onnxruntime_compare.py $(CURDIR)/.build/random-models

# Documentation/Security.md says what the limits promise; these programmes try to break them. The long forms:
LIMITS := $(CURDIR)/.build/limits
LIMITS_PYTHON = PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python RUN_MODEL=$(RELEASE)/run-model $(VENV)/bin/python
$(LIMITS)/%.so: Tests/Limits/%.c
	@mkdir -p $(LIMITS)
	$(CC) -O2 -Wall -Wextra -shared -fPIC -o $@ $<

$(LIMITS)/stack: Tests/Limits/stack.c include/pinion/pinion.h
	@mkdir -p $(LIMITS)
	$(CC) -O1 -Wall -Wextra -Iinclude -o $@ $< -ldl -pthread

LIMITS_READY := $(RELEASE)/libpinion.so $(VENV)/node-seeds $(LIMITS)/heap.so $(LIMITS)/files.so

cancel: $(LIMITS_READY)
	$(LIMITS_PYTHON) Tests/Limits/cancel.py $(VENV)/node-seeds $(LIMITS)/heap.so --seconds 20 --elements 4000000 --points 5 --workers $(JOBS) $(ARGUMENTS)
	$(LIMITS_PYTHON) Tests/Limits/cancel_creation.py $(LIMITS)/heap.so --points 20 --workers $(JOBS)

hostile: $(LIMITS_READY)
	$(LIMITS_PYTHON) Tests/Limits/hostile_run.py $(VENV)/node-seeds $(LIMITS)/heap.so $(ARGUMENTS)

oom: $(LIMITS_READY)
	$(LIMITS_PYTHON) Tests/Limits/oom.py $(VENV)/node-seeds $(LIMITS)/heap.so --models 0 --places 40 $(ARGUMENTS)

files: $(LIMITS_READY)
	$(LIMITS_PYTHON) Tests/Limits/files.py $(LIMITS)/files.so --races 60

stack: $(LIMITS_READY) $(LIMITS)/stack
	$(LIMITS_PYTHON) Tests/Limits/stack.py $(LIMITS)/stack $(RELEASE)/libpinion.so --least

# A copy is built with all faults in it, of which the environment chooses one.
limits-faults: $(LIMITS_READY)
	mkdir -p $(LIMITS)/faulty
	git ls-files -z Package.swift Package.resolved Sources Tests include | tar -c --null -T - | tar -x -C $(LIMITS)/faulty
	$(VENV)/bin/python Tests/Limits/faults.py apply $(LIMITS)/faulty
	$(SWIFT) build -c release -j $(JOBS) --package-path $(LIMITS)/faulty --product pinion
	$(LIMITS_PYTHON) Tests/Limits/faults.py run $(LIMITS)/faulty/.build/release/libpinion.so $(VENV)/node-seeds $(LIMITS)/heap.so $(LIMITS)/files.so

# The short forms, part of `make test`: the operators that once did not hold, every seventeenth model, some refusals.
LIMITS_OPERATORS := ^(ConvTranspose|ConvInteger|AveragePool|LinearAttention|Unique|Det|NonMaxSuppression|StringSplit|StringConcat|StringNormalizer|Cast|NonZero|Compress|Tile|Expand|Pad|Resize|DFT|SplitToSequence|Multinomial|TopK|MaxPool|Gather|CumSum)$$
limits-tests: $(LIMITS_READY) $(LIMITS)/stack
	$(VENV)/bin/python Tests/Limits/faults.py check .
	$(LIMITS_PYTHON) Tests/Limits/files.py $(LIMITS)/files.so --races 0.5
	$(LIMITS_PYTHON) Tests/Limits/hostile_run.py $(VENV)/node-seeds $(LIMITS)/heap.so --every 17
	$(LIMITS_PYTHON) Tests/Limits/oom.py $(VENV)/node-seeds $(LIMITS)/heap.so --models 14 --places 6
	$(LIMITS_PYTHON) Tests/Limits/cancel.py $(VENV)/node-seeds $(LIMITS)/heap.so --operators '$(LIMITS_OPERATORS)' --seconds 0.7 --workers $(JOBS)
	$(LIMITS_PYTHON) Tests/Limits/cancel_creation.py $(LIMITS)/heap.so --every 5 --points 4 --seconds 6 --workers $(JOBS) --p99 150 --latency 400
	$(LIMITS_PYTHON) Tests/Limits/stress.py 5
	$(LIMITS_PYTHON) Tests/Limits/stack.py $(LIMITS)/stack $(RELEASE)/libpinion.so

SECONDS ?= 600
soak: deps $(LIMITS_READY)
	$(LIMITS_PYTHON) Tests/Limits/stress.py $(SECONDS)
	$(SWIFT) build -c release -j $(JOBS) --product random-graphs
	first=$$(date +%s)00000; for kind in single sequences state; do \
	  $(RANDOM_GRAPHS) --kind $$kind --seconds $(SECONDS) --processes $(JOBS) --first $$first || exit 1; done

# The first part under ThreadSanitizer, whose runtime of Swift's clang refers to libdispatch. It does not go with forks.
soak-races: deps $(VENV)/ready
	$(SWIFT) build -c release -j $(JOBS) --scratch-path .build/races --sanitize=thread --product pinion -Xlinker --warn-unresolved-symbols
	clang=$$(dirname "$$(readlink -f "$$(command -v $(SWIFT))")")/clang; runtime=$$("$$clang" -print-resource-dir); libraries=$$runtime/../../swift/linux; \
	PINION_LIBRARY=$(CURDIR)/.build/races/release/libpinion.so PYTHONPATH=bindings/python TSAN_OPTIONS=exitcode=66 \
	  LD_PRELOAD="$$libraries/libBlocksRuntime.so $$libraries/libdispatch.so $$runtime/lib/linux/libclang_rt.tsan-x86_64.so" \
	  $(VENV)/bin/python Tests/Limits/stress.py $(SECONDS) --no-forks

$(VENV)/node-seeds: $(VENV)/ready Tests/Fuzz/node-seeds.py
	$(VENV)/bin/python Tests/Fuzz/node-seeds.py $@.new
	@mv $@.new $@

# A fixed number of mutated models of one node over every operator; fails as well where an operator has no seed.
node-fuzz-tests: $(VENV)/node-seeds
	$(SWIFT) build -c release -j $(JOBS) --product fuzz-nodes
	$(RELEASE)/fuzz-nodes $(VENV)/node-seeds --check
	$(RELEASE)/fuzz-nodes $(VENV)/node-seeds --runs 20000 --workers $(JOBS)
	$(VENV)/bin/python Tests/Fuzz/fuzz-calls.py include/pinion/pinion.h $(RELEASE)/libpinion.so --runs 2000 --seconds 60 --jobs $(JOBS)

FUZZ_SECONDS ?= 600
FUZZ_FIRST ?= 0
fuzz: $(VENV)/node-seeds
	$(SWIFT) build -c release -j $(JOBS) --product fuzz-nodes
	$(RELEASE)/fuzz-nodes $(VENV)/node-seeds --runs 100000000 --first $(FUZZ_FIRST) --seconds $(FUZZ_SECONDS) --workers $(JOBS)
	PINION_LIBRARY=$(RELEASE)/libpinion.so PYTHONPATH=bindings/python $(VENV)/bin/python Tests/Fuzz/fuzz-pt2.py --seconds $(FUZZ_SECONDS) --first $(FUZZ_FIRST) --jobs $(JOBS) Tests/PT2/*.jsonl.xz $(SEEDS)
	$(VENV)/bin/python Tests/Fuzz/fuzz-calls.py include/pinion/pinion.h $(RELEASE)/libpinion.so --first $(FUZZ_FIRST) --seconds $(FUZZ_SECONDS) --jobs $(JOBS)
	Tests/Fuzz/fuzz.sh fuzz-reader -max_total_time=$(FUZZ_SECONDS)
	$(VENV)/bin/python Tests/Fuzz/string-seeds.py $(CURDIR)/.build/string-seeds 2000 $(FUZZ_FIRST)
	SEEDS=$(CURDIR)/.build/string-seeds PYTHON=$(VENV)/bin/python Tests/Fuzz/fuzz.sh fuzz-run -max_total_time=$(FUZZ_SECONDS)

clean:
	rm -rf .build .build-* .build_* dist bindings/python/build bindings/python/*.egg-info .mypy_cache .ruff_cache bindings/python/.mypy_cache
	rm -f Benchmarks/overhead examples/c/describe-and-run
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name .pytest_cache -prune -exec rm -rf {} +
