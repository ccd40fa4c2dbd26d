//! Patterns, targets of assignments, and keys.

use oxc_ast::ast::{self, Expression as Ast};
use oxc_span::GetSpan;

use crate::model::ir::*;
use crate::model::lower::{Lower, simple};
use crate::source::Span;

impl<'l> Lower<'l> {
    pub(super) fn bound(&mut self, id: &ast::BindingIdentifier<'_>) -> Pattern {
        let span = self.span(id.span);
        match self.binding(id) {
            Some(var) => Pattern::Var(var, span),
            None => Pattern::Global(self.global(&id.name), span),
        }
    }

    pub(super) fn pattern(&mut self, pattern: &ast::BindingPattern<'_>) -> Pattern {
        self.deeper(pattern.span(), |this| match pattern {
            ast::BindingPattern::BindingIdentifier(id) => this.bound(id),
            ast::BindingPattern::ObjectPattern(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    let key = this.key(&property.key);
                    properties.push((key, this.pattern(&property.value)));
                }
                let rest = object.rest.as_ref().map(|rest| Box::new(this.pattern(&rest.argument)));
                Pattern::Object { properties, rest }
            }
            ast::BindingPattern::ArrayPattern(array) => {
                let items = array.elements.iter().map(|item| item.as_ref().map(|item| this.pattern(item))).collect();
                let rest = array.rest.as_ref().map(|rest| Box::new(this.pattern(&rest.argument)));
                Pattern::Array { items, rest }
            }
            ast::BindingPattern::AssignmentPattern(assignment) => {
                let left = this.pattern(&assignment.left);
                let name = this.pattern_name(&left);
                let right = this.named(&assignment.right, name);
                Pattern::Default(Box::new(left), Box::new(right))
            }
        })
        .unwrap_or(Pattern::Array { items: Vec::new(), rest: None })
    }

    pub(super) fn target(&mut self, target: &ast::AssignmentTarget<'_>) -> Pattern {
        self.deeper(target.span(), |this| match target {
            ast::AssignmentTarget::ArrayAssignmentTarget(array) => {
                let items =
                    array.elements.iter().map(|item| item.as_ref().map(|item| this.maybe_default(item))).collect();
                let rest = array.rest.as_ref().map(|rest| Box::new(this.target(&rest.target)));
                Pattern::Array { items, rest }
            }
            ast::AssignmentTarget::ObjectAssignmentTarget(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    match property {
                        ast::AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(own) => {
                            let span = this.span(own.binding.span);
                            let key = Key::Static(this.name(&own.binding.name), span);
                            let target = this.reference_target(&own.binding);
                            let target = match &own.init {
                                Some(init) => {
                                    let name = this.pattern_name(&target);
                                    Pattern::Default(Box::new(target), Box::new(this.named(init, name)))
                                }
                                None => target,
                            };
                            properties.push((key, target));
                        }
                        ast::AssignmentTargetProperty::AssignmentTargetPropertyProperty(own) => {
                            let key = this.key(&own.name);
                            properties.push((key, this.maybe_default(&own.binding)));
                        }
                    }
                }
                let rest = object.rest.as_ref().map(|rest| Box::new(this.target(&rest.target)));
                Pattern::Object { properties, rest }
            }
            other => match other.as_simple_assignment_target() {
                Some(simple) => this.simple_target(simple),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        })
        .unwrap_or(Pattern::Array { items: Vec::new(), rest: None })
    }

    fn reference_target(&mut self, id: &ast::IdentifierReference<'_>) -> Pattern {
        let span = self.span(id.span);
        match self.resolve(id) {
            Some(var) => Pattern::Var(var, span),
            None => Pattern::Global(self.name(&id.name), span),
        }
    }

    fn maybe_default(&mut self, target: &ast::AssignmentTargetMaybeDefault<'_>) -> Pattern {
        match target {
            ast::AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(own) => {
                let left = self.target(&own.binding);
                let name = self.pattern_name(&left);
                let right = self.named(&own.init, name);
                Pattern::Default(Box::new(left), Box::new(right))
            }
            other => match other.as_assignment_target() {
                Some(target) => self.target(target),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        }
    }

    pub(super) fn simple_target(&mut self, target: &ast::SimpleAssignmentTarget<'_>) -> Pattern {
        let of = |this: &mut Self, inner: &Ast<'_>| match inner {
            Ast::Identifier(id) => this.reference_target(id),
            other => Pattern::Member(Box::new(this.expr(other))),
        };
        match target {
            ast::SimpleAssignmentTarget::AssignmentTargetIdentifier(id) => self.reference_target(id),
            ast::SimpleAssignmentTarget::TSAsExpression(inner) => of(self, &inner.expression),
            ast::SimpleAssignmentTarget::TSSatisfiesExpression(inner) => of(self, &inner.expression),
            ast::SimpleAssignmentTarget::TSNonNullExpression(inner) => of(self, &inner.expression),
            ast::SimpleAssignmentTarget::TSTypeAssertion(inner) => of(self, &inner.expression),
            other => match other.as_member_expression() {
                Some(member) => Pattern::Member(Box::new(self.member(member))),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        }
    }

    pub(super) fn key(&mut self, key: &ast::PropertyKey<'_>) -> Key {
        match key {
            ast::PropertyKey::StaticIdentifier(id) => {
                let span = self.span(id.span);
                Key::Static(self.name(&id.name), span)
            }
            ast::PropertyKey::PrivateIdentifier(id) => {
                let span = self.span(id.span);
                let name = format!("#{}", id.name);
                Key::Static(self.name(&name), span)
            }
            other => match other.as_expression() {
                Some(expr) => self.computed(expr),
                None => Key::Computed(Box::new(simple(Span::default(), ExprKind::Unknown))),
            },
        }
    }

    pub(super) fn computed(&mut self, expr: &Ast<'_>) -> Key {
        let span = self.span(expr.span());
        match expr {
            Ast::StringLiteral(literal) => Key::Static(self.string(literal), span),
            Ast::NumericLiteral(literal) => {
                let text = literal.raw.map_or_else(|| literal.value.to_string(), |raw| raw.to_string());
                Key::Static(self.name(&text), span)
            }
            Ast::TemplateLiteral(template) if template.expressions.is_empty() => match template.quasis.first() {
                Some(quasi) => {
                    let text = quasi.value.cooked.unwrap_or(quasi.value.raw);
                    Key::Static(self.name(&text), span)
                }
                None => Key::Computed(Box::new(self.expr(expr))),
            },
            _ => Key::Computed(Box::new(self.expr(expr))),
        }
    }
}

pub(super) fn key_name(key: &Key) -> Option<Name> {
    match key {
        Key::Static(name, _) => Some(name.clone()),
        Key::Computed(_) => None,
    }
}

pub(super) fn bound_vars(pattern: &Pattern, out: &mut Vec<VarId>) {
    match pattern {
        Pattern::Var(var, _) => out.push(*var),
        Pattern::Object { properties, rest } => {
            properties.iter().for_each(|(_, pattern)| bound_vars(pattern, out));
            rest.iter().for_each(|pattern| bound_vars(pattern, out));
        }
        Pattern::Array { items, rest } => {
            items.iter().flatten().for_each(|pattern| bound_vars(pattern, out));
            rest.iter().for_each(|pattern| bound_vars(pattern, out));
        }
        Pattern::Default(inner, _) => bound_vars(inner, out),
        Pattern::Global(..) | Pattern::Member(_) => {}
    }
}
