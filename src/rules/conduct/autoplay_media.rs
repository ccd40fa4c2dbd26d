//! Audio and video that start by themselves.

use super::support::{acted, ancestors, api_name, boolean, calls, element_roles, unit, units_of};
use crate::flow::{EntryKind, Fact, HostCall, Place};
use crate::model::UnitKind;
use crate::model::ir::{ExprKind, Key, Pattern, Property, Stmt, StmtKind};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::template::{Element, NodeId};

/// `conduct/autoplay-media`
#[derive(Debug)]
pub struct AutoplayMedia;

const MEDIA: &[&str] = &["video", "audio", "live-player"];
const CALLS: &[&str] = &["audio-play", "video-play", "live-play", "background-audio"];

impl Rule for AutoplayMedia {
    fn id(&self) -> &'static str {
        "conduct/autoplay-media"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let live = cx.package.submission.categories.iter().any(|category| category.contains("直播"));
        for index in 0..cx.package.files.len() {
            let file = FileId(index as u32);
            for (node, element) in cx.program.elements(file) {
                let roles = element_roles(cx, element);
                let player = roles.contains(&"live-player");
                if !roles.iter().any(|role| MEDIA.contains(role))
                    || player && (live || is_call(element) || opened(cx, file))
                {
                    continue;
                }
                if on(cx, file, element, "autoplay") && !on(cx, file, element, "muted") && !behind_a_tap(cx, file, node)
                {
                    let sure = if player { Confidence::Medium } else { Confidence::High };
                    out.push(
                        Finding::new(self.id(), Place { file, span: element.open })
                            .text("text", format!("<{}>", element.name))
                            .confidence(sure),
                    );
                }
            }
        }
        for (place, group) in calls(cx, CALLS) {
            let starts = |api: &str| {
                api == "play" || api.ends_with(".play") || api.ends_with("resume") || api.starts_with("play")
            };
            let found = group.iter().find(|call| {
                !asked(cx, call)
                    && matches!(call.entry.kind, EntryKind::Load | EntryKind::TopLevel)
                    && starts(&call.api)
            });
            if let Some(call) = found
                && !moved(cx, call)
            {
                out.push(Finding::new(self.id(), place).variant("call").text("text", api_name(call)).step(
                    call.entry.place,
                    "conduct-entry",
                    call.entry.method.clone(),
                ));
            }
        }
    }
}

/// Whether a user's action on the page itself is behind a call. What opened the page asked for no sound.
fn asked(cx: &Context<'_>, call: &HostCall) -> bool {
    let opened = call.entry.kind == EntryKind::Load
        && unit(cx, &call.entry.route).is_some_and(|unit| {
            unit.kind == UnitKind::Page
                && call.facts.iter().all(|fact| match fact {
                    Fact::Acted(file, _) => !unit.templates.contains(file),
                    Fact::DialogConfirmed(_) | Fact::Ticked(..) => false,
                    _ => true,
                })
        });
    acted(call) && !opened
}

/// Whether a player shows the other side of a call, which was made or taken.
fn is_call(element: &Element) -> bool {
    let mode = element.attribute("mode").and_then(|mode| mode.value.as_ref()?.literal());
    mode.is_some_and(|mode| mode.trim().eq_ignore_ascii_case("rtc"))
}

/// Whether only pages show a template that users open from another page.
fn opened(cx: &Context<'_>, file: FileId) -> bool {
    let mut units = units_of(cx, file).peekable();
    units.peek().is_some() && units.all(|unit| unit.page.is_some_and(|page| page > 0 && !cx.package.pages[page].tab))
}

/// Whether a user's movement of the device is behind a call: it hangs on a condition in what a sensor calls.
fn moved(cx: &Context<'_>, call: &HostCall) -> bool {
    let places: Vec<Place> = call.path.iter().map(|step| step.place).chain([call.place]).collect();
    let sensors = calls(cx, &["sensor"]);
    sensors.keys().any(|sensor| {
        places.iter().any(|place| {
            place.file == sensor.file
                && sensor.span.contains(place.span)
                && *place != *sensor
                && cx.program.script(place.file).is_some_and(|script| {
                    script
                        .functions
                        .iter()
                        .any(|function| sensor.span.contains(function.span) && hangs(&function.body, place.span))
                })
        })
    })
}

fn hangs(block: &[Stmt], part: Span) -> bool {
    block.iter().filter(|stmt| stmt.span.contains(part)).any(|stmt| match &stmt.kind {
        StmtKind::If(condition, ..) => !condition.span.contains(part),
        StmtKind::Block(_, body) => hangs(body, part),
        _ => false,
    })
}

/// Whether a boolean attribute is on when the page opens.
fn on(cx: &Context<'_>, file: FileId, element: &Element, name: &str) -> bool {
    match boolean(element, name) {
        None => false,
        Some(Some(on)) => on,
        Some(None) => {
            let source = &cx.package.source(file).text;
            let Some(value) = element.attribute(name).and_then(|attribute| attribute.value.as_ref()) else {
                return false;
            };
            let text = value.span.slice(source).trim();
            let inner = text.trim_start_matches(['{', '=', ' ']).trim_end_matches(['}', '=', ' ']);
            match inner {
                "true" | "!0" | "!false" | "1" => true,
                key => {
                    let (key, held) = key.strip_prefix('!').map_or((key, true), |key| (key.trim(), false));
                    units_of(cx, file).any(|unit| unit.script.is_some_and(|script| starts_as(cx, script, key, held)))
                }
            }
        }
    }
}

