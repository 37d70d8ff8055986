//! From a decided message to a server: what may leave, what stays, and what a screen is told of it. Real sessions to
//! the mail world's server, and real render children: this executable, started again.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "imports need more of it")]
#[path = "../imports/studio.rs"]
mod studio;

mod absence;
mod accounts;
mod brevo;
mod gate;
mod interleavings;
mod mails;
mod may_leave;
mod postmark;
mod providers;
mod relay;
mod responses;
#[cfg(feature = "moto")]
mod ses;
mod shop;
mod waiting;
mod world;

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = carillon_app::render_child() {
        return ExitCode::from(code as u8);
    }
    let mut trials = absence::trials();
    trials.extend(accounts::trials());
    trials.extend(gate::trials());
    trials.extend(interleavings::trials());
    trials.extend(mails::trials());
    trials.extend(may_leave::trials());
    trials.extend(relay::trials());
    trials.extend(providers::trials());
    trials.extend(responses::trials());
    #[cfg(feature = "moto")]
    trials.extend(ses::trials());
    trials.extend(world::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test in a runtime of its own.
fn trial<F: Future<Output = ()>>(name: &str, run: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.unwrap().block_on(run());
        Ok::<(), Failed>(())
    })
}
