//! The content matcher over the embedded packs: what must fire, what must not, and how evasions are undone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use minivet::policy::content::Content;
use minivet::policy::packs::Packs;
use minivet::text::{
    Certainty, Doubt, Evasions, Lexicon, Mapped, Match, Matcher, Readings, Strength, Term, View, audit, fold, import,
    simplified, splits,
};
use proptest::prelude::*;

fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(|| {
        let mut errors = Vec::new();
        let lexicon = Content::default().lexicon(&Packs::embedded(), &mut errors);
        assert_eq!(errors, []);
        lexicon
    })
}

fn matcher() -> &'static Matcher {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    MATCHER.get_or_init(|| Matcher::new(lexicon()))
}

fn fired(text: &str) -> Vec<Match> {
    matcher().find(text).into_iter().filter(|one| one.fires).collect()
}

fn told(text: &str) -> String {
    let found = matcher().find(text);
    let one = |one: &Match| {
        format!("{} {} {:?} {} +{:?} -{:?}", one.class, one.term, one.evasions.names(), one.score, one.pros, one.cons)
    };
    found.iter().map(one).collect::<Vec<_>>().join("\n    ")
}

/// Ordinary phrases that hold, or seem to hold, a term.
const CLEAN: &[&str] = &[
    "48口交换机，全千兆网管型",
    "道路交通出行提示",
    "进出口、交通运输与仓储",
    "禁止赌博，违者报警处理",
    "反诈骗宣传进社区",
    "防诈骗指南：这些话术要记牢",
    "毒品危害教育主题班会",
    "澳门博彩税收同比增长，记者从财政局获悉",
    "最高法院发布司法解释",
    "市第一中学招生简章",
    "散布淫秽、色情、赌博、暴力、凶杀、恐怖或者教唆犯罪的",
    "平台禁止发布招嫖、代开发票、刷单返利等信息",
    "清炒菠菜、凉拌菠菜、菠菜面",
    "取件地址：雄州街道办事处旁",
    "定制个性服务，提供一次性服务用品",
    "理性交流，文明发言",
    "请填写开户行与开户名",
    "会员充值后余额可提现至原支付账户",
    "请下单前阅读注意事项",
    "采购彩色喷墨打印机",
    "车险理赔率与赔付率统计",
    "儿童水枪、泡泡枪夏季热卖",
    "冠军火锅开业预约",
    "消毒品、口罩到货提醒",
    "黑芝麻、亚麻籽、火麻仁礼盒",
    "射箭俱乐部团购",
    "空调外挂机拆装",
    "海报设计、印刷单页报价",
    "成人高考、成人教育报名入口",
    "国家级非物质文化遗产代表性项目",
    "第一步填写信息，第二步提交审核",
    "增值税发票抬头与税号",
    "上传身份证与毕业证照片",
    "刻章备案与公司注册代办",
    "妇科检查与阴道镜预约",
    "艾滋病预防与安全性行为科普",
    "网速提升2.1点，延迟1.8秒",
    "草 泥 马路对面的花店",
    "在代表女子团体最高水平的比赛中",
    "股民们开始出售ＭＭＭ股票",
    "90后与95后网友看完都说不知道怎么选",
    "huanqi",
    "热熔胶枪、手枪钻、喷枪五金专卖",
    "生成海报，分享给好友一起拼团",
    "凡是要求先垫付再返佣的兼职都是诈骗",
    "贩卖毒品罪的量刑标准",
    "虎门销烟：鸦片战争的历史",
    "最大可上传 9 张图片，最高不超过 10MB",
    "桃花源景区门票预订",
    "本店不提供代写论文服务",
    "吃枣药丸、麻辣烫、麻将桌",
    "银行流水打印指南",
    "贷款市场报价利率（LPR）公告",
    "公积金贷款额度查询",
    "全国人大代表名单查询",
    "唯一标识与绝对路径说明",
    "国际禁毒日知识竞赛：珍爱生命，远离毒品",
    "海底捕鱼、出海捕鱼体验券",
    "考研考前答疑与冲刺课程",
    "现代考古与古代考工记",
    "民族：汉族、蒙古族、维吾尔族",
    "高血压、糖尿病患者的用药与治疗",
    "新冠疫苗接种点与不良反应说明",
    "微信扫码支付，领取优惠券",
    "手机维修，上门服务，电话预约",
    "老师傅手工打造，品质优良",
];

