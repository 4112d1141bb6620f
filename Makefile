# Each target first sets up, once, what it needs. The two commands to know: `make demo` and `make test`.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
PYTHON := .venv/bin/python
WHEEL_PYTHON ?= $(PYTHON)
SETUP := tools/setup.sh

.PHONY: help demo article test conformance build wheel docs lint bench install check-sanitizers check-arm64 clean distclean
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 26

demo:  ## three audits on real models and data; leaves build/demo/*.json and build/demo/report.html
	@$(SETUP) build venv inputs
	@$(MAKE) --no-print-directory build
	@$(PYTHON) tools/demo.py

article:  ## the article's whole argument, on its own network and on a classifier; leaves build/article/
	@$(SETUP) build venv
	@$(MAKE) --no-print-directory build
	@$(PYTHON) tools/article.py

test:  ## every test
	@$(SETUP) build test docs venv-test inputs models cases
	cmake --preset dev
	cmake --build build/dev -j $(JOBS)
	ctest --preset dev -j $(JOBS)
	tools/make_wheel.sh $(PYTHON)
	$(PYTHON) -m pytest tests/python

conformance:  ## ONNX's own backend tests, newest operator sets, by group; the last line is the score
	@$(SETUP) build test venv cases
	cmake --preset dev
	cmake --build build/dev -j $(JOBS) --target conformance_test
	build/dev/conformance_test --exclusions tests/conformance/exclusions.txt build/inputs/onnx-cases

build:  ## the release binary, build/release/assay
	@$(SETUP) build
	cmake --preset release
	cmake --build build/release -j $(JOBS)

wheel:  ## the Python package as dist/assay-*.whl, for the python of .venv; WHEEL_PYTHON=python3.12 for another
	@$(SETUP) build venv-test
	tools/make_wheel.sh $(WHEEL_PYTHON)

lint:  ## formatting, clang-tidy over the changed files, ruff, direction of includes
	@$(SETUP) build test lint venv-test
	cmake --preset dev
	tools/lint.sh

bench: build  ## our benchmarks and the table against the peers
	@$(SETUP) bench venv-bench inputs models
	cmake --preset release -DASSAY_BENCH=ON
	cmake --build build/release -j $(JOBS)
	for b in $(wildcard bench/*_bench.cc); do build/release/$$(basename $$b .cc) || exit 1; done
	$(PYTHON) tools/bench_peers.py

docs:  ## the documentation as a site, build/site/index.html
	@$(SETUP) docs venv-test
	tools/make_docs.sh

install: build  ## into PREFIX (default /usr/local)
	cmake --install build/release --prefix $(PREFIX)

check-sanitizers:  ## the whole suite under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(SETUP) build test venv inputs models
	for p in asan ubsan; do \
	  cmake --preset $$p && cmake --build build/$$p -j $(JOBS) && ctest --preset $$p -j $(JOBS) && \
	  ASSAY=$(CURDIR)/build/$$p/assay $(PYTHON) -m pytest tests/python || exit 1; \
	done

check-arm64:  ## the arm64 build under QEMU: its unit tests, ONNX's, the golden vectors, and the same bits as here
	@$(SETUP) build test venv inputs cases arm64
	cmake --preset dev
	cmake --build build/dev -j $(JOBS) --target assay --target conformance_test
	! cmake -S . -B build/big-endian --toolchain cmake/arm64.cmake -DCMAKE_CXX_FLAGS=-mbig-endian \
	  -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY > build/big-endian.log 2>&1
	grep "little-endian" build/big-endian.log
	cmake --preset arm64
	cmake --build build/arm64 -j $(JOBS)
	ctest --preset arm64 -j $(JOBS) -LE 'lint|package|conformance' -E DeathTest  # these start themselves anew, which needs arm64
	$(PYTHON) tools/check_arm64.py
	ASSAY=$(CURDIR)/tools/assay_arm64.sh $(PYTHON) -m pytest tests/python/test_golden.py

clean:  ## what was built; fetched inputs and .venv stay
	find build -mindepth 1 -maxdepth 1 ! -name inputs -exec rm -rf {} + 2>/dev/null || true

distclean:  ## everything that git does not track here
	rm -rf build .venv
