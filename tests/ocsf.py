#!/usr/bin/env python3
"""Every kind of event that we tell in OCSF, judged by a schema that is not ours: OCSF 1.8 as PyPI's ocsf-json-schema carries it.

    tests/ocsf.py FILE..        lines of OCSF JSON; `-` is stdin

Prints the kinds that were looked at, and each fault once with an example. Exits 1 when there is a fault or when a kind is missing.
"""

import json
import sys
from collections import Counter

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"
# Every class that `event::Body::class` knows. A class that is not here is a fault, so is one without an example.
CLASSES = {1001, 1007, 2003, 2004, 2005, 3002, 4001, 4002, 4003, 4009, 5002, 6003, 0, 7001}


class Judge:
    def __init__(self):
        self.schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
        self.validators = {}

    def validator(self, uid, profiles):
        key = (uid, tuple(profiles))
        if key not in self.validators:
            name = self.schema.lookup_class_name_from_uid(class_uid=uid)
            made = self.schema.get_class_schema(class_name=name, profiles=list(profiles))
            self.validators[key] = Draft202012Validator(made, format_checker=Draft202012Validator.FORMAT_CHECKER)
        return self.validators[key]

    def faults(self, event):
        profiles = event.get("metadata", {}).get("profiles", [])
        version = event.get("metadata", {}).get("version")
        if version != VERSION:
            yield "metadata.version", f"is {version}, expected {VERSION}"
        uid = event["class_uid"]
        if event["type_uid"] != uid * 100 + event["activity_id"]:
            yield "type_uid", f"is {event['type_uid']}, expected {uid * 100 + event['activity_id']}"
        for fault in self.validator(uid, profiles).iter_errors(event):
            place = ".".join("[]" if isinstance(p, int) else p for p in fault.absolute_path)
            wanted = json.dumps(fault.validator_value)
            yield place or "(event)", fault.message if len(fault.message) < 160 else f"breaks {fault.validator}: {wanted[:160]}"


def main():
    judge, seen, faults, examples = Judge(), Counter(), Counter(), {}
    for path in sys.argv[1:]:
        for line in sys.stdin if path == "-" else open(path, encoding="utf-8"):
            event = json.loads(line)
            if "class_uid" not in event:
                continue
            kind = (event["class_uid"], event.get("class_name"), event.get("activity_name"))
            seen[kind] += 1
            # Enough of each to see what differs between them.
            if seen[kind] > 300:
                continue
            for place, why in judge.faults(event):
                key = (event["class_uid"], place, why)
                faults[key] += 1
                examples.setdefault(key, line)
    for (uid, name, activity), n in sorted(seen.items(), key=str):
        print(f"{n:>7}  {uid:<6}{name}: {activity}")
    missing = CLASSES - {uid for uid, _, _ in seen}
    for uid in sorted(missing):
        print(f"class {uid}: no event was looked at")
    for (uid, place, why), n in sorted(faults.items()):
        print(f"class {uid}: {place}: {why} ({n} times)\n    {examples[uid, place, why].strip()[:600]}")
    print(f"{sum(seen.values())} events of {len(seen)} kinds against OCSF {VERSION}: {len(faults)} faults")
    sys.exit(bool(faults or missing))


if __name__ == "__main__":
    main()
