//! Writes the code of the derive macro.
//!
//! Each error points at the part of the source that has the fault. Otherwise a user would see an error
//! in code that they did not write.

use crate::attribute::EventAttribute;
use crate::topic::{self, TopicToken};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, LitStr, Member, Path, Result};

/// Returns the implementations of the traits, or compile errors that point at the fault. The code uses
/// the module `__private` of the crate `krate`.
pub(crate) fn expand(input: &DeriveInput, krate: &Path) -> TokenStream {
    implementations(input, krate).unwrap_or_else(Error::into_compile_error)
}

fn implementations(input: &DeriveInput, krate: &Path) -> Result<TokenStream> {
    let attribute = EventAttribute::of(input)?;
    let literal = &attribute.topic;
    let text = literal.value();
    let tokens = topic::parse(&text).map_err(|fault| Error::new(literal.span(), fault))?;
    let filter = LitStr::new(&topic::filter(&tokens), literal.span());
    let topic = topic_of(&tokens, literal, input, krate)?;

    let ident = &input.ident;
    let name = attribute.name.unwrap_or_else(|| LitStr::new(&ident.to_string(), ident.span()));
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let request = attribute.reply.map(|reply| {
        quote! {
            #[automatically_derived]
            impl #generics #krate::__private::Request for #ident #arguments #bounds {
                type Reply = #reply;
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #generics #krate::__private::Event for #ident #arguments #bounds {
            const TOPIC: &'static str = #literal;
            const TYPE: &'static str = #name;

            fn topic(&self) -> #krate::__private::TopicResult {
                #topic
            }

            fn filter() -> #krate::__private::TopicFilter {
                static FILTER: #krate::__private::Filter =
                    #krate::__private::Filter::new(|| #krate::__private::filter(#filter));
                FILTER.clone()
            }
        }
        #request
    })
}

/// Returns the body of the function `topic`. If all events of the type have one topic, the code parses
/// it only once.
fn topic_of(
    tokens: &[TopicToken<'_>],
    literal: &LitStr,
    input: &DeriveInput,
    krate: &Path,
) -> Result<TokenStream> {
    if tokens.iter().all(|token| matches!(token, TopicToken::Literal(_))) {
        return Ok(quote! {
            static NAME: #krate::__private::Name =
                #krate::__private::Name::new(|| #krate::__private::name(#literal));
            ::core::result::Result::Ok(::core::clone::Clone::clone(&*NAME))
        });
    }
    let parts = tokens.iter().map(|token| match token {
        TopicToken::Literal(text) => Ok(quote!(&#text)),
        TopicToken::Field(name) => {
            let member = member(name, literal, input)?;
            // The span of the literal lets the error "does not implement Display" point at the
            // topic.
            Ok(quote_spanned!(literal.span()=> &self.#member))
        }
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Ok(quote!(#krate::__private::join(&[#(#parts),*])))
}

/// Returns the field that a placeholder names.
fn member(name: &str, literal: &LitStr, input: &DeriveInput) -> Result<Member> {
    let fault = |text: &str| Error::new(literal.span(), text);
    let Data::Struct(data) = &input.data else {
        return Err(fault("only the topic of a struct can have placeholders"));
    };
    let print = |member: &Member| match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    };
    let members: Vec<Member> = data.fields.members().collect();
    members.iter().find(|member| print(member) == name).cloned().ok_or_else(|| {
        let known: Vec<_> = members.iter().map(print).collect();
        let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        fault(&format!("`{}` has no field `{name}`; its fields: {has}", input.ident))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn fault(input: DeriveInput) -> String {
        implementations(&input, &parse_quote!(::hub_core)).unwrap_err().to_string()
    }

    #[test]
    fn faults_are_said_in_words() {
        let no_topic = "an event needs a topic: #[event(topic = \"orders.placed\")]";
        assert_eq!(fault(parse_quote! { struct A; }), no_topic);
        assert_eq!(fault(parse_quote! { #[event(name = "a")] struct A; }), no_topic);
        assert_eq!(
            fault(parse_quote! { #[event(topic = "a.{b}")] struct A { c: u8, d: u8 } }),
            "`A` has no field `b`; its fields: c, d"
        );
        assert_eq!(
            fault(parse_quote! { #[event(topic = "a b")] struct A; }),
            "' ' is not allowed in a topic: tokens are ASCII letters, digits and -_:@/+=~%#$"
        );
        assert_eq!(
            fault(parse_quote! { #[event(topic = "a.{b}")] enum A { B } }),
            "only the topic of a struct can have placeholders"
        );
        assert_eq!(
            fault(parse_quote! { #[event(topic = "a", topic = "b")] struct A; }),
            "stands there twice"
        );
        assert_eq!(
            fault(parse_quote! { #[event(subject = "a")] struct A; }),
            "expected `topic`, `reply` or `name`"
        );
    }
}
