//! Rule packs: what the platform, the law and the field say, loaded and validated.

pub mod catalogue;
pub mod categories;
pub mod clauses;
pub mod conduct;
pub mod configuration;
pub mod content;
pub mod host;
pub mod markup;
pub mod naming;
pub mod packs;
pub mod pattern;
pub mod placeholders;
pub mod precedence;
pub mod privacy;
mod quantities;
pub mod structure;

use catalogue::{Catalogue, Entry, Lang, Wording};
use categories::{Categories, CategoryTable, Prohibited, Signals};
use clauses::{Clause, Clauses, Registry};
use conduct::Conduct;
use host::{Host, Hosts};
use markup::Markup;
use naming::{Lists, Naming};
use packs::{PackError, Packs};
use placeholders::Placeholders;
use precedence::Precedence;
use privacy::Privacy;
use structure::Structure;

use crate::package::Layout;
use crate::text::Matcher;

/// All packs.
#[derive(Debug, Default)]
pub struct Policy {
    /// The files, for what is read only when needed.
    pub packs: Packs,
    /// Rules: severity, clauses, wording.
    pub catalogue: Catalogue,
    /// Service categories, what shows them, prohibited industries.
    pub categories: Categories,
    /// Word lists for names, descriptions and titles.
    pub naming: Naming,
    /// Clauses: titles, rules, what is not checkable.
    pub clauses: Clauses,
    /// Words and patterns of the conduct rules.
    pub conduct: Conduct,
    /// Structural rules.
    pub structure: Structure,
    /// Personal information, secrets, third parties, consent.
    pub privacy: Privacy,
    /// Lexicons of the content matcher.
    pub content: content::Content,
    /// Hosts by id.
    pub hosts: Hosts,
    /// Texts that stand for something that is not there yet.
    pub placeholders: Placeholders,
    /// Markup that no host knows.
    pub markup: Markup,
    /// Which rules give way to which.
    pub precedence: Precedence,
}

impl Policy {
    /// Loads every pack; all mistakes come out at once.
    ///
    /// # Errors
    /// Mistakes in the packs, in order of loading.
    pub fn load(packs: Packs) -> Result<Self, (Packs, Vec<PackError>)> {
        // Beside each other; mistakes keep the order.
        let [mut privacy_errors, mut rest_errors, mut conduct_errors, mut hosts_errors] = [const { Vec::new() }; 4];
        let ((privacy, conduct), ((hosts, mut policy), catalogue)) = rayon::join(
            || {
                let privacy = Privacy::load(&packs, &mut privacy_errors);
                (privacy, Conduct::load(&packs, &mut conduct_errors))
            },
            || {
                let hosts = Hosts::load(&packs, &mut hosts_errors);
                let mut catalogue = Catalogue::load(&packs, &mut rest_errors);
                let policy = Self {
                    structure: Structure::load(&packs, &mut catalogue, &mut rest_errors),
                    // One line a loader.
                    content: content::Content::load(&packs, &mut rest_errors),
                    categories: Categories::load(&packs, &mut rest_errors),
                    naming: Naming::load(&packs, &mut rest_errors),
                    clauses: Clauses::load(&packs, &mut rest_errors),
                    placeholders: Placeholders::load(&packs, &mut rest_errors),
                    markup: Markup::load(&packs, &mut rest_errors),
                    precedence: Precedence::load(&packs, &mut rest_errors),
                    ..Self::default()
                };
                ((hosts, policy), catalogue)
            },
        );
        policy.catalogue = catalogue;
        policy.privacy = privacy;
        policy.conduct = conduct;
        policy.hosts = hosts;
        let mut errors = rest_errors;
        for more in [privacy_errors, conduct_errors, hosts_errors] {
            errors.extend(more);
        }
        if errors.is_empty() { Ok(Self { packs, ..policy }) } else { Err((packs, errors)) }
    }

    /// The packs that stand in the program.
    ///
    /// # Errors
    /// Mistakes in the packs; a test shows that there are none.
    pub fn embedded() -> Result<Self, (Packs, Vec<PackError>)> {
        Self::load(Packs::embedded())
    }

    /// The host of that id.
    pub fn host(&self, id: &str) -> Option<&Host> {
        self.hosts.get(id, &self.packs)
    }

    /// Ids of all hosts, sorted.
    pub fn host_ids(&self) -> Vec<&str> {
        self.hosts.ids().map(|id| &**id).collect()
    }

    /// What the reader of packages needs to know of every host.
    pub fn layouts(&self) -> Vec<Layout> {
        self.hosts
            .infos()
            .map(|info| Layout {
                host: info.id.clone(),
                rank: info.rank,
                fallback: info.fallback,
                namespaces: info.namespaces.clone(),
                template_extensions: info.template_extensions.clone(),
                style_extensions: info.style_extensions.clone(),
                view_script_extensions: info.view_script_extensions.clone(),
                upload_extensions: info.upload_extensions.clone(),
                project_files: info.project_files.clone(),
                compiled: info.compiled.clone(),
                settings: info.project_settings.clone(),
            })
            .collect()
    }

    /// The list of service categories.
    pub fn category_table(&self) -> &CategoryTable {
        self.categories.table(&self.packs)
    }

    /// What shows services.
    pub fn signals(&self) -> &Signals {
        self.categories.signals(&self.packs)
    }

    /// Prohibited industries.
    pub fn prohibited(&self) -> &Prohibited {
        self.categories.prohibited(&self.packs)
    }

    /// Word lists for names, descriptions and titles.
    pub fn naming(&self) -> &Lists {
        self.naming.lists(&self.packs)
    }

    /// The registry of clauses.
    pub fn clauses(&self) -> &Registry {
        self.clauses.registry(&self.packs)
    }

    /// A clause by id.
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses().get(id)
    }

    /// The title of a clause.
    pub fn clause_title(&self, id: &str) -> Option<Wording> {
        self.clauses.title(id, &self.packs)
    }

    /// The content matcher over all classes, compiled at first use.
    pub fn matcher(&self) -> &Matcher {
        self.content.matcher(&self.packs)
    }

    /// Reads beforehand what the rules of most packages ask for.
    pub fn warm(&self) {
        self.signals();
        self.conduct.warm();
        self.prohibited();
        self.matcher();
        self.naming();
    }

    /// A rule's entry.
    pub fn entry(&self, rule: &str) -> Option<&Entry> {
        self.catalogue.get(rule, &self.packs)
    }

    /// A rule's page, in Markdown.
    pub fn page(&self, rule: &str, lang: Lang) -> Option<&str> {
        self.catalogue.page(rule, lang, &self.packs)
    }

    /// The note of a trace step.
    pub fn note(&self, key: &str) -> Option<&Wording> {
        self.catalogue.note(key, &self.packs)
    }

    /// A word that fills a message.
    pub fn word(&self, key: &str) -> Option<&Wording> {
        self.catalogue.word(key, &self.packs)
    }

    /// BLAKE3 over all packs, in hexadecimal.
    pub fn digest(&self) -> &str {
        self.packs.digest()
    }
}
