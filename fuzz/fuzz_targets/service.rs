//! Launchpad's answers: JSON of any shape, and logs, whatever the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkgr::launchpad::{
    Archive, BinaryPublication, Build, BuildSummaries, Distribution, DistroSeries, LogTail, Processor, PublishedFile,
    SourcePublication,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = serde_json::from_slice::<Processor>(bytes).map(Processor::architecture);
    if let Ok(publication) = serde_json::from_slice::<SourcePublication>(bytes) {
        let _ = (publication.series(), publication.id());
    }
    if let Ok(publication) = serde_json::from_slice::<BinaryPublication>(bytes) {
        let _ = publication.architecture();
    }
    if let Ok(file) = serde_json::from_slice::<PublishedFile>(bytes) {
        assert!(!file.name().contains('/'));
    }
    let _ = serde_json::from_slice::<Archive>(bytes);
    let _ = serde_json::from_slice::<Build>(bytes);
    let _ = serde_json::from_slice::<BuildSummaries>(bytes);
    let _ = serde_json::from_slice::<Distribution>(bytes);
    let _ = serde_json::from_slice::<Vec<DistroSeries>>(bytes);
    if let Ok(tail) = LogTail::read(&mut &bytes[..], 20) {
        assert!(tail.lines.len() <= 20);
    }
});
