//! Headers of patches.
