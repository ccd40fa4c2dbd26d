//! Expressions; long chains of operators become balanced trees, so that nothing recurses deeply.

use oxc_ast::ast::{self, Expression as Ast};
use oxc_span::GetSpan;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, LogicalOperator, UnaryOperator};

use crate::model::ir::*;
use crate::model::lower::patterns::key_name;
use crate::model::lower::{Lower, MAX_DEPTH, simple};
use crate::source::Span;

/// Chains of one operator, and of `else if`, that are longer are kept flat.
pub(super) const LONG_CHAIN: usize = 24;

impl<'l> Lower<'l> {
    pub(super) fn expr(&mut self, expr: &Ast<'_>) -> Expr {
        self.named(expr, None)
    }

    /// An expression; a function or class without a name gets `name`.
    pub(super) fn named(&mut self, expr: &Ast<'_>, name: Option<Name>) -> Expr {
        let span = expr.span();
        match self.deeper(span, |this| this.expr_inner(expr, name)) {
            Some(expr) => expr,
            None => simple(self.span(span), ExprKind::Unknown),
        }
    }

    pub(super) fn boxed(&mut self, expr: &Ast<'_>) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn expr_inner(&mut self, expr: &Ast<'_>, name: Option<Name>) -> Expr {
        let span = self.span(expr.span());
        let kind = match expr {
            Ast::BooleanLiteral(literal) => ExprKind::Bool(literal.value),
            Ast::NullLiteral(_) => ExprKind::Null,
            Ast::NumericLiteral(literal) => ExprKind::Number(literal.value),
            Ast::BigIntLiteral(literal) => ExprKind::Number(literal.value.parse().unwrap_or(f64::NAN)),
            Ast::RegExpLiteral(literal) => match literal.raw {
                Some(raw) => ExprKind::Regex(raw.as_str().into()),
                None => ExprKind::Regex(literal.regex.pattern.text.as_str().into()),
            },
            Ast::StringLiteral(literal) => ExprKind::String(self.string(literal)),
            Ast::TemplateLiteral(template) => {
                let (quasis, expressions) = self.template(template);
                match quasis.as_slice() {
                    [only] if expressions.is_empty() => ExprKind::String(only.clone()),
                    _ => ExprKind::Template(quasis, expressions),
                }
            }
            Ast::Identifier(id) => return self.identifier(id),
            Ast::Super(_) => ExprKind::Super,
            Ast::ThisExpression(_) => ExprKind::This,
            Ast::ArrayExpression(array) => {
                let mut items = Vec::with_capacity(array.elements.len());
                for item in &array.elements {
                    items.push(match item {
                        ast::ArrayExpressionElement::SpreadElement(spread) => {
                            Some(Arg { value: self.expr(&spread.argument), spread: true })
                        }
                        ast::ArrayExpressionElement::Elision(_) => None,
                        other => other.as_expression().map(|value| Arg { value: self.expr(value), spread: false }),
                    });
                }
                ExprKind::Array(items)
            }
            Ast::ArrowFunctionExpression(arrow) => {
                if self.scoping.is_none() {
                    ExprKind::Unknown
                } else {
                    ExprKind::Function(self.arrow(arrow, name))
                }
            }
            Ast::FunctionExpression(function) => {
                if self.scoping.is_none() {
                    ExprKind::Unknown
                } else {
                    ExprKind::Function(self.function(function, name))
                }
            }
            Ast::ClassExpression(class) => {
                if self.scoping.is_none() {
                    ExprKind::Unknown
                } else {
                    return self.class(class, name, true);
                }
            }
            Ast::AssignmentExpression(assignment) => {
                let target = Box::new(self.target(&assignment.left));
                let name = self.pattern_name(&target);
                let value = Box::new(self.named(&assignment.right, name));
                ExprKind::Assign { operator: assignment_operator(assignment.operator), target, value }
            }
            Ast::AwaitExpression(inner) => ExprKind::Await(self.boxed(&inner.argument)),
            Ast::BinaryExpression(binary) => return self.binary_chain(binary),
            Ast::LogicalExpression(logical) => return self.logical_chain(logical, name),
            Ast::CallExpression(call) => return self.call(call),
            Ast::ChainExpression(chain) => match &chain.expression {
                ast::ChainElement::CallExpression(call) => return self.call(call),
                ast::ChainElement::TSNonNullExpression(inner) => return self.expr(&inner.expression),
                other => match other.as_member_expression() {
                    Some(member) => return self.member(member),
                    None => ExprKind::Unknown,
                },
            },
            Ast::ConditionalExpression(conditional) => {
                let test = self.boxed(&conditional.test);
                let then = Box::new(self.named(&conditional.consequent, name.clone()));
                let other = Box::new(self.named(&conditional.alternate, name));
                ExprKind::Conditional(test, then, other)
            }
            Ast::ImportExpression(import) => ExprKind::Import(self.boxed(&import.source)),
            Ast::NewExpression(new) => {
                let callee = self.boxed(&new.callee);
                let args = self.args(&new.arguments);
                ExprKind::New { callee, args }
            }
            Ast::ObjectExpression(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    properties.push(match property {
                        ast::ObjectPropertyKind::SpreadProperty(spread) => {
                            Property::Spread(self.expr(&spread.argument))
                        }
                        ast::ObjectPropertyKind::ObjectProperty(property) => {
                            let key = self.key(&property.key);
                            let name = key_name(&key);
                            match (property.kind, &property.value) {
                                (ast::PropertyKind::Get, Ast::FunctionExpression(function))
                                    if self.scoping.is_some() =>
                                {
                                    Property::Getter(key, self.function(function, name))
                                }
                                (ast::PropertyKind::Set, Ast::FunctionExpression(function))
                                    if self.scoping.is_some() =>
                                {
                                    Property::Setter(key, self.function(function, name))
                                }
                                (_, value) => Property::Value(key, self.named(value, name)),
                            }
                        }
                    });
                }
                ExprKind::Object(properties)
            }
            Ast::ParenthesizedExpression(inner) => return self.named(&inner.expression, name),
            Ast::SequenceExpression(sequence) => {
                ExprKind::Sequence(sequence.expressions.iter().map(|item| self.expr(item)).collect())
            }
            Ast::TaggedTemplateExpression(tagged) => {
                let tag = self.expr(&tagged.tag);
                let (quasis, expressions) = self.template(&tagged.quasi);
                ExprKind::Tagged(Box::new((tag, quasis, expressions)))
            }
            Ast::UnaryExpression(unary) => match unary.operator {
                UnaryOperator::LogicalNot => match &unary.argument {
                    Ast::NumericLiteral(literal) => ExprKind::Bool(literal.value == 0.0),
                    argument => ExprKind::Not(self.boxed(argument)),
                },
                UnaryOperator::UnaryNegation => match &unary.argument {
                    Ast::NumericLiteral(literal) => ExprKind::Number(-literal.value),
                    argument => ExprKind::Unary(Operator::Sub, self.boxed(argument)),
                },
                UnaryOperator::UnaryPlus => ExprKind::Unary(Operator::Add, self.boxed(&unary.argument)),
                UnaryOperator::BitwiseNot => ExprKind::Unary(Operator::BitXor, self.boxed(&unary.argument)),
                UnaryOperator::Typeof => ExprKind::Typeof(self.boxed(&unary.argument)),
                UnaryOperator::Delete => ExprKind::Delete(self.boxed(&unary.argument)),
                UnaryOperator::Void => match &unary.argument {
                    Ast::NumericLiteral(_) => ExprKind::Undefined,
                    argument => ExprKind::Sequence(vec![self.expr(argument), simple(span, ExprKind::Undefined)]),
                },
            },
            Ast::UpdateExpression(update) => ExprKind::Update(self.simple_target(&update.argument)),
            Ast::YieldExpression(inner) => ExprKind::Yield(inner.argument.as_ref().map(|value| self.boxed(value))),
            Ast::PrivateInExpression(inner) => {
                self.expr(&inner.right);
                ExprKind::Unknown
            }
            Ast::JSXElement(element) => return self.jsx(element),
            Ast::JSXFragment(fragment) => {
                let children = self.jsx_children(&fragment.children);
                ExprKind::Jsx(Box::new((simple(span, ExprKind::String("".into())), Vec::new(), children)))
            }
            Ast::TSAsExpression(inner) => return self.named(&inner.expression, name),
            Ast::TSSatisfiesExpression(inner) => return self.named(&inner.expression, name),
            Ast::TSTypeAssertion(inner) => return self.named(&inner.expression, name),
            Ast::TSNonNullExpression(inner) => return self.named(&inner.expression, name),
            Ast::TSInstantiationExpression(inner) => return self.named(&inner.expression, name),
            Ast::ImportMeta(_) | Ast::NewTarget(_) | Ast::V8IntrinsicExpression(_) => ExprKind::Unknown,
            other => match other.as_member_expression() {
                Some(member) => return self.member(member),
                None => ExprKind::Unknown,
            },
        };
        simple(span, kind)
    }

    pub(super) fn template(&mut self, template: &ast::TemplateLiteral<'_>) -> (Vec<Name>, Vec<Expr>) {
        let quasis =
            template.quasis.iter().map(|quasi| self.name(&quasi.value.cooked.unwrap_or(quasi.value.raw))).collect();
        let expressions = template.expressions.iter().map(|value| self.expr(value)).collect();
        (quasis, expressions)
    }

    pub(super) fn args(&mut self, args: &[ast::Argument<'_>]) -> Vec<Arg> {
        let mut out = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                ast::Argument::SpreadElement(spread) => {
                    out.push(Arg { value: self.expr(&spread.argument), spread: true })
                }
                other => {
                    if let Some(value) = other.as_expression() {
                        out.push(Arg { value: self.expr(value), spread: false });
                    }
                }
            }
        }
        out
    }

    pub(super) fn call(&mut self, call: &ast::CallExpression<'_>) -> Expr {
        let span = self.span(call.span);
        let callee = self.boxed(&call.callee);
        let args = self.args(&call.arguments);
        simple(span, ExprKind::Call { callee, args, optional: call.optional })
    }

    pub(super) fn member(&mut self, member: &ast::MemberExpression<'_>) -> Expr {
        let span = self.span(member.span());
        let (object, key, optional) = match member {
            ast::MemberExpression::ComputedMemberExpression(own) => {
                let object = self.boxed(&own.object);
                (object, self.computed(&own.expression), own.optional)
            }
            ast::MemberExpression::StaticMemberExpression(own) => {
                let object = self.boxed(&own.object);
                let at = self.span(own.property.span);
                (object, Key::Static(self.name(&own.property.name), at), own.optional)
            }
            ast::MemberExpression::PrivateFieldExpression(own) => {
                let object = self.boxed(&own.object);
                let at = self.span(own.field.span);
                let name = format!("#{}", own.field.name);
                (object, Key::Static(self.name(&name), at), own.optional)
            }
        };
        simple(span, ExprKind::Member { object, key, optional })
    }

    /// Left-deep chains: walked without recursion, and long ones of one associative operator become balanced.
    fn binary_chain(&mut self, binary: &ast::BinaryExpression<'_>) -> Expr {
        let mut parts: Vec<(BinaryOperator, &Ast<'_>, oxc_span::Span)> = Vec::new();
        let mut current = binary;
        let first = loop {
            parts.push((current.operator, &current.right, current.span));
            match &current.left {
                Ast::BinaryExpression(left) => current = left,
                other => break other,
            }
        };
        parts.reverse();
        let long = parts.len() > LONG_CHAIN;
        let mut left = self.expr(first);
        if long && parts.iter().all(|(operator, _, _)| *operator == BinaryOperator::Addition) {
            let mut items = vec![left];
            items.extend(parts.into_iter().map(|(_, right, _)| self.expr(right)));
            return balanced(items, &|span, a, b| {
                simple(span, ExprKind::Binary(Operator::Add, Box::new(a), Box::new(b)))
            });
        }
        for (index, (operator, right, span)) in parts.into_iter().enumerate() {
            let right = self.expr(right);
            if index as u32 > MAX_DEPTH {
                left = with_operand(left, right, self.span(span));
                continue;
            }
            let kind = ExprKind::Binary(binary_operator(operator), Box::new(left), Box::new(right));
            left = simple(self.span(span), kind);
        }
        left
    }

    /// A function that stands last has the name of what the chain is kept in (`var load = (this && this.load) || function () {}`).
    fn logical_chain(&mut self, logical: &ast::LogicalExpression<'_>, mut name: Option<Name>) -> Expr {
        let mut parts: Vec<(LogicalOperator, &Ast<'_>, oxc_span::Span)> = Vec::new();
        let mut current = logical;
        let first = loop {
            parts.push((current.operator, &current.right, current.span));
            match &current.left {
                Ast::LogicalExpression(left) => current = left,
                other => break other,
            }
        };
        parts.reverse();
        let mut left = self.expr(first);
        if parts.len() > LONG_CHAIN && parts.iter().all(|(operator, _, _)| *operator == parts[0].0) {
            let operator = logical_operator(parts[0].0);
            let mut items = vec![left];
            items.extend(parts.into_iter().map(|(_, right, _)| self.expr(right)));
            return balanced(items, &|span, a, b| simple(span, ExprKind::Logical(operator, Box::new(a), Box::new(b))));
        }
        let last = parts.len() - 1;
        for (index, (operator, right, span)) in parts.into_iter().enumerate() {
            let right = self.named(right, if index == last { name.take() } else { None });
            if index as u32 > MAX_DEPTH {
                left = with_operand(left, right, self.span(span));
                continue;
            }
            left =
                simple(self.span(span), ExprKind::Logical(logical_operator(operator), Box::new(left), Box::new(right)));
        }
        left
    }
}

/// One operand more where a chain is too deep a tree for those who read it: the operands are kept, their operators are not.
fn with_operand(left: Expr, right: Expr, span: Span) -> Expr {
    let items = match left.kind {
        ExprKind::Sequence(mut items) => {
            items.push(right);
            items
        }
        _ => vec![left, right],
    };
    simple(span, ExprKind::Sequence(items))
}

/// A balanced tree over operands, left to right.
fn balanced(mut items: Vec<Expr>, join: &dyn Fn(Span, Expr, Expr) -> Expr) -> Expr {
    while items.len() > 1 {
        let mut next = Vec::with_capacity(items.len().div_ceil(2));
        let mut rest = items.into_iter();
        while let Some(left) = rest.next() {
            next.push(match rest.next() {
                Some(right) => join(Span::new(left.span.start, right.span.end), left, right),
                None => left,
            });
        }
        items = next;
    }
    items.pop().unwrap_or_else(|| simple(Span::default(), ExprKind::Undefined))
}

fn assignment_operator(operator: AssignmentOperator) -> Option<Operator> {
    if let Some(binary) = operator.to_binary_operator() {
        return Some(binary_operator(binary));
    }
    operator.to_logical_operator().map(logical_operator)
}

fn logical_operator(operator: LogicalOperator) -> Operator {
    match operator {
        LogicalOperator::And => Operator::And,
        LogicalOperator::Or => Operator::Or,
        LogicalOperator::Coalesce => Operator::Coalesce,
    }
}

fn binary_operator(operator: BinaryOperator) -> Operator {
    match operator {
        BinaryOperator::Equality | BinaryOperator::StrictEquality => Operator::Eq,
        BinaryOperator::Inequality | BinaryOperator::StrictInequality => Operator::NotEq,
        BinaryOperator::LessThan => Operator::Less,
        BinaryOperator::LessEqualThan => Operator::LessEq,
        BinaryOperator::GreaterThan => Operator::Greater,
        BinaryOperator::GreaterEqualThan => Operator::GreaterEq,
        BinaryOperator::ShiftLeft => Operator::ShiftLeft,
        BinaryOperator::ShiftRight | BinaryOperator::ShiftRightZeroFill => Operator::ShiftRight,
        BinaryOperator::Addition => Operator::Add,
        BinaryOperator::Subtraction => Operator::Sub,
        BinaryOperator::Multiplication => Operator::Mul,
        BinaryOperator::Division => Operator::Div,
        BinaryOperator::Remainder => Operator::Rem,
        BinaryOperator::Exponential => Operator::Exp,
        BinaryOperator::BitwiseOR => Operator::BitOr,
        BinaryOperator::BitwiseXOR => Operator::BitXor,
        BinaryOperator::BitwiseAnd => Operator::BitAnd,
        BinaryOperator::In => Operator::In,
        BinaryOperator::Instanceof => Operator::InstanceOf,
    }
}
