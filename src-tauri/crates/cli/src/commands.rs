//! From words on the command line to commands of the table, and their answers as text.

mod audience;
mod contacts;
mod journeys;
mod sending;

use crate::args::{Cli, ClockArg, Demo, Format, Noun, Report, Run, Settings, Workspaces};
use crate::backend::{Backend, absolute};
use crate::output;
use carillon_app::error::{ApiError, Result, sentence};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Prints an answer: as JSON, or as the text a closure makes of it.
fn answer(json: bool, value: &Value, text: impl FnOnce(&Value)) {
    if json { output::json(value) } else { text(value) }
}

/// Does what the command line says.
///
/// # Errors
/// The command's own.
pub async fn run(cli: Cli) -> Result<()> {
    let backend = Backend::new(cli.json);
    let json = cli.json;
    match cli.noun {
        // These make or list files; no workspace is open yet.
        Noun::Workspaces(Workspaces::Create {
            file,
            clock,
            start,
            name,
            time_zone,
        }) => {
            return create(&backend, json, file, clock, start, name, time_zone).await;
        }
        Noun::Workspaces(Workspaces::Recent) => {
            let recent = backend.query("workspaces.recent", json!({})).await?;
            answer(json, &recent, |rows| {
                output::table(rows, &[("name", "NAME"), ("clock", "CLOCK"), ("file", "FILE")])
            });
            return Ok(());
        }
        Noun::Demo(Demo::Create {
            file,
            contacts,
            months,
            seed,
        }) => {
            let file = absolute(&file);
            let args =
                json!({ "file": { "path": file }, "contacts": contacts, "months": months, "seed": seed });
            let made = backend.job("demo.create_file", args).await?;
            answer(json, &made, |made| {
                output::line(format!(
                    "Made a sample company with {} contacts and {} events in {}.\nIts clock stands at {}. Let it run: carillon -w {} run --until INSTANT",
                    made["contacts"],
                    made["events"],
                    file.display(),
                    output::cell(&made["now"]),
                    file.display()
                ));
            });
            return Ok(());
        }
        Noun::World(world) => {
            return carillon_app::demo::serve_world(
                world.port,
                &world.truth,
                std::time::Duration::from_millis(world.delay_ms),
            )
            .await;
        }
        Noun::Bindings { dir } => return bindings(&dir),
        Noun::Segments(crate::args::Segments::Grammar) => {
            output::line(carillon_app::segments::grammar());
            return Ok(());
        }
        noun => {
            backend.open(cli.workspace).await?;
            let done = with_workspace(&backend, json, noun).await;
            // Closing waits for the last commit; an owner in another process goes on.
            let closed = backend.mutate("workspaces.close", json!({})).await;
            done?;
            closed?;
        }
    }
    Ok(())
}

async fn with_workspace(backend: &Backend, json: bool, noun: Noun) -> Result<()> {
    match noun {
        Noun::Workspaces(_) => {
            let shown = backend.query("workspaces.current", json!({})).await?;
            answer(json, &shown, |w| {
                output::facts(
                    w,
                    &[
                        ("file", "File"),
                        ("workspace.name", "Name"),
                        ("workspace.clock", "Clock"),
                        ("workspace.sample", "Sample"),
                        ("workspace.time_zone", "Time zone"),
                        ("workspace.organisation", "Organisation"),
                        ("workspace.postal_address", "Postal address"),
                        ("warnings", "Warnings"),
                    ],
                );
            });
            Ok(())
        }
        Noun::Contacts(verb) => contacts::contacts(backend, json, verb).await,
        Noun::Events(verb) => contacts::events(backend, json, verb).await,
        Noun::Fields(verb) => contacts::fields(backend, json, verb).await,
        Noun::Consent(verb) => audience::consent(backend, json, verb).await,
        Noun::Suppressions(verb) => audience::suppressions(backend, json, verb).await,
        Noun::Segments(verb) => audience::segments(backend, json, verb).await,
        Noun::Journeys(verb) => journeys::journeys(backend, json, verb).await,
        Noun::Templates(verb) => sending::templates(backend, json, verb).await,
        Noun::Accounts(verb) => sending::accounts(backend, json, verb).await,
        Noun::Outbox(verb) => sending::outbox(backend, json, verb).await,
        Noun::Run(how) => let_run(backend, json, how).await,
        Noun::Report(report) => show_report(backend, json, report).await,
        Noun::Settings(verb) => settings(backend, json, verb).await,
        Noun::Backup { to } => {
            let saved = backend
                .mutate("backup.create", json!({ "to": { "path": absolute(&to) } }))
                .await?;
            answer(json, &saved, |s| {
                output::line(format!(
                    "Wrote {} ({} bytes), and read it back.",
                    output::cell(&s["path"]),
                    s["bytes"]
                ))
            });
            Ok(())
        }
        Noun::Restore { from } => {
            let done = backend
                .mutate("backup.restore", json!({ "from": { "path": absolute(&from) } }))
                .await?;
            answer(json, &done, |d| {
                let replaced = output::cell(&d["replaced"]);
                output::line(sentence(
                    "backup.restored",
                    &[
                        ("frozen", &d["frozen"]),
                        ("taken_over", &d["taken_over"]),
                        ("merged", &d["merged"]),
                        ("replaced", &replaced),
                    ],
                ));
            });
            Ok(())
        }
        Noun::Serve(how) => crate::serve::serve(backend, how.port, how.ui, json).await,
        // Handled before a workspace is opened.
        Noun::Demo(_) | Noun::World(_) | Noun::Bindings { .. } => Ok(()),
    }
}

