#!/usr/bin/env bash
# The bench table: one command, one machine, one run. Figures in README and notes come from here.
#   benches/table.sh [lines]      lines of the generated access log, default 1,000,000
# Needs curl; nginx and wrk for the proxy rows (skipped with a line when absent). Loopback only.
set -euo pipefail
cd "$(dirname "$0")/.."
lines=${1:-1000000}
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cargo build --release --locked --quiet --bin bartizan
bin=$target/release/bartizan
export BARTIZAN_MODEL=$PWD/content/models/web-payload
row() { printf '%-52s %s\n' "$1" "$2"; }
ms() { date +%s%3N; }

row "machine" "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)"
row "binary" "$(stat -c %s "$bin") bytes"

# --- logs ------------------------------------------------------------------------------------------------------------------
awk -v n="$lines" 'BEGIN {
  srand(7); split("/ /style.css /app.js /cart /about /product/1 /product/2 /product/3 /img/a.png /img/b.png /api/items /blog/post-1", path, " ");
  split("lantern rope bucket oak+bucket O%27Brien caf%C3%A9 select+table horn", word, " ");
  agent[1]="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
  agent[2]="Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0";
  agent[3]="Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile/15E148 Safari/604.1";
  for (i = 0; i < n; i++) {
    s = int(i / 200); r = rand();
    target = r < .6 ? path[1 + int(rand() * 12)] : (r < .999 ? "/search?q=" word[1 + int(rand() * 8)] "&page=" int(rand() * 900) "&sid=" sprintf("%08x", rand() * 4294967295) : "/search?q=x%27%20UNION%20SELECT%20" int(rand() * 99) "%2Cpassword%20FROM%20users--");
    printf "10.%d.%d.%d - - [04/Mar/2026:%02d:%02d:%02d +0000] \"GET %s HTTP/1.1\" 200 %d \"-\" \"%s\"\n", rand() * 4, rand() * 256, rand() * 256, (s / 3600) % 24, (s / 60) % 60, s % 60, target, rand() * 20000, agent[1 + int(rand() * 3)];
  }
}' > "$work/access.log"
bytes=$(stat -c %s "$work/access.log")
"$bin" replay "$work/access.log" --ndjson 2>/dev/null | tail -1 > "$work/replay.json"
python3 - "$work/replay.json" "$bytes" <<'PY'
import json, sys
r = json.load(open(sys.argv[1])); b = int(sys.argv[2])
print("%-52s %s" % ("access log to findings, lines/s", f"{r['events'] / r['wall_s']:,.0f}  ({b / r['wall_s'] / 1e6:.0f} MB/s, {r['findings']:,} findings, {r['cpu_s']:.1f} CPU s)"))
PY
"$bin" watch "$work/access.log" --data-dir "$work/watch" --json 2>/dev/null | tail -1 > "$work/watch.json"
python3 - "$work/watch.json" "$(du -sb "$work/watch/log" | cut -f1)" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))["read"]; b = int(sys.argv[2])
print("%-52s %s" % ("access log to findings, everything kept on disk", f"{r['events'] / r['wall_s']:,.0f} lines/s, {b / r['events']:.0f} bytes an event"))
PY

# --- gateway: start, idle memory, detection to block -----------------------------------------------------------------------
python3 -m http.server 18099 --bind 127.0.0.1 --directory "$work" >/dev/null 2>&1 &
for _ in $(seq 50); do curl -s -o /dev/null http://127.0.0.1:18099/ && break; sleep .1; done
start=$(ms)
"$bin" protect http://127.0.0.1:18099 --listen 127.0.0.1:18100 --enforce --trusted-proxy 127.0.0.0/8 --data-dir "$work/protect" > "$work/protect.out" 2>&1 &
pid=$!
until curl -s -o /dev/null http://127.0.0.1:18100/; do sleep .01; done
row "start to first answer" "$(( $(ms) - start )) ms"
sleep 10
row "idle memory after 10 s (RSS)" "$(awk '/VmRSS/ {printf "%.1f MB", $2 / 1024}' /proc/$pid/status)"
attack='http://127.0.0.1:18100/?q=x%27%20UNION%20SELECT%20password%20FROM%20users--'
from='x-forwarded-for: 203.0.113.66'
curl -s -o /dev/null -H "$from" "$attack"; start=$(ms)
until [ "$(curl -s -o /dev/null -w '%{http_code}' -H "$from" http://127.0.0.1:18100/)" = 403 ]; do :; done
row "attack to block of its address" "$(( $(ms) - start )) ms"
start=$(ms)
"$bin" undo --last --data-dir "$work/protect" > /dev/null
until [ "$(curl -s -o /dev/null -w '%{http_code}' -H "$from" http://127.0.0.1:18100/)" = 200 ]; do :; done
row "undo command to the next request passing" "$(( $(ms) - start )) ms"
kill $pid; wait $pid 2>/dev/null || true

# --- per request and per record, and the proxy against nginx -----------------------------------------------------------------
for crate in learn detect decode source store; do
  for bench in crates/$crate/benches/*.rs; do
    [ -e "$bench" ] || continue
    printf -- '-- %s: %s\n' "$crate" "$(basename "$bench" .rs)"
    cargo bench --locked --quiet -p "$crate" --bench "$(basename "$bench" .rs)" 2>/dev/null
  done
done
if command -v nginx >/dev/null && command -v wrk >/dev/null; then
  echo "-- proxy against nginx proxy_pass"
  benches/proxy.sh
else
  row "proxy against nginx" "skipped: needs nginx and wrk"
fi