/// Phrases that must fire, with the class.
const EVASIVE: &[(&str, &str)] = &[
    ("線上賭場開戶，首存送彩金", "gambling"),
    ("百.家.乐真人荷官", "gambling"),
    ("百🔥家🔥乐等你来", "gambling"),
    ("du博平台，稳定出款", "gambling"),
    ("贝者十尃网站官方入口", "gambling"),
    ("菠菜平台代理，佣金日结", "gambling"),
    ("時⭐時⭐彩计划", "gambling"),
    ("六\u{200b}合\u{200b}彩特码资料", "gambling"),
    ("加拿大２８大小单双群", "gambling"),
    ("北京赛车ＰＫ⑩投注", "gambling"),
    ("炸金椛房卡，拿链接", "gambling"),
    ("百家家家乐乐", "gambling"),
    ("代|开|发|票", "illegal-trade"),
    ("代開發票，税点低", "illegal-trade"),
    ("代kaifa票", "illegal-trade"),
    ("代开fp，电话同微", "illegal-trade"),
    ("办 理 各 类 证 件", "illegal-trade"),
    ("毕\u{2060}业\u{2060}证办理，学信网可查", "illegal-trade"),
    ("出售氷毒，货到付款", "illegal-trade"),
    ("现货bing毒，包邮", "illegal-trade"),
    ("仿真木仓出售", "illegal-trade"),
    ("气·枪·专·卖", "illegal-trade"),
    ("Ｋ粉出售，现货", "illegal-trade"),
    ("搖頭丸现货批发", "illegal-trade"),
    ("同城約炮", "obscenity"),
    ("约pao加我", "obscenity"),
    ("yue炮群", "obscenity"),
    ("裸👄聊", "obscenity"),
    ("涩情视频在线看", "obscenity"),
    ("色＊情＊片免费下载", "obscenity"),
    ("女昌女支包夜，嫖娼", "obscenity"),
    ("莞式服务 全套", "obscenity"),
    ("1夜情交友", "obscenity"),
    ("刷dan兼职日结", "financial-fraud"),
    ("花呗套xian，秒到", "financial-fraud"),
    ("信用卡淘现，手续费低", "financial-fraud"),
    ("黑户袋款，秒批", "financial-fraud"),
    ("虚拟帀交易、ＵＳＤＴ兑换", "financial-fraud"),
    ("稳 赚 不 赔 的投资", "financial-fraud"),
    ("替kao包过", "illicit-service"),
    ("代写lun文包过", "illicit-service"),
    ("代-孕-服-务", "illicit-service"),
    ("全網銷量第①", "superlative-claim"),
    ("國家級品質", "superlative-claim"),
    ("包 治 百 病", "medical-claim"),
    ("祖傳秘方，藥到病除", "medical-claim"),
    ("法·轮·功", "cult-superstition"),
    ("傻.逼", "insult"),
];

