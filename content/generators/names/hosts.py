"""Host names of the Chromium HSTS preload list (BSD-3-Clause) as a table `source,url` for `bartizan model train dga`.

Reads hstspreload.bin of the PyPI package hstspreload (BSD-3-Clause): entries of flags, length, name; flag 128 marks a whole host name.
Usage: python3 hosts.py hstspreload.bin > hosts.csv
"""

import sys

data = open(sys.argv[1], "rb").read()
names, at = set(), 0
while at < len(data):
    flags, size = data[at], data[at + 1]
    if flags & 0x80:
        names.add(data[at + 2 : at + 2 + size].decode("ascii"))
    at += 2 + size
print("source,url")
for name in sorted(names):
    print(f"hsts-preload,https://{name}/")
