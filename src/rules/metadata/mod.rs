//! The `metadata/` rules: name, description and titles of the program.

mod affiliated_name;
mod default_title;
mod generic_name;
mod malformed_name;
mod prohibited_name;
mod promotional_description;
mod superlative_name;
mod undisclosed_payment;
mod unrelated_metadata;

use super::category::{app_start, submitted};
use super::{Confidence, Context, Rule};
use crate::flow::Place;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &affiliated_name::AffiliatedName,
    &default_title::DefaultTitle,
    &generic_name::GenericName,
    &malformed_name::MalformedName,
    &prohibited_name::ProhibitedName,
    &promotional_description::PromotionalDescription,
    &superlative_name::SuperlativeName,
    &undisclosed_payment::UndisclosedPayment,
    &unrelated_metadata::UnrelatedMetadata,
];

/// The program's name.
struct Name<'a> {
    text: &'a str,
    place: Place,
    /// Whether it was submitted as the name; else it is the app's title.
    given: bool,
}

impl Name<'_> {
    /// A title is a name only where none was given, and then a weaker one.
    const fn confidence(&self) -> Confidence {
        if self.given { Confidence::High } else { Confidence::Medium }
    }
}

/// The submitted name, else the app's title.
fn name<'a>(cx: &Context<'a>) -> Option<Name<'a>> {
    if let Some(text) = cx.package.submission.name.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        return Some(Name { text, place: submitted(cx, "name")?, given: true });
    }
    let title = home_title(cx)?;
    let text = title.text.trim();
    (!text.is_empty() && !cx.policy.naming().is_default_title(text)).then_some(Name {
        text,
        place: title.place,
        given: false,
    })
}

/// Whether a span is the name, where the app's title stands for it.
pub(super) fn is_title_as_name(cx: &Context<'_>, place: Place) -> bool {
    name(cx).is_some_and(|name| !name.given && name.place.file == place.file && name.place.span.contains(place.span))
}

/// Whether there is a name to judge.
pub(super) fn named(cx: &Context<'_>) -> bool {
    name(cx).is_some()
}

/// The submitted description.
fn description<'a>(cx: &Context<'a>) -> Option<(&'a str, Place)> {
    let text = cx.package.submission.description.as_deref()?.trim();
    (!text.is_empty()).then_some((text, submitted(cx, "description")?))
}

/// A title in the configuration.
pub struct Title<'a> {
    /// The title.
    pub text: &'a str,
    /// Where it stands.
    pub place: Place,
}

/// The title of the first page: its own, else the app's.
pub fn home_title<'a>(cx: &Context<'a>) -> Option<Title<'a>> {
    let home = cx.package.pages.first()?;
    let config = cx.program.by_route.get(&home.route).and_then(|unit| cx.program.units.get(*unit as usize)?.config);
    let mut places = Vec::new();
    if let Some(file) = config {
        places.push((file, cx.package.files.get(file.index())?.json.as_ref()));
    }
    if let Some(app) = cx.package.app {
        places.push((app, cx.package.app_json().and_then(|json| json.get("window"))));
    }
    for (file, json) in places {
        for source in [json, json.and_then(|json| json.get("window"))].into_iter().flatten() {
            for key in ["navigationBarTitleText", "defaultTitle"] {
                if let Some((json, text)) = source.get(key).and_then(|json| Some((json, json.as_str()?))) {
                    return Some(Title { text, place: Place { file, span: json.span } });
                }
            }
        }
    }
    None
}
