use super::*;

fn js(text: &str) -> Script {
    script(text, ScriptKind::JavaScript)
}

fn function<'s>(script: &'s Script, name: &str) -> &'s Function {
    script.functions.iter().find(|function| function.name.as_deref() == Some(name)).unwrap()
}

#[test]
fn functions_take_the_names_of_what_they_stand_in() {
    let script = js(
        "var a = function(){}; Page({ onLoad() {}, tap: () => 1, 'x': function(){} }); exports.b = () => {}; module.exports = function(){}; class C { m(){} f = () => {} }",
    );
    let names: Vec<_> = script.functions.iter().map(|function| function.name.as_deref().unwrap_or("-")).collect();
    assert_eq!(names, ["-", "a", "onLoad", "tap", "x", "b", "-", "m", "f"]);
    assert!(function(&script, "tap").arrow);
    assert!(matches!(function(&script, "tap").body[0].kind, StmtKind::Return(Some(_))));
}

#[test]
fn variables_belong_to_functions() {
    let script = js("let top = 1; function f(p) { if (p) { let block = top; var v = arguments } return () => p }");
    let owner = |name: &str| script.variables.iter().find(|variable| &*variable.name == name).unwrap().owner;
    assert_eq!((owner("top"), owner("f"), owner("p"), owner("block"), owner("v")), (0, 0, 1, 1, 1));
    assert_eq!(
        script.functions[0].hoisted,
        [(script.variables.iter().position(|v| &*v.name == "f").unwrap() as u32, 1)]
    );
    assert_eq!(script.functions[2].parent, 1);
}

#[test]
fn modules() {
    let script = js(
        "import a, { b as c } from './x'; import './y'; export default { q: 1 }; export const d = 1, { e } = a; export { c as f }; export * from './z'; export { g as h } from './w'",
    );
    assert!(script.module);
    let imports: Vec<_> =
        script.imports.iter().map(|import| (&*import.from, &*import.name, import.local.is_some())).collect();
    assert_eq!(imports, [("./x", "default", true), ("./x", "b", true), ("./y", "*", false)]);
    let exports: Vec<_> = script
        .exports
        .iter()
        .map(|export| match export {
            Export::Local { name, local } => format!("{name}={}", script.variables[*local as usize].name),
            Export::From { from, imported, name, .. } => format!("{name}<{imported}@{from}"),
        })
        .collect();
    assert_eq!(exports, ["default=default", "d=d", "e=e", "f=c", "*<*@./z", "h<g@./w"]);
}

#[test]
fn chains_folds_and_loops() {
    let script = js(
        "a?.b?.(c).d; !0; void 0; for (var i = 0; i < 3; i++) { x() } out: for (const k in o) continue out; label: for (;;) break label",
    );
    let body = &script.functions[0].body;
    assert!(matches!(&body[1].kind, StmtKind::Expr(Expr { kind: ExprKind::Bool(true), .. })));
    assert!(matches!(&body[2].kind, StmtKind::Expr(Expr { kind: ExprKind::Undefined, .. })));
    let StmtKind::Block(None, inner) = &body[3].kind else { panic!("{:?}", body[3]) };
    assert!(matches!((&inner[0].kind, &inner[1].kind), (StmtKind::Let(..), StmtKind::Loop { .. })));
    assert!(
        matches!(&body[4].kind, StmtKind::Block(Some(_), inner) if matches!(inner[0].kind, StmtKind::ForEach { keys: true, .. }))
    );
    assert!(matches!(&body[5].kind, StmtKind::Block(Some(_), inner) if matches!(inner[0].kind, StmtKind::Loop { .. })));
}

#[test]
fn typescript_and_flow() {
    let text = "enum E { A, B = 4, C } namespace N { export const x = 1 } const y = <T,>(z: T) => z as any; let w = y!.q; import fs = require('./fs'); type T = string; declare const d: number; class P { constructor(private readonly k: string) {} }";
    let lowered = script(text, ScriptKind::TypeScript);
    assert!(lowered.errors.is_empty() && lowered.damage.is_empty(), "{:?}", lowered.errors);
    assert!(function(&lowered, "y").arrow);
    let flow =
        js("// @flow\nimport type { A } from './a';\nconst f = (x: ?string, y: Array<number>): void => { g('s') };");
    assert!(flow.damage.is_empty(), "{:?}", flow.errors);
}

#[test]
fn jsx() {
    let script = js("const v = <View onClick={() => go('x')} {...p}>text {a}<T.B/></View>");
    assert!(script.errors.is_empty());
    let StmtKind::Let(_, Some(value)) = &script.functions[0].body[0].kind else { panic!() };
    let ExprKind::Jsx(parts) = &value.kind else { panic!() };
    let (_, properties, children) = &**parts;
    assert_eq!((properties.len(), children.len()), (2, 3));
    assert_eq!(script.functions[1].name.as_deref(), Some("onClick"));
}

#[test]
fn spans_are_exact() {
    let text = "swan.getLocation({ success: res => this.setData({ 'a.b': res }) })";
    let script = js(text);
    let StmtKind::Expr(call) = &script.functions[0].body[0].kind else { panic!() };
    assert_eq!(call.span.slice(text), text);
    let ExprKind::Call { callee, .. } = &call.kind else { panic!() };
    let ExprKind::Member { key: Key::Static(_, span), .. } = &callee.kind else { panic!() };
    assert_eq!(span.slice(text), "getLocation");
}

#[test]
fn template_expressions() {
    let at = |text: &str| expression(text, 10).unwrap();
    assert!(matches!(at(" a.b ").kind, ExprKind::Member { .. }));
    assert_eq!(at(" a.b ").span, Span::new(11, 14));
    assert_eq!(at("a[0] + 'x'").span, Span::new(10, 20));
    let ExprKind::Object(properties) = at("a, b: 'x', ...c").kind else { panic!() };
    assert_eq!(properties.len(), 3);
    let Property::Value(Key::Static(name, span), _) = &properties[1] else { panic!() };
    assert_eq!((&**name, *span), ("b", Span::new(13, 14)));
    assert!(matches!(at(" {a, ...b} ").kind, ExprKind::Object(_)));
    assert!(matches!(at("...c").kind, ExprKind::Object(_)));
    assert!(matches!(at("a").kind, ExprKind::Global(_)));
    assert!(matches!(at("m.fn(a, b)").kind, ExprKind::Call { .. }));
    assert!(expression("a b", 0).is_none());
    assert!(expression("", 0).is_none());
}

#[test]
fn bombs_do_not_overflow() {
    for bomb in [
        "(",
        "[",
        "{",
        "!",
        "a=>",
        "if(a)",
        "-",
        "new ",
        "a?b:",
        "x=",
        "`${",
        "<a>",
        "a.b.",
        "do ",
        "typeof ",
        "a+",
        "if(a){b}else ",
        "a&&",
        "f(",
        "function(){",
        "{a:",
        "[a,",
        "a??",
        "-x**",
        "class extends ",
    ] {
        let text = bomb.repeat(10_000);
        let _ = js(&text);
        let _ = expression(&text, 0);
    }
    let text = format!("{}x{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(js(&text).errors.is_empty());
    let text = format!("x={}'z'", "a+'b'+".repeat(10_000));
    assert!(js(&text).damage.is_empty());
    let text = format!("if(a){{f()}}{}", "else if(b){g()}".repeat(10_000));
    assert!(js(&text).damage.is_empty());
    let text = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(js(&text).damage.len(), 1);
}
