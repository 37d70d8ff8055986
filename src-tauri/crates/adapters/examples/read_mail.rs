//! Prints what mail says, one JSON object a file: `cargo run -p carillon-adapters --example read_mail FILE...`

use carillon_adapters::mailbox::notice::{Rules, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args_os().skip(1) {
        let notice = read(&std::fs::read(&path)?, Rules::embedded(), chrono::Utc::now());
        println!("{}", serde_json::to_string(&notice)?);
    }
    Ok(())
}
