//! What was answered to the same question before, by somebody who may be asked it now.

use super::{Answer, Asker};
use crate::db;
use crate::enrich::record::table::Table;
use crate::enrich::router::{Need, Question, Work, prompt_hash};
use crate::enrich::task::{Job, row_id};
use crate::enrich::{Call, Claimed, Failure, Provenance};

/// A row of the cache: the hash, who answered, and what.
type Kept = (String, String, String);

impl Asker {
    /// The answer of the first provider that this question may go to and that has answered it.
    /// Whether it is well now, or has anything left, makes no difference: nobody is asked.
    pub(super) async fn cached(
        &self,
        job: &Job,
        task: &Claimed,
        question: &Question,
    ) -> Result<Option<Answer>, Failure> {
        if self.settings.cache.is_zero() || is_anew(job, task) {
            return Ok(None);
        }
        let need = Need { private: false, ..question.need.clone() };
        let open = Question { need, ..question.clone() };
        // What is private may take what is not, from one that is.
        let as_asked = if question.need.private { vec![question, &open] } else { vec![question] };
        let hashed = |(provider, model)| {
            let hash =
                move |asked: &Question| (prompt_hash(provider, model, asked), provider, model);
            as_asked.iter().map(move |asked| hash(asked)).collect::<Vec<_>>()
        };
        let permitted = self.router.permitted(Work::Chat, &question.need);
        let hashed: Vec<(String, &str, &str)> = permitted.into_iter().flat_map(hashed).collect();
        let hashes: Vec<&str> = hashed.iter().map(|(hash, ..)| hash.as_str()).collect();
        let kept = self.look_up(job, task, &hashes, question.need.private).await?;
        let found = hashed.iter().find_map(|(hash, provider, model)| {
            let is_theirs = |kept: &&Kept| kept.0 == *hash && kept.1 == *provider;
            let (.., text) = kept.iter().find(is_theirs)?;
            // An answer that no longer fits is as good as none.
            let value = question.value(text).ok()?;
            Some((hash, *provider, *model, value))
        });
        let Some((hash, provider, model, value)) = found else { return Ok(None) };
        let (provider, model) = (provider.to_owned(), model.to_owned());
        let call = Call {
            provider: provider.clone(),
            model: model.clone(),
            prompt_hash: Some(hash.clone()),
            is_cached: true,
            is_private: question.need.private,
            output: value.clone(),
            reason: "the same was asked before".to_owned(),
            ..Call::default()
        };
        Ok(Some(Answer {
            value,
            by: Provenance { provider, model, prompt_hash: Some(hash.clone()) },
            calls: vec![call],
            kept: None,
            context: None,
            memory: None,
            is_private: question.need.private,
        }))
    }

    /// What a private task was answered is for private tasks: memories of others may be in it. What
    /// was taken back of a row does not come back as it was.
    async fn look_up(
        &self,
        job: &Job,
        task: &Claimed,
        hashes: &[&str],
        with_private: bool,
    ) -> Result<Vec<Kept>, Failure> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.connection.lock().await;
        let kept = sqlx::query_as(
            "select prompt_hash, provider, response from public.ai_response_cache
             where prompt_hash = any ($1) and provider is not null
                 and updated_at + least(ttl, make_interval(secs => $3)) > now()
                 and ($2 or not is_private)
                 and not exists (select from public.enrichments as e
                     where e.table_name = $4 and e.column_name = $5 and e.row_key->>'id' = $6
                         and e.reverted_at is not null)",
        )
        .bind(hashes)
        .bind(with_private)
        .bind(self.settings.cache.as_secs_f64())
        .bind(Table::new(&job.table).name)
        .bind(job.column.as_deref())
        .bind(row_id(task))
        .persistent(false);
        db::alone!(&mut *connection, kept, fetch_all).map_err(|error| {
            let error = db::explain_owner(error, "looking an answer up");
            Failure::of_database(&error)
        })
    }
}

/// Whether somebody wants another answer: what frieze queues by itself says what it is about.
fn is_anew(job: &Job, task: &Claimed) -> bool {
    job.overwrite || task.payload.get("hash").is_none()
}
