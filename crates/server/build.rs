//! Makes the folder of the web client where it has not been built, so that this crate compiles without Node.

fn main() {
    let dist = std::path::Path::new("../../web/dist");
    if !dist.exists() {
        // Where this fails (a read-only source tree), the derive macro of rust-embed says what is missing.
        let _ = std::fs::create_dir_all(dist);
    }
    println!("cargo::rerun-if-changed=../../web/dist");
}
