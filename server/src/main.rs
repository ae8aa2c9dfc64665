//! `chat-server`: reads its settings, serves, drains, ends. Or has another one drain.

use chat_server::{ask, logging, run};
use chat_settings::{Ask, Command, Settings};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Command::load(std::env::args_os(), std::env::vars_os(), |path| std::fs::read_to_string(path)) {
        Ok(Command::Run(settings)) => serve(*settings),
        Ok(Command::CheckConfig(settings)) => {
            println!("# the settings are good; in force are:\n{}", settings.to_yaml());
            ExitCode::SUCCESS
        }
        Ok(Command::Ask(order)) => send(*order),
        Ok(Command::Completions(script)) => {
            print!("{script}");
            ExitCode::SUCCESS
        }
        Err(error) => error.exit(),
    }
}

/// Asks a running server for something, and says what it answers.
fn send(order: Ask) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|runtime| runtime.block_on(ask::ask(order, |line| println!("{line}")))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn serve(settings: Settings) -> ExitCode {
    let level = match logging::start(&settings) {
        Ok(level) => level,
        Err(error) => {
            eprintln!("chat-server: {error}");
            return ExitCode::from(2);
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = settings.network.workers {
        runtime.worker_threads(workers);
    }
    let ended = runtime.enable_all().build().map(|runtime| runtime.block_on(run::run(settings, level)));
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn Error) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    eprintln!("chat-server: {text}");
    ExitCode::FAILURE
}
