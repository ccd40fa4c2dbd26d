//! Tables that the build script has read: TOML in a form that costs next to nothing to read again.
//!
//! A value is a tag and its body: a string as its place and length in the pool of all strings, an array or a table as its length
//! and items, the keys of a table as strings. Numbers are little-endian groups of seven bits. Places in the source are not kept:
//! what stands in the program has no mistakes, which a test shows.

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

const STRING: u8 = 0;
const INTEGER: u8 = 1;
const FLOAT: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;
const ARRAY: u8 = 5;
const TABLE: u8 = 6;

/// The strings of all tables, each once: known to be text, so that reading one is a look-up.
static POOL: &str = include_str!(concat!(env!("OUT_DIR"), "/packs.txt"));

/// What cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Reads a table.
///
/// # Errors
/// The table is not of that form.
pub fn read<T: DeserializeOwned>(bytes: &'static [u8]) -> Result<T, Error> {
    T::deserialize(&mut Blob { rest: bytes, pool: POOL })
}

/// A value to be read.
#[derive(Debug)]
struct Blob {
    rest: &'static [u8],
    pool: &'static str,
}

impl Blob {
    fn take(&mut self, length: usize) -> Result<&'static [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(|| Error("cut short".to_owned()))?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u64, Error> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 127).checked_shl(shift).unwrap_or(0);
            if byte < 128 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    fn length(&mut self) -> Result<usize, Error> {
        Ok(self.number()? as usize)
    }

    fn text(&mut self) -> Result<&'static str, Error> {
        let (start, length) = (self.length()?, self.length()?);
        let end = start.saturating_add(length);
        self.pool.get(start..end).ok_or_else(|| Error("no text".to_owned()))
    }
}

/// The name under which a field with its place in the source asks to be read.
fn is_spanned(name: &str, fields: &[&str]) -> bool {
    fields.len() == 3 && name.starts_with("$__serde_spanned")
}

impl<'de> de::Deserializer<'de> for &mut Blob {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.byte()? {
            STRING => visitor.visit_borrowed_str(self.text()?),
            INTEGER => visitor.visit_i64(self.number()? as i64),
            FLOAT => {
                let mut bits = [0; 8];
                bits.copy_from_slice(self.take(8)?);
                visitor.visit_f64(f64::from_le_bytes(bits))
            }
            FALSE => visitor.visit_bool(false),
            TRUE => visitor.visit_bool(true),
            ARRAY => {
                let left = self.length()?;
                visitor.visit_seq(Items { blob: self, left })
            }
            TABLE => {
                let left = self.length()?;
                visitor.visit_map(Items { blob: self, left })
            }
            other => Err(Error(format!("unknown tag {other}"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if is_spanned(name, fields) {
            return visitor.visit_map(Placed { blob: self, fields, at: 0 });
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.byte()? {
            STRING => {
                let name: StrDeserializer<'_, Error> = self.text()?.into_deserializer();
                visitor.visit_enum(name)
            }
            TABLE if self.length()? == 1 => visitor.visit_enum(Variant(self)),
            _ => Err(Error("no variant".to_owned())),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Items of an array or a table.
struct Items<'b> {
    blob: &'b mut Blob,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.blob).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(Key(self.blob.text()?)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.blob)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A key of a table, which may be asked for with its place.
struct Key(&'static str);

impl<'de> de::Deserializer<'de> for Key {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if is_spanned(name, fields) {
            return visitor.visit_map(PlacedKey { key: self.0, fields, at: 0 });
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

/// A key with a place.
struct PlacedKey {
    key: &'static str,
    fields: &'static [&'static str],
    at: usize,
}

impl<'de> MapAccess<'de> for PlacedKey {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.fields.get(self.at) else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.fields.get(self.at).is_some_and(|field| field.ends_with("value"));
        self.at += 1;
        if value {
            seed.deserialize(BorrowedStrDeserializer::new(self.key))
        } else {
            seed.deserialize(0usize.into_deserializer())
        }
    }
}

/// A value with a place: start, end and the value, whatever their order; the place is empty.
struct Placed<'b> {
    blob: &'b mut Blob,
    fields: &'static [&'static str],
    at: usize,
}

impl<'de> MapAccess<'de> for Placed<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.fields.get(self.at) else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.fields.get(self.at).is_some_and(|field| field.ends_with("value"));
        self.at += 1;
        if value { seed.deserialize(&mut *self.blob) } else { seed.deserialize(0usize.into_deserializer()) }
    }
}

/// A table with one key: the variant's name and what it holds.
struct Variant<'b>(&'b mut Blob);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = self.0.text()?;
        Ok((seed.deserialize(BorrowedStrDeserializer::<Error>::new(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        de::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self.0, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self.0, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of<T: DeserializeOwned>(bytes: &'static [u8]) -> Result<T, Error> {
        T::deserialize(&mut Blob { rest: bytes, pool: "ab字plainwith" })
    }

    #[test]
    fn broken_blobs_are_errors() {
        for bytes in [
            &b""[..],
            b"\x00\x00\x2a",
            b"\x00\x03\x01",
            b"\x00\x2a\x01",
            b"\x06\x01\x00\x01",
            b"\x09",
            b"\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(of::<toml::Value>(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn values_with_places_and_variants() {
        #[derive(serde::Deserialize, Debug, PartialEq)]
        #[serde(rename_all = "lowercase")]
        enum Kind {
            Plain,
            With(i64),
        }
        let word: toml::Spanned<String> = of(b"\x00\x00\x02").unwrap();
        assert_eq!((word.span(), word.into_inner()), (0..0, "ab".to_owned()));
        let keyed: BTreeMap<toml::Spanned<String>, bool> = of(b"\x06\x01\x00\x02\x04").unwrap();
        assert_eq!(keyed.into_iter().next().map(|(key, on)| (key.into_inner(), on)), Some(("ab".to_owned(), true)));
        assert_eq!(of::<Kind>(b"\x00\x05\x05").unwrap(), Kind::Plain);
        assert_eq!(of::<Kind>(b"\x06\x01\x0a\x04\x01\x03").unwrap(), Kind::With(3));
        assert_eq!(of::<Option<f64>>(b"\x02\0\0\0\0\0\0\xf8\x3f").unwrap(), Some(1.5));
    }
}
