#!/bin/bash
# Brings the browser of the page's tests onto a Debian 12 machine: Chromium, its driver, and what
# reads screenshots and printed pages. Run as root; the second run finds all in place.
set -euo pipefail

packages=(chromium chromium-driver python3-selenium python3-pil poppler-utils fonts-dejavu-core)

missing=()
for name in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -q '^installed$' ||
    missing+=("$name")
done
(( ${#missing[@]} )) || exit 0

echo "install-browser: apt-get install ${missing[*]}" >&2
[[ $(id -u) == 0 ]] || { echo "install-browser: must run as root" >&2; exit 1; }
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
