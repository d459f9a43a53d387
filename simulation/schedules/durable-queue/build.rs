//! Sets the configuration under which the product takes what threads meet in from `schedules-sync`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(s3_journal_schedules)");
    println!("cargo::rustc-cfg=s3_journal_schedules");
    println!("cargo::rerun-if-changed=build.rs");
}
