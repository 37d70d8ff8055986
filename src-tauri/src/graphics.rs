//! Variables of the web view that must stand before it is loaded.
//!
//! Without a GPU, WebKitGTK's default (DMABUF) renderer runs at a quarter to a half of what the machine can
//! do; switching it off gives 14 → 61 frames a second on a canvas of 1,000 nodes. And with `LANG=C` the web
//! view's language is "C", on which `Intl` throws.

/// Variables to set, from what the machine and the user say. The user's own values are never touched.
#[cfg(target_os = "linux")]
fn wanted(has_gpu: bool, env: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, &'static str)> {
    let mut out = Vec::new();
    let mine = [
        "WEBKIT_DISABLE_DMABUF_RENDERER",
        "WEBKIT_SKIA_ENABLE_CPU_RENDERING",
    ];
    if !has_gpu && mine.iter().all(|name| env(name).is_none()) {
        out.extend(mine.map(|name| (name, "1")));
    }
    let language = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| env(name).filter(|v| !v.is_empty()));
    if language.is_none_or(|l| l == "C" || l == "POSIX" || l.starts_with("C.")) {
        out.push(("LANG", "en_US.UTF-8"));
        if env("LC_ALL").is_some_and(|l| !l.is_empty()) {
            out.push(("LC_ALL", "en_US.UTF-8"));
        }
    }
    out
}

/// Whether a render node is there that this user may open. The proprietary NVIDIA driver has one but its
/// DMABUF path does not work with the web view.
#[cfg(target_os = "linux")]
fn has_gpu() -> bool {
    let nvidia = std::path::Path::new("/proc/driver/nvidia/version").exists();
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let usable = nodes
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        .any(|entry| {
            std::fs::File::options()
                .read(true)
                .write(true)
                .open(entry.path())
                .is_ok()
        });
    usable && !nvidia
}

/// Starts this program again with the variables that are missing, if any.
#[cfg(target_os = "linux")]
pub fn prepare() {
    use std::os::unix::process::CommandExt;
    const DONE: &str = "CARILLON_GRAPHICS_PREPARED";
    if std::env::var_os(DONE).is_some() {
        return;
    }
    let missing = wanted(has_gpu(), |name| std::env::var(name).ok());
    if missing.is_empty() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .envs(missing)
        .env(DONE, "1")
        .exec();
    // Without them the window is only slower.
    eprintln!("carillon-studio: the graphics variables could not be set: {error}");
}

/// Only WebKitGTK needs this.
#[cfg(not(target_os = "linux"))]
pub fn prepare() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn with<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn a_machine_without_a_gpu_gets_the_fast_renderer() {
        let got = wanted(false, with(&[("LANG", "de_DE.UTF-8")]));
        assert_eq!(
            got,
            [
                ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
                ("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1")
            ]
        );
    }

    #[test]
    fn the_user_s_own_value_is_never_overridden() {
        let got = wanted(
            false,
            with(&[("WEBKIT_DISABLE_DMABUF_RENDERER", "0"), ("LANG", "de_DE.UTF-8")]),
        );
        assert_eq!(got, []);
    }

    #[test]
    fn a_machine_with_a_gpu_and_a_language_is_left_alone() {
        assert_eq!(wanted(true, with(&[("LANG", "fr_FR.UTF-8")])), []);
    }

    #[test]
    fn the_language_c_is_replaced_because_intl_throws_on_it() {
        assert_eq!(wanted(true, with(&[("LANG", "C")])), [("LANG", "en_US.UTF-8")]);
        assert_eq!(
            wanted(true, with(&[("LC_ALL", "C"), ("LANG", "C")])),
            [("LANG", "en_US.UTF-8"), ("LC_ALL", "en_US.UTF-8")]
        );
        assert_eq!(wanted(true, with(&[])), [("LANG", "en_US.UTF-8")]);
    }
}
