# The commands of this repository. Longer ones are scripts in make/; each step says its name, its time and how to repeat it.
.DEFAULT_GOAL := help
.PHONY: help run run-cluster demo test lint bench chaos e2e e2e-full e2e-nodes cluster-up cluster-down images charts generate clean

help: ## What can be done here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build page and server, and chat at http://localhost:3000 (more flags: make run ARGS="--listen 127.0.0.1:8080")
	@make/run $(ARGS)

run-cluster: ## Three servers, a Redis Cluster and HAProxy at http://localhost:3000, to chat on and to break (flags: ARGS="--flavour valkey")
	@make/run-cluster $(ARGS)

demo: ## A Kubernetes on this machine with the chart and the smallest example, to chat on and to break; needs root
	@make/demo

test: ## Everything: lint, Rust, page, stock clients, browsers, charts, a Kubernetes; installs what it needs
	@make/test

lint: ## Formatting, clippy, cargo-deny, eslint
	@make/lint

bench: ## Load this server and its peers side by side (flags: make bench ARGS="...")
	@make/bench $(ARGS)

chaos: ## Kill, stop, cut and move servers and Redis nodes under load, and write docs/chaos.md (flags: make chaos ARGS="--scenario flush")
	@make/chaos $(ARGS)

e2e: ## The product on a real Kubernetes, while clients talk (flags: make e2e ARGS="--until rollout")
	@make/e2e $(ARGS)

e2e-full: ## The same with 500 stock clients and all chapters, and docs/kubernetes-e2e.md from it
	@make/e2e-full $(ARGS)

e2e-nodes: ## Many nodes on a real control plane, with kwok (flags: ARGS="--write" for docs/kubernetes-nodes.md); needs root
	@make/e2e-nodes $(ARGS)

cluster-up: ## A Kubernetes on this machine with the images of this checkout; needs root
	@make/cluster-up

cluster-down: ## Ends it, and leaves nothing
	@make/cluster-down

images: ## Static programs as images, with docker, podman, buildah or none of them (flags: make images ARGS="operator --tag 2")
	@make/images $(ARGS)

charts: ## Check the chart, k8s/, the alerts and the dashboard, and write k8s/operator.yaml
	@make/manifests
	@make/check-charts

generate: ## Write the files that follow from the code: tables of settings and metrics, pinned Python packages
	@make/generate

clean: ## Remove what was built, here and in the cache folder
	@make/clean
