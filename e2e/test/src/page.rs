//! What is kept of a run: its figures as a page, and the cluster's own words where something went wrong.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::story::{CHAPTERS, Story};

/// What the clients have done, in a line.
pub fn counts(story: &Story) -> String {
    let Some(judgement) = &story.judgement else { return String::new() };
    let counts = &judgement.counts;
    format!(
        "{} clients, {} sent, {} acknowledged, {} received, {} recoveries, {} refused, {} voids, {} not replicated",
        counts.clients,
        counts.sent,
        counts.acked,
        counts.entries,
        counts.recovered,
        counts.refused,
        counts.voids,
        counts.unreplicated,
    )
}

/// The page.
pub fn page(story: &Story) -> String {
    let size = &story.manner.size;
    let mut out = String::from("# On a real Kubernetes\n\n");
    let _ = write!(
        out,
        "Written by `make {}`: one node of Kubernetes on one machine of {} cores, which runs control plane, operator, servers, Redis and\n\
         clients. {} clients of socket.io-client, {} of python-socketio and {} lean ones stay from the beginning to the end, and as many come and go.\n\
         What they wrote down was judged: {}; none lost, none doubled, none out of order.\n\n",
        if story.manner.full { "e2e-full" } else { "e2e ARGS=\"--out docs/kubernetes-e2e.md\"" },
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        size.stock.stock_js,
        size.stock.stock_python,
        size.lean,
        counts(story),
    );
    out.push_str("| chapter | what is done |\n|---|---|\n");
    for chapter in CHAPTERS.iter().filter(|chapter| story.manner.full || !chapter.full) {
        let _ = writeln!(out, "| {} | {} |", chapter.name, chapter.what);
    }
    out.push_str("\n| chapter | figure | | to reach |\n|---|---|---|---|\n");
    for fact in &story.facts {
        let _ = writeln!(out, "| {} | {} | {} | {} |", fact.chapter, fact.what, fact.figure, fact.goal);
    }
    out.push_str(
        "\n## Again\n\n```\nmake e2e        # the short form, part of make test\nmake e2e-full   # this page\n```\n",
    );
    out
}

/// What the cluster has to say of itself. What cannot be had is left out.
pub fn keep_words(folder: &Path) {
    let asked: [(&str, &[&str]); 6] = [
        ("objects", &["get", "all,cc,pvc,pdb,hpa,apiservices,nodes", "-A", "-o", "wide"]),
        ("chatclusters", &["describe", "chatclusters", "-A"]),
        ("pods", &["describe", "pods", "-A"]),
        ("events", &["get", "events", "-A", "--sort-by=.metadata.creationTimestamp"]),
        (
            "operator",
            &[
                "logs",
                "-n",
                "chatcluster-system",
                "-l",
                "app.kubernetes.io/name=chat-operator",
                "--tail=-1",
                "--prefix",
            ],
        ),
        ("servers", &["logs", "-l", "app.kubernetes.io/component=server", "--tail=-1", "--prefix"]),
    ];
    for (name, args) in asked {
        if let Ok(said) = Command::new("kubectl").args(args).output() {
            // The folder is the histories' own: where it cannot be written, the run has said so.
            let _ = fs::write(folder.join(format!("{name}.txt")), said.stdout);
        }
    }
}
