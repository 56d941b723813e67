//! The Rust caller of our own library as a load generator and as an attacker: see `--help`.

mod acks;
mod attack;
mod control;
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
    let mut parser = lexopt::Parser::from_env();
    let attacks = parser
        .try_raw_args()
        .is_some_and(|mut args| args.next_if(|arg| arg == "attack").is_some());
    let result = if attacks {
        attack::parse(&mut parser).and_then(|options| match options {
            None => help(attack::HELP),
            Some(options) => attack::run(options),
        })
    } else {
        options::parse(parser).and_then(|options| match options {
            None => help(options::HELP),
            Some(options) => run::run(options),
        })
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("moqt-bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn help(text: &str) -> Result<(), String> {
    print!("{text}");
    Ok(())
}
