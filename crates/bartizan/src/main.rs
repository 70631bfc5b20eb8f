//! `bartizan`: see [`bartizan::cli`].

fn main() -> std::process::ExitCode {
    bartizan::cli::main()
}
