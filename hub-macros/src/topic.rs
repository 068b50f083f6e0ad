//! Parses the topic of an attribute into tokens. A placeholder token stands for the value of a field.
//!
//! The rules for tokens are those of `hub_wire`, which is only a dev-dependency of this crate. A
//! test compares the two sets of rules. If they differed, a topic could compile and then fail when
//! an event is emitted.

/// A topic has at most this many bytes, as in `hub_wire::TopicName`.
const MAX_BYTES: usize = 255;
/// A topic has at most this many tokens, as in `hub_wire::TopicName`.
const MAX_TOKENS: usize = 32;

/// Describes one token of the topic of an event type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TopicToken<'a> {
    /// The token is this text.
    Literal(&'a str),
    /// The token is the displayed value of the field with this name or number.
    Field(&'a str),
}

/// Returns the tokens of a topic, or a message that describes its fault.
pub(crate) fn parse(text: &str) -> Result<Vec<TopicToken<'_>>, String> {
    if text.is_empty() {
        return Err("the topic is empty".to_owned());
    }
    let tokens = text.split('.').map(token).collect::<Result<Vec<_>, _>>()?;
    if tokens.len() > MAX_TOKENS {
        return Err(format!("the topic has more than {MAX_TOKENS} tokens"));
    }
    let filter = filter(&tokens);
    if filter.len() > MAX_BYTES {
        return Err(format!("the topic has more than {MAX_BYTES} bytes"));
    }
    Ok(tokens)
}

/// Returns the filter that matches all topics with these tokens.
pub(crate) fn filter(tokens: &[TopicToken<'_>]) -> String {
    let tokens: Vec<_> = tokens
        .iter()
        .map(|token| match token {
            TopicToken::Literal(text) => *text,
            TopicToken::Field(_) => "*",
        })
        .collect();
    tokens.join(".")
}

/// Parses one token, or returns a message that describes its fault.
fn token(text: &str) -> Result<TopicToken<'_>, String> {
    if text.is_empty() {
        return Err("the topic has an empty token: dots stand between tokens".to_owned());
    }
    if let Some(field) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return if !field.is_empty() && !field.contains(['{', '}']) {
            Ok(TopicToken::Field(field))
        } else {
            Err(format!("`{text}` names no field"))
        };
    }
    match text.chars().find(|c| !is_allowed(*c)) {
        None => Ok(TopicToken::Literal(text)),
        Some('{' | '}') => {
            Err(format!("a placeholder stands for a whole token, in `{text}` it does not"))
        }
        Some('*') => Err("an event has one topic, `*` is for filters; use a placeholder, as in \
                 `orders.{region}.placed`"
            .to_owned()),
        Some(bad) => Err(format!(
            "{bad:?} is not allowed in a topic: tokens are ASCII letters, digits and -_:@/+=~%#$"
        )),
    }
}

/// Returns whether a token may contain this character, as `hub_wire::TopicName::is_allowed` does.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_:@/+=~%#$".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::TopicName;

    #[test]
    fn what_compiles_is_a_topic_and_what_does_not_is_none() {
        let long = ["a".repeat(255), "a".repeat(256), ["a"; 32].join("."), ["a"; 33].join(".")];
        let mut texts = vec!["", "a", "a.b", "a..b", ".a", "a.", "$hub.x", "a.*", "**", "ä"];
        texts.extend(long.iter().map(String::as_str));
        let bytes: Vec<_> = (0..=127).map(|byte| format!("a.{}", char::from(byte))).collect();
        texts.extend(bytes.iter().map(String::as_str));
        for text in texts {
            assert_eq!(parse(text).is_ok(), TopicName::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn placeholders_are_whole_tokens() {
        let tokens = parse("orders.{region}.{0}").unwrap();
        assert_eq!(
            tokens,
            [TopicToken::Literal("orders"), TopicToken::Field("region"), TopicToken::Field("0")]
        );
        assert_eq!(filter(&tokens), "orders.*.*");
        for bad in ["a.x{y}", "a.{y}z", "a.{}", "a.{", "a.}", "{{a}}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
