//! The report as one HTML page: no script, nothing fetched, every word escaped. Next: [`super::read_back`].

use std::fmt::Write as _;

use super::diff::{Class, Line, Side};
use super::report::{AtEndpoint, Report};

const HEAD: &str = "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>sp-fhir: reconciliation</title>\n<style>\n\
    body { font: 1rem/1.4 sans-serif; margin: 2rem; }\n\
    table { border-collapse: collapse; margin: 1rem 0; }\n\
    th, td { border: 1px solid #767676; padding: .2rem .6rem; text-align: left; overflow-wrap: anywhere; }\n\
    td.n { text-align: right; }\n\
    </style>\n</head>\n<body>\n";

/// The report as HTML.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut out = HEAD.to_owned();
    let _ = writeln!(out, "<h1>Reconciliation</h1>\n<p>Made {}.</p>", escape(&report.at.to_string()));
    out.push_str(
        "<table>\n<caption>Entries</caption>\n<tr><th scope=\"col\">state<th scope=\"col\">entries</tr>\n",
    );
    for (word, count) in report.by_state() {
        counted(&mut out, word, count);
    }
    counted(&mut out, "accepted", report.accepted());
    out.push_str("</table>\n");
    for why in &report.not_read {
        let _ = writeln!(out, "<p>{}</p>", escape(why));
    }
    for at in &report.endpoints {
        endpoint(&mut out, at);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn counted(out: &mut String, word: &str, count: u64) {
    let _ = writeln!(out, "<tr><th scope=\"row\">{}<td class=\"n\">{count}</tr>", escape(word));
}

fn endpoint(out: &mut String, at: &AtEndpoint) {
    let _ = writeln!(out, "<h2>{}</h2>", escape(&at.endpoint));
    out.push_str("<table>\n<caption>Resources</caption>\n<tr><th scope=\"col\">class<th scope=\"col\">resources</tr>\n");
    for (class, count) in at.classes() {
        counted(out, class.as_str(), count);
    }
    counted(out, "ours and unknown", at.lines.len() as u64);
    out.push_str("</table>\n");
    if at.in_doubt > 0 {
        let _ = writeln!(
            out,
            "<p>{} more are in doubt and not compared: their entries are open.</p>",
            at.in_doubt
        );
    }
    for (resource_type, system) in &at.not_listed {
        let (resource_type, system) = (escape(resource_type), escape(system));
        let _ = writeln!(
            out,
            "<p>The endpoint cannot list {resource_type} of {system}: unknown ones are not found.</p>"
        );
    }
    for (class, word, meaning) in Class::ALL.iter().filter(|(class, ..)| *class != Class::Matched) {
        let lines: Vec<&Line> = at.lines.iter().filter(|line| line.class == *class).collect();
        if !lines.is_empty() {
            let _ = writeln!(out, "<table>\n<caption>{word}: {meaning}</caption>");
            out.push_str("<tr>");
            for heading in ["type", "identifier", "referral", "entry", "note", "at delivery", "there now"] {
                let _ = write!(out, "<th scope=\"col\">{heading}");
            }
            out.push_str("</tr>\n");
            lines.iter().for_each(|line| listed(out, line));
            out.push_str("</table>\n");
        }
    }
}

fn listed(out: &mut String, line: &Line) {
    let identifier = match &line.system {
        Some(system) => format!("{system}|{}", line.name),
        None => line.name.clone(),
    };
    let cells = [
        line.resource_type.clone(),
        identifier,
        line.referral.map(|referral| referral.to_string()).unwrap_or_default(),
        line.entry.map(|entry| entry.to_string()).unwrap_or_default(),
        line.note.map(|note| note.as_str().to_owned()).unwrap_or_default(),
        line.ours.iter().map(side).collect(),
        line.theirs.iter().map(side).collect::<Vec<_>>().join(", "),
    ];
    out.push_str("<tr>");
    for cell in &cells {
        let _ = write!(out, "<td>{}", escape(cell));
    }
    out.push_str("</tr>\n");
}

fn side(side: &Side) -> String {
    match &side.version {
        Some(version) => format!("{} version {version}", side.id),
        None => side.id.clone(),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::report::tests::report;

    #[test]
    fn no_word_of_a_server_becomes_markup() {
        let page = write(&report());
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("version =cmd|&#39;/c calc&#39;!A1&lt;script&gt;"));
        assert_eq!(escape("\"a\" & \u{0}'b'"), "&quot;a&quot; &amp; \u{fffd}&#39;b&#39;");
        for word in ["missing", "divergent", "duplicate", "unknown", "identifier-collision", "in doubt"] {
            assert!(page.contains(word), "{word}");
        }
        assert!(page.contains("<td class=\"n\">6"), "accepted");
    }
}
