# Every target finds or installs the Deno it needs by itself (scripts/bootstrap.sh).

RUN = @deno=$$(sh scripts/bootstrap.sh) && "$$deno" run --quiet -A
TEST = $(RUN) scripts/test.ts

.DEFAULT_GOAL := all
.PHONY: all install uninstall demo demo-nostr test check bench bench-swarm soak chaos fuzz mutants clean help
.PHONY: test-unit test-contract test-e2e test-fuzz test-interop

all: ## Build every executable into dist/bin
	$(RUN) scripts/build.ts

install: ## Install what is built (PREFIX=path, by default ~/.local; DESTDIR=path)
	$(RUN) scripts/install.ts

uninstall: ## Remove what install put there (the same PREFIX and DESTDIR)
	$(RUN) scripts/install.ts --uninstall

demo: all ## Share, clone, pull and push between two nodes on this machine
	$(RUN) scripts/demo.ts

demo-nostr: all ## The same over Nostr, with a relay and a Blossom server of this machine's own
	$(RUN) scripts/demo_nostr.ts

test: ## Run every check and test
	$(TEST)

test-unit: ## Run the tests of single rooms
	$(TEST) unit

test-contract: ## Run the suite that every transport has to pass
	$(TEST) contract

test-e2e: ## Run real git and real daemons from dist/bin
	$(TEST) e2e

test-fuzz: ## Read the kept inputs of make fuzz, and some thousand made from them
	$(TEST) fuzz

test-interop: ## Run against other people's programs
	$(TEST) interop

check: ## Check format, lint and types
	$(TEST) check

mutants: ## Put small faults into a copy, and print those that no test notices
	$(RUN) scripts/mutants.ts

bench: all ## Measure against git and aria2c (BENCH_REPO=path: with that repository)
	$(RUN) scripts/bench.ts

bench-swarm: all ## Measure many readers at once, on limited links (needs root and iproute2)
	$(RUN) scripts/bench_swarm.ts

soak: all ## Publish for ten minutes, and print what each publication costs (SOAK_SECONDS=n)
	$(RUN) scripts/soak.ts

fuzz: ## Read a million inputs that nobody meant, with all that reads strangers' bytes
	$(RUN) tests/fuzz/main.ts

chaos: all ## Hurt gtd, helpers, git, disk, network and clock at random, and look for losses
	$(RUN) scripts/chaos.ts

clean: ## Remove what was built, and the Deno that was installed
	rm -rf dist .tools

help: ## Show this
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24
