//! Errors as an operator reads them.

/// An error with everything that caused it, on one line; a cause that its effect has named already is not named again,
/// nor is one that only puts a number before it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut source = error.source();
    while let Some(cause) = source {
        let says = cause.to_string();
        if !text.ends_with(&says) && !says.ends_with(&last) {
            text.push_str(": ");
            text.push_str(&says);
        }
        last = says;
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{says}")]
    struct Says {
        says: &'static str,
        #[source]
        cause: Option<Box<Says>>,
    }

    #[test]
    fn each_cause_is_named_once() {
        let error = |all: &[&'static str]| {
            let mut causes = all.iter().rev();
            let first = Says {
                says: causes.next().unwrap(),
                cause: None,
            };
            causes.fold(first, |cause, says| Says {
                says,
                cause: Some(Box::new(cause)),
            })
        };
        for (all, line) in [
            (&["cannot write"][..], "cannot write"),
            (&["cannot write", "no room"], "cannot write: no room"),
            (
                &["cannot write: no room", "no room"],
                "cannot write: no room",
            ),
            (
                &["cannot write", "no room", "code 13: no room"],
                "cannot write: no room",
            ),
            (
                &["cannot write", "code 13", "no room"],
                "cannot write: code 13: no room",
            ),
        ] {
            assert_eq!(chain(&error(all)), line);
        }
    }
}
