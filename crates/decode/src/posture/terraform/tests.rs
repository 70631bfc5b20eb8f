use crate::posture::read;

/// Addresses and the value of `v` of every resource `t`, as `address=value`; several files as `path: text`.
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let scan = read(&files);
    let mut found: Vec<String> = scan
        .items
        .iter()
        .filter(|item| item.kind == "t")
        .map(|item| {
            let value = item.attributes.get("v").map_or_else(|| "-".into(), |v| v.shown());
            format!("{}={value}{}", item.address, if item.certain { "" } else { " ?" })
        })
        .collect();
    found.sort();
    assert_eq!(found, expected, "{:?}\n{}", scan.notices, String::from_utf8_lossy(&files[0].1));
}

fn one(text: &str, expected: &[&str]) {
    check(&[("main.tf", text)], expected);
}

#[test]
fn counts() {
    one("resource \"t\" \"a\" {\n count = 0\n}", &[]);
    one("resource \"t\" \"a\" {\n count = 2\n v = count.index\n}", &["t.a[0]=0", "t.a[1]=1"]);
    one("variable \"on\" { default = false }\nresource \"t\" \"a\" {\n count = var.on ? 1 : 0\n}", &[]);
    one("variable \"on\" {}\nresource \"t\" \"a\" {\n count = var.on ? 1 : 0\n}", &["t.a=- ?"]);
    one(
        "locals { l = [\"x\", \"y\"] }\nresource \"t\" \"a\" {\n count = length(local.l)\n v = local.l[count.index]\n}",
        &["t.a[0]=x", "t.a[1]=y"],
    );
    one("resource \"t\" \"a\" {\n count = \"1\"\n}", &["t.a[0]=-"]);
}

#[test]
fn for_each_over_sets_and_maps() {
    one("resource \"t\" \"a\" {\n for_each = toset([\"b\", \"a\", \"a\"])\n v = each.value\n}", &["t.a[\"a\"]=a", "t.a[\"b\"]=b"]);
    one("resource \"t\" \"a\" {\n for_each = { x = { n = 1 }, y = { n = 2 } }\n v = each.value.n\n}", &["t.a[\"x\"]=1", "t.a[\"y\"]=2"]);
    one("resource \"t\" \"a\" {\n for_each = {}\n}", &[]);
    one("variable \"m\" {}\nresource \"t\" \"a\" {\n for_each = var.m\n v = each.value\n}", &["t.a=(not known) ?"]);
    one(
        "resource \"t\" \"a\" {\n for_each = { for k in [\"p\", \"q\"] : k => upper(k) if k != \"q\" }\n v = each.value\n}",
        &["t.a[\"p\"]=P"],
    );
    one(
        "resource \"t\" \"a\" {\n for_each = toset([\"x\"])\n v = each.key\n}\nresource \"t\" \"b\" {\n v = t.a[\"x\"].v\n}",
        &["t.a[\"x\"]=x", "t.b=x"],
    );
}

#[test]
fn dynamic_blocks() {
    one(
        "resource \"t\" \"a\" {\n dynamic \"v\" {\n for_each = [1, 2]\n content {\n n = v.value\n }\n }\n}",
        &["t.a=[{\"n\":1},{\"n\":2}]"],
    );
    one("resource \"t\" \"a\" {\n dynamic \"v\" {\n for_each = []\n content {\n n = 1\n }\n }\n}", &["t.a=-"]);
    one("variable \"x\" {}\nresource \"t\" \"a\" {\n dynamic \"v\" {\n for_each = var.x\n content {}\n }\n}", &["t.a=[\"${unknown}\"]"]);
    one(
        "resource \"t\" \"a\" {\n dynamic \"v\" {\n for_each = { k = 3 }\n iterator = i\n content {\n n = \"${i.key}${i.value}\"\n }\n }\n}",
        &["t.a=[{\"n\":\"k3\"}]"],
    );
}