/// Whether the element stands under a condition that is false at first and that only a user's action turns: that
/// action is the start.
fn behind_a_tap(cx: &Context<'_>, file: FileId, node: NodeId) -> bool {
    let Some(info) = cx.policy.hosts.info(&cx.package.host) else { return false };
    let Some(template) = cx.program.template(file) else { return false };
    let source = &cx.package.source(file).text;
    let condition = format!("{}if", info.directive_prefix);
    ancestors(&template.document, node).any(|(_, element)| {
        let Some(value) = element.attribute(&condition).and_then(|attribute| attribute.value.as_ref()) else {
            return false;
        };
        let test = value.span.slice(source).trim().trim_start_matches(['{', ' ']).trim_end_matches(['}', ' ']);
        let key = test.split(['=', '!', '>', '<']).next().unwrap_or(test).trim();
        let filled = test[key.len()..].replace([' ', '='], "");
        let key = key.strip_suffix(".length").unwrap_or(key);
        // `shown`, `address != ''`, `list.length > 0`: what is not held yet shows nothing.
        if !matches!(&*filled, "" | "!''" | "!\"\"" | "!null" | ">0" | "!0") {
            return false;
        }
        let mut units = units_of(cx, file).filter_map(|unit| unit.script).peekable();
        units.peek().is_some()
            && units.all(|script| starts_as(cx, script, key, false) && set_by_users(cx, file, script, key))
    })
}

/// Whether every function that sets the key to something else is, or stands in, a handler of a user's action.
fn set_by_users(cx: &Context<'_>, template: FileId, file: FileId, key: &str) -> bool {
    let Some(script) = cx.program.script(file) else { return false };
    let handlers: Vec<&str> = cx
        .program
        .bindings
        .iter()
        .filter(|binding| binding.template == template && binding.user_action)
        .filter_map(|binding| binding.handler.as_deref())
        .collect();
    // Compilers list the methods behind their own handler in the element.
    let markup = &cx.package.source(template).text;
    let listed = |name: &str| {
        let quoted = format!("'{name}'");
        memchr::memmem::find_iter(markup.as_bytes(), &quoted).any(|at| {
            let before = markup.as_bytes().get(..at).unwrap_or_default();
            let opens = memchr::memmem::rfind(before, EVENT_LIST.as_bytes());
            opens.is_some_and(|from| !markup[from..at].contains('>'))
        })
    };
    let mut setters = 0;
    let by_users = script.functions.iter().enumerate().all(|(index, function)| {
        let mut sets = false;
        function.for_each_expr(&mut |expr| {
            if let ExprKind::Assign { target, value, .. } = &expr.kind
                && let Pattern::Member(member) = &**target
                && let ExprKind::Member { key: Key::Static(name, _), .. } = &member.kind
            {
                sets |= &**name == key && !is_nothing(&value.kind);
            }
            let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
            let to = matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "setData");
            let Some(ExprKind::Object(properties)) = args.first().filter(|_| to).map(|arg| &arg.value.kind) else {
                return;
            };
            sets |= properties.iter().any(|property| {
                matches!(property, Property::Value(Key::Static(name, _), value)
                    if &**name == key && !is_nothing(&value.kind))
            });
        });
        setters += usize::from(sets);
        !sets || {
            let mut at = index;
            loop {
                let Some(function) = script.functions.get(at) else { break false };
                if function.name.as_deref().is_some_and(|name| handlers.contains(&name) || listed(name)) {
                    break true;
                }
                if function.parent as usize == at {
                    break false;
                }
                at = function.parent as usize;
            }
        }
    });
    setters > 0 && by_users
}

/// The attribute in which compilers list what an event calls.
const EVENT_LIST: &str = "data-event-opts";

/// Whether a value is one of those that count as false.
fn is_nothing(value: &ExprKind) -> bool {
    match value {
        ExprKind::Bool(on) => !on,
        ExprKind::String(text) => text.is_empty(),
        ExprKind::Number(number) => *number == 0.0,
        ExprKind::Array(items) => items.is_empty(),
        ExprKind::Null | ExprKind::Undefined => true,
        _ => false,
    }
}

/// Whether the page's initial data holds that key as that.
fn starts_as(cx: &Context<'_>, file: FileId, key: &str, held: bool) -> bool {
    let Some(script) = cx.program.script(file) else { return false };
    let fits = |properties: &[Property]| {
        properties.iter().any(|item| {
            matches!(item, Property::Value(Key::Static(name, _), value) if &**name == key && match value.kind {
                ExprKind::Bool(on) => on == held,
                _ => !held && is_nothing(&value.kind),
            })
        })
    };
    let mut found = false;
    script.for_each_expr(&mut |expr| {
        let ExprKind::Object(properties) = &expr.kind else { return };
        for property in properties {
            let Property::Value(Key::Static(name, _), value) = property else { continue };
            match &value.kind {
                _ if &**name != "data" => {}
                ExprKind::Object(data) => found |= fits(data),
                ExprKind::Function(function) => {
                    let Some(function) = script.functions.get(*function as usize) else { continue };
                    function.for_each_expr(&mut |expr| {
                        if let ExprKind::Object(data) = &expr.kind {
                            found |= fits(data);
                        }
                    });
                }
                _ => {}
            }
        }
    });
    found
}
