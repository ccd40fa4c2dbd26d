//! Routes: pages that are opened, and the queries that they are opened with.

use std::rc::Rc;

use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::{Navigation, Place, Text};
use crate::flow::value::{ANY, Piece, Str, Value, unite};
use crate::model::ir::Name;
use crate::model::{UnitId, UnitKind};

impl<'a> Machine<'a> {
    pub fn navigate(&mut self, role: &str, target: &Value, options: &Value, site: &Site) {
        let from = self.entries[self.entry].route.clone();
        let base = self.package.source(site.place.file).path.clone();
        let on_top = self.pages_with(&from);
        for text in &target.strings {
            let whole = self.text_of(text);
            let found = on_top.iter().find_map(|page| {
                self.route_of(&whole, page, page).filter(|route| self.program.by_route.contains_key(&**route))
            });
            let first = on_top.first().unwrap_or(&from);
            let Some(route) = found.or_else(|| self.route_of(&whole, first, &base)) else {
                self.record.navigations.push(Navigation {
                    place: site.place,
                    role: role.into(),
                    target: whole,
                    from: from.clone(),
                });
                continue;
            };
            let mut target = whole.clone();
            if let Some(first) = target.pieces.first_mut() {
                let query = first.find('?').map_or("", |at| &first[at..]).to_owned();
                *first = format!("/{route}{query}").into();
            }
            let navigation = Navigation { place: site.place, role: role.into(), target, from: from.clone() };
            let known = self
                .record
                .navigations
                .iter()
                .any(|n| n.place == navigation.place && n.target == navigation.target && n.from == navigation.from);
            if !known {
                self.record.navigations.push(navigation);
            }
            self.opened(&route);
            self.pass_query(&route, text, site.place);
        }
        if target.strings.is_empty() {
            self.record.navigations.push(Navigation {
                place: site.place,
                role: role.into(),
                target: Text { pieces: vec![name(""), name("")], place: None },
                from,
            });
        }
        // Handlers of the channel that the opened page answers through.
        let events = self.known("events");
        let listeners = self.field(options, &Keys::one(events), site.place);
        for &object in &listeners.objects {
            for key in self.heap.keys(object) {
                if let Some(handler) = self.heap.get(object, key).cloned() {
                    let label = self.spell(key);
                    let bus = self.bus;
                    self.bus_method(bus, "on", &[Value::string(label, None), handler], site);
                }
            }
        }
    }

    /// Pages that show a component: hosts read the relative addresses of its code from the page on top.
    pub fn pages_with(&self, route: &str) -> Vec<Name> {
        const MOST: usize = 64;
        let is_page = |unit: UnitId| self.program.units[unit as usize].kind != UnitKind::Component;
        let Some(&unit) = self.program.by_route.get(route).filter(|unit| !is_page(**unit)) else { return Vec::new() };
        let mut seen = vec![unit];
        let mut at = 0;
        while let Some(&unit) = seen.get(at).filter(|_| at < MOST) {
            at += 1;
            for (user, _, _) in self.uses.get(&unit).into_iter().flatten() {
                if !seen.contains(user) {
                    seen.push(*user);
                }
            }
        }
        seen.into_iter()
            .filter(|unit| is_page(*unit))
            .map(|unit| self.program.units[unit as usize].route.clone())
            .collect()
    }

    /// The route that an address names, when its path is known.
    fn route_of(&self, text: &Text, from: &str, file: &str) -> Option<String> {
        let head = text.head();
        let (path, complete) = match head.find('?') {
            Some(at) => (&head[..at], true),
            None => (head, text.complete().is_some()),
        };
        if !complete || path.is_empty() || path.contains("://") {
            return None;
        }
        let path = path.trim_end_matches(".html");
        if let Some(absolute) = path.strip_prefix('/') {
            return crate::model::normalize(absolute);
        }
        let exists = |route: &str| self.program.by_route.contains_key(route);
        for base in [from, file] {
            let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
            if let Some(route) = crate::model::normalize(&format!("{folder}/{path}"))
                && exists(&route)
            {
                return Some(route);
            }
        }
        crate::model::normalize(path).filter(|route| exists(route)).or_else(|| {
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            crate::model::normalize(&format!("{folder}/{path}"))
        })
    }

    /// Hands the query of an address to the page that it opens.
    fn pass_query(&mut self, route: &str, text: &Rc<Str>, place: Place) {
        let Some(&unit) = self.program.by_route.get(route) else { return };
        let query = self.query_object(unit);
        let mut seen = false;
        let mut key: Option<String> = None;
        let mut value = Value::default();
        let mut rest = String::new();
        for piece in &text.pieces {
            match piece {
                Piece::Literal(literal) => {
                    let mut part = &**literal;
                    if !seen {
                        match part.find('?') {
                            Some(at) => {
                                part = &part[at + 1..];
                                seen = true;
                            }
                            None => continue,
                        }
                    }
                    for (index, pair) in part.split('&').enumerate() {
                        if index > 0 {
                            self.pass_one(
                                query,
                                key.take(),
                                std::mem::take(&mut value),
                                std::mem::take(&mut rest),
                                place,
                            );
                        }
                        if key.is_some() {
                            rest.push_str(pair);
                            continue;
                        }
                        if let Some((name, constant)) = pair.split_once('=') {
                            key = Some(name.to_owned());
                            rest = constant.to_owned();
                        }
                    }
                }
                Piece::Hole(taints, origins, written) if seen => {
                    value.bits |= ANY;
                    unite(&mut value.taints, taints);
                    unite(&mut value.origins, origins);
                    unite(&mut value.objects, written);
                }
                Piece::Hole(..) => {}
            }
        }
        self.pass_one(query, key, value, rest, place);
    }

    fn pass_one(&mut self, query: u32, key: Option<String>, mut value: Value, rest: String, place: Place) {
        let Some(key) = key else { return };
        if !rest.is_empty() {
            value.join(&Value::string(rest.into(), None));
        }
        let value = self.typed_by_key(value, &key, place);
        let value = self.stepped(value, place, "page-query", &name(&key));
        let sym = self.sym(&key);
        self.heap.add(query, sym, &value);
    }
}
