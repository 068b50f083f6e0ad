//! The topic of an attribute: tokens, some of which a field stands in for.
//!
//! The rules are those of `hub_wire`, which this crate cannot use: `hub-core` depends on
//! it. A test holds the two together.

const MAX_BYTES: usize = 255;
const MAX_TOKENS: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Literal(&'a str),
    /// The name or the number of a field.
    Field(&'a str),
}

/// The tokens of a topic, or what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Token<'_>>, String> {
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

/// The filter that all topics with these tokens match.
pub(crate) fn filter(tokens: &[Token<'_>]) -> String {
    let tokens: Vec<_> = tokens
        .iter()
        .map(|token| match token {
            Token::Literal(text) => *text,
            Token::Field(_) => "*",
        })
        .collect();
    tokens.join(".")
}

fn token(text: &str) -> Result<Token<'_>, String> {
    if text.is_empty() {
        return Err("the topic has an empty token: dots stand between tokens".to_owned());
    }
    if let Some(field) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return if !field.is_empty() && !field.contains(['{', '}']) {
            Ok(Token::Field(field))
        } else {
            Err(format!("`{text}` names no field"))
        };
    }
    match text.chars().find(|c| !is_allowed(*c)) {
        None => Ok(Token::Literal(text)),
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
        assert_eq!(tokens, [Token::Literal("orders"), Token::Field("region"), Token::Field("0")]);
        assert_eq!(filter(&tokens), "orders.*.*");
        for bad in ["a.x{y}", "a.{y}z", "a.{}", "a.{", "a.}", "{{a}}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
