//! What is wrong at the moment: with the site as a whole, by what is wrong, and with single pages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::http::Asked;
use crate::error::Error;

/// What can be wrong with the site as a whole. Each is mended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// Making the site of everything: the configuration, the migrations, the first read.
    Opening,
    /// The database does not answer, or refuses.
    Database,
    /// Files of rows cannot be read, or not be written to the database.
    Content,
    /// Templates or manifests cannot be read.
    Templates,
    /// Style sheets and other files cannot be read.
    Assets,
    /// Rows, layouts and manifests do not go together.
    Assembling,
    /// A row or section names an image that is not there.
    Images,
    /// Images that lie elsewhere cannot be downloaded.
    Fetching,
}

/// A page as it is asked for: as it is published, or in one of its drafts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown {
    pub path: String,
    pub draft: Option<i32>,
}

impl Shown {
    pub fn page(path: &str) -> Self {
        Self { path: path.to_owned(), draft: None }
    }

    pub fn of(asked: &Asked) -> Self {
        let draft = asked.parameter("draft").and_then(|version| version.parse().ok());
        Self { path: asked.path.clone(), draft }
    }

    /// As somebody would ask for it.
    pub fn asked(&self) -> Asked {
        let query = self.draft.map(|version| format!("draft={version}"));
        let mut asked = Asked::path(&self.path);
        asked.query = query;
        asked
    }

    /// For people.
    fn label(&self) -> String {
        self.draft.map_or_else(|| self.path.clone(), |draft| format!("{}?draft={draft}", self.path))
    }
}

#[derive(Debug, Default)]
pub struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    site: BTreeMap<Doing, Fault>,
    pages: BTreeMap<Shown, Fault>,
    /// What is wrong, as it was told, and how often it is.
    told: BTreeMap<String, usize>,
    /// Something was told, and not yet that all is well again.
    unmended: bool,
    number: u64,
}

#[derive(Debug)]
struct Fault {
    error: Arc<Error>,
    /// What it says at its innermost: which page shows it is not what is wrong.
    report: String,
    /// Later ones have higher numbers.
    number: u64,
}

/// What to tell, once.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    Nothing,
    Fault,
    Mended,
}

/// Of so many pages it is known what is wrong; of others it is found again when they are asked for.
const MOST: usize = 200;

impl Faults {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how something ended.
    pub fn note<T>(&self, doing: Doing, ended: Result<T, Arc<Error>>) -> (Option<T>, News) {
        let mut state = self.lock();
        match ended {
            Ok(value) => {
                let former = state.site.remove(&doing);
                (Some(value), state.leave(former))
            }
            Err(error) => {
                let (fault, news) = state.enter(error);
                let former = state.site.insert(doing, fault);
                state.leave(former);
                (None, news)
            }
        }
    }

    /// Everything was made anew: what was wrong on the way to the former site is no more. Whether
    /// its rows go together and its images are there is looked for next.
    pub fn anew(&self) -> News {
        let mut state = self.lock();
        let stays = [Doing::Assembling, Doing::Images, Doing::Fetching];
        let former = state.site.extract_if(.., |doing, _| !stays.contains(doing));
        let former: Vec<_> = former.map(|(_, fault)| fault).collect();
        former.into_iter().fold(News::Nothing, |news, fault| match state.leave(Some(fault)) {
            News::Nothing => news,
            other => other,
        })
    }

    /// Notes how a page came out; `None` is well.
    pub fn page(&self, shown: &Shown, error: Option<Arc<Error>>) -> News {
        let mut state = self.lock();
        let Some(error) = error else {
            let former = state.pages.remove(shown);
            return state.leave(former);
        };
        let (fault, news) = state.enter(error);
        let former = state.pages.insert(shown.clone(), fault);
        state.leave(former);
        state.keep(MOST);
        news
    }

    /// The pages that are wrong, the last ones first; of the others nothing is known any more.
    pub fn newest(&self, most: usize) -> Vec<Shown> {
        let mut state = self.lock();
        state.keep(most);
        let mut pages: Vec<_> = state.pages.iter().map(|(shown, it)| (it.number, shown)).collect();
        pages.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        pages.into_iter().map(|(_, shown)| shown.clone()).collect()
    }

    /// What a page has to show: its own fault, and those of the whole site.
    pub fn of(&self, shown: &Shown) -> Vec<Arc<Error>> {
        let state = self.lock();
        let own = state.pages.get(shown);
        state.site.values().chain(own).map(|fault| Arc::clone(&fault.error)).collect()
    }

    /// Its own fault alone.
    pub fn of_page(&self, shown: &Shown) -> Option<Arc<Error>> {
        self.lock().pages.get(shown).map(|fault| Arc::clone(&fault.error))
    }

    pub fn all(&self) -> Vec<(String, Arc<Error>)> {
        let state = self.lock();
        let site = state.site.iter().map(|(doing, it)| (format!("{doing:?}"), &it.error));
        let pages = state.pages.iter().map(|(shown, it)| (shown.label(), &it.error));
        site.chain(pages).map(|(of, error)| (of, Arc::clone(error))).collect()
    }
}

