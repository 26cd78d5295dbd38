#!/usr/bin/env bash
# Builds the real Ollama that `npm run test:engines` runs against, under .engines/ of this repository, from its Go module (Go
# and a C compiler; about 100 s). It runs models with the llama-server that install-engines.sh brought, or that
# LLMOPS_LLAMA_SERVER names.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=0.34.4
prefix=$root/.engines/ollama
runner=$(readlink -e "${LLMOPS_LLAMA_SERVER:-$root/.engines/llama.cpp/bin/llama-server}") ||
  { echo "install-ollama: there is no llama-server; run scripts/install-engines.sh first." >&2; exit 1; }

if ! [ -x "$prefix/bin/ollama" ]; then
  command -v go >/dev/null || { echo "install-ollama: Ollama is built from its Go module; install Go 1.26 or newer." >&2; exit 1; }
  command -v cc >/dev/null || { apt-get -qq update && apt-get install -y -qq gcc libc6-dev g++ >/dev/null; }
  mkdir -p "$prefix/bin"
  CGO_ENABLED=1 GOBIN=$prefix/bin go install -trimpath \
    -ldflags "-s -w -X github.com/ollama/ollama/version.Version=$version" "github.com/ollama/ollama@v$version"
fi
# It looks for its runner at ../lib/ollama, seen from its own binary.
mkdir -p "$prefix/lib/ollama"
ln -sfn "$runner" "$prefix/lib/ollama/llama-server"

OLLAMA_HOST=127.0.0.1:1 "$prefix/bin/ollama" --version 2>&1 | tail -n 1
