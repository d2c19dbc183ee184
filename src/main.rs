//! Arguments → command → exit code; nothing else.

fn main() -> std::process::ExitCode {
    pkgr::cli::main(std::env::args_os())
}
