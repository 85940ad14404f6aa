#!/bin/bash
# The main job in one go: builds ftpscope, starts the built-in server (a recorded session that plays
# itself) and the proxy in front of it, and downloads through it with curl: passive and active, over IPv4
# and IPv6. Shows the dialogue, asks the log a question, and plays what was recorded on the way. Everything stays on
# loopback.
set -euo pipefail
cd "$(dirname "$0")/.."

proxy/install-packages.sh curl jq

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 ]] || step() { printf '\n%s\n' "$*"; }

step "1. Build (ftpscope is build/ftpscope)"
[[ -e build/CMakeCache.txt ]] || cmake --preset release -DFTPSCOPE_TESTS=OFF >/dev/null
cmake --build build --target ftpscope | tail -n 1

work=$(mktemp -d)
pids=()
clean_up() {
  (( ${#pids[@]} )) && kill "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT

# Starts ftpscope in the background; its first line tells where it listens, which `where` is set to.
start() {
  local output=$work/$1
  shift
  : > "$output"  # it is read before the process has opened it
  build/ftpscope "$@" >> "$output" &
  pids+=($!)
  for _ in $(seq 100); do
    where=$(sed -n 's/^ftpscope: listening on \([^ ,]*\).*/\1/p' "$output")
    [[ -z $where ]] || return 0
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  echo "demo: ftpscope did not start" >&2
  exit 1
}

addresses=(127.0.0.1)
[[ ! -e /proc/net/if_inet6 ]] || ! grep -q ' lo$' /proc/net/if_inet6 || addresses+=('[::1]')

log=$work/session.jsonl
step "2. The built-in server, the proxy in front of it, curl through both"
for address in "${addresses[@]}"; do
  start "server$address" replay server captures/demo --listen "$address:0" --quiet
  start "proxy$address" proxy --listen "$address:0" --server "$where" --log "$log" --record "$work/rec$address"
  for mode in passive active; do
    active=()
    [[ $mode == passive ]] || active=(--ftp-port -)
    printf 'curl %-18s %-7s ' "ftp://$where/" "$mode"
    curl -sS --globoff --max-time 20 "${active[@]}" --user demo:secret \
      "ftp://$where/readme.txt" -o "$work/readme.txt"
    echo "$(wc -c < "$work/readme.txt") bytes: $(head -n 1 "$work/readme.txt")"
  done
done

step "3. What they said (the terminal of 'ftpscope proxy')"
for address in "${addresses[@]}"; do cat "$work/proxy$address"; done

step "4. A question to the log: which data connections were there, for which command, how fast?"
query='select(.kind=="data") | {verb, setup, client: .client.from, server: .server.to, bytes, rate}'
echo "jq -c '$query' session.jsonl"
jq -c "$query" "$log"

step "5. What the proxy has recorded is a server as well (this one answers in the recorded order only)"
ls -s --block-size=1 "$work/rec${addresses[0]}"
start again replay server "$work/rec${addresses[0]}" --listen "${addresses[0]}:0" --match strict --quiet
curl -sS --max-time 20 --user anybody:else "ftp://$where/readme.txt" | head -n 1

step "Done. Try it: build/ftpscope proxy --listen 127.0.0.1:2121 --server YOUR.FTP.SERVER --log session.jsonl"
