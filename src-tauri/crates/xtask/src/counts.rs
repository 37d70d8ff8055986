//! How many tests a runner says it ran, read from what it printed.

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Sums every count in the output; `None` when no runner said anything. Understood are libtest
/// (`test result: ok. 3 passed; 0 failed; ...`), nextest (`Summary [ 0.1s] 3 tests run: 3 passed, ...`), vitest
/// (`Tests  1 failed | 3 passed (4)`), node's own runner (`# pass 3`, `# fail 0`) and Playwright (`3 passed (2.1s)`).
pub fn read(output: &str) -> Option<Counts> {
    let mut sum = Counts::default();
    let mut seen = false;
    for line in output.lines() {
        let line = without_colours(line);
        if let Some(counts) = read_line(line.trim()) {
            sum += counts;
            seen = true;
        }
    }
    seen.then_some(sum)
}

fn read_line(line: &str) -> Option<Counts> {
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || ",;|()".contains(c))
        .filter(|w| !w.is_empty())
        .collect();
    let before = |name: &str| {
        let at = words.iter().position(|w| *w == name)?;
        words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
    };
    let both = || {
        Some(Counts {
            passed: before("passed").unwrap_or(0),
            failed: before("failed").unwrap_or(0) + before("timed").unwrap_or(0),
        })
    };
    match words.as_slice() {
        ["test", "result:", ..] => both(),
        ["Summary", ..] if line.contains(" run: ") => both(),
        ["Tests", ..] if before("passed").or(before("failed")).is_some() => both(),
        ["#" | "ℹ", "pass", n] => Some(Counts {
            passed: n.parse().ok()?,
            failed: 0,
        }),
        ["#" | "ℹ", "fail", n] => Some(Counts {
            passed: 0,
            failed: n.parse().ok()?,
        }),
        [n, "passed", ..] if words.len() <= 3 => Some(Counts {
            passed: n.parse().ok()?,
            failed: 0,
        }),
        [n, "failed"] => Some(Counts {
            passed: 0,
            failed: n.parse().ok()?,
        }),
        [n, "passed", m, "failed"] => Some(Counts {
            passed: n.parse().ok()?,
            failed: m.parse().ok()?,
        }),
        _ => None,
    }
}

/// The line without the escape sequences terminals colour by (ECMA-48 CSI ... m).
fn without_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64) -> Option<Counts> {
        Some(Counts { passed, failed })
    }

    #[test]
    fn the_lines_of_several_test_binaries_are_summed() {
        let text = "running 2 tests\ntest a ... ok\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                    test result: FAILED. 4 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s";
        assert_eq!(read(text), counts(6, 3));
    }

    #[test]
    fn nextest_is_understood_with_colours_failures_and_time_outs() {
        let text = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.011s] \u{1b}[1m9\u{1b}[0m tests run: \u{1b}[1m6\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 2 failed, 1 timed out, 3 skipped";
        assert_eq!(read(text), counts(6, 3));
    }

    #[test]
    fn vitest_counts_its_tests_and_not_its_files() {
        let text = " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 30 passed (31)\n   Start at  10:00:00";
        assert_eq!(read(text), counts(30, 1));
    }

    #[test]
    fn node_and_playwright_are_understood() {
        assert_eq!(read("# tests 5\n# pass 4\n# fail 1\n"), counts(4, 1));
        assert_eq!(read("ℹ pass 4\nℹ fail 0"), counts(4, 0));
        assert_eq!(read("  12 passed (3.4s)\n  1 failed\n"), counts(12, 1));
        assert_eq!(read("12 passed, 1 failed"), counts(12, 1));
    }

    #[test]
    fn text_without_counts_gives_none() {
        assert_eq!(
            read("Finished dev profile\n3 passed the river with us today"),
            None
        );
    }
}
