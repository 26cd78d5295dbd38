#!/bin/sh
# `npm run test:engines`: the same promises against the real engines. Installs them first where they are missing.
set -eu
if [ -z "${LLMOPS_LLAMA_SERVER:-}" ]; then
  bash scripts/install-engines.sh
  LLMOPS_LLAMA_SERVER=$PWD/.engines/llama.cpp/bin/llama-server
fi
if [ -z "${LLMOPS_REGISTRY:-}" ]; then
  bash scripts/install-registry.sh
  LLMOPS_REGISTRY=$PWD/.engines/registry/bin/docker-registry
fi
if [ -z "${LLMOPS_SSHD:-}" ]; then
  bash scripts/install-sshd.sh
  LLMOPS_SSHD=$PWD/.engines/sshd/bin/sshd
fi
export LLMOPS_LLAMA_SERVER LLMOPS_REGISTRY LLMOPS_SSHD
[ -n "${LLMOPS_OLLAMA:-}" ] || bash scripts/install-ollama.sh
exec node_modules/.bin/vitest run --project engines "$@"
