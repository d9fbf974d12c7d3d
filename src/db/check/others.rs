//! Other ways past the rules: functions with their owner's rights, and grants on tables to come.

use sqlx::PgConnection;

use super::{Code, Finding};
use crate::db::errors::Explain as _;
use crate::error::Result;

const FUNCTIONS: &str = "
    select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles r on r.rolname = $1
    where p.prosecdef and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
        and n.nspname in (select nspname from pg_catalog.pg_namespace
                          where nspname !~ '^pg_' and nspname <> 'information_schema')
        and n.nspname not in ('auth', 'storage', 'realtime', 'graphql', 'graphql_public',
                              'extensions', 'vault', 'pgbouncer', 'net', 'cron')
        and has_schema_privilege(r.oid, n.oid, 'usage')
        and has_function_privilege(r.oid, p.oid, 'execute')
        and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                            and d.deptype = 'e')
    order by 1";

const DEFAULTS: &str = "
    select format('alter default privileges for role %I%s revoke %s on tables from %s;',
        d.owner, coalesce(format(' in schema %I', d.nspname), ''),
        string_agg(lower(d.privilege_type), ', ' order by d.privilege_type), d.grantee)
    from (select pg_get_userbyid(a.defaclrole) as owner, n.nspname, x.privilege_type,
                 case when x.grantee = 0 then 'public' else quote_ident(r.rolname) end as grantee
          from pg_catalog.pg_default_acl a
          cross join lateral aclexplode(a.defaclacl) x
          join pg_catalog.pg_roles r on r.rolname = $1
          left join pg_catalog.pg_namespace n on n.oid = a.defaclnamespace
          where a.defaclobjtype = 'r' and x.grantee in (0, r.oid)
              and x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
              and coalesce(n.nspname, '') not in ('auth', 'storage', 'realtime', 'graphql',
                                                  'graphql_public', 'extensions', 'vault')) d
    group by d.owner, d.nspname, d.grantee
    order by 1";

pub async fn findings(conn: &mut PgConnection, role: &str, reader: &str) -> Result<Vec<Finding>> {
    let functions = list(conn, FUNCTIONS, role).await?;
    let defaults = list(conn, DEFAULTS, role).await?;
    let mut findings = Vec::new();
    if !functions.is_empty() {
        let message = format!(
            "{reader} may call functions that run with their owner's rights: {}",
            functions.join(", ")
        );
        let mend = "see that none of them tells or changes more than it should; to close one: revoke execute on function … from public, and from the role";
        findings.push(Finding::note(Code::DefinerFunctions, reader, message).mend(mend));
    }
    if !defaults.is_empty() {
        let message = format!("tables that are made later are open to {reader} at once");
        findings.push(
            Finding::note(Code::DefaultGrants, reader, message)
                .mend("grant each table when it is made instead; a role that is not yours must be changed by its owner")
                .sql(defaults.join("\n")),
        );
    }
    Ok(findings)
}

async fn list(conn: &mut PgConnection, sql: &'static str, role: &str) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar(sql).bind(role).persistent(false).fetch_all(conn).await;
    rows.or_explain("reading the rights of functions and of tables to come")
}
