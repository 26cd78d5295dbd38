#!/usr/bin/env bash
# Installs the real llama.cpp programs that `npm run test:engines` runs against, under .engines/ of this repository.
# Debian on x86_64 only. The packages come from Debian unstable and are unpacked beside the system, not installed into it:
# each program is pointed at the loader and libraries unpacked with it. Two things outside .engines/ are touched:
# patchelf is installed, and a link is made where ggml looks for its CPU and RPC backends.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=$root/.engines/llama.cpp
[ -x "$prefix/bin/llama-server" ] && "$prefix/bin/llama-server" --version >/dev/null 2>&1 && exit 0

command -v apt-get >/dev/null || { echo "install-engines: this script needs Debian's apt-get." >&2; exit 1; }
apt-get -qq update
command -v patchelf >/dev/null || apt-get install -y -qq patchelf >/dev/null
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || { echo "install-engines: no Debian mirror is configured." >&2; exit 1; }

rm -rf "$prefix"
lists=$prefix/apt/lists cache=$prefix/apt/cache debs=$prefix/debs unpacked=$prefix/root
mkdir -p "$lists/partial" "$cache/archives/partial" "$debs" "$unpacked" "$prefix/bin"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$prefix/apt/sources.list"
unstable=(apt-get -qq -o "Dir::State::Lists=$lists" -o "Dir::Etc::SourceList=$prefix/apt/sources.list"
  -o Dir::Etc::SourceParts=/dev/null -o "Dir::Cache=$cache" -o APT::Sandbox::User=root)
"${unstable[@]}" update
(cd "$debs" && "${unstable[@]}" download llama.cpp-tools llama.cpp-tools-extra libllama0 libggml0 libggml0-backend-rpc \
  libc6 libstdc++6 libgcc-s1 libgomp1 libssl3t64 libzstd1 zlib1g)
for deb in "$debs"/*.deb; do dpkg -x "$deb" "$unpacked"; done

lib=$unpacked/usr/lib/x86_64-linux-gnu
path=$lib:$lib/llama
backends=/usr/lib/x86_64-linux-gnu/ggml/backends0
mkdir -p "${backends%/*}"
[ -e "$backends" ] || ln -sfn "$lib/ggml/backends0" "$backends"
for library in "$lib"/lib{llama,ggml,mtmd}*.so.*.* "$lib"/llama/*.so; do
  [ ! -f "$library" ] || patchelf --force-rpath --set-rpath "$path" "$library"
done
for program in "$unpacked"/usr/bin/llama-* "$unpacked"/usr/libexec/x86_64-linux-gnu/llama/bin/ggml-rpc-server; do
  patchelf --set-interpreter "$lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$path" "$program"
  ln -sfn "$program" "$prefix/bin/${program##*/}"
done
rm -rf "$prefix/apt" "$debs"
"$prefix/bin/llama-server" --version 2>&1 | head -n 1
