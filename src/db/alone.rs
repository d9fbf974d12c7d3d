//! One statement in a transaction of its own. Without one a pooler may lend another connection
//! between the two steps in which a statement is prepared and run.

/// Runs a query with one of its `fetch_…` methods or `execute`.
macro_rules! alone {
    ($connection:expr, $query:expr, $run:ident) => {
        async {
            let mut transaction = sqlx::Connection::begin($connection).await?;
            let done = $query.$run(&mut *transaction).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(done)
        }
        .await
    };
}
pub(crate) use alone;
