//! Terraform: folders of HCL to resources. Every folder that no other one calls as a module is a root; roots never see each other.
//!
//! Values are three-valued: what a data source, a provider or a variable without default would say is `Unknown`, and stays so through
//! every expression. References to other resources stay links.

mod block;
mod eval;
mod folder;
mod function;
mod module;
mod policy;
mod reference;
mod template;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::folder::{File, Folder};
use self::module::{Module, Project};
use super::{Item, Scan, link};

/// Resources of all Terraform files among `files`; `texts` is everything that `file()` may read.
pub(super) fn read(files: &[(&str, &str)], texts: &HashMap<String, &[u8]>, scan: &mut Scan) {
    let mut parsed: Vec<File> = Vec::new();
    for (path, text) in files {
        match File::parse(path, text) {
            Ok(file) => parsed.push(file),
            Err((line, why)) => scan.undecoded(path, line, &why),
        }
    }
    let mut by_folder: BTreeMap<&str, (Vec<&File>, Vec<&File>)> = BTreeMap::new();
    for file in &parsed {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let (code, values) = by_folder.entry(folder).or_default();
        if name.ends_with(".tf") {
            code.push(file);
        } else if name == "terraform.tfvars" || name.ends_with(".auto.tfvars") {
            values.push(file);
        }
    }
    let mut folders = HashMap::new();
    for (path, (code, mut values)) in by_folder {
        // Later names win, and every one of them wins over terraform.tfvars.
        values.sort_by_key(|f| (f.path.ends_with(".auto.tfvars"), f.path.clone()));
        values.reverse();
        if !code.is_empty() {
            folders.insert(path.to_owned(), Folder::of(path, &code, values));
        }
    }
    let called: BTreeSet<String> = folders
        .values()
        .flat_map(|f: &Folder<'_>| f.modules.iter().filter_map(|(_, call)| Some(join(&f.path, module::source_of(call.is)?))))
        .collect();
    let mut roots: Vec<String> = folders.keys().filter(|path| !called.contains(*path)).cloned().collect();
    roots.sort();
    let project =
        Project { folders, texts, work: Cell::new(0), depth: Cell::new(0), failed: Cell::new(false), notices: RefCell::default() };
    for root in &roots {
        project.refill();
        let Some(folder) = project.folders.get(root) else { continue };
        let mut items = Vec::new();
        walk(&Module::root(&project, folder), &mut items);
        if project.work.get() == 0 {
            project.note(root, 0, "evaluation stopped at its bound; what is left is unknown".into());
        }
        link::join(&mut items);
        scan.items.extend(items);
    }
    for (file, line, text) in project.notices.take() {
        scan.notice(&file, line, &text);
    }
}

fn walk<'p>(module: &std::rc::Rc<Module<'p>>, items: &mut Vec<Item>) {
    for resource in &module.folder.resources {
        let base = module.address(resource);
        let name = format!("{}{}.{}", if resource.data { "data." } else { "" }, resource.kind, resource.name);
        let (line, end_line) = resource.file.span(resource.block);
        for instance in module.instances(&name, resource.file, resource.block).iter() {
            let attributes = module.env(resource.file, instance.bound.clone()).body(&resource.block.body).at(line, end_line);
            items.push(Item {
                input: "terraform",
                kind: if resource.data { format!("data.{}", resource.kind) } else { resource.kind.to_owned() },
                address: format!("{base}{}", instance.key),
                base: base.clone(),
                file: resource.file.path.clone(),
                line,
                end_line,
                attributes,
                certain: instance.certain && module.certain,
            });
        }
    }
    for (name, _) in &module.folder.modules {
        for (_, child) in module.children(name) {
            walk(&child, items);
        }
    }
}

/// A folder named relative to another, `..` resolved; a source that is no path names no folder.
pub(super) fn join(folder: &str, source: &str) -> String {
    if !source.starts_with('.') {
        return format!("\0{source}");
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            // Above the scan's root there is nothing.
            ".." if parts.pop().is_none() => return "\0".into(),
            ".." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests;
