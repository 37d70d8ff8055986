//! The command table: every use-case by name, who may call it, and what a screen must refetch after it.

use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use carillon_store::Topic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::LazyLock;
use ts_rs::TS;

/// Reading or changing. A query never writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Query,
    Mutate,
}

/// Who calls. The shell names its windows; the others are doors of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The studio's window.
    Main,
    /// A frame that shows mail or pages of others: may call nothing.
    Preview,
    /// The studio's UI in a browser, through `carillon serve`.
    Browser,
    /// The command line, in this process or through the socket.
    Terminal,
}

/// All who may show the studio's own screens, and the command line.
pub const EVERYBODY: &[Window] = &[Window::Main, Window::Browser, Window::Terminal];
/// Commands that take a path of this machine: not from a browser page.
pub const LOCAL: &[Window] = &[Window::Main, Window::Terminal];

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value>> + Send + 'a>>;

/// One use-case.
pub struct Command {
    /// `feature.verb`.
    pub name: &'static str,
    pub kind: Kind,
    pub windows: &'static [Window],
    /// What its answer is made of: a commit that touches one of these makes it stale.
    pub reads: &'static [Topic],
    /// Runs in the process that shows the screen, never in another one that owns the file.
    pub at_home: bool,
    pub call: for<'a> fn(&'a Ctx, Value) -> Answer<'a>,
    /// TypeScript names of request and answer.
    pub types: fn(&ts_rs::Config) -> (String, String),
    /// Writes the TypeScript of request and answer with all they use.
    pub export: fn(&ts_rs::Config) -> std::result::Result<(), ts_rs::ExportError>,
}

/// Declares the commands of a feature.
///
/// `query "fields.list" list(NoArgs) -> Vec<Field>, reads [Fields];`
#[macro_export]
macro_rules! commands {
    ($($kind:ident $name:literal $handler:ident($req:ty) -> $res:ty, reads [$($topic:ident),*] $(, only $windows:expr)? $(, home $home:literal)?;)*) => {
        /// The use-cases of this feature.
        pub fn commands() -> Vec<$crate::table::Command> {
            vec![$($crate::table::Command {
                name: $name,
                kind: $crate::commands!(@kind $kind),
                windows: $crate::commands!(@windows $($windows)?),
                reads: &[$(::carillon_store::Topic::$topic),*],
                at_home: $crate::commands!(@home $($home)?),
                call: |cx, args| Box::pin(async move {
                    let req: $req = $crate::table::read_args(args)?;
                    let res: $res = $handler(cx, req).await?;
                    serde_json::to_value(res).map_err($crate::error::ApiError::internal)
                }),
                types: |cfg| (<$req as ::ts_rs::TS>::name(cfg), <$res as ::ts_rs::TS>::name(cfg)),
                export: |cfg| {
                    $crate::table::export_words::<$req>(cfg)?;
                    $crate::table::export_words::<$res>(cfg)
                },
            }),*]
        }
    };
    (@kind query) => { $crate::table::Kind::Query };
    (@kind mutate) => { $crate::table::Kind::Mutate };
    (@windows) => { $crate::table::EVERYBODY };
    (@windows $w:expr) => { $w };
    (@home) => { false };
    (@home $h:literal) => { $h };
}

/// Nothing to ask for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct NoArgs {}

/// Nothing to say but that it is done.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Done {}

/// A page of rows with the number of all of them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Page<T> {
    pub rows: Vec<T>,
    #[ts(type = "number")]
    pub total: u64,
}

/// The number of a job that was started.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobStarted {
    pub job: u32,
}

/// Reads a request; what does not fit is named.
pub fn read_args<T: DeserializeOwned>(args: Value) -> Result<T> {
    let args = if args.is_null() {
        Value::Object(Default::default())
    } else {
        args
    };
    serde_json::from_value(args).map_err(|e| fail(Code::Invalid, "table.bad_args", &[("detail", &e)]))
}

/// Exports a type with all it depends on; types without a file of their own export their parts.
pub fn export_words<T: TS + 'static>(cfg: &ts_rs::Config) -> std::result::Result<(), ts_rs::ExportError> {
    if T::output_path().is_some() {
        return T::export_all(cfg);
    }
    struct Visit<'a>(&'a ts_rs::Config, std::result::Result<(), ts_rs::ExportError>);
    impl ts_rs::TypeVisitor for Visit<'_> {
        fn visit<U: TS + 'static + ?Sized>(&mut self) {
            if self.1.is_ok() && U::output_path().is_some() {
                self.1 = U::export_all(self.0);
            }
        }
    }
    let mut visit = Visit(cfg, Ok(()));
    T::visit_dependencies(&mut visit);
    T::visit_generics(&mut visit);
    visit.1
}

static TABLE: LazyLock<BTreeMap<&'static str, Command>> = LazyLock::new(|| {
    crate::features()
        .into_iter()
        .map(|command| (command.name, command))
        .collect()
});

/// All commands by name.
pub fn table() -> &'static BTreeMap<&'static str, Command> {
    &TABLE
}

/// The command of that name and kind, if the window may call it.
pub fn find(window: Window, kind: Kind, name: &str) -> Result<&'static Command> {
    let command = table()
        .get(name)
        .ok_or_else(|| fail(Code::NotFound, "table.unknown", &[("name", &name)]))?;
    if command.kind != kind {
        return Err(fail(Code::Invalid, "table.wrong_kind", &[("name", &name)]));
    }
    if !command.windows.contains(&window) {
        return Err(fail(Code::Denied, "table.denied", &[("name", &name)]));
    }
    Ok(command)
}

/// The TypeScript map of all commands; `cargo xtask bindings` writes it beside the words.
pub fn typescript(cfg: &ts_rs::Config) -> String {
    let mut names = std::collections::BTreeSet::new();
    let mut lines = String::new();
    let word = |text: &str, names: &mut std::collections::BTreeSet<String>| {
        for part in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if part.starts_with(|c: char| c.is_ascii_uppercase()) && !["Array", "Record"].contains(&part) {
                names.insert(part.to_owned());
            }
        }
    };
    for command in table().values() {
        let (req, res) = (command.types)(cfg);
        word(&req, &mut names);
        word(&res, &mut names);
        let kind = if command.kind == Kind::Query {
            "query"
        } else {
            "mutate"
        };
        let reads: Vec<String> = command
            .reads
            .iter()
            .map(|t| format!("\"{}\"", t.as_str()))
            .collect();
        lines += &format!(
            "  \"{}\": {{ kind: \"{kind}\"; req: {req}; res: {res}; reads: [{}] }};\n",
            command.name,
            reads.join(", ")
        );
    }
    let mut out = String::from("// Made by `cargo xtask bindings` from the command table. Do not edit.\n");
    for name in &names {
        out += &format!("import type {{ {name} }} from \"./{name}\";\n");
    }
    out += "\nexport type Commands = {\n";
    out += &lines;
    out += "};\n\n/** What each query reads: a commit that touches one of these makes its answer stale. */\n";
    out += "export const READS: Record<string, readonly string[]> = {\n";
    for command in table().values().filter(|c| c.kind == Kind::Query) {
        let reads: Vec<String> = command
            .reads
            .iter()
            .map(|t| format!("\"{}\"", t.as_str()))
            .collect();
        out += &format!("  \"{}\": [{}],\n", command.name, reads.join(", "));
    }
    out += "};\n";
    out
}

/// What a caller sends: through the window, the socket or the browser, all the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    pub kind: Kind,
    pub name: String,
    #[serde(default)]
    pub args: Value,
}

/// What comes back.
pub type Reply = std::result::Result<Value, ApiError>;
