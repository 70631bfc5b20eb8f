#!/bin/sh
# Log templates beside PyPI drain3 0.9.11, one configuration each: grouping accuracy on message part and raw lines.
#   benches/templates.sh FOLDER     FOLDER holds *_2k.log with the structured table beside it; PYTHON=python3 with drain3 installed
set -eu
cargo run -q --profile "${PROFILE:-release}" -p learn --example templates -- "$1"
"${PYTHON:-python3}" - "$1" <<'PY'
import csv, glob, sys, time
from collections import defaultdict
try:
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig
except ImportError:
    sys.exit("drain3 is not installed: pip install drain3==0.9.11")

def mine(lines):
    config = TemplateMinerConfig()
    config.masking_instructions = [  # the ones of its README
        MaskingInstruction(r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
        MaskingInstruction(r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
        MaskingInstruction(r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
    ]
    miner, begin = TemplateMiner(config=config), time.time()
    found = [miner.add_log_message(line)["cluster_id"] for line in lines]
    return found, len(lines) / (time.time() - begin)

def grouping(found, truth):
    a, b = defaultdict(set), defaultdict(set)
    for n, (f, t) in enumerate(zip(found, truth)):
        a[f].add(n); b[t].add(n)
    return sum(a[f] == b[t] for f, t in zip(found, truth)) / len(truth)

print("drain3 0.9.11, one configuration")
figures = []
for log in sorted(glob.glob(sys.argv[1] + "/**/*_2k.log", recursive=True)):
    table = (glob.glob(log + "_structured_corrected.csv") + glob.glob(log + "_structured.csv"))[0]
    rows = list(csv.DictReader(open(table, encoding="utf-8", errors="replace")))
    raw = open(log, encoding="utf-8", errors="replace").read().splitlines()[: len(rows)]
    truth = [r["EventId"] for r in rows]
    (messages, per_s), (lines, _) = mine([r["Content"] for r in rows]), mine(raw)
    figures.append((grouping(messages, truth), grouping(lines, truth)))
    print(f"{log.split('/')[-1].split('_')[0]:<10} {figures[-1][0]:8.3f} {figures[-1][1]:8.3f} {per_s:19.0f}")
print("all        " + " ".join(f"{sum(f[k] for f in figures) / len(figures):8.3f}" for k in (0, 1)))
PY
