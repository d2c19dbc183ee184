//! What `render` writes, against golden files, and through debhelper and
//! lintian themselves.
//!
//! `UPDATE_GOLDEN=1 cargo test --test render` writes the golden files anew. The
//! builds need dpkg-dev, debhelper, lintian, devscripts, cmake, meson, golang,
//! dh-python, python3-all, python3-setuptools and pybuild-plugin-pyproject.

mod build;
mod case;
mod text;
