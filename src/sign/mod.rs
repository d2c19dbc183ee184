//! OpenPGP signatures in the order .dsc, .buildinfo, .changes.
