//! `docs/settings.md` is what the definitions say.

use std::path::Path;

#[test]
fn the_document_is_as_generated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    let generated = chat_settings::document();
    if std::env::var_os("CHAT_REGENERATE").is_some() {
        std::fs::write(&path, &generated).expect("docs/settings.md is written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == generated,
        "docs/settings.md is out of date: `CHAT_REGENERATE=1 cargo test -p chat-settings` writes it"
    );
}
