#!/usr/bin/env bash
# Builds the real Ollama and unpacks a real registry that `npm run test:engines` runs against, under .engines/ of this
# repository. The server is built from its Go module (Go and a C compiler; about 100 s) and runs models with the llama-server
# that install-engines.sh brought, or that LLMOPS_LLAMA_SERVER names. The registry is Debian's docker-registry, unpacked
# beside the system.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=0.34.4
prefix=$root/.engines/ollama
runner=$(readlink -e "${LLMOPS_LLAMA_SERVER:-$root/.engines/llama.cpp/bin/llama-server}") ||
  { echo "install-ollama: there is no llama-server; run scripts/install-engines.sh first." >&2; exit 1; }

if ! [ -x "$prefix/bin/ollama" ]; then
  command -v go >/dev/null || { echo "install-ollama: Ollama is built from its Go module; install Go 1.26 or newer." >&2; exit 1; }
  mkdir -p "$prefix/bin"
  CGO_ENABLED=1 GOBIN=$prefix/bin go install -trimpath \
    -ldflags "-s -w -X github.com/ollama/ollama/version.Version=$version" "github.com/ollama/ollama@v$version"
fi
# It looks for its runner at ../lib/ollama, seen from its own binary.
mkdir -p "$prefix/lib/ollama"
ln -sfn "$runner" "$prefix/lib/ollama/llama-server"

registry=$root/.engines/registry
if ! [ -x "$registry/bin/docker-registry" ]; then
  mkdir -p "$registry/bin"
  work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
  apt-cache show docker-registry >/dev/null 2>&1 || apt-get -qq update
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download docker-registry && dpkg -x docker-registry_*.deb root)
  install -m 755 "$work/root/usr/bin/docker-registry" "$registry/bin/docker-registry"
fi
OLLAMA_HOST=127.0.0.1:1 "$prefix/bin/ollama" --version 2>&1 | tail -n 1
