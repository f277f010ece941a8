//! How fast the reading thread and one worker are. Run with
//! `cargo test --release --lib source::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

fn rate(what: &str, name: &str, bytes: Vec<u8>) {
    let size = bytes.len() as f64 / 1e6;
    let input = Input::bytes(name, bytes);
    for parse in [false, true] {
        let (start, mut records, mut cells) = (Instant::now(), 0, 0);
        let mut scratch = Scratch::default();
        for batch in Reader::open(&input, &Options::default()).unwrap() {
            let batch = batch.unwrap();
            records += batch.len();
            for record in batch.records().filter(|_| parse) {
                match batch.layout.parse(record.text, &mut scratch).unwrap() {
                    Parsed::Row(row) => cells += row.iter().map(str::len).sum::<usize>(),
                    _ => cells += 1,
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let with = if parse { "split and parsed" } else { "split" };
        println!("{what}: {with}: {:.0} MB/s, {records} records, {cells}", size / seconds);
    }
}

#[test]
#[ignore = "a measurement, not a check"]
fn rates() {
    let row = |n: usize| {
        format!(
            "REF{n:07},999 000 4218,Nia Fôn,1949-03-02,Social isolation,2024-05-01,\"Lives alone, would like company\",,open\n"
        )
    };
    let plain = |n: usize| {
        format!("REF{n:07},9990004218,Nia Evans,1949-03-02,Social isolation,2024-05-01,Lives alone,,open\n")
    };
    let table = |row: &dyn Fn(usize) -> String| -> Vec<u8> {
        let heading = "Ref,NHS,Name,DOB,Need,Referred,Note,Closed,Status\n".to_owned();
        std::iter::once(heading).chain((0..1_000_000).map(row)).collect::<String>().into_bytes()
    };
    rate("CSV, a quoted cell, not ASCII", "e.csv", table(&row));
    rate("CSV, plain", "e.csv", table(&plain));
    let json = |n: usize| {
        format!(
            "{{\"ref\":\"REF{n:07}\",\"nhs\":\"9990004218\",\"name\":\"Nia Evans\",\"dob\":\"1949-03-02\",\"need\":[\"Social isolation\"]}}"
        )
    };
    rate("NDJSON", "e.ndjson", (0..500_000).map(|n| json(n) + "\n").collect::<String>().into_bytes());
    let array: Vec<String> = (0..500_000).map(json).collect();
    rate("JSON array", "e.json", format!("[{}]", array.join(",\n")).into_bytes());
    let xml: String = (0..500_000).map(|n| format!("<case id=\"{n}\"><nhs>9990004218</nhs><name>Nia Evans</name><need>Social isolation</need></case>\n")).collect();
    rate("XML", "e.xml", format!("<cases>{xml}</cases>").into_bytes());
}
