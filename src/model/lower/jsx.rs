//! Elements that stand in scripts, as the calls that a compiler makes of them.

use oxc_ast::ast;
use oxc_span::GetSpan;

use crate::model::ir::*;
use crate::model::lower::{Lower, MAX_DEPTH, simple};
use crate::source::Span;

impl<'l> Lower<'l> {
    pub(super) fn jsx(&mut self, element: &ast::JSXElement<'_>) -> Expr {
        let span = self.span(element.span);
        let tag = self.jsx_name(&element.opening_element.name);
        let mut properties = Vec::new();
        for item in &element.opening_element.attributes {
            match item {
                ast::JSXAttributeItem::SpreadAttribute(spread) => {
                    properties.push(Property::Spread(self.expr(&spread.argument)))
                }
                ast::JSXAttributeItem::Attribute(attribute) => {
                    let at = self.span(attribute.name.span());
                    let name = match &attribute.name {
                        ast::JSXAttributeName::Identifier(id) => self.name(&id.name),
                        ast::JSXAttributeName::NamespacedName(own) => {
                            let name = format!("{}:{}", own.namespace.name, own.name.name);
                            self.name(&name)
                        }
                    };
                    let value = match &attribute.value {
                        None => simple(at, ExprKind::Bool(true)),
                        Some(ast::JSXAttributeValue::StringLiteral(literal)) => {
                            let at = self.span(literal.span);
                            simple(at, ExprKind::String(self.string(literal)))
                        }
                        Some(ast::JSXAttributeValue::ExpressionContainer(container)) => {
                            match container.expression.as_expression() {
                                Some(value) => self.named(value, Some(name.clone())),
                                None => simple(at, ExprKind::Undefined),
                            }
                        }
                        Some(ast::JSXAttributeValue::Element(element)) => self
                            .deeper(element.span, |this| this.jsx(element))
                            .unwrap_or_else(|| simple(at, ExprKind::Unknown)),
                        Some(ast::JSXAttributeValue::Fragment(fragment)) => {
                            let children = self.jsx_children(&fragment.children);
                            simple(
                                at,
                                ExprKind::Array(
                                    children.into_iter().map(|value| Some(Arg { value, spread: false })).collect(),
                                ),
                            )
                        }
                    };
                    properties.push(Property::Value(Key::Static(name, at), value));
                }
            }
        }
        let children = self.jsx_children(&element.children);
        simple(span, ExprKind::Jsx(Box::new((tag, properties, children))))
    }

    fn jsx_name(&mut self, name: &ast::JSXElementName<'_>) -> Expr {
        let span = self.span(name.span());
        match name {
            ast::JSXElementName::Identifier(id) => simple(span, ExprKind::String(self.name(&id.name))),
            ast::JSXElementName::IdentifierReference(id) => self.identifier(id),
            ast::JSXElementName::NamespacedName(own) => {
                let name = format!("{}:{}", own.namespace.name, own.name.name);
                simple(span, ExprKind::String(self.name(&name)))
            }
            ast::JSXElementName::MemberExpression(member) => {
                let mut keys = Vec::new();
                let mut current = &**member;
                let mut expr = loop {
                    keys.push(&current.property);
                    match &current.object {
                        ast::JSXMemberExpressionObject::MemberExpression(inner) => current = inner,
                        ast::JSXMemberExpressionObject::IdentifierReference(id) => break self.identifier(id),
                        ast::JSXMemberExpressionObject::ThisExpression(this) => {
                            break simple(self.span(this.span), ExprKind::This);
                        }
                    }
                };
                for key in keys.into_iter().rev().take(MAX_DEPTH as usize) {
                    let at = self.span(key.span);
                    let key = Key::Static(self.name(&key.name), at);
                    expr = simple(
                        Span::new(expr.span.start, at.end),
                        ExprKind::Member { object: Box::new(expr), key, optional: false },
                    );
                }
                expr
            }
            ast::JSXElementName::ThisExpression(_) => simple(span, ExprKind::This),
        }
    }

    pub(super) fn jsx_children(&mut self, children: &[ast::JSXChild<'_>]) -> Vec<Expr> {
        let mut out = Vec::new();
        for child in children {
            match child {
                ast::JSXChild::Text(text) => {
                    if !text.value.trim().is_empty() {
                        let span = self.span(text.span);
                        out.push(simple(span, ExprKind::String(self.name(text.value.trim()))));
                    }
                }
                ast::JSXChild::Element(element) => out.extend(self.deeper(element.span, |this| this.jsx(element))),
                ast::JSXChild::Fragment(fragment) => {
                    out.extend(
                        self.deeper(fragment.span, |this| this.jsx_children(&fragment.children)).into_iter().flatten(),
                    );
                }
                ast::JSXChild::ExpressionContainer(container) => {
                    out.extend(container.expression.as_expression().map(|value| self.expr(value)));
                }
                ast::JSXChild::Spread(spread) => out.push(self.expr(&spread.expression)),
            }
        }
        out
    }
}
