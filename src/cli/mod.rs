//! One file per command: its clap struct, whose doc comments are the help
//! text, and its `run`. Thin: it wires the parts below.
