//! Decodes a MessagePack value that is already split into its parts, and keeps the path to each part.
//! The decoder of `rmp-serde` is fast, but its errors have no path.

use super::field_error::{FieldError, PathStep};
use rmpv::ValueRef;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

type Fields = &'static [&'static str];

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct ValueReader<'a, 'de>(&'a ValueRef<'de>);

impl<'a, 'de> ValueReader<'a, 'de> {
    pub(super) fn new(value: &'a ValueRef<'de>) -> Self {
        ValueReader(value)
    }

    /// Reads an array or a map. `fields` are the fields of the struct that it should be.
    fn compound<V: Visitor<'de>>(self, fields: Fields, visitor: V) -> Result<V::Value, FieldError> {
        match self.0 {
            ValueRef::Array(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            ValueRef::Map(entries) => {
                visitor.visit_map(Entries { entries: entries.iter(), value: None, fields })
            }
            _ => self.deserialize_any(visitor),
        }
    }
}

impl<'de> Deserializer<'de> for ValueReader<'_, 'de> {
    type Error = FieldError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.0 {
            ValueRef::Nil => visitor.visit_unit(),
            ValueRef::Boolean(value) => visitor.visit_bool(*value),
            ValueRef::Integer(value) => match (value.as_u64(), value.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => Err(FieldError::custom("an integer beyond 64 bits")),
            },
            ValueRef::F32(value) => visitor.visit_f32(*value),
            ValueRef::F64(value) => visitor.visit_f64(*value),
            ValueRef::String(text) => match text.as_str() {
                Some(_) => visitor.visit_str(text.as_str().unwrap_or_default()),
                None => visitor.visit_bytes(text.as_bytes()),
            },
            ValueRef::Binary(bytes) => visitor.visit_borrowed_bytes(bytes),
            ValueRef::Array(_) | ValueRef::Map(_) => self.compound(&[], visitor),
            ValueRef::Ext(..) => {
                Err(FieldError::invalid_type(Unexpected::Other("an ext"), &visitor))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.0 {
            ValueRef::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        match self.0 {
            ValueRef::Array(items) if items.is_empty() => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Fields,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        self.compound(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: Fields,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        let (name, value) = match self.0 {
            ValueRef::Map(entries) if entries.len() == 1 => (&entries[0].0, Some(&entries[0].1)),
            ValueRef::String(_) => (self.0, None),
            _ => return self.deserialize_any(visitor),
        };
        visitor.visit_enum(Variant { name: ValueReader(name), value, variants })
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq
        tuple tuple_struct map identifier ignored_any
    }
}

/// Reads the items of an array.
struct Items<'a, 'de> {
    items: std::slice::Iter<'a, ValueRef<'de>>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = FieldError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, FieldError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let step = PathStep::Index(self.index);
        self.index += 1;
        seed.deserialize(ValueReader(item)).map(Some).map_err(|error| error.within(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// Reads the entries of a map.
struct Entries<'a, 'de> {
    entries: std::slice::Iter<'a, (ValueRef<'de>, ValueRef<'de>)>,
    value: Option<&'a (ValueRef<'de>, ValueRef<'de>)>,
    fields: Fields,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = FieldError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, FieldError> {
        self.value = self.entries.next();
        let Some((key, _)) = self.value else { return Ok(None) };
        seed.deserialize(ValueReader(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, FieldError> {
        let Some((key, value)) = self.value.take() else {
            return Err(FieldError::custom("a value was asked for before its key"));
        };
        let step = named(key, self.fields).map_or(PathStep::Key, PathStep::Field);
        seed.deserialize(ValueReader(value)).map_err(|error| error.within(step))
    }
}

/// Returns the name among `names` that is this key.
fn named(key: &ValueRef<'_>, names: Fields) -> Option<&'static str> {
    let ValueRef::String(key) = key else { return None };
    names.iter().copied().find(|name| Some(*name) == key.as_str())
}

/// Reads a variant of an enum.
struct Variant<'a, 'de> {
    name: ValueReader<'a, 'de>,
    value: Option<&'a ValueRef<'de>>,
    variants: Fields,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = FieldError;
    type Variant = VariantValue<'a, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), FieldError> {
        let step = named(self.name.0, self.variants).map_or(PathStep::Key, PathStep::Field);
        Ok((seed.deserialize(self.name)?, VariantValue { value: self.value, step }))
    }
}

/// Reads the value of a variant.
struct VariantValue<'a, 'de> {
    value: Option<&'a ValueRef<'de>>,
    step: PathStep,
}

impl<'a, 'de> VariantValue<'a, 'de> {
    fn read<T>(
        self,
        read: impl FnOnce(ValueReader<'a, 'de>) -> Result<T, FieldError>,
    ) -> Result<T, FieldError> {
        let Some(value) = self.value else {
            return Err(FieldError::invalid_type(
                Unexpected::UnitVariant,
                &"a variant with a value",
            ));
        };
        read(ValueReader(value)).map_err(|error| error.within(self.step))
    }
}

impl<'de> VariantAccess<'de> for VariantValue<'_, 'de> {
    type Error = FieldError;

    fn unit_variant(self) -> Result<(), FieldError> {
        match self.value {
            None => Ok(()),
            Some(value) => <()>::deserialize(ValueReader(value)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, FieldError> {
        self.read(|value| seed.deserialize(value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, FieldError> {
        self.read(|value| value.compound(&[], visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: Fields,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        self.read(|value| value.compound(fields, visitor))
    }
}
