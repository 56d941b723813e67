//! The Rust caller of our own library as a load generator: see `--help`.

mod histogram;
mod options;
mod peer;
mod publisher;
mod report;
mod run;
mod shared;
mod subscriber;
mod system;

use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match options::parse(lexopt::Parser::from_env()) {
        Ok(None) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => run::run(options),
        Err(e) => Err(e),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("moqt-bench: {e}");
            ExitCode::FAILURE
        }
    }
}
