-- Every relation outside the system's own schemas, each as one JSON object (see catalog.rs).
select jsonb_build_object(
    'name', case when pg_table_is_visible(c.oid) then c.relname::text
                 else n.nspname || '.' || c.relname end,
    'sql', format('%I.%I', n.nspname, c.relname),
    'kind', c.relkind,
    'columns', coalesce((select jsonb_agg(jsonb_build_object(
            'name', a.attname,
            'sql', quote_ident(a.attname),
            'kind', format_type(a.atttypid, a.atttypmod),
            'is_text', coalesce(element.typcategory, t.typcategory) = 'S',
            'is_array', t.typcategory = 'A',
            'base', case when coalesce(element.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace
                    then coalesce(element.typname, t.typname) end,
            'is_generated', a.attgenerated <> '' or a.attidentity = 'a',
            -- A column without a default of its own has its domain's.
            'default', case when a.attgenerated = '' then coalesce(pg_get_expr(d.adbin, d.adrelid),
                    case when t.typtype = 'd' then t.typdefault end) end,
            'labels', (select jsonb_agg(e.enumlabel order by e.enumsortorder)
                       from pg_enum e where e.enumtypid = t.oid)
        ) order by a.attnum)
        from pg_attribute a
        join pg_type t on t.oid = a.atttypid
        left join pg_type element on t.typcategory = 'A' and element.oid = t.typelem
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'),
    'keys', coalesce((select jsonb_agg(jsonb_build_object(
            'is_primary', i.indisprimary,
            'columns', (select jsonb_agg(a.attname order by k.n)
                        from unnest(i.indkey::int2[]) with ordinality k(attnum, n)
                        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
                        where k.n <= i.indnkeyatts)
        ) order by i.indisprimary desc, i.indexrelid)
        from pg_index i
        where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate
            and i.indpred is null and i.indexprs is null), '[]'),
    'constraints', coalesce((select jsonb_agg(jsonb_build_object(
            'name', k.conname,
            'definition', pg_get_constraintdef(k.oid),
            'columns', coalesce((select jsonb_agg(a.attname order by a.attnum)
                        from pg_attribute a
                        where a.attrelid = c.oid and a.attnum = any(k.conkey)), '[]')
        ) order by k.oid) from pg_constraint k where k.conrelid = c.oid), '[]'),
    'references', coalesce((select jsonb_agg(distinct format('%I.%I', rn.nspname, r.relname))
        from pg_constraint k
        join pg_class r on r.oid = k.confrelid
        join pg_namespace rn on rn.oid = r.relnamespace
        where k.conrelid = c.oid and k.contype = 'f' and r.oid <> c.oid), '[]')
)::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_t'
order by n.nspname, c.relname
