//! States of records, which are no switches of the program.

use std::collections::BTreeSet;

use crate::model::conditions::chain;
use crate::package::Origin;
use crate::policy::conduct::name_words;
use crate::rules::Context;
use crate::source::FileId;

/// States of records (`item.is_check`, `model.is_check`): what a name means that some record of the package carries.
pub(super) struct Records(BTreeSet<String>);

impl Records {
    pub(super) fn of(cx: &Context<'_>) -> Self {
        let conduct = &cx.policy.conduct;
        let mut names = BTreeSet::new();
        let mut add = |path: &[&str]| {
            if let [around @ .., name] = path
                && around.iter().any(|name| conduct.names("id-record", name))
                && !around.iter().any(|name| conduct.names("id-app-wide", name))
                && ["id-review-strong", "id-review-shared", "id-review", "id-review-sent"]
                    .iter()
                    .any(|group| conduct.names(group, name))
            {
                names.insert(name_words(name).concat());
            }
        };
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.origin != Origin::Own {
                continue;
            }
            for (_, element) in cx.program.elements(id) {
                for attribute in &element.attributes {
                    let Some(value) = &attribute.value else { continue };
                    let text = value.span.slice(&file.source.text);
                    for chain in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '.'))) {
                        let path: Vec<&str> = chain.split('.').filter(|name| !name.is_empty()).collect();
                        add(&path);
                    }
                }
            }
            if let Some(script) = cx.program.script(id) {
                script.for_each_expr(&mut |expr| {
                    if let Some(read) = chain(expr) {
                        let path: Vec<&str> = read.path.iter().map(|name| &**name).collect();
                        add(&path);
                    }
                });
            }
        }
        Self(names)
    }

    /// Whether a read is of such a state, and not of a setting of the whole program.
    pub(super) fn hold(&self, cx: &Context<'_>, path: &[impl AsRef<str>]) -> bool {
        let conduct = &cx.policy.conduct;
        let Some((name, around)) = path.split_last() else { return false };
        if around.iter().any(|name| conduct.names("id-app-wide", name.as_ref())) {
            return false;
        }
        let written = name_words(name.as_ref()).concat();
        around.iter().any(|name| conduct.names("id-record", name.as_ref()))
            || self.0.iter().any(|state| written.starts_with(state.as_str()))
    }
}
