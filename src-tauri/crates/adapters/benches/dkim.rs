//! Signatures a second on one core, over a message of 40 KB.
#![allow(clippy::unwrap_used)]

use carillon_adapters::dkim::{Key, Signer, make_key};
use carillon_model::Moment;
use std::time::{Duration, Instant};

fn main() {
    let began = Instant::now();
    let secret = make_key().unwrap();
    let made = began.elapsed();
    let began = Instant::now();
    let signer = Signer::new(Key::read(&secret).unwrap(), "ember.example", "carillon1").unwrap();
    let read = began.elapsed();
    let body = "A line of a mail, about as long as most of them are in fact.\r\n".repeat(640);
    let message = format!("From: a@ember.example\r\nTo: b@example.com\r\nSubject: Hi\r\n\r\n{body}");
    let at = Moment::from_timestamp(1_790_000_000, 0).unwrap();
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(5) {
        assert!(signer.sign(message.as_bytes(), at).unwrap().len() > message.len());
        count += 1;
    }
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    println!(
        "key made in {made:.0?}, read in {read:.1?}; {rate:.0} signatures a second over {} bytes",
        message.len()
    );
}
