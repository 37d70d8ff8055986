//! From words on the command line to commands of the table, and their answers as text.

mod answers;
mod audience;
mod campaigns;
mod cleansing;
mod companies;
mod contacts;
mod duplicates;
mod exports;
mod folders;
mod imports;
mod journeys;
mod providers;
mod reports;
mod scores;
mod sending;
mod world;

use crate::args::{Cli, Demo, Noun, Run, SetSettings, Settings, Workspaces};
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::say;
use carillon_app::error::{ApiError, Result};
use serde_json::{Value, json};

/// Prints an answer: as JSON, or as the text a closure makes of it.
fn answer(json: bool, value: &Value, text: impl FnOnce(&Value)) {
    if json { output::json(value) } else { text(value) }
}

/// Does what the command line says.
///
/// # Errors
/// The command's own.
pub async fn run(cli: Cli) -> Result<()> {
    let json = cli.json;
    // Who looks at the studio in a browser sees journeys move, as in its window.
    let backend = Backend::new(matches!(cli.noun, Noun::Serve(_)));
    match cli.noun {
        // These make or list files; no workspace is open yet.
        Noun::Workspaces(verb @ (Workspaces::Create { .. } | Workspaces::Recent)) => {
            workspaces(&backend, json, verb).await
        }
        Noun::Demo(verb) => demo(&backend, json, verb).await,
        Noun::World(crate::args::World::Serve(world)) => {
            let delay = std::time::Duration::from_millis(world.delay_ms);
            let login = world.user.zip(world.password);
            tokio::select! {
                served = carillon_app::demo::serve_world(world.port, &world.truth, delay, login) => served,
                () = backend.interrupt.asked() => Ok(()),
            }
        }
        Noun::Bindings { dir } => bindings(&dir),
        Noun::Mailboxes(crate::args::Mailboxes::Read { files }) => answers::read(json, &files),
        Noun::Segments(crate::args::Segments::Grammar) => {
            let grammar = json!({ "grammar": carillon_app::segments::grammar() });
            answer(json, &grammar, |g| output::line(output::cell(&g["grammar"])));
            Ok(())
        }
        // What is replaced need not open, nor be there.
        Noun::Restore { from } if cli.workspace.as_ref().is_some_and(|f| !f.as_os_str().is_empty()) => {
            let args = json!({ "from": { "path": absolute(&from) }, "file": cli.workspace.as_deref().map(absolute) });
            let done = restore(&backend, json, args).await;
            let closed = backend.close().await;
            done.and(closed)
        }
        noun => {
            backend.open(cli.workspace).await?;
            let done = with_workspace(&backend, json, noun).await;
            let closed = backend.close().await;
            done.and(closed)
        }
    }
}

async fn with_workspace(backend: &Backend, json: bool, noun: Noun) -> Result<()> {
    match noun {
        Noun::Workspaces(verb) => workspaces(backend, json, verb).await,
        Noun::Contacts(verb) => contacts::contacts(backend, json, verb).await,
        Noun::Imports(crate::args::Imports::Folders(verb)) => folders::folders(backend, json, verb).await,
        Noun::Companies(verb) => companies::companies(backend, json, verb).await,
        Noun::Duplicates(verb) => duplicates::duplicates(backend, json, verb).await,
        Noun::Cleansing(verb) => cleansing::cleansing(backend, json, verb).await,
        Noun::Events(verb) => contacts::events(backend, json, verb).await,
        Noun::Fields(verb) => contacts::fields(backend, json, verb).await,
        Noun::Consent(verb) => audience::consent(backend, json, verb).await,
        Noun::Suppressions(verb) => audience::suppressions(backend, json, verb).await,
        Noun::Segments(verb) => audience::segments(backend, json, verb).await,
        Noun::Scores(verb) => scores::scores(backend, json, verb).await,
        Noun::Journeys(verb) => journeys::journeys(backend, json, verb).await,
        Noun::Campaigns(verb) => campaigns::campaigns(backend, json, verb).await,
        Noun::Templates(verb) => sending::templates(backend, json, verb).await,
        Noun::Accounts(verb) => sending::accounts(backend, json, verb).await,
        Noun::Mailboxes(verb) => answers::mailboxes(backend, json, verb).await,
        Noun::Providers(verb) => providers::providers(backend, json, verb).await,
        Noun::Relay(verb) => answers::relay(backend, json, verb).await,
        Noun::Responses(verb) => answers::responses(backend, json, verb).await,
        Noun::Outbox(verb) => sending::outbox(backend, json, verb).await,
        Noun::World(verb) => world::world(backend, json, verb).await,
        Noun::Run(how) => let_run(backend, json, how).await,
        Noun::Report(report) => reports::report(backend, json, report).await,
        Noun::Export(verb) => exports::export(backend, json, verb).await,
        Noun::Settings(verb) => settings(backend, json, verb).await,
        Noun::Backup { to } => {
            let args = json!({ "to": { "path": absolute(&to) } });
            let saved = backend.mutate("backup.create", args).await?;
            answer(json, &saved, |s| {
                say!("backup.made", file = s["path"], bytes = s["bytes"])
            });
            Ok(())
        }
        Noun::Restore { from } => {
            restore(backend, json, json!({ "from": { "path": absolute(&from) } })).await
        }
        Noun::Serve(how) => crate::serve::serve(backend, how.port, how.ui, json).await,
        // Handled before a workspace is opened.
        Noun::Demo(_) | Noun::Bindings { .. } => Ok(()),
    }
}

