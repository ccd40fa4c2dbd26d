use super::*;

fn read(text: &str) -> Document {
    let document = parse(text, &Dialect::default());
    assert_eq!(document.reprint(text), text);
    document
}

/// The tree in a short form.
fn shape(text: &str) -> String {
    fn node(document: &Document, text: &str, id: NodeId) -> String {
        match &document.nodes[id as usize].kind {
            NodeKind::Root { children } => children.iter().map(|id| node(document, text, *id)).collect(),
            NodeKind::Element(element) => {
                let attributes: String = element
                    .attributes
                    .iter()
                    .map(|attribute| match &attribute.value {
                        Some(value) => format!(" {}={}", attribute.name, parts(&value.parts, text)),
                        None => format!(" {}", attribute.name),
                    })
                    .collect();
                let raw = element.raw.map(|raw| format!("[{}]", raw.slice(text))).unwrap_or_default();
                let children: String = element.children.iter().map(|id| node(document, text, *id)).collect();
                format!("({}{attributes}{raw}{children})", element.name)
            }
            NodeKind::Text(all) => parts(all, text).trim().to_owned(),
            NodeKind::Comment(span) => format!("#{}#", span.slice(text)),
            NodeKind::Other => "?".to_owned(),
        }
    }
    fn parts(parts: &[Part], text: &str) -> String {
        parts
            .iter()
            .map(|part| match part {
                Part::Text { text, .. } => text.to_string(),
                Part::Interpolation { expression, two_way, .. } => {
                    format!("{}{}{}", if *two_way { "«=" } else { "«" }, expression.slice(text), "»")
                }
            })
            .collect()
    }
    node(&read(text), text, 0)
}

fn errors(text: &str) -> Vec<TemplateErrorKind> {
    read(text).errors.iter().map(|error| error.kind).collect()
}

#[test]
fn plain_markup() {
    assert_eq!(
        shape("<view class=\"a {{b}}\"><text>x&lt;{{ y }}</text><image src='u'/></view>\r\n"),
        "(view class=a «b»(text x<« y »)(image src=u))".replace("(text x", "(textx")
    );
    assert_eq!(shape("<!-- c --><Block s-if=a></BLOCK>"), "# c #(block s-if=a)");
    assert!(errors("<view class=\"a {{b}}\"><text>x</text><image src='u'/></view>").is_empty());
}

#[test]
fn interpolations() {
    assert_eq!(
        shape("{{a < b && c > d}}<view x=\"{{ a > 1 ? '}}' : \"q\" }}\"/>"),
        "«a < b && c > d»(view x=« a > 1 ? '}}' : \"q\" »)"
    );
    assert_eq!(shape("<template data=\"{{{a, ...b}}}\"/>"), "(template data=«{a, ...b}»)");
    assert_eq!(shape("<template data=\"{{ {a: {b: 1}} }}\"/>"), "(template data=« {a: {b: 1}} »)");
    assert_eq!(shape("<input value=\"{= v =}\" x={{a>b}} y>"), "(input value=«= v » x=«a>b» y)");
    assert_eq!(shape("<view>{{ it's }} {a} {{b}}</view>"), "(view« it's » {a} «b»)");
    assert_eq!(shape("<view a=\"{{b\" c=\"d\">{{e</view>{{f}}"), "(view a={{b c=d{{e)«f»");
    assert_eq!(errors("<view a=\"{{b\" c=\"d\">{{e</view>{{f}}"), [TemplateErrorKind::UnclosedInterpolation; 2]);
}

#[test]
fn damage_is_mended_and_told() {
    use TemplateErrorKind::*;
    assert_eq!(shape("<view><text>a</view></text>b"), "(view(texta))?b");
    assert_eq!(errors("<view><text>a</view></text>b"), [UnclosedElement, StrayEndTag]);
    assert_eq!(shape("<view class=a b='c'd>x"), "(view class=a b=c dx)");
    assert_eq!(errors("<view a=1 a=2/>"), [DuplicateAttribute]);
    assert_eq!(shape("<view class=\"a\n  id=\"b\">c</view>"), "(view class=a id=bc)");
    assert_eq!(shape("<view <text>a</text>"), "(view(texta))");
    assert_eq!(shape("a < b <3 </ >"), "a < b <3 </ >");
    assert_eq!(errors("<view class=\"x"), [UnclosedQuote, UnclosedTag, UnclosedElement]);
    assert_eq!(shape("<!-- open"), "# open#");
}

#[test]
fn void_tags_may_stay_open() {
    assert_eq!(shape("<view><input><image></image><import src=\"x\">t</view>"), "(view(input)(image)(import src=x)t)");
    assert!(errors("<view><input><image></image><import src=\"x\">t</view>").is_empty());
    assert_eq!(shape("<image><cover-view/></image><image>"), "(image(cover-view))(image)");
}

#[test]
fn raw_bodies() {
    assert_eq!(
        shape("<filter module=\"f\">if (a<b && c>d) { '</view>' }</filter>t"),
        "(filter module=f[if (a<b && c>d) { '</view>' }])t"
    );
    assert_eq!(
        shape("<import-sjs src=\"a.sjs\" module=\"m\"/><wxs src='x' module='y'><view/>"),
        "(import-sjs src=a.sjs module=m)(wxs src=x module=y)(view)"
    );
}

#[test]
fn depth_and_length_are_bounded() {
    let text = "<view>".repeat(20_000);
    let document = read(&text);
    assert!(document.errors.iter().any(|error| error.kind == TemplateErrorKind::TooDeep));
    let text = format!("{}x{}", "<view>".repeat(2_000), "</view>".repeat(2_000));
    assert_eq!(read(&text).errors.len(), 1);
    for bomb in
        ["{{", "{{'", "<a b=\"", "<image>", "</a>", "<a {{", "{= ", "{{{}", "<!--", "<a b={{", "'", "<a a=\"{{'"]
    {
        read(&bomb.repeat(50_000));
    }
}

#[test]
fn text_of_an_element() {
    let text = "<view>a <text>b{{c}}</text>\n d&amp;</view>";
    let document = read(text);
    assert_eq!(document.text_of(1), "a b\n d&");
}
