//! bartizan
