//! What the parameters of a management call allow, and whom: policy documents, access lists and shares, read as text.

use crate::call::Call;

/// An attached administrator policy, or a text that allows every action on everything.
pub(crate) fn grants_admin(call: &Call<'_>) -> bool {
    let all = call.all_parameters();
    if ["policy/administratoraccess", "policy/iamfullaccess", "policy/poweruseraccess"].iter().any(|p| all.contains(p)) {
        return true;
    }
    policies(call).iter().any(|policy| {
        let text: String = policy.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        ["\"action\":\"*\"", "\"action\":[\"*\"]", "\"action\":\"iam:*\"", "\"action\":[\"iam:*\"]", "\"action\":\"*:*\""]
            .iter()
            .any(|a| text.contains(a))
            && text.contains("\"effect\":\"allow\"")
    })
}

/// Policy documents: a parameter that holds JSON text.
fn policies(call: &Call<'_>) -> Vec<String> {
    ["policyDocument", "assumeRolePolicyDocument", "bucketPolicy", "policy", "policyText", "resourcePolicy"]
        .iter()
        .flat_map(|n| call.parameters(n))
        .collect()
}

/// `everybody`, or an account that is not the caller's, named by a policy or a permission.
pub(crate) fn stranger(call: &Call<'_>) -> Option<String> {
    let all = call.all_parameters();
    let text: String = all.replace('\\', "").chars().filter(|c| !c.is_whitespace() || *c == '\n').collect();
    let allows = text.contains("allow") || text.contains("principal=") || text.contains("accesscontrol");
    let open = [
        "\"principal\":\"*\"",
        "\"principal\":{\"aws\":\"*\"",
        "\"aws\":[\"*\"",
        "principal=*",
        "principal.aws=*",
        "/groups/global/allusers",
        "/groups/global/authenticatedusers",
        "x-amz-acl=public-read",
        "acl=public-read",
    ];
    // Everybody under a condition of account or organisation is not everybody.
    let conditioned = ["aws:principalorgid", "aws:sourceaccount", "aws:principalaccount", "aws:sourcearn"].iter().any(|c| text.contains(c));
    if allows && !conditioned && open.iter().any(|o| text.contains(o)) {
        return Some("everybody".to_owned());
    }
    let own = call.api.account.as_str();
    // Values of a principal only: resources may lie anywhere.
    let after = text.find("principal")?;
    let principals = &text[after..];
    accounts(principals).into_iter().find(|a| !own.is_empty() && a != own).map(|a| format!("account {a}")).filter(|_| allows)
}

/// Account numbers in `arn:aws:iam::123456789012:` or alone between quotes or after `=`.
fn accounts(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for (at, part) in text
        .match_indices("iam::")
        .chain(text.match_indices("aws\":\""))
        .chain(text.match_indices("aws\":[\""))
        .chain(text.match_indices("principal="))
        .chain(text.match_indices("principal.aws="))
    {
        let from = at + part.len();
        if let Some(number) = bytes.get(from..from + 12).filter(|n| n.iter().all(u8::is_ascii_digit)) {
            found.push(String::from_utf8_lossy(number).into_owned());
        }
    }
    found
}

/// With whom an image is shared by this call.
pub(crate) fn shared_with(call: &Call<'_>) -> Option<String> {
    if call.operation().starts_with("SharedSnapshot") {
        return Some("another account, which used it".to_owned());
    }
    let all = call.all_parameters();
    let adds: Vec<&str> = all.lines().filter(|l| l.contains(".add") || l.starts_with("valuestoadd") || l.contains("valuestoadd")).collect();
    if adds.iter().any(|l| l.ends_with("=all")) {
        return Some("everybody".to_owned());
    }
    let other =
        adds.iter().filter_map(|l| l.rsplit_once('=')).map(|(_, v)| v).find(|v| v.len() == 12 && v.bytes().all(|b| b.is_ascii_digit()));
    other.filter(|o| *o != call.api.account.as_str()).map(|o| format!("account {o}"))
}
