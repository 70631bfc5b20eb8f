#!/bin/sh
# Requests a second through nginx proxy_pass and through the gateway, without and with inspection: same upstream, same client, same run.
# usage: benches/proxy.sh [PATH-OF-proxy-EXAMPLE] [SECONDS]     needs nginx and wrk
set -eu
cd "$(dirname "$0")/.."
SECONDS_EACH=${2:-5}
if [ $# -ge 1 ] && [ -n "$1" ]; then
    PROXY=$1
else
    cargo build --release -q -p gateway --example proxy
    PROXY=${CARGO_TARGET_DIR:-target}/release/examples/proxy
fi
DIR=$(mktemp -d)
chmod 755 "$DIR"
PIDS=""
trap 'for p in $PIDS; do kill "$p" 2>/dev/null || :; done; wait 2>/dev/null; rm -rf "$DIR"' EXIT
head -c 1024 /dev/zero | tr '\0' x > "$DIR/file"

cat > "$DIR/upstream.conf" <<C
worker_processes 1; pid $DIR/upstream.pid; error_log $DIR/upstream.err; daemon off;
events { worker_connections 2048; }
http { access_log off; keepalive_requests 100000000; sendfile on; tcp_nodelay on;
  server { listen 127.0.0.1:19001 backlog=4096; root $DIR; } }
C
cat > "$DIR/front.conf" <<C
worker_processes 2; pid $DIR/front.pid; error_log $DIR/front.err; daemon off;
events { worker_connections 2048; }
http { keepalive_requests 100000000; tcp_nodelay on;
  upstream app { server 127.0.0.1:19001; keepalive 64; keepalive_requests 100000000; }
  server { listen 127.0.0.1:19002 backlog=4096; access_log off;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host \$host;
      proxy_set_header X-Forwarded-For \$remote_addr; proxy_set_header X-Forwarded-Proto \$scheme; } }
  server { listen 127.0.0.1:19003 backlog=4096; access_log $DIR/access.log combined;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host \$host;
      proxy_set_header X-Forwarded-For \$remote_addr; proxy_set_header X-Forwarded-Proto \$scheme; } } }
C
nginx -e "$DIR/u.err" -c "$DIR/upstream.conf" & UP=$!
nginx -e "$DIR/f.err" -c "$DIR/front.conf" & FRONT=$!
"$PROXY" http://127.0.0.1:19001 127.0.0.1:19004 --no-inspect & PLAIN=$!
"$PROXY" http://127.0.0.1:19001 127.0.0.1:19005 & INSPECT=$!
PIDS="$UP $FRONT $PLAIN $INSPECT"
for port in 19001 19002 19003 19004 19005; do
    until curl -sf -o /dev/null "http://127.0.0.1:$port/file"; do sleep 0.1; done
done

# CPU time of a process and its children, in ticks: it says more than requests a second on a machine that does other things too.
cpu() {
    for p in $1 $(cat "/proc/$1/task/$1/children"); do cat "/proc/$p/stat"; done | sed 's/.*) //' | awk '{ n += $12 + $13 } END { print n }'
}

measure() { # name port pid
    wrk -t1 -c32 -d1s "http://127.0.0.1:$2/file" > /dev/null
    BEFORE=$(cpu "$3")
    wrk -t1 -c32 -d"${SECONDS_EACH}s" --latency -H 'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' \
        -H 'Accept: text/html,application/xhtml+xml,*/*;q=0.8' -H 'Accept-Language: en-US,en;q=0.5' -H 'Accept-Encoding: gzip, deflate' \
        "http://127.0.0.1:$2/file?q=hello+world&page=2" > "$DIR/out"
    TICKS=$(($(cpu "$3") - BEFORE))
    awk -v name="$1" -v base="${BASE:-0}" -v cpu_s="$TICKS" -v hz="$(getconf CLK_TCK)" '
        /requests in/ { n = $1 } /Requests\/sec/ { rps = $2 } / 50%/ { p50 = $2 } / 99%/ { p99 = $2 } /Non-2xx|Socket errors/ { bad = bad " " $0 }
        END { printf "%-36s %8.0f req/s   %5s   p50 %8s   p99 %8s   %5.1f us CPU a request%s\n", name, rps, base ? sprintf("%.2fx", rps / base) : "", p50, p99, cpu_s / hz * 1e6 / n, bad }' "$DIR/out"
    LAST=$(awk '/Requests\/sec/ { print $2 }' "$DIR/out")
}

echo "$(nproc) cores, wrk -t1 -c32 -d${SECONDS_EACH}s, 1 KiB file, nginx $(nginx -v 2>&1 | cut -d/ -f2-); ratio to nginx proxy_pass without a log"
BASE=0; measure "upstream itself" 19001 "$UP"
for round in 1 2 3; do
    BASE=0; measure "nginx proxy_pass, access_log off" 19002 "$FRONT"; BASE=$LAST
    measure "nginx proxy_pass, access_log on" 19003 "$FRONT"
    measure "gateway, no inspection, events on" 19004 "$PLAIN"
    measure "gateway, inspection" 19005 "$INSPECT"
done
