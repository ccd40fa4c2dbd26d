use super::*;
use crate::policy::packs::Packs;

fn privacy() -> Privacy {
    let mut errors = Vec::new();
    let privacy = Privacy::load(&Packs::embedded(), &mut errors);
    assert_eq!(errors, []);
    privacy
}

fn input(placeholder: &str, labels: &[&str], name: &str) -> Option<String> {
    privacy()
        .input_kind(&InputClues {
            placeholder: (!placeholder.is_empty()).then_some(placeholder),
            labels: labels.to_vec(),
            name: (!name.is_empty()).then_some(name),
            ..InputClues::default()
        })
        .map(|(kind, ..)| kind.to_string())
}

#[test]
fn inputs_are_typed_by_what_stands_with_them() {
    for (placeholder, labels, name, kind) in [
        ("请输入手机号", &[][..], "", Some("phone-number")),
        ("请输入您的真实姓名", &[], "", Some("name")),
        ("", &["身份证号："], "", Some("id-number")),
        ("请输入", &["联系电话"], "tel", Some("phone-number")),
        ("请输入手机验证码", &["手机"], "", None),
        ("请输入商品名称", &[], "name", None),
        ("搜索姓名", &[], "name", None),
        ("", &[], "name", None),
        ("", &[], "phone", Some("phone-number")),
        ("", &[], "shopPhone", None),
        ("", &[], "contactPhone", Some("phone-number")),
        ("备注", &[], "remark", None),
        ("孩子姓名", &[], "", Some("minor-info")),
        ("请输入孩子的手机号", &[], "", Some("minor-info")),
        ("门店电话", &[], "phone", None),
        ("收货人姓名", &[], "", Some("name")),
        ("银行卡号", &[], "", Some("bank-card-number")),
        ("请输入详细地址", &[], "", Some("address")),
        ("请输入公司名称", &[], "", None),
    ] {
        assert_eq!(input(placeholder, labels, name).as_deref(), kind, "{placeholder} {labels:?} {name}");
    }
}

#[test]
fn keys_are_typed_by_their_words() {
    let privacy = privacy();
    let key = |key: &str| privacy.key_kind(key).map(|(kind, certainty)| (kind.to_string(), certainty));
    assert_eq!(key("form.idCardNo"), Some(("id-number".into(), 75)));
    assert_eq!(key("userInfo.nickName"), Some(("nickname".into(), 75)));
    assert_eq!(key("phone"), Some(("phone-number".into(), 45)));
    assert_eq!(key("storePhone"), None);
    assert_eq!(key("name"), None);
    assert_eq!(key("image"), None);
    assert_eq!(key("token"), None);
}

#[test]
fn purposes_name_a_use() {
    let privacy = privacy();
    for (text, purpose) in [
        ("获取您的位置，用于推荐附近门店", true),
        ("我们需要您的手机号以便发货时联系您", true),
        ("为了给您提供更好的服务，需要获取您的位置", false),
        ("登录后继续使用", false),
        ("授权后才能继续使用小程序", false),
        ("需要获取您的位置信息，为您查找附近的充电桩", true),
        ("需要您授权手机号后可预约挂号", true),
        ("为您提供优质服务", false),
    ] {
        assert_eq!(privacy.consent_text(text).purpose, purpose, "{text}");
    }
    assert!(privacy.consent_text("请阅读并同意《隐私政策》").policy);
    assert!(privacy.consent_text("请阅读并同意《免责声明》").contract_only);
    assert!(privacy.consent_text("请先登录").login_only);
    assert!(privacy.refuses("不同意") && !privacy.agrees("不同意") && privacy.agrees("同意并继续"));
    assert!(privacy.deletes("注销账号") && !privacy.deletes("退出登录"));
}

#[test]
fn policies_deny_and_name() {
    let privacy = privacy();
    let text = "我们会收集您的手机号。我们不会收集您的身份证号。未经您同意，我们不会收集您的位置信息。";
    assert!(privacy.policy_mentions(text, "phone-number"));
    assert!(!privacy.policy_mentions(text, "id-number"));
    assert!(privacy.policy_mentions(text, "location"));
    assert!(!privacy.policy_mentions(text, "face"));
}

