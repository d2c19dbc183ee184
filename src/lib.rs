//! pkgr takes a software project from one readable recipe to signed Debian
//! source packages for every series of Ubuntu and Debian, and to a PPA.
//!
//! The story is one line, and data flows along it without turning back:
//!
//! ```text
//! recipe.toml + recipe.lock → plan (one concrete target) → debian/ → source package → signatures → check → upload → status
//! ```
//!
//! [`recipe`] reads what a person wrote, with the place of every word; [`lock`]
//! holds what pkgr resolved. [`plan`] evaluates both for one series into a
//! [`plan::Target`]: concrete values, no template left. [`fetch`] brings the
//! upstream files into the cache and refuses hostile tarballs; [`patch`] proves
//! that the patches apply as dpkg-source will apply them; [`render`] writes
//! `debian/` through `templates/`; [`pack`] makes the tarballs, .dsc,
//! .buildinfo and .changes; [`sign`] signs them in that order. [`deb`] knows
//! Debian's formats as pure functions on bytes and nothing else of pkgr.
//! [`nginx`] reads what nginx and its modules say of themselves, and judges
//! whether the one loads into the other. [`follow`] looks up in the archives
//! what a recipe follows, and brings the lock up to date with it. [`watch`] looks
//! for new upstream versions, and [`bump`] moves a recipe to one. [`scaffold`] makes
//! a recipe where there is none.
//!
//! [`queue`] is for the recipe's author: it lists, refreshes, adds and drops the
//! patches of a recipe. [`vendor`] packs what a build would download.
//!
//! [`sandbox`] proves what came out: it builds the binary packages in a clean
//! root of their series, installs them into another, and tests them there.
//! [`check`] tells what an archive will say of a source package before it sees
//! it, in the archive's own words.
//!
//! [`upload`] finds out what a target's name means, checks what is to go there,
//! sends it by FTP, SFTP, HTTP or into a folder, tries again, and remembers.
//! [`launchpad`] tells what became of an upload: accepted, built, and at last in
//! the index that users install from, and [`arrival`] whether one came there whose
//! confirmation was lost. [`memory`] keeps in the lock what an archive
//! has taken and published.
//!
//! [`rebuild`] is all of it, on a schedule: it asks what the target lacks, and
//! sees it through. [`ci`] writes the workflow that runs it. [`doctor`] says what
//! this machine lacks for all that.
//!
//! [`cli`] has one file per command and wires these parts; [`ui`] is the only
//! place that prints. Everything below them tells what happens through
//! [`listener::Listener`] and fails with a [`diagnostic::Failure`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod arrival;
pub mod build;
pub mod bump;
pub mod check;
pub mod ci;
pub mod cli;
pub mod deb;
pub mod diagnostic;
pub mod doctor;
pub mod fetch;
pub mod files;
pub mod follow;
pub mod launchpad;
pub mod listener;
pub mod lock;
pub mod memory;
pub mod nginx;
pub mod pack;
pub mod parallel;
pub mod patch;
pub mod plan;
pub mod queue;
pub mod rebuild;
pub mod recipe;
pub mod render;
pub mod sandbox;
pub mod scaffold;
pub mod series;
pub mod sign;
pub mod ui;
pub mod upload;
pub mod vendor;
pub mod watch;
