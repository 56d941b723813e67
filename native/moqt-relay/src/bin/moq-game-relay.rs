//! The command `moq-game-relay`.

use std::process::ExitCode;

fn main() -> ExitCode {
    moqt_relay::cli::main()
}
