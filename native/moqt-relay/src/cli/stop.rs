//! Requests to stop from outside: SIGINT and SIGTERM, and on Windows the events of the console.

use std::io;

/// What the system asks of this process, in order.
pub(super) struct StopRequests {
    #[cfg(unix)]
    signals: signal_hook::iterator::Signals,
    #[cfg(windows)]
    events: std::sync::mpsc::Receiver<()>,
}

#[cfg(unix)]
impl StopRequests {
    /// From now on the signals no longer end the process by themselves.
    pub fn watch() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        Ok(StopRequests { signals })
    }

    /// Waits for the next one and gives its name.
    pub fn next(&mut self) -> Option<&'static str> {
        self.signals.forever().next().map(|signal| match signal {
            signal_hook::consts::SIGINT => "SIGINT",
            _ => "SIGTERM",
        })
    }
}

#[cfg(windows)]
impl StopRequests {
    /// From now on Ctrl-C, Ctrl-Break and the closing of the console no longer end the process by
    /// themselves.
    pub fn watch() -> io::Result<Self> {
        let (sender, events) = std::sync::mpsc::channel();
        ctrlc::try_set_handler(move || {
            let _ = sender.send(());
        })
        .map_err(io::Error::other)?;
        Ok(StopRequests { events })
    }

    /// Waits for the next one and gives its name.
    pub fn next(&mut self) -> Option<&'static str> {
        self.events.recv().ok().map(|()| "asked to stop")
    }
}
