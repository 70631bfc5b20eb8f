#!/usr/bin/env python3
"""Makes controls.jsonl from the mappings of controls to ATT&CK of the Center for Threat-Informed Defense (mappings-explorer, Apache-2.0).

Usage: zstd -dc control_to_attack_16.1.jsonl.zst | ./make-controls.py > controls.jsonl
Kept: controls that mitigate or protect; for scored mappings the share that they are said to protect (minimal .25, partial .5, significant .9).
"""
import collections
import json
import sys

FRAMEWORKS = ("nist_800_53", "aws", "azure", "gcp", "m365")
SHARES = {"minimal": 0.25, "partial": 0.5, "significant": 0.9, None: 0.5, "": 0.5}

controls = collections.defaultdict(dict)
names = {}
for line in sys.stdin:
    row = json.loads(line)
    protects = row["mapping_type"] == "mitigates" or row.get("score_category") == "protect"
    if row["framework"] not in FRAMEWORKS or not protects:
        continue
    key = (row["framework"], row["control"])
    names[key] = row["control_name"]
    share = SHARES[row.get("score_value")]
    controls[key][row["technique"]] = max(share, controls[key].get(row["technique"], 0))
for framework, control in sorted(controls):
    covers = sorted(controls[framework, control].items())
    print(json.dumps({"framework": framework, "control": control, "name": names[framework, control], "covers": dict(covers)}))
