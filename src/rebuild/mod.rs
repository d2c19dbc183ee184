//! The rebuild loop.

pub mod report;
pub mod summary;
