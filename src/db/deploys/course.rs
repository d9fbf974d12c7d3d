//! What may be relied on: whether somebody who looks for marks would find any, and whether a build is
//! on its way that nobody sees yet.

use sqlx::PgConnection;

use crate::db::errors::Explain as _;
use crate::error::Result;

/// Why a look at the marks finds nothing whatever changes; none if it would.
pub async fn why_blind(connection: &mut PgConnection) -> Result<Option<&'static str>> {
    const DOING: &str = "looking whether changes are noted";
    const SQL: &str = "
        select case
            when it.marks is null then 'no_table'
            when not has_table_privilege(it.marks, 'select') then 'no_right'
            when row_security_active(it.marks) and not exists (select from pg_catalog.pg_policy
                where polrelid = it.marks and polcmd in ('r', '*') and (0 = any (polroles)
                    or exists (select from unnest(polroles) as role where pg_has_role(role, 'usage'))))
                then 'no_policy'
            when not exists (select from pg_catalog.pg_trigger t
                join pg_catalog.pg_proc p on p.oid = t.tgfoid
                join pg_catalog.pg_namespace n on n.oid = p.pronamespace
                where n.nspname = 'frieze' and p.proname = 'mark_changes' and t.tgenabled <> 'D') then 'no_trigger'
            end
        from (select to_regclass('public.site_changes') as marks) as it";
    let why: Option<String> =
        sqlx::query_scalar(SQL).persistent(false).fetch_one(connection).await.or_explain(DOING)?;
    Ok(why.map(|why| match why.as_str() {
        "no_table" => "there is no table site_changes: run frieze hook install",
        "no_right" => "this login may not read site_changes",
        "no_policy" => "row-level security hides every row of site_changes from this login",
        _ => "no table carries triggers: run frieze hook install",
    }))
}

/// What builds that go live have recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// One has begun within the hour and not ended.
    pub is_running: bool,
    /// The content of the last one that succeeded.
    pub fingerprint: Option<String>,
}

/// None where no build ever recorded itself, or this login may not know.
pub async fn course(connection: &mut PgConnection) -> Result<Option<Course>> {
    const DOING: &str = "reading which builds there were";
    const SQL: &str = "
        select exists (select from public.site_builds),
            exists (select from public.site_builds where status = 'running'
                and started_at > clock_timestamp() - interval '1 hour'),
            (select content_fingerprint from public.site_builds where status = 'succeeded'
                order by started_at desc, id desc limit 1)";
    let may = "select coalesce(has_table_privilege(to_regclass('public.site_builds'), 'select')
        and not row_security_active(to_regclass('public.site_builds')), false)";
    let may: bool = sqlx::query_scalar(may)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(DOING)?;
    if !may {
        return Ok(None);
    }
    let row: (bool, bool, Option<String>) =
        sqlx::query_as(SQL).persistent(false).fetch_one(connection).await.or_explain(DOING)?;
    let (any, is_running, fingerprint) = row;
    Ok(any.then_some(Course { is_running, fingerprint }))
}
