//! SIGINT and SIGTERM, as events.

use std::io;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on each SIGINT and SIGTERM calls `on_signal` with its name, on a thread of its own, instead of ending the
/// program. The thread ends when `on_signal` says `false`.
///
/// # Errors
/// What the operating system says.
pub fn listen(on_signal: impl Fn(&'static str) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if !on_signal(if signal == SIGINT { "SIGINT" } else { "SIGTERM" }) {
                break;
            }
        }
    })?;
    Ok(())
}
