-- Every relation outside the system's own schemas, each as one JSON object (see relation.rs); $1 is
-- the role that content is read as.
with reader as (select oid from pg_catalog.pg_roles where rolname = $1)
select jsonb_build_object(
    'oid', c.oid::bigint,
    'schema', n.nspname,
    'name', c.relname,
    'sql', format('%I.%I', n.nspname, c.relname),
    'kind', c.relkind,
    'is_visible', pg_table_is_visible(c.oid),
    'is_partition', c.relispartition,
    'is_extension', exists (select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'),
    'is_invoker', coalesce((select option_value::boolean from pg_options_to_table(c.reloptions)
        where option_name = 'security_invoker'), false),
    'rls', c.relrowsecurity,
    -- Its owner, and who inherits from the owner, passes by the policies.
    'is_owned', coalesce(pg_has_role(r.oid, c.relowner, 'usage'), false)
        and not c.relforcerowsecurity,
    'usage', coalesce(has_schema_privilege(r.oid, n.oid, 'usage'), false),
    'select', coalesce(has_table_privilege(r.oid, c.oid, 'select'), false),
    'select_some', coalesce(has_any_column_privilege(r.oid, c.oid, 'select'), false),
    'insert', coalesce(has_any_column_privilege(r.oid, c.oid, 'insert'), false),
    'update', coalesce(has_any_column_privilege(r.oid, c.oid, 'update'), false),
    'delete', coalesce(has_table_privilege(r.oid, c.oid, 'delete'), false),
    'truncate', coalesce(has_table_privilege(r.oid, c.oid, 'truncate'), false),
    'grantees', coalesce((select jsonb_agg(distinct case when g.grantee = 0 then 'public'
                else quote_ident(pg_get_userbyid(g.grantee)) end)
        from (select x.grantee from aclexplode(c.relacl) x
              union select x.grantee from pg_attribute a, aclexplode(a.attacl) x
              where a.attrelid = c.oid and not a.attisdropped) g
        where (g.grantee = 0 or pg_has_role(r.oid, g.grantee, 'usage'))
            and g.grantee <> c.relowner), '[]'),
    'updatable', case when c.relkind = 'v' then pg_relation_is_updatable(c.oid, true) else 0 end,
    'columns', coalesce((select jsonb_agg(jsonb_build_object(
            'name', a.attname,
            'sql', quote_ident(a.attname),
            'type', format_type(a.atttypid, a.atttypmod),
            'readable', coalesce(has_column_privilege(r.oid, c.oid, a.attnum, 'select'), false)
        ) order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'),
    'indexes', coalesce((select jsonb_agg(jsonb_build_object(
            'sql', format('%I.%I', xn.nspname, x.relname),
            'definition', pg_get_indexdef(i.indexrelid),
            'is_valid', i.indisvalid
        ) order by x.relname)
        from pg_index i
        join pg_class x on x.oid = i.indexrelid
        join pg_namespace xn on xn.oid = x.relnamespace
        where i.indrelid = c.oid), '[]'),
    'triggers', coalesce((select jsonb_agg(t.tgname) from pg_trigger t
        where t.tgrelid = c.oid and not t.tgisinternal), '[]'),
    'policies', coalesce((select jsonb_agg(jsonb_build_object(
            'name', p.polname,
            'command', p.polcmd,
            'is_permissive', p.polpermissive,
            'applies', 0 = any (p.polroles)
                or exists (select from unnest(p.polroles) as named(role)
                           where pg_has_role(r.oid, named.role, 'usage'))
        ) order by p.polname)
        from pg_policy p where p.polrelid = c.oid), '[]'),
    -- What a view's query names, tables and views alike.
    'reads', case when c.relkind in ('v', 'm') then coalesce((
        select jsonb_agg(distinct d.refobjid::bigint)
        from pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
            and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid
        where w.ev_class = c.oid), '[]') else '[]' end
)::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join reader r on true
where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by n.nspname, c.relname
