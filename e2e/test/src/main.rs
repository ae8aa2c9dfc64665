//! The story from the command line. It works on the cluster of `$KUBECONFIG`, from the top of a checkout; `make e2e` starts one, and ends it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use chat_bench::check::stock::StockOptions;
use chat_e2e::crowd::Size;
use chat_e2e::page;
use chat_e2e::story::{CHAPTERS, Manner, Story};
use clap::Parser;

/// Installs the chart on a Kubernetes, and has everything happen to a ChatCluster while clients talk.
#[derive(Debug, Parser)]
#[command(args_override_self = true, version, about)]
struct Cli {
    /// All chapters, not only those that a change is tried with
    #[arg(long)]
    full: bool,
    /// Lean clients that stay; as many come and go
    #[arg(long, default_value_t = 30)]
    clients: usize,
    /// Rooms
    #[arg(long, default_value_t = 12)]
    rooms: usize,
    /// Texts a second a client
    #[arg(long, default_value_t = 0.5)]
    rate: f64,
    /// Connections that servers may close a second while they are emptied
    #[arg(long, default_value_t = 4)]
    closes: u32,
    /// The image of a server of an earlier build, to roll out from and back to
    #[arg(long)]
    earlier: Option<String>,
    #[command(flatten)]
    stock: StockOptions,
    /// Ends after this chapter, and leaves all as it is
    #[arg(long)]
    until: Option<String>,
    /// The page to write
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where histories and, after a failure, the cluster's own words go
    #[arg(long)]
    keep: PathBuf,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let folder = cli.keep.join("histories");
    // Histories of an earlier run are no part of this one.
    if folder.exists() && std::fs::remove_dir_all(&folder).is_err() {
        eprintln!("{} cannot be emptied", folder.display());
        return ExitCode::FAILURE;
    }
    let size = Size { lean: cli.clients, stock: cli.stock.clone(), rooms: cli.rooms, rate: cli.rate };
    let mut story = Story::new(Manner { full: cli.full, size, rate: cli.closes, earlier: cli.earlier.clone(), folder });
    let begun = Instant::now();
    for chapter in CHAPTERS.iter().filter(|chapter| cli.full || !chapter.full) {
        let seen = story.facts.len();
        let told = story.tell(chapter);
        for fact in &story.facts[seen..] {
            println!("        {:60} {}  {}", fact.what, fact.figure, fact.goal);
        }
        match told {
            Ok(took) => println!("ok      {:14} {:6.1} s  {}", chapter.name, took.as_secs_f64(), chapter.what),
            Err(wrong) => {
                println!("FAILED  {:14}           {}\n{}", chapter.name, chapter.what, chain(&wrong));
                page::keep_words(&cli.keep);
                println!("the cluster's own words and the clients' histories are in {}", cli.keep.display());
                return ExitCode::FAILURE;
            }
        }
        if cli.until.as_deref() == Some(chapter.name) {
            return ExitCode::SUCCESS;
        }
    }
    println!("{}", page::counts(&story));
    println!("{:.0} s", begun.elapsed().as_secs_f64());
    if let Some(out) = &cli.out
        && let Err(error) = std::fs::write(out, page::page(&story))
    {
        eprintln!("{}: {error}", out.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
