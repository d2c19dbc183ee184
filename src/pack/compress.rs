//! .tar.xz in one mode for ever: the same bytes on any machine, whatever number of
//! threads others use.
//!
//! `xz -6` spends most of its time on the search for longer matches. With a search
//! that ends at 16 candidates, a debian.tar of 20 KB takes 1 ms instead of 5, one of
//! 490 KB (nginx) 63 % of the time for 0.7 % more bytes, one of 11.6 MB (linux) 85 %
//! for 1.8 %; of fourteen other trees of text the worst grew by 2.5 %. Hash chains
//! are faster still, but cost up to 10 %. The dictionary is never larger than the
//! input, which spares small packages the clearing of megabytes.

use liblzma::stream::{Action, Check, Filters, LzmaOptions, MatchFinder, Mode, Status, Stream};

/// The dictionary of `xz -6`: a larger one would cost readers memory.
const LARGEST_DICTIONARY: usize = 8 << 20;
const SMALLEST_DICTIONARY: usize = 4096;
/// Larger files repeat themselves over longer distances: there a search that ends
/// early costs more bytes.
const SMALL: usize = 1 << 20;

/// Compresses a whole file; `None` if liblzma refuses, which it does only when
/// memory is exhausted.
pub fn xz(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut filters = Filters::new();
    filters.lzma2(&options(bytes.len())?);
    let mut stream = Stream::new_stream_encoder(&filters, Check::Crc64).ok()?;
    let mut compressed = Vec::with_capacity(bytes.len() / 4 + 4096);
    loop {
        let rest = bytes.get(usize::try_from(stream.total_in()).ok()?..)?;
        match stream.process_vec(rest, &mut compressed, Action::Finish).ok()? {
            Status::StreamEnd => return Some(compressed),
            _ => compressed.reserve(compressed.capacity()),
        }
    }
}

fn options(size: usize) -> Option<LzmaOptions> {
    let dictionary = size.clamp(SMALLEST_DICTIONARY, LARGEST_DICTIONARY).next_multiple_of(SMALLEST_DICTIONARY);
    let mut options = LzmaOptions::new_preset(6).ok()?;
    options
        .dict_size(u32::try_from(dictionary).ok()?)
        .mode(Mode::Normal)
        .match_finder(MatchFinder::BinaryTree4)
        .depth(16)
        .nice_len(if size <= SMALL { 32 } else { 48 })
        .position_bits(0); // text has no alignment
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn text(lines: usize) -> Vec<u8> {
        let line = |i: usize| format!("line {} of a text that repeats itself, {}\n", i * i % 1009, i % 7);
        (0..lines).map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn what_is_compressed_is_read_back() {
        for size in [0, 1, 511, 4096, 20_480, 700_000] {
            let bytes = text(size / 40 + 1).into_iter().take(size).collect::<Vec<u8>>();
            let compressed = xz(&bytes).unwrap();
            let mut back = Vec::new();
            liblzma::read::XzDecoder::new(&compressed[..]).read_to_end(&mut back).unwrap();
            assert_eq!(back, bytes);
            assert_eq!(xz(&bytes), Some(compressed));
        }
    }

    /// A change of these digests changes every package ever made from the same
    /// recipe and lock: archives refuse such files.
    #[test]
    fn the_bytes_never_change() {
        use crate::deb::checksums::Checksums;
        let digest = |lines| Checksums::of(&xz(&text(lines)).unwrap()).sha256;
        assert_eq!(digest(500), "7435f1841d2713b6077e30823f6f5275620cbf46576d624bb38572468ed7b9b3");
        assert_eq!(digest(20_000), "6b8acf27c7e50b4cdab06faba7344a81fe4d84bdcf37b2e1f8ec6ac2fcae2930");
    }
}