async fn restore(backend: &Backend, json: bool, args: Value) -> Result<()> {
    let done = backend.mutate("backup.restore", args).await?;
    answer(json, &done, restored);
    Ok(())
}

fn restored(done: &Value) {
    say!("backup.restored");
    let some = |key: &str| done[key].as_u64().filter(|n| *n > 0);
    if let Some(n) = some("frozen") {
        say!("backup.frozen", n = n);
    }
    if let Some(n) = some("taken_over") {
        say!("backup.taken_over", n = n);
    }
    if let Some(n) = some("merged") {
        say!("backup.merged", n = n);
    }
    if !done["replaced"].is_null() {
        say!("backup.replaced", file = done["replaced"]);
    }
    if let Some(warning) = done["warning"].as_str() {
        output::line(warning);
    }
}

async fn workspaces(backend: &Backend, json: bool, verb: Workspaces) -> Result<()> {
    match verb {
        Workspaces::Create {
            file,
            clock,
            start,
            name,
            time_zone,
        } => {
            let file = absolute(&file);
            let stem = || {
                file.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            };
            let name = name.unwrap_or_else(stem);
            let args = json!({ "file": { "path": file }, "name": name, "clock": clock.word(), "start": start, "time_zone": time_zone });
            let made = backend.mutate("workspaces.create", args).await?;
            backend.close().await?;
            answer(json, &made, |w| {
                say!("workspaces.created", file = w["file"]);
                warn_of_place(w);
            });
        }
        Workspaces::Recent => {
            let recent = backend.query("workspaces.recent", json!({})).await?;
            answer(json, &recent, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "name"),
                        ("clock", "clock"),
                        ("exists", "there"),
                        ("file", "file"),
                    ],
                )
            });
        }
        Workspaces::Show => {
            let mut shown = backend.query("workspaces.current", json!({})).await?;
            shown["clock"] = backend.query("clock.get", json!({})).await?;
            answer(json, &shown, |w| {
                output::facts(
                    w,
                    &[
                        ("file", "file"),
                        ("workspace.name", "name"),
                        ("workspace.clock", "clock"),
                        ("clock.now", "now"),
                        ("clock.next_due", "next_due"),
                        ("workspace.sample", "sample"),
                        ("workspace.time_zone", "time_zone"),
                        ("workspace.organisation", "organisation"),
                        ("workspace.postal_address", "postal_address"),
                    ],
                );
                warn_of_place(w);
            });
        }
    }
    Ok(())
}

/// Places in which a database file is not safe.
fn warn_of_place(workspace: &Value) {
    for place in workspace["warnings"].as_array().into_iter().flatten() {
        output::line(crate::words::words(
            &format!("words.places.{}", output::cell(place)),
            &[],
        ));
    }
}

async fn demo(backend: &Backend, json: bool, verb: Demo) -> Result<()> {
    let Demo::Create {
        file,
        contacts,
        months,
        seed,
    } = verb;
    let path = absolute(&file);
    let args = json!({ "file": { "path": path }, "contacts": contacts, "months": months, "seed": seed });
    let made = backend.job("demo.create_file", args).await?;
    answer(json, &made, |made| {
        say!(
            "demo.made",
            contacts = made["contacts"],
            events = made["events"],
            file = path.as_path(),
            now = made["now"],
            named = file.as_path(),
        );
    });
    Ok(())
}

async fn let_run(backend: &Backend, json: bool, how: Run) -> Result<()> {
    let args = match (how.until, how.for_secs) {
        (Some(until), _) => json!({ "until": until }),
        (_, Some(secs)) => json!({ "for_secs": secs }),
        _ => json!({}),
    };
    let ran = backend.job("runtime.run", args).await?;
    let outbox = match json {
        true => Value::Null,
        false => backend.query("outbox.summary", json!({})).await?,
    };
    answer(json, &ran, |r| {
        say!("run.now", now = r["now"]);
        say!(
            "run.did",
            calls = r["calls"],
            accepted = r["accepted"],
            refused = r["refused"],
            held = r["held"],
        );
        sending::waiting(&outbox);
        match r["next_due"].as_str() {
            Some(next) => say!("run.next", at = next),
            None => say!("run.nothing"),
        }
    });
    Ok(())
}

async fn settings(backend: &Backend, json: bool, verb: Settings) -> Result<()> {
    let mut now = backend.query("settings.get", json!({})).await?;
    if let Settings::Set(SetSettings {
        name,
        organisation,
        postal_address,
        time_zone,
    }) = verb
    {
        for (key, value) in [
            ("name", name),
            ("organisation", organisation),
            ("postal_address", postal_address),
            ("time_zone", time_zone),
        ] {
            if let Some(value) = value {
                now[key] = Value::String(value);
            }
        }
        now = backend.mutate("settings.save", now).await?;
    }
    answer(json, &now, |s| {
        output::facts(
            s,
            &[
                ("name", "name"),
                ("organisation", "organisation"),
                ("postal_address", "postal_address"),
                ("time_zone", "time_zone"),
            ],
        );
    });
    Ok(())
}

fn bindings(dir: &std::path::Path) -> Result<()> {
    let cfg = ts_rs::Config::from_env()
        .with_out_dir(dir)
        .with_large_int("number");
    for command in carillon_app::table::table().values() {
        (command.export)(&cfg).map_err(ApiError::internal)?;
    }
    std::fs::write(dir.join("Commands.ts"), carillon_app::table::typescript(&cfg))?;
    Ok(())
}
