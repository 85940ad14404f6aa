#!/bin/bash
# Brings the FTP servers and clients of the end-to-end tests onto a Debian 12 machine. Run as root;
# the second run finds all in place and does nothing.
#
# The servers conflict as packages, and a package would start its service. So each is only unpacked,
# into a cache outside the work tree; installed are the libraries that its Depends field names.
set -euo pipefail

cache=${FTPSCOPE_SERVERS:-/var/cache/ftpscope-servers}
servers=(vsftpd proftpd-core pure-ftpd pure-ftpd-common inetutils-ftpd)
peers=(ftp-proxy proftpd-mod-proxy proftpd-mod-crypto)   # other proxies, for peers_table.py
tools=(aria2 haproxy lftp tnftp curl python3-pyftpdlib python3-jsonschema jq tshark tcpdump file iproute2 nftables openssl)
user=ftpscopetest
account=/var/lib/ftpscopetest   # the user's home and password: of the machine, not of a cache

say() { echo "install-servers: $*" >&2; }

# The package names (arguments) that are not installed, one a line.
missing() {
  local name
  declare -A installed=()
  while read -r name; do installed[$name]=1; done \
    < <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p')
  for name in "$@"; do [[ -n ${installed[$name]:-} ]] || echo "$name"; done
}

refreshed=
refresh_lists() {
  [[ -n $refreshed ]] || apt-get -qq update
  refreshed=1
}

install_packages() {
  local wanted=()
  mapfile -t wanted < <(missing "$@")
  (( ${#wanted[@]} )) || return 0
  say "apt-get install ${wanted[*]}"
  refresh_lists
  DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends "${wanted[@]}" >/dev/null
}

unpack() {
  local server=$1 work
  [[ -e $cache/$server/unpacked ]] && return
  say "unpacking $server"
  refresh_lists
  work=$(mktemp -d "$cache/new.XXXXXX")
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$server")
  dpkg -x "$work"/*.deb "$work"
  libraries_of "$work"/*.deb > "$work/libraries"
  rm "$work"/*.deb
  touch "$work/unpacked"
  chmod 755 "$work"
  rm -rf "${cache:?}/$server"
  mv "$work" "$cache/$server"
}

# "libcap2 (>= 1:2.10), perl, libpam0g (>= 0.99)" -> libcap2, libpam0g
libraries_of() {
  dpkg-deb -f "$1" Depends | tr ',' '\n' | sed -nE 's/^ *(lib[^ (|]*).*/\1/p' | sort -u
}

check_linked() {
  local binary lost
  for binary in "$cache"/*/usr/sbin/{vsftpd,proftpd,pure-ftpd,ftpd,ftp-proxy} \
    "$cache"/*/usr/lib/proftpd/mod_proxy.so; do
    [[ -x $binary ]] || continue
    lost=$(ldd "$binary" | grep 'not found' || true)
    [[ -z $lost ]] || { say "$binary lacks $lost"; exit 1; }
  done
}

# vsftpd (through PAM's "other" service) and inetutils-ftpd log in the machine's own users. The
# password is drawn here, so that no machine gets an account whose password is published.
# inetutils-ftpd wants a shell of /etc/shells.
make_user() {
  [[ $(getent passwd "$user" | cut -d: -f6) == "$account/home" && -s $account/password ]] && return
  say "user $user"
  mkdir -p "$account/home"
  if getent passwd "$user" >/dev/null; then
    usermod --home "$account/home" "$user"
  else
    useradd --system --no-create-home --home-dir "$account/home" --shell /bin/rbash "$user"
  fi
  (umask 077; tr -dc a-z0-9 < /dev/urandom | head -c 20 > "$account/password" || true)
  echo "$user:$(cat "$account/password")" | chpasswd
}

[[ $(id -u) == 0 ]] || { say "must run as root: real servers change to their user"; exit 1; }
mkdir -p "$cache"
exec 9>"$cache/lock"; flock 9   # two checkouts may share the cache

install_packages "${tools[@]}"
for server in "${servers[@]}" "${peers[@]}"; do unpack "$server"; done
mapfile -t libraries < <(sort -u "$cache"/*/libraries)
install_packages "${libraries[@]}"
check_linked
make_user
