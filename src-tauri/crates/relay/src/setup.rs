//! Setting up on a server, and looking at it afterwards.

use crate::Init;
use carillon_relay::{Clock, Config, Limits, Relay, TlsFiles};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Writes the configuration and makes the first tenant. Says all that is left to do.
pub(crate) async fn init(file: &Path, asked: &Init) -> Result<String, String> {
    if file.exists() {
        return Err(format!(
            "{} is there already. `carillon-relay tenant` makes another tenant, `carillon-relay pair` a new code.",
            file.display()
        ));
    }
    let url = asked.url.trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .and_then(|rest| rest.split([':', '/']).next())
        .filter(|host| !host.is_empty())
        .ok_or_else(|| {
            format!(
                "{} is no address; write it like https://go.shop.example.",
                asked.url
            )
        })?;
    let config = Config {
        listen: asked.listen,
        public_url: url.to_owned(),
        data: asked.data.clone(),
        behind_proxy: asked.certificate.is_none(),
        tls: asked
            .certificate
            .clone()
            .zip(asked.key.clone())
            .map(|(certificate, key)| TlsFiles { certificate, key }),
        limits: Limits::default(),
    };
    let text = toml::to_string(&config).map_err(|e| format!("The configuration cannot be written: {e}"))?;
    let relay = Relay::open(config.clone(), Clock::system()).map_err(|e| e.to_string())?;
    let code = relay.add_tenant().await.map_err(|e| e.to_string())?;
    write_private(file, &text).map_err(|e| format!("{} cannot be written: {e}", file.display()))?;
    Ok(format!(
        "{}\n\nPairing code, to be pasted into the studio; it works once:\n\n  {code}",
        instructions(file, &config, host)
    ))
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

fn instructions(file: &Path, config: &Config, host: &str) -> String {
    let name = host.split('.').next().unwrap_or(host);
    let program = std::env::current_exe().map_or_else(
        |_| "/usr/local/bin/carillon-relay".to_owned(),
        |p| p.display().to_string(),
    );
    let front = match &config.tls {
        Some(_) => {
            "3. TLS: done here, with the certificate you named. It is read again when its file changes."
                .to_owned()
        }
        None => format!(
            "3. TLS: put Caddy in front, which gets the certificate by itself. In its Caddyfile:\n\n  {host} {{\n    reverse_proxy {listen}\n  }}\n\n\
             or nginx, inside the `server` that has the certificate:\n\n  location / {{\n    proxy_pass http://{listen};\n    \
             proxy_set_header Host $host;\n    proxy_set_header X-Forwarded-For $remote_addr;\n    proxy_buffering off;\n    access_log off;\n  }}",
            listen = config.listen
        ),
    };
    format!(
        "Written: {file} and {data}.\n\n\
         1. DNS: point the name at this server, at whoever keeps the zone of your domain:\n\n  {name}  IN  A  <this server's IPv4 address>\n\n\
         2. systemd: save as /etc/systemd/system/carillon-relay.service, then `systemctl enable --now carillon-relay`:\n\n{unit}\n\n\
         {front}\n\n4. See that {url}/health answers.",
        file = file.display(),
        data = config.data.display(),
        unit = unit(&program, file, config),
        url = config.public_url,
    )
}

fn unit(program: &str, file: &Path, config: &Config) -> String {
    let low_port = if config.listen.port() < 1_024 {
        "\n  AmbientCapabilities=CAP_NET_BIND_SERVICE"
    } else {
        ""
    };
    format!(
        "  [Unit]\n  Description=Carillon relay\n  After=network-online.target\n  Wants=network-online.target\n\n  [Service]\n  \
         ExecStart={program} --config {file} run\n  Restart=always\n  RestartSec=1\n  NoNewPrivileges=yes\n  ProtectSystem=strict\n  \
         ProtectHome=yes\n  PrivateTmp=yes\n  ReadWritePaths={data}\n  LimitNOFILE=65536{low_port}\n\n  [Install]\n  WantedBy=multi-user.target",
        file = file.display(),
        data = config.data.display(),
    )
}

/// Holds the folder for one relay at a time, as long as the file is open.
pub(crate) fn only_one(data: &Path) -> Result<File, String> {
    std::fs::create_dir_all(data).map_err(|e| format!("{} cannot be made: {e}", data.display()))?;
    let file = lock_file(data)?;
    file.try_lock()
        .map_err(|_| format!("A relay is running on {} already.", data.display()))?;
    Ok(file)
}

fn lock_file(data: &Path) -> Result<File, String> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("running.lock"))
        .map_err(|e| format!("{} cannot be used: {e}", data.display()))
}

/// What is there, read from the files: tenants, events, room.
pub(crate) fn status(config: &Config) -> Result<String, String> {
    let running = lock_file(&config.data)?.try_lock().is_err();
    let mut lines = vec![format!(
        "{} at {}, {}",
        if running { "running" } else { "not running" },
        config.public_url,
        config.data.display()
    )];
    let folders = std::fs::read_dir(&config.data).map_err(|e| e.to_string())?;
    for folder in folders.flatten() {
        let file = folder.path().join("relay.db");
        if !file.is_file() {
            continue;
        }
        let count = |sql: &str| -> rusqlite::Result<i64> {
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
            rusqlite::Connection::open_with_flags(&file, flags)?.query_row(sql, [], |r| r.get(0))
        };
        let told = (|| -> rusqlite::Result<String> {
            Ok(format!(
                "{} events kept, {} acknowledged, {} machines, {} addresses not written to, {} KiB of {} KiB",
                count("SELECT count(*) FROM events")?,
                count("SELECT coalesce(max(seq), 0) FROM acks")?,
                count("SELECT count(*) FROM devices")?,
                count("SELECT count(*) FROM suppressions WHERE NOT lifted")?,
                count("SELECT page_count * 4 FROM pragma_page_count")?,
                config.limits.quota_bytes / 1_024,
            ))
        })();
        let told = told.unwrap_or_else(|error| format!("cannot be read: {error}"));
        lines.push(format!("{}  {told}", folder.file_name().to_string_lossy()));
    }
    Ok(lines.join("\n"))
}
