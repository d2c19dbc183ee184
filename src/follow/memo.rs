//! What has been read out of files before, by their digests: bytes that never
//! change have the same answer for ever, and need not be looked into again, nor
//! even be there.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::Failure;
use crate::fetch::cache::Cache;
use crate::fetch::digest;

/// The answer to a question, from the cache or found anew. The question names
/// the way of finding with a number (another way, another number) and the digests
/// of all that it looks at. A failure is no answer.
pub(super) fn remembered<T: Serialize + DeserializeOwned>(
    cache: &Cache,
    question: &str,
    find: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let key = digest::sha256(question.as_bytes());
    if let Some(known) = cache.memo(&key).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let found = find()?;
    if let Ok(bytes) = serde_json::to_vec(&found) {
        cache.set_memo(&key, &bytes);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    #[test]
    fn an_answer_is_found_once_and_a_failure_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().to_path_buf())).unwrap();
        let fail = || Err(Failure::environment(Diagnostic::error("x", "no")));
        assert!(remembered::<u32>(&cache, "a", fail).is_err());
        assert_eq!(remembered(&cache, "a", || Ok(1)).unwrap(), 1);
        assert_eq!(remembered::<u32>(&cache, "a", fail).unwrap(), 1);
        assert_eq!(remembered(&cache, "b", || Ok(2)).unwrap(), 2);
    }
}
