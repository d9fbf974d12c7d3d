//! What is done where a mistake of our own would end the process: it becomes a fault like others.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Does it; none where it panicked, with what it said.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T> {
    // What was being changed is made anew.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| told(&*panic))
}

/// What a task came to.
pub fn joined<T>(ended: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => Err(told(&*panic)),
        Err(error) => Err(Error::other("this was stopped").because(error)),
    })
}

fn told(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say");
    Error::other(format!("frieze stumbled: {text}")).help(
        "this is a mistake in frieze, not in the site; the site is read again as a whole, and again with the next change",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = caught(|| -> () { panic!("number {}", 3) }).unwrap_err();
        assert!(error.report().contains("frieze stumbled: number 3"), "{error:?}");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ended = runtime.block_on(async {
            tokio::spawn(async { if true { panic!("in a task") } else { Ok(()) } }).await
        });
        assert!(joined(ended).unwrap_err().report().contains("in a task"));
        assert_eq!(caught(|| 3).unwrap(), 3);
    }
}
