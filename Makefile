# The commands of this repository. Longer ones are scripts in make/; each step says its name, its time and how to repeat it.
.DEFAULT_GOAL := help
.PHONY: help run run-cluster test lint bench chaos images charts generate clean

help: ## What can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build page and server, and chat at http://localhost:3000 (more flags: make run ARGS="--listen 127.0.0.1:8080")
	@make/run $(ARGS)

run-cluster: ## Three servers, a Redis Cluster and HAProxy at http://localhost:3000, to chat on and to break (flags: ARGS="--flavour valkey")
	@make/run-cluster $(ARGS)

test: ## Everything: lint, Rust, page, stock clients, browsers; installs what it needs
	@make/test

lint: ## Formatting, clippy, cargo-deny, eslint
	@make/lint

bench: ## Load this server and its peers side by side (flags: make bench ARGS="...")
	@make/bench $(ARGS)

chaos: ## Kill, stop, cut and move servers and Redis nodes under load, and write docs/chaos.md (flags: make chaos ARGS="--scenario flush")
	@make/chaos $(ARGS)

images: ## Static programs as images, with docker, podman, buildah or none of them (flags: make images ARGS="operator --tag 2")
	@make/images $(ARGS)

charts: ## Check the chart, k8s/, the alerts and the dashboard, and write k8s/operator.yaml
	@make/manifests
	@make/check-charts

generate: ## Write the files that follow from the code: tables of settings and metrics, pinned Python packages
	@make/generate

clean: ## Remove what was built, here and in the cache folder
	@make/clean