async fn create(
    backend: &Backend,
    json: bool,
    file: PathBuf,
    clock: ClockArg,
    start: Option<String>,
    name: Option<String>,
    time_zone: String,
) -> Result<()> {
    let file = absolute(&file);
    let name = name.unwrap_or_else(|| {
        file.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    });
    let clock = match clock {
        ClockArg::Real => "real",
        ClockArg::Virtual => "virtual",
    };
    let args = json!({ "file": { "path": file }, "name": name, "clock": clock, "start": start, "time_zone": time_zone });
    let made = backend.mutate("workspaces.create", args).await?;
    backend.mutate("workspaces.close", json!({})).await?;
    answer(json, &made, |w| {
        output::line(format!("Created {}.", output::cell(&w["file"])))
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
    answer(json, &ran, |r| {
        output::line(format!(
            "It is {}. {} steps, {} messages accepted, {} not sent, {} held or unknown.",
            output::cell(&r["now"]),
            r["calls"],
            r["accepted"],
            r["refused"],
            r["held"]
        ));
        match r["next_due"].as_str() {
            Some(next) => output::line(format!("Next due: {next}")),
            None => output::line("Nothing is due."),
        }
    });
    Ok(())
}

async fn show_report(backend: &Backend, json: bool, report: Report) -> Result<()> {
    let shown = match report.name.as_str() {
        "messages" => {
            backend
                .query("reports.messages", json!({ "days": 3650, "step": "day" }))
                .await?
        }
        "growth" => {
            backend
                .query("reports.growth", json!({ "days": 3650, "step": "day" }))
                .await?
        }
        "funnel" => {
            let journey = match report.journey {
                Some(name) => backend.find("journeys.list", "name", &name, "journey").await?,
                None => match &backend.query("journeys.list", json!({})).await?[0] {
                    Value::Null => {
                        return Err(carillon_app::error::fail(
                            carillon_app::error::Code::NotFound,
                            "cli.no_journey",
                            &[],
                        ));
                    }
                    first => first.clone(),
                },
            };
            backend
                .query(
                    "reports.funnel",
                    json!({ "journey": journey["id"], "version": null }),
                )
                .await?
        }
        other => {
            return Err(carillon_app::error::fail(
                carillon_app::error::Code::NotFound,
                "not_found.report",
                &[("name", &other)],
            ));
        }
    };
    if json || report.format == Format::Json {
        output::json(&shown);
    } else {
        match report.name.as_str() {
            "funnel" => csv(&Value::Array(funnel_rows(&shown))),
            _ => csv(&shown["rows"]),
        }
    }
    Ok(())
}

/// The steps of a funnel, and after them each way out as a row of its own, whose kind says that it is an end.
fn funnel_rows(report: &Value) -> Vec<Value> {
    let steps = report["steps"].as_array().into_iter().flatten().cloned();
    let ends = report["ended"].as_array().into_iter().flatten();
    let ends = ends.map(|end| {
        json!({
            "step": if end["end"] == "goal" { &end["reason"] } else { &Value::Null },
            "title": end["title"],
            "kind": format!("end: {}", output::cell(&end["end"])),
            "reached": end["count"],
        })
    });
    steps.chain(ends).collect()
}

/// An array of flat objects as CSV.
fn csv(rows: &Value) {
    let Some(rows) = rows.as_array() else { return };
    let Some(first) = rows.first().and_then(Value::as_object) else {
        return;
    };
    let quote = |text: String| {
        let text = carillon_app::imports::source::defused(&text);
        if text.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    let keys: Vec<&String> = first.keys().collect();
    output::line(
        keys.iter()
            .map(|k| quote((*k).clone()))
            .collect::<Vec<_>>()
            .join(","),
    );
    for row in rows {
        output::line(
            keys.iter()
                .map(|k| quote(output::cell(&row[k.as_str()])))
                .collect::<Vec<_>>()
                .join(","),
        );
    }
}

async fn settings(backend: &Backend, json: bool, verb: Settings) -> Result<()> {
    let mut now = backend.query("settings.get", json!({})).await?;
    if let Settings::Set {
        name,
        organisation,
        postal_address,
        time_zone,
    } = verb
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
                ("name", "Name"),
                ("organisation", "Organisation"),
                ("postal_address", "Postal address"),
                ("time_zone", "Time zone"),
            ],
        );
    });
    Ok(())
}

fn bindings(dir: &std::path::Path) -> Result<()> {
    let cfg = ts_config(dir);
    for command in carillon_app::table::table().values() {
        (command.export)(&cfg).map_err(ApiError::internal)?;
    }
    std::fs::write(dir.join("Commands.ts"), carillon_app::table::typescript(&cfg))?;
    Ok(())
}

fn ts_config(dir: &std::path::Path) -> ts_rs::Config {
    ts_rs::Config::from_env()
        .with_out_dir(dir)
        .with_large_int("number")
}
