//! Finding a task by its id, or by the beginning of it.

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::Explain as _;
use crate::error::{Error, Result};

const SHORTEST: usize = 8;

/// The one task whose id begins so.
pub async fn find(connection: &mut PgConnection, id: &str) -> Result<Uuid> {
    const DOING: &str = "looking for a task";
    const FIND: &str =
        "select id from public.task_queue where id between $1 and $2 order by id limit 2";
    let (first, last) = range(id)?;
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let find = sqlx::query_scalar(FIND).bind(first).bind(last).persistent(false);
    let found: Vec<Uuid> = find.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    match found[..] {
        [id] => Ok(id),
        [] => Err(Error::content(format!("there is no task {id}"))
            .help("`frieze enrich list` shows the tasks and their ids")),
        _ => Err(Error::content(format!("several tasks have an id that begins with {id}"))
            .help("write more of it")),
    }
}

/// All ids that begin so are within these two.
fn range(id: &str) -> Result<(Uuid, Uuid)> {
    let digits: String = id.trim().chars().filter(|c| *c != '-').collect();
    let filled = |with: &str| {
        let missing = 32_usize.checked_sub(digits.len())?;
        Uuid::try_parse(&format!("{digits}{}", with.repeat(missing))).ok()
    };
    match (filled("0"), filled("f")) {
        (Some(first), Some(last)) if digits.len() >= SHORTEST => Ok((first, last)),
        _ => Err(Error::content(format!("\"{id}\" is no task's id"))
            .help(format!("write the id, or at least its first {SHORTEST} characters"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_stands_for_all_ids_that_have_it() {
        let (first, last) = range("0123abcd-4").unwrap();
        assert_eq!(first.to_string(), "0123abcd-4000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0123abcd-4fff-ffff-ffff-ffffffffffff");
        let (first, last) = range("0123ABCD-4567-89ab-cdef-0123456789ab").unwrap();
        assert_eq!(first, last);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for wrong in
            ["", "0123abc", "0123abcx", "0123abcd-4567-89ab-cdef-0123456789abc", "ä23456789"]
        {
            let error = range(wrong).unwrap_err();
            assert!(error.report().contains("at least its first 8"), "{error:?}");
        }
    }
}
