//! Protections: ciphers, digests and masks, by library and by strength.

use crate::flow::heap::Kind;
use crate::flow::lookup::{self, CipherClass};
use crate::flow::machine::{Keys, Machine, Site};
use crate::flow::solution::{Place, Protection};
use crate::flow::value::{Piece, UNDEFINED, Value};
use crate::model::ir::Name;
use crate::source::{FileId, Span};

impl<'a> Machine<'a> {
    /// What a cipher, hash, encoding or mask gives; `None` when the call is none.
    pub fn protect(&mut self, chain: &[&str], module: Option<&str>, args: &[Value], site: &Site) -> Option<Value> {
        let cipher = lookup::cipher(self.policy, chain, module)?;
        let data = self.at_path(&cipher.data, args);
        let mut taints = self.deep_taints(&data, 5);
        for arg in args {
            // The value may stand in another place than the table says.
            if taints.is_empty() {
                taints = self.deep_taints(arg, 5);
            }
        }
        let mut out = Value::any();
        out.origins = data.origins.clone();
        if taints.is_empty() {
            // A constant in another notation is still one.
            return Some(if matches!(cipher.class, CipherClass::Encoding) { data } else { out });
        }
        let literal_key = cipher.key.iter().chain(&cipher.iv).any(|path| self.secret_in_source(path, args));
        let weak_mode = cipher.mode.as_ref().is_some_and(|path| self.weak_mode(path, args, cipher.options_required));
        let label: Name = cipher.name.clone();
        let place = site.place;
        // A hash with something secret mixed in is not a hash of the number alone.
        let salted =
            matches!(cipher.class, CipherClass::Hash)
                && (data.strings.iter().any(|text| {
                    text.pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.len() >= 6))
                }) || data.strings.iter().any(|text| {
                    text.pieces.iter().any(|piece| matches!(piece, Piece::Hole(taints, ..) if taints.is_empty()))
                }));
        let policy = self.policy;
        out.taints = self.map_taints(&taints, |_, taint| {
            let protection = match cipher.class {
                CipherClass::Strong | CipherClass::Envelope
                    if literal_key && !matches!(cipher.class, CipherClass::Envelope) =>
                {
                    Protection::Weak(label.clone(), place)
                }
                CipherClass::Strong if weak_mode => Protection::Weak(label.clone(), place),
                CipherClass::Strong | CipherClass::Envelope => Protection::Strong(label.clone()),
                CipherClass::Weak => Protection::Weak(label.clone(), place),
                CipherClass::Mac if literal_key => Protection::Weak(label.clone(), place),
                CipherClass::Mac => Protection::Hashed(label.clone()),
                CipherClass::Hash if salted || !policy.privacy.is_enumerable(&taint.kind) => {
                    Protection::Hashed(label.clone())
                }
                CipherClass::Hash => Protection::Weak(label.clone(), place),
                CipherClass::Encoding => Protection::Encoded(label.clone()),
                CipherClass::Mask => Protection::Masked,
            };
            if taint.protections.len() < 6 && !taint.protections.contains(&protection) {
                let mut list = taint.protections.to_vec();
                list.push(protection);
                taint.protections = list.into();
            }
        });
        let value = self.stepped(out, place, "protected-by", &cipher.name);
        Some(value)
    }

    /// The value at `0.header.token`: an argument, and fields in it.
    pub(super) fn at_path(&mut self, path: &str, args: &[Value]) -> Value {
        let mut parts = path.split('.');
        let index: usize = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let mut value = args.get(index).cloned().unwrap_or_else(Value::undefined);
        for part in parts {
            let key = self.sym(part);
            value = self.field(&value, &Keys::one(key), Place { file: FileId(0), span: Span::default() });
        }
        value
    }

    fn secret_in_source(&mut self, path: &str, args: &[Value]) -> bool {
        let value = self.at_path(path, args);
        if value.is_any() && value.strings.is_empty() {
            return false;
        }
        value.texts().any(|text| text.len() >= 4)
    }

    fn weak_mode(&mut self, path: &str, args: &[Value], required: bool) -> bool {
        let value = self.at_path(path, args);
        let weak = value.objects.iter().any(
            |&id| matches!(self.heap.kind(id), Kind::External { path, .. } if path.to_lowercase().ends_with("ecb")),
        ) || value.texts().any(|text| text.to_lowercase().contains("ecb"));
        weak || (required && value.bits == UNDEFINED && value.objects.is_empty() && value.strings.is_empty())
    }
}
