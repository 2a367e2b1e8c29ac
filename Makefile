# Two commands for a fresh machine with Rust and Node: `make run` and `make test`.
.PHONY: run test soak bench lint rust-test fuzz fuzz-smoke fuzz-build web web-test browser-test browser strace clean

DATA ?= data/demo
LISTEN ?= 127.0.0.1:8080
PROFILE ?= demo
TARGET ?= records
SECONDS ?= 600

# Starts the platform with a demonstration shop and says which address to open.
run: web
	@echo "==> 2/3 building the platform (profile $(PROFILE); a cold build takes some minutes on two cores)"
	cargo build --profile $(PROFILE) --bin potluck
	@echo "==> 3/3 starting"
	@exec ./target/$(PROFILE)/potluck serve --demo --data $(DATA) --listen $(LISTEN)

# The web client, embedded by the build that follows it.
web: web/dist/index.html

web/dist/index.html: web/node_modules/.installed $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	@echo "==> 1/3 building the web client"
	cd web && npm run build

web/node_modules/.installed: web/package.json web/package-lock.json
	@echo "==> installing the web client's packages"
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Everything: format, lints, unit, property, conformance, API, web and browser tests.
test: lint rust-test fuzz-smoke web-test browser-test

# The long form of what `make test` samples; about an hour and a quarter.
soak: web strace
	POTLUCK_CRASH_ROUNDS=1000 cargo test --locked -p potluck --test crash -- --nocapture
	POTLUCK_SOAK=1 cargo test --locked -p potluck --test faults syscalls -- --nocapture --test-threads 1
	POTLUCK_SIM_SECONDS=1800 cargo test --locked -p sim --test storms -- --nocapture
	POTLUCK_HISTORIES=300 cargo test --locked -p schema --test paper histories -- --nocapture

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

rust-test: web strace
	cargo test --workspace --locked

FUZZ_TARGETS = draw_files campaign_files records snapshots requests channel

# Every fuzz target for some seconds from its seeds, two at a time.
fuzz-smoke: fuzz-build
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	@printf '%s\n' $(FUZZ_TARGETS) | xargs -P 2 -I{} fuzz/smoke {} 15

# One target for as long as you like, from all that was found before: make fuzz TARGET=records SECONDS=600
fuzz: fuzz-build
	@mkdir -p fuzz/corpus/$(TARGET) fuzz/artifacts/$(TARGET)
	ulimit -v 8000000; target/debug/$(TARGET) fuzz/corpus/$(TARGET) -artifact_prefix=fuzz/artifacts/$(TARGET)/ \
		-max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=2048 -print_final_stats=1

# Not --locked: a crate's new dependency must not need a second lock file before its tests run.
fuzz-build: web
	RUSTC_WRAPPER="$(CURDIR)/fuzz/rustc-instrumented" \
		cargo build --manifest-path fuzz/Cargo.toml --target-dir target --bins

web-test: web
	cd web && npm run lint && npm test

# The pages in real Chromium against the real server.
browser-test: web browser
	cargo build --bin potluck
	cd web && npm run test:browser

browser:
	@command -v chromium >/dev/null || (echo "==> installing chromium and a Chinese font" && \
		{ [ "$$(id -u)" = 0 ] || SUDO=sudo; $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq chromium fonts-noto-cjk; })

# Makes file system calls fail in tests; they say so loudly and go without where it cannot be had.
strace:
	@command -v strace >/dev/null || (echo "==> installing strace" && \
		{ [ "$$(id -u)" = 0 ] || SUDO=sudo; $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq strace; }) || \
		echo "==> no strace: no file system call is made to fail"

# Every measurement three times, into the tables of docs/benchmarks.md. About half an hour; nothing else should run.
bench: web
	cargo build --release --locked --bin potluck
	./target/release/potluck bench all --write docs/benchmarks.md

clean:
	rm -rf target web/dist web/node_modules data
