use super::*;

fn key(byte: u8) -> (SigningKey, KeyRing) {
    let (private, public) = new_key(&[byte; 32]).unwrap();
    (SigningKey::from_pem(&private).unwrap(), KeyRing::from_pems([public]).unwrap())
}

fn signed() -> (Folder, KeyRing) {
    let (key, ring) = key(7);
    let mut folder = Folder::new();
    folder.insert("model.bin", (0..200u8).collect()).unwrap();
    folder.insert("card.json", b"{\"name\":\"x\"}".to_vec()).unwrap();
    let signature = sign(&folder, "x", &key);
    folder.insert(SIGNATURE_NAME, signature).unwrap();
    (folder, ring)
}

/// Signs a statement that was changed on purpose, so that only the manifest rules can refuse it.
fn forged(change: impl Fn(&mut serde_json::Value)) -> String {
    let (mut folder, ring) = signed();
    let (key, _) = key(7);
    let mut statement: serde_json::Value = serde_json::from_slice(&bundle::statement(&folder, "x")).unwrap();
    change(&mut statement);
    let payload = statement.to_string().into_bytes();
    let signature: DerSignature = key.inner().sign(&bundle::pre_authentication(&payload));
    folder.insert(SIGNATURE_NAME, bundle::write(&payload, signature.as_bytes(), &key.verifying().id())).unwrap();
    let faults = verify(&folder, &ring).unwrap_err();
    faults.iter().map(|fault| format!("{}: {}", fault.file, fault.why)).collect::<Vec<_>>().join("; ")
}

#[test]
fn signs_and_verifies_the_same_bytes_twice() {
    let (folder, ring) = signed();
    let verified = verify(&folder, &ring).unwrap();
    assert_eq!((verified.files, verified.subject.as_str()), (2, "x"));
    assert_eq!(folder, signed().0);
}

#[test]
fn each_flipped_bit_is_refused_and_the_file_named() {
    let (folder, ring) = signed();
    let names: Vec<String> = folder.files().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let whole = folder.get(&name).unwrap().to_vec();
        // Every bit of the small files; one bit of every byte of the bundle, whose check is slow in a debug build.
        let step = if name == SIGNATURE_NAME { 41 } else { 1 };
        for bit in (0..whole.len() * 8).step_by(step) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut damaged = folder.clone();
            damaged.insert(&name, bytes).unwrap();
            match verify(&damaged, &ring) {
                Err(faults) => assert!(faults.iter().any(|fault| fault.file == name), "{name} bit {bit}: {faults:?}"),
                Ok(_) => panic!("{name} bit {bit} passed"),
            }
            if name != SIGNATURE_NAME && bit > 400 {
                break;
            }
        }
    }
}

#[test]
fn added_removed_renamed_unsigned() {
    let (folder, ring) = signed();
    let mut more = folder.clone();
    more.insert("extra.txt", vec![1]).unwrap();
    assert_eq!(verify(&more, &ring).unwrap_err(), [Fault { file: "extra.txt".into(), why: "is not signed".into() }]);
    let mut less = folder.clone();
    let bytes = less.remove("card.json").unwrap();
    assert_eq!(verify(&less, &ring).unwrap_err()[0].file, "card.json");
    less.insert("Card.json", bytes).unwrap();
    assert_eq!(verify(&less, &ring).unwrap_err().len(), 2);
    let mut bare = folder;
    bare.remove(SIGNATURE_NAME);
    assert_eq!(verify(&bare, &ring).unwrap_err()[0].why, "is missing: the model is not signed");
}

#[test]
fn another_key_is_refused() {
    let (folder, _) = signed();
    let (_, other) = key(9);
    assert!(verify(&folder, &other).unwrap_err()[0].why.contains("not trusted"));
    assert!(verify(&folder, &KeyRing::default()).is_err());
}

#[test]
fn statements_outside_the_rules() {
    assert!(forged(|s| s["predicateType"] = "https://example.org/other".into()).contains("predicateType"));
    assert!(forged(|s| s["_type"] = "https://in-toto.io/Statement/v0.1".into()).contains("_type"));
    assert!(forged(|s| s["predicate"]["resources"][0]["name"] = "../card.json".into()).contains("plain relative name"));
    assert!(forged(|s| s["predicate"]["resources"][0]["name"] = "/card.json".into()).contains("plain relative name"));
    assert!(forged(|s| s["predicate"]["resources"][1]["name"] = "a".into()).contains("out of order"));
    assert!(forged(|s| s["predicate"]["resources"][1]["name"] = "card.json".into()).contains("repeated"));
    assert!(forged(|s| s["subject"][0]["digest"]["sha256"] = "00".into()).contains("root digest"));
    assert!(
        forged(|s| {
            let one = s["subject"][0].clone();
            s["subject"].as_array_mut().unwrap().push(one);
        })
        .contains("2 subjects")
    );
    assert!(forged(|s| s["predicate"]["serialization"]["method"] = "shards".into()).contains("expected files"));
}

#[test]
fn names_that_leave_the_folder() {
    for name in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "./a", "a\n"] {
        assert_eq!(Folder::new().insert(name, vec![]), Err(FolderError::Name(name.into())));
    }
}

#[test]
fn damaged_bundles_are_faults_not_panics() {
    let (mut folder, ring) = signed();
    for bundle in [&b""[..], b"{}", b"[]", b"null", b"{\"mediaType\":1}", b"\xff\xfe"] {
        folder.insert(SIGNATURE_NAME, bundle.to_vec()).unwrap();
        assert_eq!(verify(&folder, &ring).unwrap_err()[0].file, SIGNATURE_NAME);
    }
}
