//! Builds again when the page was built again: its files have new names then, which nothing else notices.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
