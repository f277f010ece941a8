use super::*;
use crate::event::IssueCode;

fn read(text: &str) -> Result<Element, Issue> {
    parse(text.as_bytes(), &Limits::default())
}

fn refuse(text: &str) -> IssueCode {
    match read(text) {
        Ok(_) => panic!("accepted: {text:?}"),
        Err(issue) => issue.code,
    }
}

#[test]
fn text_attributes_and_namespaces_are_kept() {
    let root = read(
        "\u{feff}<?xml version=\"1.0\" encoding='utf-8' standalone=\"no\" ?>\n<?xml-stylesheet href=\"x\"?><!-- c -->\
         <p:a xmlns:p=\"urn:p\" xmlns=\"urn:d\" x='1\n2&#10;&lt;\"' p:x=\"\"> t&amp;<![CDATA[<&>]]>\r\n<b/><!--c-->u<b y='é'>v</b ></p:a>\n",
    )
    .unwrap();
    assert_eq!((root.name.as_str(), root.local(), root.namespace.as_deref()), ("p:a", "a", Some("urn:p")));
    assert_eq!(root.attribute("x"), Some("1 2\n<\""));
    assert_eq!(
        root.attributes.iter().map(|a| a.namespace.as_deref()).collect::<Vec<_>>(),
        [None, Some("urn:p")]
    );
    assert_eq!(root.text(), " t&<&>\nu");
    assert_eq!(root.named("b").map(|b| b.namespace.as_deref()).collect::<Vec<_>>(), [Some("urn:d"); 2]);
    assert_eq!(root.path("b[1]/@y").as_deref(), Some("é"));
    assert_eq!(root.path("b[1]").as_deref(), Some("v"));
    assert_eq!(root.path("b[2]"), None);
    assert_eq!(format!("{root:?}"), "<p:a>");
}

#[test]
fn malformed_documents_are_refused() {
    for bad in [
        "",
        " ",
        "text",
        "<a>",
        "<a",
        "<a></b>",
        "<a></a",
        "<a/><b/>",
        "<a/>text",
        "x<a/>",
        "<a/>&amp;",
        "</a>",
        "<a/><![CDATA[]]>",
        "<a b='1'c='2'/>",
        "<a b/>",
        "<a b=1/>",
        "<a b='<'/>",
        "<a b='1' b='2'/>",
        "<a b='&x;'/>",
        "<a b='&'/>",
        "<a>&x;</a>",
        "<a>&</a>",
        "<a>&amp</a>",
        "<a>&#0;</a>",
        "<a>&#x1F;</a>",
        "<a>&#xD800;</a>",
        "<a>&#+65;</a>",
        "<a>&#;</a>",
        "<a>&#xFFFFFFFFFF;</a>",
        "<a>&#X41;</a>",
        "<a>]]></a>",
        "<a>\u{1}</a>",
        "<a>\u{fffe}</a>",
        "<a><!-- -- --></a>",
        "<a><!-- ---></a>",
        "<a><!--></a>",
        "<a><!---></a>",
        "<!-- x",
        "<a><?xml?></a>",
        "<a><?XML x?></a>",
        "<a><??></a>",
        "<a><? x?></a>",
        "<a><?x</a>",
        " <?xml version='1.0'?><a/>",
        "<?xml?><a/>",
        "<?xml version='2.0'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
        "<?xml version='1.0'?><?xml version='1.0'?><a/>",
        "<?xml version='1.0'",
        "<1/>",
        "<-a/>",
        "<a:/>",
        "<:a/>",
        "<a:b:c xmlns:a='u'/>",
        "<p:a/>",
        "<a p:b=''/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns:xmlns='u'/>",
        "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>",
        "< a/>",
        "<a / >",
        "<a/ >",
        "</ a>",
        "<a></ a>",
        "<a><b></a></b>",
        "<a b='1' / c='2'/>",
        "<a \u{1}='x'/>",
        "<!x><a/>",
        "<![CDATA[x]]><a/>",
        "<a><![CDATA[x</a>",
        "<a><![cdata[x]]></a>",
        "<a b=\"x'/>",
        "<>",
        "<a><></a>",
        "<a b=''''/>",
    ] {
        assert_eq!(refuse(bad), IssueCode::NotXml, "{bad:?}");
    }
}

#[test]
fn the_kind_of_refusal_is_named() {
    for doctype in [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<!DOCTYPE",
        "<!DOCTYPE>",
        "<!doctype a><a/>",
    ] {
        assert_eq!(refuse(doctype), IssueCode::Doctype, "{doctype}");
    }
    assert_eq!(refuse("<a>\0</a>"), IssueCode::NulCharacter);
    assert_eq!(refuse("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), IssueCode::BadEncoding);
    assert_eq!(parse(b"<a>\xff</a>", &Limits::default()).unwrap_err().code, IssueCode::BadEncoding);
    assert_eq!(parse(b"\xff\xfe<\0a\0/\0>\0", &Limits::default()).unwrap_err().code, IssueCode::BadEncoding);
    let nest = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
    assert!(read(&nest(64)).is_ok());
    assert_eq!(refuse(&nest(65)), IssueCode::TooDeep);
    assert_eq!(refuse(&"<a>".repeat(100_000)), IssueCode::TooDeep);
    let attributes = |n: usize| format!("<a {}/>", (0..n).map(|n| format!("a{n}='' ")).collect::<String>());
    assert!(read(&attributes(64)).is_ok());
    assert_eq!(refuse(&attributes(65)), IssueCode::TooLarge);
    assert_eq!(refuse(&attributes(200_000)), IssueCode::TooLarge);
    let namespaces =
        |n: usize| format!("<a {}/>", (0..n).map(|n| format!("xmlns:a{n}='u' ")).collect::<String>());
    assert!(read(&namespaces(16)).is_ok());
    assert_eq!(refuse(&namespaces(17)), IssueCode::TooLarge);
    assert_eq!(refuse(&format!("<a>{}</a>", "<b/>".repeat(400_001))), IssueCode::TooLarge);
}

#[test]
fn an_issue_says_where() {
    let issue = read("<a>\n <b>&x;</b></a>").unwrap_err();
    assert_eq!(issue.at.path.as_deref(), Some("a/b at 2:5"));
}

#[test]
fn records_can_be_taken_out_of_a_stream() {
    let text = format!("<cases>{}</cases>", "<case id='1'><name>Nia</name></case>".repeat(3));
    let mut reader = Reader::new(std::io::BufReader::with_capacity(7, text.as_bytes()), Limits::default());
    let mut names = Vec::new();
    loop {
        match reader.next_event().unwrap() {
            Event::Start(start) if start.local() == "case" => {
                let case = reader.element(start).unwrap();
                names.push(case.path("name").unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(names, ["Nia"; 3]);
}
