#!/bin/bash
# Installs what building ftpscope needs, and the Debian packages named as arguments. Asks apt only for
# what is missing, so that a second run takes no time. Needs root or sudo for that.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config ccache libuv1-dev nlohmann-json3-dev libsimdjson-dev libcli11-dev libutfcpp-dev
  libpcap-dev libmagic-dev libssl-dev libcap-ng-dev libnftables-dev
  libnetfilter-conntrack-dev libmnl-dev)

missing=()
for package in "${build[@]}" "$@"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' ||
    missing+=("$package")
done
(( ${#missing[@]} )) || exit 0

echo "installing ${missing[*]}" >&2
root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || { echo "run as root, or install sudo: apt-get needs it" >&2; exit 1; }
  root=(sudo)
fi
"${root[@]}" apt-get -qq update
"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
