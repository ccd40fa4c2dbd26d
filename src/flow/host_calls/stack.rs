//! The stack of pages: this one on top, below it those that open it.

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site};
use crate::flow::value::{FROM_END, NUMBER, ObjId, UNDEFINED, Value, from_end};
use crate::model::UnitKind;
use crate::model::ir::Name;

/// Fields of the list of pages that hold what stands so many places from its end.
const FROM_TOP: [&str; 3] = ["[[first-from-end]]", "[[second-from-end]]", "[[third-from-end]]"];
/// Most pages that may stand at one place of the stack; of more nothing is known.
const MAX_PAGES: usize = 10;

impl<'a> Machine<'a> {
    /// The pages that are open, as a list.
    pub fn current_pages(&mut self, site: &Site) -> Value {
        let route = self.entries.get(self.entry).map(|entry| entry.route.clone()).unwrap_or_default();
        let here = self.pages_at(&route);
        let below = self.openers(&here);
        self.below = Some(self.pages_below(&route));
        let second = self.openers(&below);
        let list = self.make_at(site.place, 26, Kind::Array);
        let mut all = Value::default();
        for (field, routes) in FROM_TOP.into_iter().zip([&here, &below, &second]) {
            let page = self.one_of_pages(routes);
            all.join(&page);
            let key = self.known(field);
            self.heap.set(list, key, Some(page));
        }
        self.heap.set(list, ITEM, Some(all));
        let length = self.known("length");
        self.heap.set(list, length, Some(Value { bits: NUMBER | from_end(0), ..Value::default() }));
        Value::object(list)
    }

    /// The page of a route, or those that the component of that path stands on.
    fn pages_at(&self, route: &Name) -> Vec<Name> {
        let page = |unit: &u32| self.program.units[*unit as usize].kind == UnitKind::Page;
        if self.program.by_route.get(&**route).is_some_and(page) {
            return vec![route.clone()];
        }
        self.pages_with(route)
    }

    /// Pages from which one of these is opened.
    fn openers(&self, routes: &[Name]) -> Vec<Name> {
        let mut out: Vec<Name> = Vec::new();
        for from in routes.iter().filter_map(|route| self.opened_from.get(route)).flatten() {
            for page in self.pages_at(from) {
                if !out.contains(&page) {
                    out.push(page);
                }
            }
        }
        out
    }

    /// What stands at a place of the stack where one of these pages does.
    fn one_of_pages(&mut self, routes: &[Name]) -> Value {
        let mut units: Vec<ObjId> = Vec::new();
        for route in routes.iter().take(MAX_PAGES + 1) {
            let unit = self.program.by_route.get(&**route).copied();
            if let Some(unit) = unit.filter(|unit| self.program.units[*unit as usize].kind == UnitKind::Page)
                && let Some(&object) = self.units.get(&unit)
            {
                units.push(object);
            }
        }
        if units.is_empty() || units.len() > MAX_PAGES {
            return Value::any();
        }
        let mut page = Value::default();
        for object in units {
            page.join(&Value::object(object));
        }
        page
    }

    /// How many pages are known to be below this one, and how many there are: both only grow.
    pub fn pages_below(&self, route: &Name) -> (usize, usize) {
        let below = self.openers(&self.pages_at(route));
        let second = self.openers(&below).len();
        (below.len() * 256 + second, self.units.len())
    }

    /// The field that an index counted from the end of the list of pages stands for.
    pub fn index_from_end(&mut self, index: &Value) -> Option<Keys> {
        let counted = index.bits & FROM_END;
        if counted == 0 || index.bits & !(FROM_END | NUMBER) != 0 || index.number.is_some() {
            return None;
        }
        let place = (1..=FROM_TOP.len()).find(|&place| counted == from_end(place))?;
        Some(Keys::one(self.known(FROM_TOP[place - 1])))
    }

    /// The last pages of the stack, the last one first; nothing where the list is another one.
    pub fn top_of_stack(&mut self, list: &Value) -> Option<Vec<Value>> {
        let [list] = list.objects[..] else { return None };
        let mut out = Vec::new();
        for field in FROM_TOP {
            let key = self.known(field);
            out.push(self.heap.get(list, key)?.clone());
        }
        Some(out)
    }

    /// What a method takes from the list of pages.
    pub fn some_of_stack(&mut self, list: &Value, method: &str, args: &[Value], site: &Site) -> Value {
        let mut top = self.top_of_stack(list).unwrap_or_default();
        let place = |at: usize| {
            let number = args.get(at)?.number.map(f64::from_bits)?;
            (1..=FROM_TOP.len()).find(|&place| number == -(place as f64))
        };
        let mut item = self.items_of(list);
        match (method, place(0)) {
            ("pop", _) => top.swap_remove(0),
            ("at", Some(place)) if place <= top.len() => top.swap_remove(place - 1),
            ("at", _) => {
                item.bits |= UNDEFINED;
                item
            }
            ("slice", Some(place)) if args.len() == 1 || ends(args) => {
                top.truncate(place);
                let last = if args.len() == 1 { 0 } else { 1 };
                let items = top.into_iter().skip(last).rev().collect();
                self.list_from(items, site)
            }
            ("reverse" | "toReversed", _) => {
                let turned = self.list_of(item, site);
                for &object in &turned.objects {
                    for (index, page) in top.iter().enumerate() {
                        let key = self.index_sym(index);
                        self.heap.set(object, key, Some(page.clone()));
                    }
                }
                turned
            }
            _ => self.list_of(item, site),
        }
    }
}

/// Whether a part of a list ends before the last item.
fn ends(args: &[Value]) -> bool {
    args.get(1).and_then(|end| end.number).map(f64::from_bits) == Some(-1.0)
}

/// Whether a field is a place counted from the end.
pub fn is_from_end(name: &str) -> bool {
    FROM_TOP.contains(&name)
}
