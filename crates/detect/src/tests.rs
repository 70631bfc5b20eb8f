use super::*;

#[test]
fn every_file_of_an_area_is_in_its_list() {
    let files = |area: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(area);
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("the area's folder")
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
            .filter(|name| name != "mod")
            .map(|name| format!("{area}.{name}"))
            .collect();
        names.sort();
        names
    };
    let listed = |specs: &[&Spec]| {
        let mut names: Vec<String> = specs.iter().map(|s| s.analytic.uid.to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(files("web"), listed(web::ALL));
    assert_eq!(files("identity"), listed(identity::ALL));
    assert_eq!(listed(ALL), listed(&[web::ALL, identity::ALL].concat()));
}

#[test]
fn unknown_config_keys_are_refused() {
    assert!(serde_json::from_str::<Config>("{}").is_ok());
    assert!(serde_json::from_str::<Config>(r#"{"request":{"decide":"model"}}"#).is_ok());
    assert!(serde_json::from_str::<Config>(r#"{"request":{"decied":"model"}}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"requests":{}}"#).is_err());
}
