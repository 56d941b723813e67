//! `moqt-fuzz`: the targets without libFuzzer, on stable Rust.

use moqt_fuzz::mutate::{mutate, Random};
use moqt_fuzz::{corpus, target, TARGETS};
use std::panic::{catch_unwind, set_hook, take_hook};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const HELP: &str = "\
moqt-fuzz: random bytes for everything that reads bytes of others

Usage: moqt-fuzz run TARGET|all [SECONDS] [SEED]   mutates the examples for so long [default: 10]
       moqt-fuzz replay TARGET FILE                gives one file to a target
       moqt-fuzz corpus                            writes the examples that come from the vectors
       moqt-fuzz list                              the names of the targets

What breaks a target is written to the current folder as crash-TARGET-NUMBER, with exit status 1.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["list"] => {
            TARGETS.iter().for_each(|(name, _)| println!("{name}"));
            Ok(())
        }
        ["corpus"] => corpus::write()
            .map(|count| println!("{count} examples"))
            .map_err(|e| e.to_string()),
        ["replay", name, file] => replay(name, file),
        ["run", name] => run(name, "10", "1"),
        ["run", name, seconds] => run(name, seconds, "1"),
        ["run", name, seconds, seed] => run(name, seconds, seed),
        _ => Err(HELP.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn replay(name: &str, file: &str) -> Result<(), String> {
    let target = target(name).ok_or_else(|| format!("no target {name}; see moqt-fuzz list"))?;
    let bytes = std::fs::read(file).map_err(|e| format!("{file}: {e}"))?;
    target(&bytes);
    println!("{name} lives through {file}");
    Ok(())
}

fn run(name: &str, seconds: &str, seed: &str) -> Result<(), String> {
    let seconds: f64 = seconds
        .parse()
        .map_err(|_| format!("{seconds:?} is no number of seconds"))?;
    let seed: u64 = seed
        .parse()
        .map_err(|_| format!("{seed:?} is no seed: a whole number"))?;
    let mut broken = 0;
    for (known, target) in TARGETS {
        if name != "all" && name != *known {
            continue;
        }
        let (runs, crash) = fuzz(known, *target, Duration::from_secs_f64(seconds), seed)?;
        match crash {
            None => println!("{known}: {runs} runs"),
            Some(file) => {
                broken += 1;
                println!("{known}: broken after {runs} runs by {}", file.display());
            }
        }
    }
    match (broken, name == "all" || target(name).is_some()) {
        (0, true) => Ok(()),
        (_, true) => Err(format!(
            "{broken} broken; moqt-fuzz replay TARGET FILE shows how"
        )),
        (_, false) => Err(format!("no target {name}; see moqt-fuzz list")),
    }
}

fn fuzz(
    name: &str,
    target: moqt_fuzz::Target,
    time: Duration,
    seed: u64,
) -> Result<(u64, Option<PathBuf>), String> {
    let examples = corpus::examples(name).map_err(|e| format!("the corpus of {name}: {e}"))?;
    let examples: Vec<Vec<u8>> = examples.into_iter().map(|(_, bytes)| bytes).collect();
    let (until, mut random, mut runs) = (Instant::now() + time, Random::new(seed), 0);
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let mut crash = None;
    while crash.is_none() && (runs % 64 != 0 || Instant::now() < until) {
        let pick = |random: &mut Random| {
            let example = examples.get(random.below(examples.len()));
            example.cloned().unwrap_or_default()
        };
        let (example, other) = (pick(&mut random), pick(&mut random));
        let bytes = mutate(&example, &other, &mut random);
        runs += 1;
        if catch_unwind(|| target(&bytes)).is_err() {
            let file = PathBuf::from(format!("crash-{name}-{runs}"));
            std::fs::write(&file, &bytes).map_err(|e| e.to_string())?;
            crash = Some(file);
        }
    }
    set_hook(hook);
    Ok((runs, crash))
}
