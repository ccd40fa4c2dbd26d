//! Classes and their fields.

use oxc_ast::ast::{self, Expression as Ast};

use crate::model::ir::*;
use crate::model::lower::patterns::key_name;
use crate::model::lower::{Lower, simple};

impl<'l> Lower<'l> {
    pub(super) fn class(&mut self, class: &ast::Class<'_>, name: Option<Name>, is_expression: bool) -> Expr {
        let span = self.span(class.span);
        let name = match &class.id {
            Some(id) => Some(self.name(&id.name)),
            None => name,
        };
        let parent = class.heritage.as_ref().map(|heritage| self.expr(&heritage.expression));
        let mut lowered = Class { name, parent, constructor: None, members: Vec::new(), static_blocks: Vec::new() };
        for element in &class.body.body {
            match element {
                ast::ClassElement::StaticBlock(block) => {
                    let id = self.open_function(Some("static".into()), block.span, block.scope_id.get());
                    self.inside(id, block.span, |this| (Vec::new(), this.stmts(&block.body)));
                    lowered.static_blocks.push(id);
                }
                ast::ClassElement::MethodDefinition(method) => {
                    if method.value.body.is_none() {
                        continue;
                    }
                    let key = self.key(&method.key);
                    let name = key_name(&key);
                    let id = self.function(&method.value, name);
                    let member = match method.kind {
                        ast::MethodDefinitionKind::Constructor => {
                            lowered.constructor = Some(id);
                            continue;
                        }
                        ast::MethodDefinitionKind::Get => Property::Getter(key, id),
                        ast::MethodDefinitionKind::Set => Property::Setter(key, id),
                        ast::MethodDefinitionKind::Method => {
                            let at = self.script.functions[id as usize].span;
                            Property::Value(key, simple(at, ExprKind::Function(id)))
                        }
                    };
                    lowered.members.push((method.r#static, member));
                }
                ast::ClassElement::PropertyDefinition(field) => {
                    if field.declare {
                        continue;
                    }
                    let member = self.field(&field.key, field.value.as_ref());
                    lowered.members.push((field.r#static, member));
                }
                ast::ClassElement::AccessorProperty(field) => {
                    let member = self.field(&field.key, field.value.as_ref());
                    lowered.members.push((field.r#static, member));
                }
                ast::ClassElement::TSIndexSignature(_) => {}
            }
        }
        let value = simple(span, ExprKind::Class(Box::new(lowered)));
        match class.id.as_ref().and_then(|id| self.binding(id)) {
            Some(var) if is_expression => {
                let target = Pattern::Var(var, span);
                simple(span, ExprKind::Assign { operator: None, target: Box::new(target), value: Box::new(value) })
            }
            _ => value,
        }
    }

    pub(super) fn field(&mut self, key: &ast::PropertyKey<'_>, value: Option<&Ast<'_>>) -> Property {
        let key = self.key(key);
        let name = key_name(&key);
        let value = match value {
            Some(value) => self.named(value, name),
            None => {
                let span = match &key {
                    Key::Static(_, span) => *span,
                    Key::Computed(expr) => expr.span,
                };
                simple(span, ExprKind::Undefined)
            }
        };
        Property::Value(key, value)
    }
}
