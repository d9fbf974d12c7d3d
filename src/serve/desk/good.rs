//! Pages as they were when they last came out well.

use std::collections::{HashMap, VecDeque};

use hyper::body::Bytes;

use super::super::faults::Shown;

/// So many are kept.
const KEPT: usize = 300;

#[derive(Debug, Default)]
pub struct Good {
    pages: HashMap<Shown, Bytes>,
    order: VecDeque<Shown>,
}

impl Good {
    pub fn keep(&mut self, shown: &Shown, html: &Bytes) {
        if self.pages.insert(shown.clone(), html.clone()).is_none() {
            self.order.push_back(shown.clone());
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.pages.remove(&oldest);
            }
        }
    }

    pub fn get(&self, shown: &Shown) -> Option<Bytes> {
        self.pages.get(shown).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_never_stands_for_the_page_and_the_oldest_go() {
        let mut good = Good::default();
        let page = Shown::page("/");
        let draft = Shown { draft: Some(3), ..page.clone() };
        good.keep(&draft, &Bytes::from_static(b"draft"));
        assert_eq!(good.get(&page), None);
        for number in 0..KEPT {
            good.keep(&Shown::page(&format!("/{number}/")), &Bytes::new());
        }
        assert_eq!(good.get(&draft), None);
        assert_eq!(good.pages.len(), KEPT);
    }
}
