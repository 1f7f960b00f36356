# What a newcomer types. The work is done by the scripts in .make/.
.PHONY: demo test simulate fuzz lint format bench bench-postgres clean-cache

demo: ## Build, start simulated tenants and the console, sync, print the address
	@.make/demo

test: ## Run every test: Rust, then the browser
	@.make/test

simulate: ## Sync simulated tenants under faults from many seeds: make simulate SEEDS=1000000
	@SEEDS="$(SEEDS)" .make/simulate

fuzz: ## Fuzz the page decoder, the activity import, checkpoints, cursors and what members are compared by: make fuzz TIME=600 TARGET=page
	@TIME="$(TIME)" TARGET="$(TARGET)" .make/fuzz

lint: ## Formatting, clippy for both targets, and the rules for dependencies
	@.make/lint

format: ## Format all Rust code
	@cargo fmt --all

bench: ## Print a table of what syncs cost beside a bare loop; of a tenant of a million, too: make bench WHAT=long
	@.make/bench $(WHAT)

bench-postgres: ## Measure first syncs to a new PostgreSQL server, and a fleet of 10,000 connections that share four workers
	@.make/bench-postgres

clean-cache: ## Remove the tools that set-up keeps outside the checkout
	@. .make/environment && rm -rf "$$TRIBUTARY_CACHE"
