#!/usr/bin/env bash
# Unpacks Debian's OpenSSH server, which most git remotes are behind, under .engines/sshd of this repository. Nothing is installed
# into the system: there the package would begin to serve.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=$root/.engines/sshd
[ -x "$prefix/bin/sshd" ] && exit 0

command -v apt-get >/dev/null || { echo "install-sshd: this script needs Debian's apt-get." >&2; exit 1; }
apt-cache show openssh-server >/dev/null 2>&1 || apt-get -qq update
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What it needs beyond what git and its ssh bring.
cd "$work"
download() { apt-get -qq -o APT::Sandbox::User=root download "$@"; }
download openssh-server libwrap0 libnsl2
download libtirpc3 2>/dev/null || download libtirpc3t64 # its name since Debian 13
mkdir -p "$prefix/bin"
for deb in "$work"/*.deb; do dpkg -x "$deb" "$prefix/root"; done
# Newer ones are three programs, and look for two of them where the package would have put them.
cat >"$prefix/bin/sshd" <<SH
#!/bin/sh
export LD_LIBRARY_PATH='$(echo "$prefix"/root/usr/lib/*-linux-gnu)'
for part in Session Auth; do
  file='$prefix'/root/usr/lib/openssh/sshd-\$(echo \$part | tr SA sa)
  [ ! -x "\$file" ] || set -- "\$@" -o "Sshd\${part}Path=\$file"
done
exec '$prefix'/root/usr/sbin/sshd "\$@"
SH
chmod 755 "$prefix/bin/sshd"
"$prefix/bin/sshd" -V 2>&1 | head -n 1