#[test]
fn ciphers_are_told_by_how_they_are_reached() {
    let privacy = privacy();
    let class = |chain: &[&str], module: Option<&str>| {
        privacy.protection(chain, module).map(|c| (c.name.to_string(), c.class, c.by_name))
    };
    assert_eq!(class(&["CryptoJS", "AES", "encrypt"], None), Some(("AES".into(), CipherClass::Strong, false)));
    assert_eq!(class(&["AES", "encrypt"], Some("crypto-js/aes")), Some(("AES".into(), CipherClass::Strong, false)));
    assert_eq!(class(&["md5"], Some("../../utils/md5.js")), Some(("MD5".into(), CipherClass::Hash, false)));
    assert_eq!(class(&["hash"], Some("md5")), Some(("MD5".into(), CipherClass::Hash, false)));
    assert_eq!(class(&["sm2", "doEncrypt"], Some("sm-crypto")), Some(("SM2".into(), CipherClass::Envelope, false)));
    assert_eq!(class(&["JSEncrypt", "encrypt"], None), Some(("RSA".into(), CipherClass::Envelope, false)));
    assert_eq!(class(&["util", "encrypt"], None), Some(("encrypt".into(), CipherClass::Strong, true)));
    assert_eq!(class(&["swan", "arrayBufferToBase64"], None), Some(("Base64".into(), CipherClass::Encoding, false)));
    assert_eq!(class(&["swan", "request"], None), None);
}

#[test]
fn parties_are_told_by_host() {
    let privacy = privacy();
    assert_eq!(privacy.sdk_by_host("ulogs.umeng.com").map(|sdk| &*sdk.id), Some("umeng"));
    assert_eq!(privacy.sdk_by_host("umeng.com").map(|sdk| &*sdk.id), Some("umeng"));
    assert_eq!(privacy.sdk_by_host("example.com").map(|sdk| &*sdk.id), None);
    assert_eq!(privacy.sdk_by_module("../../libs/amap-wx.130").map(|sdk| &*sdk.id), Some("amap"));
    assert_eq!(privacy.sdk_call(&["wx", "uma", "trackEvent"]).map(|(_, what)| what), Some(SdkUse::Report));
    let parties = Parties::new(&["*.example.com".into()], []);
    assert_eq!(parties.is_first("a.b.example.com"), Some(true));
    assert_eq!(parties.is_first("example.com"), Some(true));
    assert_eq!(parties.is_first("example.org"), Some(false));
    let parties = Parties::new(&[], ["api.shop.com.cn", "img.shop.com.cn", "apis.map.qq.com"]);
    assert_eq!(parties.is_first("x.shop.com.cn"), Some(true));
    assert_eq!(parties.is_first("other.com"), None);
    assert!(is_local("192.168.1.5") && is_local("localhost") && !is_local("8.8.8.8"));
}

#[test]
fn literals_need_their_checks() {
    let privacy = privacy();
    let found =
        |text: &str| privacy.literals("data.js", text).into_iter().map(|hit| hit.kind.to_string()).collect::<Vec<_>>();
    assert_eq!(found("const id = '320106198805147318'"), Vec::<String>::new());
    assert_eq!(
        found("const id = '32010619880514731X'").len()
            + found("const id = '320106198805147310'").len()
            + found("const id = '320106198805147311'").len()
            + found("const id = '320106198805147312'").len()
            + found("const id = '320106198805147313'").len()
            + found("const id = '320106198805147314'").len()
            + found("const id = '320106198805147315'").len()
            + found("const id = '320106198805147316'").len()
            + found("const id = '320106198805147317'").len()
            + found("const id = '320106198805147318'").len()
            + found("const id = '320106198805147319'").len(),
        1
    );
    assert_eq!(found("{ name: '张伟', phone: '13571934826' }"), ["phone-number"]);
    assert_eq!(found("客服热线 13571934826"), Vec::<String>::new());
    assert_eq!(found("var t = 1571934826123"), Vec::<String>::new());
}

#[test]
fn secrets_need_proof() {
    let privacy = privacy();
    let found = |text: &str| privacy.secrets(text, true).into_iter().map(|hit| hit.id.to_owned()).collect::<Vec<_>>();
    assert_eq!(found("appSecret: 'd8f3a91c0b7e46528fa1c3e97b604d2e'"), ["app-secret"]);
    assert_eq!(found("appSecret: 'your-app-secret-goes-here-1234'"), Vec::<String>::new());
    assert_eq!(found("const TOKEN_KEY = 'access_token_v2'"), Vec::<String>::new());
    assert_eq!(
        found("{ accessKeyId: 'LTAI5tQx9ZpWmK3vRb7nYc2D', accessKeySecret: 'q8Zk2LmX7vRtP4wYb9NcE3sHd6JfGu' }"),
        ["app-secret"]
    );
    assert_eq!(found("password: '请输入密码'"), Vec::<String>::new());
    assert_eq!(found("password: 'Tr0ub4dor&3x'"), ["password"]);
}

#[test]
fn masking_keeps_length() {
    let privacy = privacy();
    assert_eq!(privacy.mask("手机 13571934826。"), "手机 135******26。");
    let masked = privacy.mask("appSecret: 'd8f3a91c0b7e46528fa1c3e97b604d2e'");
    assert_eq!(masked.len(), "appSecret: 'd8f3a91c0b7e46528fa1c3e97b604d2e'".len());
    assert!(masked.contains("d8f3****"));
}
