//! `chat-rig up`: a whole ChatCluster on this machine, to look at and to break.

mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "chat-rig", about = "Real parts of a ChatCluster as child processes of one program")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a Redis Cluster, chat servers and a balancer; Ctrl-C ends them all
    Up(up::Options),
}

fn main() -> ExitCode {
    let Command::Up(options) = Arguments::parse().command;
    match up::up(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat-rig: {error}");
            ExitCode::FAILURE
        }
    }
}
