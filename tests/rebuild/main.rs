//! `pkgr rebuild` from end to end on loopback, without a human: a simulated archive
//! of Ubuntu moves, the flagship and one more module follow, Launchpad's own upload
//! daemon takes them, and the stand-in of its web service accepts and publishes.
//!
//!     PKGR_KILLS=100 cargo test --test rebuild kill -- --nocapture
//!
//! kills it so many times on the way; without the variable it is some ten times.

#[path = "../common/mod.rs"]
mod common;
mod kills;
#[path = "../launchpad_support/mod.rs"]
mod launchpad_support;
mod looped;
mod pump;
#[path = "../update_support/mod.rs"]
mod update_support;
#[path = "../upload_support/mod.rs"]
mod upload_support;
mod whole;