impl State {
    /// A fault, and whether it was not told yet. One template may break many pages in the same way,
    /// and each says in its own words where.
    fn enter(&mut self, error: Arc<Error>) -> (Fault, News) {
        let report = error.chain().pop().unwrap_or_default();
        let same = |told: &String| told.ends_with(&report) || report.ends_with(told.as_str());
        let news = if self.told.keys().any(same) { News::Nothing } else { News::Fault };
        *self.told.entry(report.clone()).or_default() += 1;
        self.number += 1;
        self.unmended = true;
        (Fault { error, report, number: self.number }, news)
    }

    /// A fault is gone: should it come again, it is told again.
    fn leave(&mut self, fault: Option<Fault>) -> News {
        let Some(fault) = fault else { return News::Nothing };
        if let Some(times) = self.told.get_mut(&fault.report) {
            *times -= 1;
            if *times == 0 {
                self.told.remove(&fault.report);
            }
        }
        let well = self.site.is_empty() && self.pages.is_empty();
        if well && std::mem::take(&mut self.unmended) { News::Mended } else { News::Nothing }
    }

    /// Forgets the oldest faults of pages.
    fn keep(&mut self, most: usize) {
        while self.pages.len() > most {
            let oldest = self.pages.iter().min_by_key(|(_, fault)| fault.number);
            let Some(shown) = oldest.map(|(shown, _)| shown.clone()) else { return };
            let fault = self.pages.remove(&shown);
            self.leave(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(what: &str) -> Arc<Error> {
        Arc::new(Error::template(what))
    }

    fn page(faults: &Faults, path: &str, error: Option<Arc<Error>>) -> News {
        faults.page(&Shown::page(path), error)
    }

    #[test]
    fn a_fault_is_told_once_and_so_is_its_end() {
        let faults = Faults::default();
        let wrong = || Err::<(), _>(error("line 3"));
        assert_eq!(faults.note(Doing::Templates, wrong()).1, News::Fault);
        assert_eq!(faults.note(Doing::Templates, wrong()).1, News::Nothing);
        let shown = Error::template("line 3").context("page /a/");
        assert_eq!(page(&faults, "/a/", Some(Arc::new(shown))), News::Nothing);
        assert_eq!(page(&faults, "/b/", Some(error("line 9"))), News::Fault);
        assert_eq!(faults.of(&Shown::page("/a/")).len(), 2);
        assert_eq!(faults.note(Doing::Templates, Ok(())).1, News::Nothing);
        assert_eq!(page(&faults, "/a/", None), News::Nothing);
        assert_eq!(page(&faults, "/b/", None), News::Mended);
        assert!(faults.all().is_empty());
        assert_eq!(faults.note(Doing::Templates, wrong()).1, News::Fault);
        assert_eq!(faults.anew(), News::Mended);
        assert_eq!(faults.anew(), News::Nothing);
    }

    #[test]
    fn what_comes_again_is_told_again_while_something_else_is_wrong() {
        let faults = Faults::default();
        assert_eq!(page(&faults, "/a/", Some(error("no column a"))), News::Fault);
        assert_eq!(page(&faults, "/b/", Some(error("no column b"))), News::Fault);
        assert_eq!(page(&faults, "/a/", None), News::Nothing);
        assert_eq!(page(&faults, "/a/", Some(error("no column a"))), News::Fault);
    }

    #[test]
    fn one_picture_that_is_missing_is_told_once_wherever_it_is_shown() {
        let faults = Faults::default();
        let missing = error("projects, row a: there is no image \"a.jpg\"");
        assert_eq!(faults.note::<()>(Doing::Images, Err(missing)).1, News::Fault);
        let shown = error("there is no image \"a.jpg\"");
        assert_eq!(page(&faults, "/a/", Some(shown)), News::Nothing);
    }

    #[test]
    fn a_draft_is_another_page() {
        let faults = Faults::default();
        let draft = Shown { draft: Some(3), ..Shown::page("/") };
        faults.page(&Shown::page("/"), Some(error("wrong")));
        assert_eq!(faults.page(&draft, None), News::Nothing);
        assert_eq!(faults.of(&Shown::page("/")).len(), 1);
        assert!(faults.of(&draft).is_empty());
        assert_eq!(Shown::of(&draft.asked()), draft);
    }

    #[test]
    fn the_faults_of_a_whole_site_do_not_pile_up() {
        let faults = Faults::default();
        for number in 0..MOST + 50 {
            page(&faults, &format!("/{number}/"), Some(error(&format!("wrong {number}."))));
        }
        assert_eq!(faults.all().len(), MOST);
        assert_eq!(faults.newest(2), [Shown::page("/249/"), Shown::page("/248/")]);
        assert_eq!(faults.all().len(), 2);
        assert_eq!(faults.lock().told.len(), 2);
    }
}