#[test]
fn modules() {
    let child = ("m/main.tf", "variable \"n\" { default = 7 }\nresource \"t\" \"c\" { v = var.n }\noutput \"o\" { value = t.c.v }");
    check(
        &[("main.tf", "module \"x\" {\n source = \"./m\"\n n = 1\n}\nresource \"t\" \"r\" { v = module.x.o }"), child],
        &["module.x.t.c=1", "t.r=1"],
    );
    check(&[("main.tf", "module \"x\" {\n source = \"./m\"\n for_each = toset([\"a\"])\n}"), child], &["module.x[\"a\"].t.c=7"]);
    check(&[("main.tf", "module \"x\" {\n source = \"./m\"\n count = 0\n}"), child], &[]);
    check(&[("main.tf", "variable \"u\" {}\nmodule \"x\" {\n source = \"./m\"\n n = var.u\n}"), child], &["module.x.t.c=(not known)"]);
    check(&[("main.tf", "module \"x\" {\n source = \"registry/x/y\"\n}\nresource \"t\" \"r\" { v = module.x.o }")], &["t.r=(not known)"]);
    // Each root by itself: the same name twice, neither sees the other.
    check(
        &[("a/main.tf", "locals { l = 1 }\nresource \"t\" \"r\" { v = local.l }"), ("b/main.tf", "resource \"t\" \"s\" { v = local.l }")],
        &["t.r=1", "t.s=(not known)"],
    );
}

#[test]
fn values_and_expressions() {
    let cases = [
        ("jsonencode({ a = [true, null] })", "{\"a\":[true,null]}"),
        ("try({ a = 1 }.b, \"no\")", "no"),
        ("can({ a = 1 }.b)", "false"),
        ("lookup({ a = 1 }, \"b\", 2)", "2"),
        ("merge({ a = 1 }, { a = 2 }).a", "2"),
        ("cidrsubnet(\"10.0.0.0/8\", 8, 2)", "10.2.0.0/16"),
        ("join(\",\", [for s in [\"a\", \"b\"] : upper(s)])", "A,B"),
        ("false && var.u", "false"),
        ("var.u ? 1 : 1", "1"),
        ("var.u ? 1 : 2", "(not known)"),
        ("format(\"%s-%02d\", \"a\", 3)", "a-03"),
        ("replace(\"a.b\", \"/[.]/\", \"-\")", "a-b"),
        ("coalesce(null, \"\", \"x\")", "x"),
        ("[{ n = 1 }, { n = 2 }][*].n", "[1,2]"),
        ("\"%{ if true }yes%{ else }no%{ endif }\"", "yes"),
        ("\"${t.other.arn}/x\"", "${t.other.arn}/x"),
        ("regex(\"[a-z]+\", \"12ab\")", "ab"),
        ("(1 + 2) * 3 == 9 ? \"y\" : \"n\"", "y"),
    ];
    for (expression, expected) in cases {
        let text = format!("variable \"u\" {{}}\nresource \"t\" \"other\" {{\n}}\nresource \"t\" \"a\" {{\n v = {expression}\n}}");
        one(&text, &[&format!("t.a={expected}"), "t.other=-"]);
    }
}

#[test]
fn values_of_variables() {
    let main = ("main.tf", "variable \"x\" { default = 1 }\nresource \"t\" \"a\" { v = var.x }");
    check(&[main, ("terraform.tfvars", "x = 2")], &["t.a=2"]);
    check(&[main, ("terraform.tfvars", "x = 2"), ("z.auto.tfvars", "x = 3")], &["t.a=3"]);
    one(
        "variable \"x\" {\n type = object({ a = optional(string, \"d\") })\n default = {}\n}\nresource \"t\" \"a\" { v = var.x.a }",
        &["t.a=d"],
    );
    one("locals {\n a = local.b\n b = local.a\n}\nresource \"t\" \"a\" { v = local.a }", &["t.a=(not known)"]);
}

#[test]
fn bombs_are_bounded() {
    let deep = format!("resource \"t\" \"a\" {{\n v = {}1{}\n}}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(read(&[("main.tf".into(), deep.into_bytes())]).undecoded, 1);
    one(
        "locals { l = range(1000) }\nresource \"t\" \"a\" {\n v = length([for a in local.l : [for b in local.l : [for c in local.l : c]]])\n}",
        &["t.a=(not known)"],
    );
    let many = "resource \"t\" \"a\" {\n count = 1000000\n}";
    assert_eq!(read(&[("main.tf".into(), many.into())]).items.len(), 10_000);
    for cut in ["resource \"t\"", "{", "\u{0}", "a = \"${", "resource \"t\" \"a\" { v = <<EOT\n"] {
        for name in ["main.tf", "a.yaml", "a.json", "Dockerfile"] {
            read(&[(name.into(), cut.as_bytes().to_vec())]);
        }
    }
}
