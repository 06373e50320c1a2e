//! What is shown on a terminal while one waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// How often the display changes.
const TICK: Duration = Duration::from_millis(120);

const BYTES: &str = "{msg} {wide_bar} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left";
const ROWS_OF: &str = "{msg} {wide_bar} {human_pos}/{human_len} rows, {eta} left";
const ROWS: &str = "{spinner} {msg} {human_pos} row(s), {elapsed}";

/// A bar over `bytes` bytes of work. Shown only when stderr is a terminal and `quiet` is off.
pub fn bytes_bar(what: &str, bytes: u64, quiet: bool) -> ProgressBar {
    bar(
        ProgressBar::with_draw_target(Some(bytes), target(quiet)),
        BYTES,
        what,
    )
}

/// A bar over rows, whose number is told later.
pub fn rows_bar(what: &str, quiet: bool) -> ProgressBar {
    bar(
        ProgressBar::with_draw_target(Some(0), target(quiet)),
        ROWS_OF,
        what,
    )
}

/// A sign of life for work of unknown length that counts rows.
pub fn rows_spinner(what: &str, quiet: bool) -> ProgressBar {
    let spinner = bar(
        ProgressBar::with_draw_target(None, target(quiet)),
        ROWS,
        what,
    );
    spinner.enable_steady_tick(TICK);
    spinner
}

fn target(quiet: bool) -> ProgressDrawTarget {
    if quiet {
        ProgressDrawTarget::hidden()
    } else {
        // Draws nothing when stderr is no terminal.
        ProgressDrawTarget::stderr()
    }
}

fn bar(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    // The templates are constants and covered by a test; without one the default style does as well.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
        .with_message(what.to_owned())
        .with_finish(ProgressFinish::AndClear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse() {
        for template in [BYTES, ROWS, ROWS_OF] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
