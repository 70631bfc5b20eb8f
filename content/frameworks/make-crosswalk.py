#!/usr/bin/env python3
"""Makes the framework files of this folder from the shared crosswalk: requirement numbers and names of checks, no text.

    content/frameworks/make-crosswalk.py ../shared/data/posture/compliance_crosswalk.jsonl.zst

The mapping is that of prowler-cloud/prowler at commit 3e000fa (Apache-2.0). Texts of CIS, ISO and others are not ours to show; only their numbers stand here.
"""
import json
import pathlib
import re
import subprocess
import sys

WANTED = {
    "aws/cis_3.0_aws.json": ("cis_aws_3.0", "CIS Amazon Web Services Foundations 3.0"),
    "azure/cis_3.0_azure.json": ("cis_azure_3.0", "CIS Microsoft Azure Foundations 3.0"),
    "gcp/cis_3.0_gcp.json": ("cis_gcp_3.0", "CIS Google Cloud Foundation 3.0"),
    "kubernetes/cis_1.10_kubernetes.json": ("cis_kubernetes_1.10", "CIS Kubernetes 1.10"),
    "aws/iso27001_2022_aws.json": ("iso27001_2022_aws", "ISO/IEC 27001:2022, as far as AWS shows it"),
    "kubernetes/iso27001_2022_kubernetes.json": ("iso27001_2022_kubernetes", "ISO/IEC 27001:2022, as far as Kubernetes shows it"),
    "aws/nist_csf_2.0_aws.json": ("nist_csf_2.0_aws", "NIST Cybersecurity Framework 2.0, as far as AWS shows it"),
    "aws/nist_800_53_revision_5_aws.json": ("nist_800_53_r5_aws", "NIST SP 800-53 revision 5, as far as AWS shows it"),
    "aws/soc2_aws.json": ("soc2_aws", "SOC 2, as far as AWS shows it"),
    "aws/hipaa_aws.json": ("hipaa_aws", "HIPAA security rule, as far as AWS shows it"),
    "aws/gdpr_aws.json": ("gdpr_aws", "GDPR, as far as AWS shows it"),
    "aws/pci_4.0_aws.json": ("pci_4.0_aws", "PCI DSS 4.0, as far as AWS shows it"),
    "aws/nis2_aws.json": ("nis2_aws", "NIS 2, as far as AWS shows it"),
}
SOURCE = "prowler-cloud/prowler 3e000fa, prowler/compliance/{}, Apache-2.0, numbers only"
NAME = re.compile(r"[a-z0-9_]+")

rows = subprocess.run(["zstd", "-dc", sys.argv[1]], check=True, capture_output=True, text=True).stdout
found = {name: {} for name in WANTED}
for line in rows.splitlines():
    row = json.loads(line)
    if row["file"] in found and isinstance(row["checks"], list):
        # Some files add a name to the number; names are texts of others.
        number = re.split(r"\s", str(row["requirement"]).strip())[0]
        if "/pci_" in row["file"]:
            # A running number of the check stands behind the requirement's.
            number = number.rsplit(".", 1)[0]
        checks = found[row["file"]].setdefault(number, set())
        checks.update(c for c in row["checks"] if NAME.fullmatch(c))
for file, (ident, name) in WANTED.items():
    lines = [f"id: {ident}", f'name: "{name}"', f'source: "{SOURCE.format(file)}"', "requirements:"]
    lines += [f'  "{number}": [{", ".join(sorted(checks))}]' for number, checks in found[file].items()]
    pathlib.Path(__file__).with_name(f"{ident}.yaml").write_text("\n".join(lines) + "\n")
    print(ident, len(found[file]), "requirements", sum(map(len, found[file].values())), "links")
