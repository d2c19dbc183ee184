//! Executables that say what nginx's say, and of which nothing is started.

use super::nginx::Nginx;

/// nginx's executable of a flavor, for an architecture: what is read out of it
/// stands in it as in a real one, and its header is that of the machine.
pub fn executable(nginx: &Nginx, package: &str, architecture: &str) -> Vec<u8> {
    let (wide, class, machine, pointer) = match architecture {
        "amd64" => (true, 2, 62, 8),
        "i386" => (false, 1, 3, 4),
        other => panic!("no header of {other} here"),
    };
    let mut bytes = elf(wide, class, machine);
    let text = format!(
        "\0nginx version: nginx/{} (Ubuntu)\n\0configure arguments: {}\n\0{pointer},4,{pointer},{}\0",
        nginx.upstream(),
        nginx.arguments(package),
        nginx.bits
    );
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The smallest dynamic executable without symbols (System V ABI, chapters 4 and 5).
fn elf(wide: bool, class: u8, machine: u8) -> Vec<u8> {
    let word = if wide { 8 } else { 4 };
    let of = |wide_size: usize, narrow: usize| if wide { wide_size } else { narrow };
    let (header, program, symbol) = (of(64, 52), of(56, 32), of(24, 16));
    let dynamic = header + 2 * program;
    let hash = dynamic + 4 * 2 * word;
    let symbols = hash + 8;
    let strings = symbols + symbol;
    let mut bytes = vec![0; strings + 1];
    let mut put = |at: usize, size: usize, value: usize| {
        bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    };
    put(16, 2, 3); // ET_DYN
    put(18, 2, machine.into());
    put(20, 4, 1);
    put(of(32, 28), word, header);
    put(of(54, 42), 2, program);
    put(of(56, 44), 2, 2);
    for (number, (kind, start, length)) in [(1, 0, strings + 1), (2, dynamic, 8 * word)].into_iter().enumerate() {
        let at = header + number * program;
        put(at, 4, kind);
        put(at + of(8, 4), word, start);
        put(at + of(16, 8), word, start);
        put(at + of(32, 16), word, length);
    }
    for (number, (tag, value)) in [(4, hash), (5, strings), (6, symbols)].into_iter().enumerate() {
        put(dynamic + number * 2 * word, word, tag);
        put(dynamic + number * 2 * word + word, word, value);
    }
    put(hash + 4, 4, 1); // one symbol, the empty one
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1, 1]);
    bytes
}
