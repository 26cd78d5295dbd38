#!/usr/bin/env bash
# Unpacks Debian's docker-registry, a real registry of the kind that Ollama pulls from, under .engines/registry of this
# repository. Nothing is installed into the system. x86_64 and arm64 Debian.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=$root/.engines/registry
[ -x "$prefix/bin/docker-registry" ] && "$prefix/bin/docker-registry" --version >/dev/null 2>&1 && exit 0

command -v apt-get >/dev/null || { echo "install-registry: this script needs Debian's apt-get." >&2; exit 1; }
apt-cache show docker-registry >/dev/null 2>&1 || apt-get -qq update
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download docker-registry && dpkg -x docker-registry_*.deb root)
mkdir -p "$prefix/bin"
install -m 755 "$work/root/usr/bin/docker-registry" "$prefix/bin/docker-registry"
"$prefix/bin/docker-registry" --version