#[test]
fn clean_phrases_do_not_fire() {
    let mut wrong = Vec::new();
    for phrase in CLEAN {
        if fired(phrase).iter().any(|one| one.certainty >= Certainty::Medium) {
            wrong.push(format!("{phrase}\n    {}", told(phrase)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn evasive_phrases_fire() {
    let mut missed = Vec::new();
    for (phrase, class) in EVASIVE {
        if !fired(phrase).iter().any(|one| &*one.class == *class && one.certainty >= Certainty::Medium) {
            missed.push(format!("{phrase} ({class})\n    {}", told(phrase)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Lines that are no comments, with the class in whose section they stand.
fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut class = "";
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(move |line| {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => {
                class = name;
                None
            }
            None => Some((class, line)),
        }
    })
}

#[test]
fn offers_are_found_in_their_class() {
    let mut missed = Vec::new();
    for (class, line) in lines(include_str!("texts/offers.txt")) {
        if !fired(line).iter().any(|one| &*one.class == class && one.certainty >= Certainty::Medium) {
            missed.push(format!("{line} ({class})\n    {}", told(line)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn clean_texts_do_not_fire() {
    let mut wrong = Vec::new();
    let samples =
        [include_str!("texts/clean.txt"), include_str!("texts/prose.txt"), include_str!("../rules/content/clean.txt")];
    for (_, line) in samples.into_iter().flat_map(lines) {
        if fired(line).iter().any(|one| one.certainty >= Certainty::Medium) {
            wrong.push(format!("{line}\n    {}", told(line)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Strong single terms with what they opt in to.
fn strong_terms() -> Vec<(String, Evasions)> {
    let lexicon = lexicon();
    let mut terms = Vec::new();
    for entry in &lexicon.entries {
        if entry.strength == Strength::Strong && entry.slots.len() == 1 {
            let group = &lexicon.groups[entry.slots[0] as usize];
            terms.extend(group.words.iter().map(|word| (word.to_string(), group.evade)));
        }
    }
    assert!(terms.len() > 1000);
    terms
}

/// All ways of writing a term otherwise that it opts in to.
fn rewritten(term: &str, evade: Evasions) -> Vec<(&'static str, String)> {
    let chars: Vec<char> = term.chars().collect();
    let plain = chars.iter().all(|c| ('\u{4e00}'..'\u{a000}').contains(c));
    let readings = Readings::get();
    static TRADITIONAL: OnceLock<HashMap<char, char>> = OnceLock::new();
    let traditional = TRADITIONAL.get_or_init(|| simplified().map(|(from, to)| (to, from)).collect());
    static SPLITS: OnceLock<HashMap<char, (char, char)>> = OnceLock::new();
    let halves = SPLITS.get_or_init(|| splits().map(|(left, right, whole)| (whole, (left, right))).collect());
    let between = |mark: &str| chars.iter().map(char::to_string).collect::<Vec<_>>().join(mark);
    let at = |index: usize, with: &str| {
        chars
            .iter()
            .enumerate()
            .map(|(at, c)| if at == index { with.to_owned() } else { c.to_string() })
            .collect::<String>()
    };
    let mut out = vec![
        ("traditional", chars.iter().map(|c| traditional.get(c).unwrap_or(c)).collect()),
        ("zero width", between("\u{200b}")),
        ("joiner", between("\u{2060}")),
        ("combining", between("\u{336}")),
        (
            "full width",
            chars
                .iter()
                .map(|c| if c.is_ascii_graphic() { char::from_u32(*c as u32 + 0xFEE0).unwrap_or(*c) } else { *c })
                .collect(),
        ),
    ];
    if evade.contains(Evasions::GAP) && chars.len() > 1 && chars.iter().all(|c| c.is_alphanumeric()) {
        for mark in ["·", "-", "*", "★", "❤️", "_", ".", "~", "🔥", " "] {
            // Digits with points between are a version.
            if mark != "." || !chars.iter().all(char::is_ascii_digit) {
                out.push(("gap", between(mark)));
            }
        }
    }
    if evade.contains(Evasions::REPEAT) && plain && chars.len() > 1 && chars.windows(2).all(|pair| pair[0] != pair[1]) {
        out.push(("repeat", chars.iter().flat_map(|c| [*c, *c]).collect()));
    }
    if !plain {
        return out;
    }
    let spelled: Vec<&str> = chars.iter().map(|c| readings.syllables[readings.of(*c as u16) as usize]).collect();
    if spelled.iter().any(|one| one.is_empty()) {
        return out;
    }
    if evade.contains(Evasions::PINYIN) && chars.len() > 1 {
        // Three letters may be anything.
        if spelled.concat().len() > 3 {
            out.push(("pinyin", spelled.concat()));
        }
        for (index, _) in chars.iter().enumerate() {
            if spelled[index].len() > 1 {
                out.push(("pinyin of one", at(index, spelled[index])));
            }
        }
    }
    if evade.contains(Evasions::INITIALS) && (3..=6).contains(&chars.len()) {
        for (index, _) in chars.iter().enumerate() {
            out.push(("initial", at(index, &spelled[index][..1])));
        }
    }
    if evade.contains(Evasions::SPLIT) && chars.len() > 1 {
        for (index, c) in chars.iter().enumerate() {
            if let Some((left, right)) = halves.get(c) {
                out.push(("split", at(index, &format!("{left}{right}"))));
            }
        }
    }
    if evade.contains(Evasions::DIGITS) {
        for (index, c) in chars.iter().enumerate() {
            if let Some(digit) = "零一二三四五六七八九".chars().position(|one| one == *c) {
                out.push(("digit", at(index, &digit.to_string())));
            }
        }
    }
    out
}

/// Whether a match fires that covers all of `span`, and what was found instead.
fn covered(text: &str, span: &std::ops::Range<usize>) -> Result<(), String> {
    let found = matcher().find(text);
    // A longer term may take its place, a shorter one inside is not enough.
    if found.iter().any(|one| one.fires && one.span.start <= span.start && one.span.end >= span.end) {
        return Ok(());
    }
    let told: Vec<_> = found.iter().map(|one| (&one.term, &text[one.span.clone()], one.score)).collect();
    Err(format!("{text}: {told:?}"))
}

/// Tallies by kind, and what was missed.
#[derive(Default)]
struct Tally {
    kinds: HashMap<&'static str, (usize, usize)>,
    tried: usize,
    missed: Vec<String>,
}

impl Tally {
    fn add(&mut self, kind: &'static str, result: Result<(), String>) {
        let tally = self.kinds.entry(kind).or_default();
        self.tried += 1;
        tally.0 += 1;
        if let Err(told) = result {
            tally.1 += 1;
            self.missed.push(format!("{kind}: {told}"));
        }
    }

    fn check(self) {
        let shown = &self.missed[..self.missed.len().min(60)];
        let kinds = self.kinds;
        assert!(shown.is_empty(), "{} of {} missed {kinds:?}:\n{}", self.missed.len(), self.tried, shown.join("\n"));
    }
}

/// Without signs at the end, which no match covers.
fn core(written: &str) -> &str {
    written.trim_end_matches(|c: char| !c.is_alphanumeric())
}

#[test]
fn every_evasion_of_every_strong_term_is_found_in_its_place() {
    let mut tally = Tally::default();
    for (term, evade) in strong_terms() {
        for (kind, written) in rewritten(&term, evade) {
            let text = format!("前文：{written}。后文");
            let start = "前文：".len();
            tally.add(kind, covered(&text, &(start..start + core(&written).len())));
            // In the midst of a sentence, where no neighbour makes a word with it by accident.
            if kind == "gap" && written.contains(' ') && term.chars().count() > 2 {
                let found = [("呢", "呢"), ("这里有", "的"), ("来", "吧")].map(|(before, behind)| {
                    let span = before.len()..before.len() + core(&written).len();
                    covered(&format!("{before}{written}{behind}"), &span)
                });
                let first = found.iter().find(|one| one.is_ok()).unwrap_or(&found[0]).clone();
                tally.add("gap in running text", first);
            }
        }
    }
    tally.check();
}

/// Every word that counts in company, evaded, beside one of each list that it needs: written plainly, and all in one manner.
#[test]
fn every_evasion_of_every_term_in_company_is_found_in_its_place() {
    let lexicon = lexicon();
    let mut tally = Tally::default();
    for (index, entry) in lexicon.entries.iter().enumerate().filter(|(_, entry)| entry.slots.len() > 1) {
        let group = |slot: u32| &lexicon.groups[slot as usize];
        let head = group(entry.slots[0]);
        for (at, term) in head.words.iter().enumerate() {
            // The first company in which it fires at all: some words hold back what stands beside them.
            let Some((before, behind)) = (0..40).find_map(|turn| {
                let partner = |slot: &u32| {
                    let words = &group(*slot).words;
                    &*words[(index + at + turn) % words.len()]
                };
                let partners: Vec<&str> = entry.slots[1..].iter().map(partner).collect();
                // Within the window: one before and the rest behind, where the order does not matter.
                let (before, behind) = match partners.as_slice() {
                    [first, rest @ ..] if !rest.is_empty() && !entry.ordered => (*first, rest.join("，")),
                    all => ("前文", all.join("，")),
                };
                let apart = partners.iter().all(|word| !word.contains(&**term) && !term.contains(word));
                let start = before.len() + "：".len();
                let text = format!("{before}：{term}，{behind}。");
                let fires = apart && covered(&text, &(start..start + core(term).len())).is_ok();
                fires.then_some((before, behind))
            }) else {
                tally.add("no company", Err(format!("{} {term}", entry.class)));
                continue;
            };
            let partners = [before, &behind];
            let ways = rewritten(term, head.evade).into_iter().enumerate();
            // Signs between are told apart by what they are in few cases only: each word is tried with some of them.
            let some = |(way, (kind, _)): &(usize, (&str, String))| *kind != "gap" || (way + at) % 3 == 0;
            for (_, (kind, written)) in ways.filter(some).filter(|(_, (_, written))| written != &**term) {
                let text = format!("{before}：{written}，{behind}。");
                let start = before.len() + "：".len();
                tally.add(kind, covered(&text, &(start..start + core(&written).len())));
            }
            let plain = |text: &str| text.chars().all(char::is_alphanumeric);
            if head.evade.contains(Evasions::GAP) && plain(term) && partners.iter().all(|text| plain(text)) {
                for (kind, mark) in [("all with spaces", " "), ("all with dots", "·"), ("all with emoji", "🔥")] {
                    let spaced = |text: &str| text.chars().map(String::from).collect::<Vec<_>>().join(mark);
                    let text = spaced(&format!("{before}{term}{behind}"));
                    let start = spaced(before).len() + mark.len();
                    tally.add(kind, covered(&text, &(start..start + spaced(term).len())));
                }
            }
        }
    }
    tally.check();
}

#[test]
fn homophones_are_found_where_enough_of_the_term_is_left() {
    let readings = Readings::get();
    let (mut tried, mut missed) = (0, Vec::new());
    for (term, evade) in strong_terms() {
        let chars: Vec<char> = term.chars().collect();
        if !evade.contains(Evasions::HOMOPHONE)
            || chars.len() < 4
            || !chars.iter().all(|c| readings.of(*c as u16) > 400 || *c as u32 > 0x4e00)
        {
            continue;
        }
        let Some(other) = readings.homophones(chars[1]).nth(2) else { continue };
        let written: String = chars.iter().enumerate().map(|(at, c)| if at == 1 { other } else { *c }).collect();
        tried += 1;
        missed.extend(fired(&written).is_empty().then_some(written));
    }
    assert!(missed.is_empty(), "{} of {tried}: {missed:?}", missed.len());
}

#[test]
fn words_of_packs_are_unique_in_their_class() {
    let lexicon = lexicon();
    let mut seen: HashSet<(String, Vec<u16>)> = HashSet::new();
    let mut twice = Vec::new();
    for entry in &lexicon.entries {
        if entry.slots.len() > 1 || entry.strength == Strength::Weak {
            continue;
        }
        for word in &lexicon.groups[entry.slots[0] as usize].words {
            if !seen.insert((entry.class.to_string(), fold(word))) {
                twice.push(format!("{} {word}", entry.class));
            }
        }
    }
    assert_eq!(twice, [] as [String; 0]);
}

#[test]
fn lists_are_imported_and_audited() {
    let plain = "\u{feff}# 注释\r\n赌博网\tgambling\r\n手机\r\n手机\r\nab\r\nhttp://x.cn/a\r\n";
    let terms = import(plain).unwrap();
    let told: Vec<_> = terms.iter().map(|term| (&*term.text, &*term.class, term.line)).collect();
    assert_eq!(
        told,
        [
            ("赌博网", "gambling", 2),
            ("手机", "custom", 3),
            ("手机", "custom", 4),
            ("ab", "custom", 5),
            ("http://x.cn/a", "custom", 6)
        ]
    );
    let doubts = audit(&terms, "请填写手机号码，手机收到验证码");
    assert_eq!(doubts, [(1, Doubt::Common(2)), (2, Doubt::Duplicate), (3, Doubt::TooShort), (4, Doubt::Address)]);
    let csv = import("word,class\n\"代开\",illegal-trade\n").unwrap();
    assert_eq!((&*csv[0].text, &*csv[0].class), ("代开", "illegal-trade"));
    let json = import(r#"{"words": ["甲乙"], "gambling": ["丙丁"], "x": [{"word": "戊己", "class": "y"}]}"#).unwrap();
    let told: HashSet<_> = json.iter().map(|term| (&*term.text, &*term.class)).collect();
    assert_eq!(told, HashSet::from([("甲乙", "custom"), ("丙丁", "gambling"), ("戊己", "y")]));
}

#[test]
fn imported_terms_are_weak_until_vetted() {
    let terms = [Term { text: "某个词".into(), class: "custom".into(), line: 1 }];
    let fires = |vetted| {
        let mut lexicon = Lexicon::default();
        lexicon.add_terms(&terms, vetted);
        Matcher::new(&lexicon).find("有某个词").iter().any(|one| one.fires)
    };
    assert!(fires(true));
    assert!(!fires(false));
}

#[test]
fn what_is_told_is_a_hint() {
    let mut errors = Vec::new();
    let mut lexicon = Lexicon::default();
    let report = "id = \"report\"\nreach = \"text\"\ndistance = 99\nweakens = true\nexcept = \"rumour\"";
    let cues = "marks = \"(图)\"\naround = \"据称 男子\"";
    lexicon.read_contexts(&format!("[[contexts]]\n{report}\n{cues}"), &mut errors);
    let terms =
        "evade = \"gap\"\n[[terms]]\nwords = \"蓝莲七号\"\n[[terms]]\nwords = \"男子\"\nwith = \"竟然\"\nweak = true";
    lexicon.read_class("offer", terms, &mut errors);
    lexicon.read_class("rumour", "[[terms]]\nwords = \"末日将至\"", &mut errors);
    assert_eq!(errors, []);
    let matcher = Matcher::new(&lexicon);
    for (text, certainty) in [
        ("本店有蓝莲七号", Certainty::High),
        ("据称店里有蓝莲七号", Certainty::Low),
        ("店里有蓝莲七号(图)", Certainty::Low),
        ("店里有蓝莲七号图", Certainty::High),
        // Whoever disguises a word offers it, and what a match consists of speaks not against it.
        ("据称店里有蓝·莲·七·号", Certainty::High),
        ("男子竟然", Certainty::Medium),
        ("据称男子竟然", Certainty::Low),
        ("据称末日将至", Certainty::High),
    ] {
        let found: Vec<Certainty> =
            matcher.find(text).iter().filter(|one| one.fires).map(|one| one.certainty).collect();
        assert_eq!(found, [certainty], "{text}");
    }
}

#[test]
fn whoever_offers_says_so() {
    let mut errors = Vec::new();
    let mut lexicon = Lexicon::default();
    let offer = "id = \"offer\"\nreach = \"text\"\ndistance = 99\nexpected = true\nlonger = 8\nexcept = \"rumour\"";
    lexicon.read_contexts(&format!("[[contexts]]\n{offer}\naround = \"现货 白莲八号\""), &mut errors);
    lexicon.read_class("trade", "[[terms]]\nwords = \"蓝莲七号\"\nevade = \"gap\"", &mut errors);
    lexicon.read_class("pair", "[[terms]]\nwords = \"红莲\"\nwith = \"白莲八号\"\nwindow = 4", &mut errors);
    lexicon.read_class("triple", "[[terms]]\nwords = \"黑莲\"\nwith = [\"青莲\", \"紫莲\"]\nwindow = 4", &mut errors);
    lexicon.read_class("rumour", "[[terms]]\nwords = \"灰莲九号\"", &mut errors);
    assert_eq!(errors, []);
    let matcher = Matcher::new(&lexicon);
    for (text, certainty) in [
        ("蓝莲七号", Certainty::High),
        ("从前有人在山里见过蓝莲七号", Certainty::Low),
        ("从前有人在山里见过蓝·莲·七·号", Certainty::High),
        ("山里的蓝莲七号已经到了，现货", Certainty::High),
        // What is part of the match shows nothing beside it.
        ("从前有人在山里见过红莲和白莲八号", Certainty::Low),
        ("从前有人在山里见过黑莲和青莲紫莲", Certainty::High),
        ("从前有人在山里见过灰莲九号", Certainty::High),
    ] {
        let found: Vec<Certainty> =
            matcher.find(text).iter().filter(|one| one.fires).map(|one| one.certainty).collect();
        assert_eq!(found, [certainty], "{text}");
    }
}

#[test]
fn a_list_is_no_offer_and_a_long_text_tells() {
    let mut errors = Vec::new();
    let mut lexicon = Lexicon::default();
    let prose = "id = \"prose\"\nreach = \"text\"\ndistance = 99\nweakens = true\nlonger = 20";
    lexicon.read_contexts(&format!("allow = \"红莲九号店\"\n[[contexts]]\n{prose}"), &mut errors);
    for (class, word) in [("first", "蓝莲七号"), ("second", "白莲八号"), ("third", "红莲九号 红莲九号店")]
    {
        lexicon.read_class(class, &format!("[[terms]]\nwords = \"{word}\""), &mut errors);
    }
    assert_eq!(errors, []);
    let matcher = Matcher::new(&lexicon);
    let high = |count: usize| vec![Certainty::High; count];
    for (text, certainties) in [
        ("蓝莲七号、白莲八号、红莲九号", high(0)),
        ("蓝莲七号和白莲八号以及红莲九号", high(0)),
        ("蓝莲七号、白莲八号", high(2)),
        ("蓝莲七号来了，快拿白莲八号，换红莲九号", high(3)),
        // A phrase that is allowed because of another class stands where it is itself looked for.
        ("红莲九号店", high(1)),
        ("从前有座山，山里有座庙，庙里有个和尚在念蓝莲七号", vec![Certainty::Low]),
    ] {
        let found: Vec<Certainty> =
            matcher.find(text).iter().filter(|one| one.fires).map(|one| one.certainty).collect();
        assert_eq!(found, certainties, "{text}");
    }
}

#[test]
fn whoever_speaks_to_a_buyer_offers() {
    let mut errors = Vec::new();
    let mut lexicon = Lexicon::default();
    let law = "id = \"law\"\nreach = \"sentence\"\ndistance = 40\nyields = true\nbefore = \"依法\"\nafter = \"案件\"";
    let ban = "id = \"ban\"\nreach = \"sentence\"\ndistance = 40\nbefore = \"禁止\"";
    let buyer = "id = \"buyer\"\nreach = \"sentence\"\ndistance = 0\ndefies = true\naround = \"联系我\"";
    lexicon.read_contexts(&format!("[[contexts]]\n{law}\n[[contexts]]\n{ban}\n[[contexts]]\n{buyer}"), &mut errors);
    for (class, word) in [("first", "蓝莲七号"), ("second", "白莲八号"), ("third", "红莲九号")] {
        lexicon.read_class(class, &format!("quench = \"law ban\"\n[[terms]]\nwords = \"{word}\""), &mut errors);
    }
    assert_eq!(errors, []);
    let matcher = Matcher::new(&lexicon);
    for (text, count) in [
        ("依法查处，蓝莲七号", 0),
        ("依法经营，蓝莲七号联系我", 1),
        ("依法经营，蓝莲七号。联系我", 0),
        ("依法查处蓝莲七号联系我", 0),
        ("蓝莲七号案件，联系我", 0),
        ("禁止发布，蓝莲七号联系我", 0),
        ("蓝莲七号、白莲八号、红莲九号", 0),
        ("蓝莲七号、白莲八号、红莲九号，联系我", 3),
    ] {
        let fired = matcher.find(text).iter().filter(|one| one.fires).count();
        assert_eq!(fired, count, "{text}");
    }
}

#[test]
fn signs_part_and_labels_name() {
    let mut errors = Vec::new();
    let mut lexicon = Lexicon::default();
    let terms = "[[terms]]\nwords = \"蓝莲 1:1蓝 七彩莲\"\nevade = \"gap\"\n[[terms]]\nwords = \"价莲\"\nlabel = 4";
    lexicon.read_class("offer", terms, &mut errors);
    assert_eq!(errors, []);
    let matcher = Matcher::new(&lexicon);
    for (text, found) in [
        ("蓝/莲", Some("蓝/莲")),
        ("买 蓝｜莲 吧", Some("蓝｜莲")),
        ("蓝（莲）到货", Some("蓝（莲")),
        ("【蓝】【莲】", Some("蓝】【莲")),
        ("七（彩）莲", Some("七（彩）莲")),
        ("深蓝/莲花", None),
        ("蓝，莲", None),
        ("七（彩莲", None),
        ("1:1蓝", Some("1:1蓝")),
        ("1：1蓝", Some("1：1蓝")),
        ("iPhone11蓝", None),
        ("11蓝", None),
        ("价莲低到", None),
        ("本店价莲低到家", Some("价莲")),
    ] {
        let all = matcher.find(text);
        let first = all.iter().find(|one| one.fires).and_then(|one| text.get(one.span.clone()));
        assert_eq!(first, found, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_matched_on_character_boundaries(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for one in matcher().find(&text) {
            prop_assert!(text.get(one.span.clone()).is_some());
        }
    }

    #[test]
    fn terms_in_any_company_are_matched_on_character_boundaries(
        parts in proptest::collection::vec(
            prop_oneof![
                any::<char>().prop_map(|c| c.to_string()),
                proptest::sample::select(vec!["赌", "博", "平台", "代开", "发票", "piao", "贝者", "·", "\u{200b}", "❤️", " ", "，", "禁止", "1", "⑩", "冰毒", "出售", "木仓"]).prop_map(str::to_owned),
            ],
            0..40,
        )
    ) {
        let text = parts.concat();
        for one in matcher().find(&text) {
            let written = text.get(one.span.clone());
            prop_assert!(written.is_some_and(|written| !written.is_empty()));
        }
        let view = View::new(&text);
        prop_assert_eq!(view.units.len(), view.offsets.len());
        prop_assert!(view.offsets.windows(2).all(|pair| pair[0] <= pair[1]));
        prop_assert!(view.offsets.iter().all(|at| text.is_char_boundary(*at as usize)));
    }

    #[test]
    fn mapped_texts_map_back(parts in proptest::collection::vec(("[a赌\\n]{0,3}", 0u32..4), 0..8)) {
        let mut mapped = Mapped::default();
        let mut source = 0;
        for (text, gap) in &parts {
            source += gap;
            mapped.push(text, minivet::source::Span::new(source, source + text.len() as u32));
            source += text.len() as u32;
        }
        let mut at = 0;
        let mut from = 0;
        for (text, gap) in &parts {
            from += gap;
            if !text.is_empty() {
                prop_assert_eq!(mapped.source(at..at + text.len()), minivet::source::Span::new(from, from + text.len() as u32));
            }
            at += text.len();
            from += text.len() as u32;
        }
    }
}
