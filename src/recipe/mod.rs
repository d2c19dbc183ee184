//! recipe.toml as written.
