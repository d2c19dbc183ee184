//! recipe.toml: any text gives a recipe or problems with places inside it; what
//! loads is also evaluated.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pkgr::lock::Lock;
use pkgr::{plan, recipe};

fuzz_target!(|text: &str| {
    let lines = text.lines().count() + 1;
    let check = |failure: &pkgr::diagnostic::Failure| {
        assert!(!failure.diagnostics.is_empty());
        for place in failure.diagnostics.iter().filter_map(|diagnostic| diagnostic.place.as_ref()) {
            assert!(place.line >= 1 && place.line <= lines.max(1), "line {} of {lines}", place.line);
        }
    };
    match recipe::parse(Path::new("fuzz/recipe.toml"), text.to_string()) {
        Err(failure) => check(&failure),
        Ok(recipe) => {
            let options = plan::EvaluateOptions {
                author: Some("A B <a@example.org>".into()),
                now: "Tue, 24 Nov 2026 08:00:00 +0000".into(),
                ..Default::default()
            };
            if let Err(failure) = plan::evaluate(&recipe, &Lock::default(), &options) {
                check(&failure);
            }
        }
    }
});
