//! A text that stands for a file: what an editor has open, or standard input.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Failure, Options, Outcome, configuration, layouts, read_options, vet_package};
use crate::package::{self, ReadError, Tree};
use crate::policy::Policy;

/// Vets the text that stands for `file`, in the package around it, and keeps the findings of that file. The file need
/// not exist. Without a package around it, it is vetted alone.
pub fn vet_text(file: &Path, bytes: Vec<u8>, policy: &Policy, options: &Options) -> Outcome {
    let mut outcome = Outcome::default();
    let config = match configuration(file, policy, options) {
        Ok(config) => config,
        Err(failure) => {
            outcome.failures.push(Failure::Config(failure));
            return outcome;
        }
    };
    let layouts = layouts(policy);
    let read = read_options(&config, options);
    let root = root_of(file, &layouts);
    let packages = match &root {
        Some(root) => {
            let mut tree = Tree::new(root, read.limits.clone());
            tree.open(&absolute(file), Arc::from(bytes));
            tree.packages(&layouts, &read)
        }
        None => match file.file_name() {
            Some(name) => {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                package::from_memory(folder, vec![(name.to_string_lossy().into_owned(), bytes)], &layouts, &read)
            }
            None => Err(ReadError::NotFound(file.to_owned())),
        },
    };
    match packages {
        Err(error) => outcome.failures.push(Failure::Read(error)),
        Ok(packages) => {
            let wanted = absolute(file);
            for package in packages {
                let path = relative(&absolute(&package.root), &wanted);
                let Some(id) = package.file(&path) else { continue };
                let mut vetted = vet_package(package, policy, &config, options);
                vetted.hits.retain(|hit| hit.finding.place.file == id);
                vetted.judge();
                outcome.packages.push(vetted);
            }
            if outcome.packages.is_empty() {
                outcome.failures.push(Failure::Read(ReadError::NothingToVet(file.to_owned())));
            }
        }
    }
    outcome.configs.push(config);
    outcome
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn relative(root: &Path, file: &Path) -> String {
    let file = absolute(file);
    let path = file.strip_prefix(absolute(root)).unwrap_or(&file);
    path.to_string_lossy().replace('\\', "/")
}

/// The folder of the project or package that holds a file: the nearest with a project file, else with `app.json`.
fn root_of(file: &Path, layouts: &[crate::package::Layout]) -> Option<PathBuf> {
    let projects: Vec<&str> =
        layouts.iter().flat_map(|layout| layout.project_files.keys()).map(|name| &**name).collect();
    let file = absolute(file);
    let holds = |folder: &Path, names: &[&str]| names.iter().any(|name| folder.join(name).is_file());
    let folders: Vec<&Path> = file.ancestors().skip(1).collect();
    let nearest =
        |names: &[&str]| folders.iter().find(|folder| holds(folder, names)).map(|folder| folder.to_path_buf());
    let app = nearest(&["app.json", "game.json"]);
    // A project file far above may belong to a repository of many packages: only one at most two levels above counts.
    let project = nearest(&projects);
    match (app, project) {
        (Some(app), Some(project)) if app.strip_prefix(&project).is_ok_and(|rest| rest.components().count() <= 2) => {
            Some(project)
        }
        (app, project) => app.or(project),
    }
}
