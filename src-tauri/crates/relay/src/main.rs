//! `carillon-relay`: set up, run, pair, look.

mod setup;

use carillon_relay::{Clock, Config, Relay, serve};
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Hears what people answer while the laptop sleeps, and knows nobody.
#[derive(Debug, Parser)]
#[command(name = "carillon-relay", version)]
struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "CARILLON_RELAY_CONFIG",
        default_value = "/etc/carillon-relay.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the configuration, make the first tenant, and say what is left to do.
    Init(Init),
    /// Serve until stopped.
    Run,
    /// Show tenants, what they hold and how full they are.
    Status,
    /// Make another tenant: one for each workspace. A running relay sees it after a restart.
    Tenant,
    /// A new pairing code for a tenant. Who pairs with it takes the tenant over.
    Pair {
        /// The tenant; may be left out where there is only one.
        tenant: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Init {
    /// Where the world reaches the relay, like https://go.shop.example.
    #[arg(long)]
    url: String,
    /// The folder for its files.
    #[arg(long, default_value = "/var/lib/carillon-relay")]
    data: PathBuf,
    /// Where it listens: loopback behind Caddy or nginx, 0.0.0.0:443 with a certificate of its own.
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Certificate chain (PEM), if it speaks TLS itself.
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_target(false)
        .init();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return said(&format!("The program cannot start: {error}")),
    };
    match runtime.block_on(command(&cli)) {
        Ok(text) => {
            if !text.is_empty() {
                println!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(problem) => said(&problem),
    }
}

fn said(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::FAILURE
}

async fn command(cli: &Cli) -> Result<String, String> {
    match &cli.command {
        Command::Init(init) => setup::init(&cli.config, init).await,
        Command::Run => run(&cli.config).await.map(|()| String::new()),
        Command::Status => setup::status(&read(&cli.config)?),
        Command::Tenant => {
            let code = open(&cli.config)?.add_tenant().await.map_err(text)?;
            Ok(format!(
                "{code}\n\nPaste this line into the studio, after `systemctl restart carillon-relay`."
            ))
        }
        Command::Pair { tenant } => {
            let relay = open(&cli.config)?;
            let tenants = relay.tenants();
            let tenant = match (tenant, tenants.as_slice()) {
                (Some(tenant), _) => tenant.clone(),
                (None, [only]) => only.clone(),
                (None, several) => return Err(format!("Which tenant? There are: {}", several.join(", "))),
            };
            let code = relay.new_code(&tenant).await.map_err(text)?;
            Ok(format!(
                "{code}\n\nPaste this line into the studio. It works once."
            ))
        }
    }
}

async fn run(file: &Path) -> Result<(), String> {
    let config = read(file)?;
    let _only = setup::only_one(&config.data)?;
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|e| format!("Nothing can listen on {}: {e}", config.listen))?;
    let listen = config.listen;
    let relay = Relay::open(config, Clock::system()).map_err(text)?;
    let handle = serve(Arc::new(relay), listener).map_err(text)?;
    tracing::info!("listening on {listen}");
    stopped().await;
    handle.stop().await;
    Ok(())
}

/// Until somebody says stop: Ctrl+C, or systemd's SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}

fn open(file: &Path) -> Result<Relay, String> {
    Relay::open(read(file)?, Clock::system()).map_err(text)
}

fn read(file: &Path) -> Result<Config, String> {
    let words = std::fs::read_to_string(file).map_err(|e| {
        format!(
            "The configuration {} cannot be read ({e}). `carillon-relay init` writes one.",
            file.display()
        )
    })?;
    toml::from_str(&words).map_err(|e| format!("The configuration {} is not right:\n{e}", file.display()))
}

fn text(error: carillon_relay::RelayError) -> String {
    error.to_string()
}
