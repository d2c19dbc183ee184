//! What a person reads. The only place that prints.
