//! Bundles of a host's own compiler: modules that are defined by name, and the routes they are run for.

use std::collections::HashMap;

use oxc_ast::ast::{self, Argument, AssignmentTarget, BindingPattern, Expression};
use oxc_ast_visit::{Visit, walk};

use super::repair::Repair;
use super::script::{ScriptKind, with_parsed};
use crate::source::Span;

/// `define("name", function (require, module, exports) {…})`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// What stands between the braces of its function.
    pub body: Span,
    /// Names of the function's parameters; empty for a pattern.
    pub parameters: Vec<String>,
    /// The route for which it runs, where the bundle says so.
    pub route: Option<String>,
}

/// The modules of a bundle in source order. `variables` are the names that hold the route when a module is run.
pub fn modules(text: &str, variables: &[&str]) -> Vec<Module> {
    with_parsed(text, ScriptKind::JavaScript, |parsed| {
        let mut reader =
            Reader { text, repair: parsed.repair, variables, route: None, routes: HashMap::new(), modules: Vec::new() };
        reader.visit_program(parsed.program);
        let Reader { routes, mut modules, .. } = reader;
        for module in &mut modules {
            module.route = routes.get(&module.name).cloned();
        }
        modules
    })
    .unwrap_or_default()
}

struct Reader<'r> {
    text: &'r str,
    repair: &'r Repair,
    variables: &'r [&'r str],
    route: Option<String>,
    /// Name of a module to the route for which it is required.
    routes: HashMap<String, String>,
    modules: Vec<Module>,
}

impl Reader<'_> {
    fn module(&self, call: &ast::CallExpression<'_>) -> Option<Module> {
        if called(&call.callee)? != "define" {
            return None;
        }
        let name = text_of(call.arguments.first()?)?;
        let (body, parameters) = call.arguments.iter().skip(1).find_map(|argument| match argument {
            Argument::FunctionExpression(function) => Some((function.body.as_ref()?.span, &function.params)),
            Argument::ArrowFunctionExpression(arrow) => match &arrow.body {
                ast::ArrowFunctionBody::FunctionBody(body) => Some((body.span, &arrow.params)),
                _ => None,
            },
            _ => None,
        })?;
        let whole = self.repair.span(Span::new(body.start, body.end));
        let inner = whole.slice(self.text);
        let start = whole.start + u32::from(inner.starts_with('{'));
        let end = whole.end - u32::from(inner.len() > 1 && inner.ends_with('}'));
        let parameters = parameters
            .items
            .iter()
            .map(|item| match &item.pattern {
                BindingPattern::BindingIdentifier(id) => id.name.to_string(),
                _ => String::new(),
            })
            .collect();
        Some(Module { name, body: Span::new(start, end), parameters, route: None })
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_call_expression(&mut self, call: &ast::CallExpression<'a>) {
        if let Some(module) = self.module(call) {
            self.modules.push(module);
            return;
        }
        if called(&call.callee) == Some("require")
            && let Some(name) = call.arguments.first().and_then(text_of)
            && let Some(route) = &self.route
        {
            self.routes.entry(name).or_insert_with(|| route.clone());
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_assignment_expression(&mut self, assignment: &ast::AssignmentExpression<'a>) {
        let target = match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(id) => Some(id.name.as_str()),
            AssignmentTarget::StaticMemberExpression(member) => Some(member.property.name.as_str()),
            _ => None,
        };
        if target.is_some_and(|target| self.variables.contains(&target))
            && let Expression::StringLiteral(route) = &assignment.right
        {
            self.route = Some(route.value.to_string());
        }
        walk::walk_assignment_expression(self, assignment);
    }
}

/// The name of a function that is called as a global or as a member of the global object.
fn called<'c>(callee: &'c Expression<'_>) -> Option<&'c str> {
    match callee {
        Expression::Identifier(id) => Some(id.name.as_str()),
        Expression::StaticMemberExpression(member) => match &member.object {
            Expression::Identifier(object)
                if matches!(object.name.as_str(), "window" | "global" | "globalThis" | "self") =>
            {
                Some(member.property.name.as_str())
            }
            _ => None,
        },
        _ => None,
    }
}

fn text_of(argument: &Argument<'_>) -> Option<String> {
    match argument {
        Argument::StringLiteral(text) => Some(text.value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::modules;

    #[test]
    fn modules_with_their_routes() {
        let text = "var __r;\n__r = 'pages/a/a'; define(\"pages/a/a.js\", function(t, e){\nPage({})\n});require('pages/a/a.js');\n\
                    window.define('7', (require) => { App({}) });window.__r='app';window.u=[];require('7');\
                    define('named', ['x'], function ({ a }) { });define(free, function(){});";
        let found = modules(text, &["__r"]);
        let names: Vec<_> = found
            .iter()
            .map(|module| (module.name.as_str(), module.body.slice(text).trim(), module.route.as_deref()))
            .collect();
        assert_eq!(
            names,
            [("pages/a/a.js", "Page({})", Some("pages/a/a")), ("7", "App({})", Some("app")), ("named", "", None)]
        );
        assert_eq!(found[0].parameters, ["t", "e"]);
        assert_eq!(found[2].parameters, [""]);
    }

    #[test]
    fn a_broken_module_leaves_the_others() {
        let text =
            "define('a.js', function(require){ var 企 = '业'; foo( });\ndefine('b.js', function(require){ Page({}) });";
        let found = modules(text, &[]);
        let last = found.last().unwrap();
        assert_eq!((last.name.as_str(), last.body.slice(text).trim()), ("b.js", "Page({})"));
    }
}
