//! One HTTP request to the list of values that rules and models look at.
