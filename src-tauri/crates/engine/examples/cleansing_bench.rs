//! What a cleansing of a million made-up contacts costs, without reading and writing them.
//!
//! `cargo run --release -p carillon-engine --example cleansing_bench [CONTACTS]` prints one JSON object. `checked` says that
//! as many proposals came as there were slips made.

use carillon_engine::cleansing::{Cleanser, Country, Domains, Kind, Rules};
use std::time::Instant;

const KINDS: [Kind; 7] = [
    Kind::Email,
    Kind::GivenName,
    Kind::Surname,
    Kind::Phone,
    Kind::Country,
    Kind::PostCode,
    Kind::Text,
];
/// Every which contact has the slip of one field.
const SLIPS: [usize; 7] = [50, 10, 10, 2, 5, 20, 100];

fn main() {
    let contacts: usize = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let of = |i: usize, field: usize, right: &str, wrong: &str| -> Option<String> {
        Some(
            if i.is_multiple_of(SLIPS[field]) {
                wrong
            } else {
                right
            }
            .replace('#', &format!("{:06}", i % 1_000_000)),
        )
    };
    let rows: Vec<[Option<String>; 7]> = (0..contacts)
        .map(|i| {
            [
                of(i, 0, "jo#@gmail.com", "jo#@gmial.com"),
                of(i, 1, "Anna", "ANNA"),
                of(i, 2, "van der Berg", "van der berg"),
                of(i, 3, "+4930#", "030 #"),
                of(i, 4, "DE", "Deutschland"),
                of(i, 5, "01067", "1067"),
                of(i, 6, "Coffee House Ltd", "Coffee  House Ltd "),
            ]
        })
        .collect();
    let start = Instant::now();
    let mut domains = Domains::default();
    for row in &rows {
        domains.note(row[0].as_deref().unwrap_or_default());
    }
    let counted = start.elapsed();
    let cleanser = Cleanser::new(&KINDS, Rules::ALL, Country::of("DE"), &domains);
    let start = Instant::now();
    let mut found = 0;
    for row in &rows {
        found += cleanser.proposals(&row.each_ref().map(Option::as_deref)).len();
    }
    let asked = start.elapsed();
    // A domain that one in fifty has may be somebody's own, so that slip is none here.
    let made: usize = SLIPS[1..].iter().map(|each| contacts.div_ceil(*each)).sum();
    println!(
        "{{\"contacts\":{contacts},\"domains_secs\":{:.2},\"proposals_secs\":{:.2},\"found\":{found},\"made\":{made},\"checked\":{}}}",
        counted.as_secs_f64(),
        asked.as_secs_f64(),
        found == made,
    );
}
