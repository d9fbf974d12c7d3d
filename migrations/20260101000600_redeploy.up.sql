-- kit: redeploy
-- An edit becomes a deployment: triggers note which tables changed, and a job calls the deploy hook.
-- `frieze hook install` says which tables are watched. Needs the tables of the bookkeeping only.

-- One row for a table would make each transaction wait for the one before: further rows are allowed,
-- and what looks at them adds them up.
do $$
declare
    name text;
begin
    for name in
        select conname from pg_catalog.pg_constraint c
        join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attname = 'table_name'
        where c.conrelid = 'public.site_changes'::regclass and contype = 'u' and conkey = array[a.attnum]
    loop
        execute format('alter table public.site_changes drop constraint %I', name);
    end loop;
end
$$;
create index if not exists site_changes_table_name_idx on public.site_changes (table_name);
comment on table public.site_changes is 'What changed since the last deployment: a row for each table, and a further one where transactions change a table at one time, so that none waits for another.';

-- One row: the rule, and where the hook is if there is no Vault to keep it in.
create table if not exists frieze.deploy_settings (
    only_row boolean primary key default true constraint deploy_settings_only_row_check check (only_row),
    quiet interval not null default '60 seconds',
    max_wait interval not null default '10 minutes',
    per_day int not null default 90 constraint deploy_settings_per_day_check check (per_day >= 0),
    -- After so long without a build that says it began, an accepted call is taken for lost.
    build_within interval not null default '30 minutes',
    url text,
    key text,
    -- How many marks were lost by the time somebody last looked: see frieze.lost_marks.
    lost bigint not null default 0,
    -- Transactions that began before this one may have lost a mark and not be at their end.
    lost_until xid8,
    -- When the records of the job's runs were last cleared.
    swept_at timestamptz,
    updated_at timestamptz not null default now()
);
insert into frieze.deploy_settings default values on conflict do nothing;

-- The tables that carry triggers.
create table if not exists frieze.watched_tables (
    schema_name text not null,
    table_name text not null,
    -- The role whose policies decide which rows count; all rows do where it is null.
    reader text,
    -- Columns that say when a row was touched, and nothing of what it says.
    ignored text[] not null default '{}',
    watched_at timestamptz not null default now(),
    primary key (schema_name, table_name)
);

-- Calls of the deploy hook.
create table if not exists frieze.deploys (
    id bigint generated always as identity primary key,
    requested_at timestamptz not null default clock_timestamp(),
    -- What pg_net calls it.
    request_id bigint,
    status text not null default 'sent' constraint deploys_status_check
        check (status in ('sent', 'accepted', 'refused', 'lost')),
    status_code int,
    error text,
    -- Why it was called: 'changes', or 'again' where a former call led to no build.
    reason text not null default 'changes',
    -- The changes that were there by then: the id of each row of site_changes with its count.
    covered jsonb not null default '{}',
    answered_at timestamptz
);
create index if not exists deploys_requested_idx on frieze.deploys (requested_at desc);

-- Moves where a mark could not be written. A sequence keeps no lock and forgets no rollback.
create sequence if not exists frieze.lost_marks as bigint minvalue 0 start 1;

alter table frieze.deploy_settings enable row level security;
alter table frieze.watched_tables enable row level security;
alter table frieze.deploys enable row level security;
revoke all on frieze.deploy_settings, frieze.watched_tables, frieze.deploys from public, anon, authenticated, service_role;

-- Whether an expression says the same of a row whoever asks, and whenever: it is made of the row,
-- of constants, and of functions of Postgres that can do nothing but reckon. What is stored is a tree
-- of nodes, each in braces; a node or function that is not known is not plain.
create or replace function frieze.is_plain(expression pg_catalog.pg_node_tree) returns boolean
language sql stable
set search_path = ''
as $$
    select not exists (
        select from regexp_matches(expression::text, '\{([A-Z]+)', 'g') as node
        where node[1] not in ('VAR', 'CONST', 'OPEXPR', 'FUNCEXPR', 'BOOLEXPR', 'NULLTEST', 'BOOLEANTEST',
            'RELABELTYPE', 'SCALARARRAYOPEXPR', 'DISTINCTEXPR', 'NULLIFEXPR', 'COALESCE', 'COALESCEEXPR',
            'CASE', 'CASEEXPR', 'WHEN', 'CASEWHEN', 'ARRAY', 'ARRAYEXPR')
    ) and not exists (
        select from regexp_matches(expression::text, ':(?:op)?funcid (\d+)', 'g') as called
        left join pg_catalog.pg_proc f on f.oid = called[1]::oid
        where (f.pronamespace = 'pg_catalog'::regnamespace and f.provolatile = 'i') is not true
            -- The answers of these are known: nobody is logged in.
            and f.oid is distinct from to_regprocedure('auth.uid()')::oid
            and f.oid is distinct from to_regprocedure('auth.jwt()')::oid
    )
$$;

-- Which rows of a table a role sees, as an expression over its columns. What cannot be told by
-- looking at one row alone counts as seen. Nothing of somebody else's making is ever called.
create or replace function frieze.visibility(relation oid, reader text) returns text
language plpgsql stable
set search_path = ''
as $$
declare
    secured boolean;
    exempt boolean;
    allowing text;
    limiting text;
    allowed_all boolean;
begin
    select relrowsecurity, r.rolsuper or r.rolbypassrls
        or (not relforcerowsecurity and pg_has_role(r.oid, relowner, 'usage'))
    into secured, exempt
    from pg_catalog.pg_class left join pg_catalog.pg_roles r on rolname = reader
    where pg_class.oid = relation;
    if reader is null or exempt is distinct from false or secured is distinct from true then
        return 'true';
    end if;
    select
        string_agg(format('(%s)', expression), ' or ') filter (where polpermissive),
        string_agg(format('(%s)', expression), ' and ') filter (where not polpermissive and expression <> 'true'),
        bool_or(polpermissive and expression = 'true')
    into allowing, limiting, allowed_all
    from (
        select polpermissive, case
            when polqual is not null and frieze.is_plain(polqual) then pg_get_expr(polqual, polrelid)
            else 'true' end as expression
        from pg_catalog.pg_policy
        where polrelid = relation and polcmd in ('r', '*')
            and exists (
                select from unnest(polroles) as role
                where role = 0 or pg_has_role(reader, role, 'usage')
            )
    ) as policies;
    if allowing is null then
        return 'false';
    end if;
    if allowed_all and limiting is null then
        return 'true';
    end if;
    return format('(%s) and (%s)', allowing, coalesce(limiting, 'true'));
end
$$;

-- Notes that a table changed: on the row of its that nobody holds, or on one of its own. It waits
-- for nobody, and fails nobody.
create or replace function frieze.mark(name text) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- Above this level, a row that others changed meanwhile would be an error.
    if current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
        update public.site_changes set
            last_changed_at = clock_timestamp(),
            change_count = change_count + 1
        where id = (
            select id from public.site_changes where table_name = name
            order by id limit 1 for update skip locked
        );
        if found then
            return;
        end if;
    end if;
    insert into public.site_changes (table_name, first_changed_at, last_changed_at)
    values (name, clock_timestamp(), clock_timestamp());
end
$$;

-- The values of rows as columns of a query, but for ignored columns: such a query's rows are the same
-- if the values are, byte by byte, which any type allows. Where `light`, a value that is kept aside
-- is told by where it is kept, so that nothing has to be fetched; that takes Postgres 17.
create or replace function frieze.values_of(relation oid, name text, ignored text[], light boolean) returns text
language sql stable
set search_path = ''
as $$
    select coalesce(string_agg(
        case
            when light and attlen = -1 then format(
                'pg_column_toast_chunk_id(%1$I.%2$I), case when pg_column_toast_chunk_id(%1$I.%2$I) is null then %1$I.%2$I end',
                name, attname)
            else format('%I.%I', name, attname)
        end, ', ' order by attnum), 'null')
    from pg_catalog.pg_attribute
    where attrelid = relation and attnum > 0 and not attisdropped
        and (attname <> all (ignored)
            -- Who sees a row may depend on it.
            or exists (
                select from pg_catalog.pg_policy p join pg_catalog.pg_depend d
                    on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                where p.polrelid = relation and d.refobjid = relation and d.refobjsubid = attnum))
$$;

-- What is told of rows: their values, and of one that nobody sees that it is not seen.
create or replace function frieze.told_of(relation oid, name text, ignored text[], light boolean, seen text)
returns text
language sql stable
set search_path = ''
as $$
    select case
        when seen = 'true' then content
        else format('coalesce(%1$s, false), case when %1$s then row(%2$s) end', seen, content) end
    from frieze.values_of(relation, name, ignored, light) as content
$$;

-- Whether so much of a table lies aside that to fetch it all would keep an editor waiting.
create or replace function frieze.is_heavy(relation oid) returns boolean
language sql stable
set search_path = ''
as $$
    with recursive family as (
        select relation as oid
        union
        select inhrelid from family join pg_catalog.pg_inherits on inhparent = family.oid
    )
    select coalesce(sum(pg_relation_size(reltoastrelid)), 0) > 4 << 20
    from family join pg_catalog.pg_class using (oid) where reltoastrelid <> 0
$$;

-- The columns by which a row of a table is found again after an update: those of its primary key. None
-- where that cannot be relied on, or where reading the table would run what is not of Postgres.
create or replace function frieze.key_of(relation oid) returns text[]
language sql stable
set search_path = ''
as $$
    select array_agg(attname::text order by attnum)
    from pg_catalog.pg_index join pg_catalog.pg_attribute on attrelid = indrelid and attnum = any (indkey)
    join pg_catalog.pg_type t on t.oid = atttypid
    where indrelid = relation and indisprimary and indisvalid and indimmediate
        and not row_security_active(relation)
        -- Rows of tables that inherit may have the same key.
        and not exists (
            select from pg_catalog.pg_inherits join pg_catalog.pg_class c on c.oid = inhparent
            where inhparent = relation and relkind <> 'p')
    having bool_and(typnamespace = 'pg_catalog'::regnamespace and typtype = 'b')
$$;

-- Asks whether a role sees any of the rows of an update, as they were or as they are.
create or replace function frieze.seen_by_key(relation oid, name text, key text[], seen text) returns text
language sql stable
set search_path = ''
as $$
    -- What goes through all rows does not look them up one by one. A key that is gone went somewhere.
    select format(
        'select exists (select from old_rows as %1$I where %2$s) or coalesce((
            select bool_or(n.k1 is null or n.is_seen)
            from (select %3$s from old_rows as %1$I) as o
            left join (select %3$s, %2$s as is_seen from %4$s as %1$I) as n on %5$s
         ), false)',
        name, seen, string_agg(format('%I.%I as k%s', name, part, at), ', '), relation::regclass,
        string_agg(format('o.k%1$s operator(pg_catalog.=) n.k%1$s', at), ' and '))
    from unnest(key) with ordinality as parts (part, at)
$$;

-- Asks whether what is told of the rows of an update is another thing now. Ends at the first that is.
create or replace function frieze.differs_by_key(relation oid, name text, key text[], told text) returns text
language sql stable
set search_path = ''
as $$
    select format(
        'select exists (
            select from (select %1$s, row(%2$s) as content from old_rows as %3$I) as o
            left join (select %1$s, row(%2$s) as content from %4$s as %3$I) as n on %5$s
            where n.k1 is null or o.content operator(pg_catalog.*<>) n.content)',
        string_agg(format('%I.%I as k%s', name, part, at), ', '), told, name, relation::regclass,
        string_agg(format('o.k%1$s operator(pg_catalog.=) n.k%1$s', at), ' and '))
    from unnest(key) with ordinality as parts (part, at)
$$;

-- What a row's own trigger asks of each row that became another one, until it says that one counts: that
-- is noted for the transaction, and asked no more. It is part of the trigger's condition and always false,
-- so that nothing is queued. Who edits calls it: it may use no rights, and must not fail. Where only
-- ignored columns differ in very many rows, that is not told any longer.
create or replace function frieze.sift(was record, is_now record, flag text, ignored text[]) returns boolean
language plpgsql
set search_path = ''
as $$
declare
    counter constant text := flag || '_ignored';
    looked int;
begin
    if cardinality(ignored) > 0 then
        looked := coalesce(nullif(current_setting(counter, true), ''), '0')::int;
        if looked < 1000 and (to_jsonb(was) - ignored)::text = (to_jsonb(is_now) - ignored)::text then
            perform set_config(counter, (looked + 1)::text, true);
            return false;
        end if;
    end if;
    perform set_config(flag, 'found', true);
    return false;
exception when others then
    perform set_config(flag, 'found', true);
    return false;
end
$$;
grant execute on function frieze.sift(record, record, text, text[]) to public;

-- A row's own trigger is never fired.
create or replace function frieze.sifted() returns trigger
language plpgsql
as $$
begin
    return null;
end
$$;

-- Whether rows can be sifted as they are written: if all of them are seen, and no statement on another
-- table writes them or goes past them.
create or replace function frieze.may_sift(relation regclass, reader text) returns boolean
language sql stable
set search_path = ''
as $$
    select frieze.visibility(relation, reader) = 'true' and relkind = 'r' and not relispartition
        and not exists (select from pg_catalog.pg_inherits where relation in (inhrelid, inhparent))
    from pg_catalog.pg_class where oid = relation
$$;

-- The trigger. Its arguments: the role that reads, or '' for all rows, the columns to ignore, and for
-- updates what it looks at: the setting that says whether a row's own trigger found one that counts, if
-- it begins with 'frieze.'; 'key' for the rows as they were and as their key finds them now; 'rows' for
-- both as Postgres keeps them for it. To keep them costs a tenth of an update.
-- A policy that asks who is logged in gets the answer of a visitor: nobody.
create or replace function frieze.mark_changes() returns trigger
language plpgsql security definer
set search_path = ''
set lock_timeout = '5ms'
set jit = off
set work_mem = '64MB'
as $$
declare
    is_sifted constant boolean := tg_op = 'UPDATE' and tg_argv[2] like 'frieze.%';
    by_key constant boolean := tg_op = 'UPDATE' and tg_argv[2] = 'key';
    key text[];
    said constant text := coalesce(current_setting('frieze.marked', true), '');
    self constant text := format('%s;', tg_relid);
    seen text;
    setting text;
    held text;
    logins text[] := '{}';
    changed boolean := true;
    compared int := 0;
    is_bulk boolean;
    light boolean := false;
    -- A statement that just fits the caller's limit must not fail for being compared.
    patience constant interval := nullif(current_setting('statement_timeout'), '0')::interval * 0.8;
    told text;
    old_rows_of refcursor;
    was record;
    is_now record;
begin
    -- One mark a transaction says it all.
    if position(';' || self in ';' || said) > 0 then
        return null;
    end if;
    if is_sifted and coalesce(current_setting(tg_argv[2], true), '') = ''
        -- Rows of tables that inherit have no such trigger.
        and not (select relhassubclass from pg_catalog.pg_class where oid = tg_relid)
    then
        return null;
    end if;
    if tg_op <> 'TRUNCATE' then
        seen := frieze.visibility(tg_relid, nullif(tg_argv[0], ''));
        if seen = 'false' then
            return null;
        end if;
    end if;
    if seen <> 'true' and not is_sifted then
        -- A function of its own could not set these: only superusers may give it such settings. One
        -- that was never set is left alone: it would be empty from then on.
        foreach setting in array array['request.jwt.claims', 'request.jwt.claim', 'request.jwt.claim.sub'] loop
            held := current_setting(setting, true);
            if held <> '' then
                logins := logins || array[setting, held];
                perform set_config(setting, '', true);
            end if;
        end loop;
    end if;
    if tg_op = 'INSERT' then
        execute format('select exists (select from new_rows as %I where %s)', tg_table_name, seen)
        into changed;
    elsif tg_op = 'DELETE' then
        execute format('select exists (select from old_rows as %I where %s)', tg_table_name, seen)
        into changed;
    elsif by_key then
        key := frieze.key_of(tg_relid);
        -- Without its key, nothing can be told. A strict transaction may fail for what else it reads.
        -- To compare takes up to half as long as the update did.
        if key is not null and current_setting('transaction_isolation') <> 'serializable'
            and coalesce(clock_timestamp() - statement_timestamp() < patience * 0.8, true)
        then
            if seen <> 'true' then
                execute frieze.seen_by_key(tg_relid, tg_table_name, key, seen) into changed;
            end if;
            if changed then
                execute 'select count(*) > 1000 from (select from old_rows limit 1001) as few' into is_bulk;
                is_bulk := is_bulk and frieze.is_heavy(tg_relid);
                -- A bulk of rows with long texts: where these lie has to do, or nothing does.
                light := is_bulk and current_setting('server_version_num')::int >= 170000;
                if light or not is_bulk then
                    told := frieze.told_of(tg_relid, tg_table_name, tg_argv[1]::text[], light, seen);
                    execute frieze.differs_by_key(tg_relid, tg_table_name, key, told) into changed;
                end if;
            end if;
        end if;
    elsif tg_op = 'UPDATE' and not is_sifted then
        changed := seen = 'true';
        if not changed then
            execute format('select exists (select from new_rows as %1$I where %2$s) or exists (select from old_rows as %1$I where %2$s)', tg_table_name, seen)
            into changed;
        end if;
    end if;
    if tg_op = 'UPDATE' and not is_sifted and not by_key and changed then
        -- Postgres puts down both versions of a row at one time, so they stand in one order. To walk
        -- along both is quicker than a join of them.
        <<comparing>>
        loop
            changed := false;
            told := frieze.told_of(tg_relid, tg_table_name, tg_argv[1]::text[], light, seen);
            open old_rows_of no scroll for execute
                format('select row(%s) as content from old_rows as %I', told, tg_table_name);
            for is_now in execute
                format('select row(%s) as content from new_rows as %I', told, tg_table_name)
            loop
                fetch old_rows_of into was;
                if was.content operator(pg_catalog.*<>) is_now.content then
                    changed := true;
                    exit comparing;
                end if;
                compared := compared + 1;
                if compared % 250 = 0 and clock_timestamp() > statement_timestamp() + patience then
                    changed := true;
                    exit comparing;
                end if;
                if compared = 1000 and frieze.is_heavy(tg_relid) then
                    -- A bulk of rows with long texts: where these lie has to do, or nothing does.
                    changed := current_setting('server_version_num')::int < 170000;
                    exit comparing when changed;
                    light := true;
                    close old_rows_of;
                    continue comparing;
                end if;
            end loop;
            exit comparing;
        end loop;
        close old_rows_of;
    end if;
    for at in 1 .. cardinality(logins) by 2 loop
        perform set_config(logins[at], logins[at + 1], true);
    end loop;
    if changed then
        perform frieze.mark(format('%I.%I', tg_table_schema, tg_table_name));
        perform set_config('frieze.marked', said || self, true);
    end if;
    return null;
exception when others then
    begin
        perform nextval('frieze.lost_marks');
        -- That says it all, too; and who may have waited shall not wait again.
        perform set_config('frieze.marked', said || self, true);
    exception when others then
        null;
    end;
    raise warning 'frieze could not note the change of %.%: % (the change itself stands)',
        tg_table_schema, tg_table_name, sqlerrm;
    return null;
end
$$;

-- The tables that carry triggers, whatever they are called by now.
create or replace function frieze.carriers() returns setof regclass
language sql stable
set search_path = ''
as $$
    select distinct tgrelid::regclass from pg_catalog.pg_trigger
    where tgfoid = 'frieze.mark_changes()'::regprocedure and not tgisinternal
$$;

-- How many of the four triggers a table has at work; the one for updates may need one for rows.
create or replace function frieze.triggers_of(relation regclass) returns bigint
language sql stable
set search_path = ''
as $$
    select count(*) from pg_catalog.pg_trigger t
    where tgrelid = relation and tgfoid = 'frieze.mark_changes()'::regprocedure and tgenabled in ('O', 'A')
        and (tgtype & 16 = 0 or tgoldtable is not null or exists (
            select from pg_catalog.pg_trigger
            where tgrelid = relation and tgfoid = 'frieze.sifted()'::regprocedure and tgenabled in ('O', 'A')))
$$;

create or replace function frieze.unwatch(relation regclass) returns void
language plpgsql
set search_path = ''
as $$
declare
    name text;
begin
    for name in
        select tgname from pg_catalog.pg_trigger
        where tgrelid = relation and not tgisinternal
            and tgfoid in ('frieze.mark_changes()'::regprocedure, 'frieze.sifted()'::regprocedure)
    loop
        execute format('drop trigger %I on %s', name, relation);
    end loop;
    delete from frieze.watched_tables
    where to_regclass(format('%I.%I', schema_name, table_name)) = relation;
end
$$;

create or replace function frieze.watch(relation regclass, reader text, ignored text[]) returns void
language plpgsql
set search_path = ''
as $$
declare
    schema_of text;
    name text;
    call text;
    looks_at text;
    kept text;
begin
    select nspname, relname into strict schema_of, name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = relation;
    looks_at := case
        when frieze.may_sift(relation, reader)
            then 'frieze.t' || left(md5(format('%I.%I', schema_of, name)), 12)
        when frieze.key_of(relation) is null then 'rows'
        else 'key' end;
    if frieze.triggers_of(relation) = 4 and exists (
        select from frieze.watched_tables w
        where w.schema_name = schema_of and w.table_name = name
            and w.reader is not distinct from watch.reader and w.ignored = watch.ignored
    ) and exists (
        select from pg_catalog.pg_trigger
        where tgrelid = relation and tgfoid = 'frieze.mark_changes()'::regprocedure and tgtype & 16 <> 0
            and (tgoldtable is null) = (looks_at like 'frieze.%')
            and (tgnewtable is null) = (looks_at <> 'rows')
    ) then
        return;
    end if;
    perform frieze.unwatch(relation);
    call := format('for each statement execute function frieze.mark_changes(%L, %L)',
        coalesce(reader, ''), ignored::text);
    execute format('create trigger frieze_changes_insert after insert on %s referencing new table as new_rows %s', relation, call);
    kept := case looks_at when 'rows' then 'referencing old table as old_rows new table as new_rows'
        when 'key' then 'referencing old table as old_rows' else '' end;
    execute format('create trigger frieze_changes_update after update on %s %s for each statement execute function frieze.mark_changes(%L, %L, %L)',
        relation, kept, coalesce(reader, ''), ignored::text, looks_at);
    if looks_at like 'frieze.%' then
        execute format('create trigger frieze_changes_row after update on %1$s for each row when (case
                when coalesce(pg_catalog.current_setting(%2$L, true), '''') <> '''' then false
                when not (old.* operator(pg_catalog.*<>) new.*) then false
                else frieze.sift(old, new, %2$L, %3$L)
            end) execute function frieze.sifted()', relation, looks_at, ignored::text);
    end if;
    execute format('create trigger frieze_changes_delete after delete on %s referencing old table as old_rows %s', relation, call);
    execute format('create trigger frieze_changes_truncate after truncate on %s %s', relation, call);
    insert into frieze.watched_tables (schema_name, table_name, reader, ignored)
    values (schema_of, name, reader, ignored);
end
$$;

-- A secret by its name: from the Vault where there is one.
create or replace function frieze.vault_secret(wanted text) returns text
language plpgsql stable
set search_path = ''
as $$
declare
    secret text;
begin
    if to_regclass('vault.decrypted_secrets') is null then
        return null;
    end if;
    execute 'select decrypted_secret from vault.decrypted_secrets where name = $1 limit 1'
    into secret using wanted;
    return nullif(trim(secret), '');
exception when insufficient_privilege then
    return null;
end
$$;

-- What the deploy hook answered, as far as pg_net knows; no row while it does not.
create or replace function frieze.deploy_answer(wanted bigint)
returns table (status_code int, error text, timed_out boolean)
language plpgsql stable
set search_path = ''
as $$
begin
    if wanted is null or to_regclass('net._http_response') is null then
        return;
    end if;
    return query execute
        'select r.status_code::int, r.error_msg::text, coalesce(r.timed_out, false)
         from net._http_response r where r.id = $1' using wanted;
end
$$;

-- Marks that could not be written count as a change of an unknown table. One is lost before its
-- transaction ends: if others were open when it was heard of, it counts again once they are over.
create or replace function frieze.note_lost() returns void
language plpgsql
set search_path = ''
as $$
declare
    rule frieze.deploy_settings;
    counter bigint;
    are_writing boolean;
begin
    select * into strict rule from frieze.deploy_settings;
    select case when is_called then last_value else 0 end into counter from frieze.lost_marks;
    if counter <= rule.lost and rule.lost_until is null then
        return;
    end if;
    -- Of two who look at one time, the second waits, and sees what the first has noted.
    select * into strict rule from frieze.deploy_settings for update;
    if counter <= rule.lost and rule.lost_until is null then
        return;
    end if;
    are_writing := exists (
        select from pg_catalog.pg_locks l join frieze.carriers() as watched on l.relation = watched
        where l.database = (select oid from pg_catalog.pg_database where datname = current_database())
            and l.mode in ('RowExclusiveLock', 'AccessExclusiveLock') and l.pid is distinct from pg_backend_pid()
    );
    if counter > rule.lost then
        perform frieze.mark('(unknown)');
        update frieze.deploy_settings set lost = counter, lost_until =
            case when are_writing then pg_current_xact_id() end;
    elsif not are_writing or pg_snapshot_xmin(pg_current_snapshot()) > rule.lost_until then
        perform frieze.mark('(unknown)');
        update frieze.deploy_settings set lost_until = null;
    end if;
end
$$;

-- Whether a build runs that says so. One that was killed says so for ever, and is believed an hour.
create or replace function frieze.is_building() returns boolean
language sql stable
set search_path = ''
as $$
    select exists (
        select from public.site_builds
        where status = 'running' and started_at > clock_timestamp() - interval '1 hour'
            and started_at < clock_timestamp() + interval '1 minute'
    )
$$;

-- Keeps the tables small, and their times in the past whatever became of the clock.
create or replace function frieze.tidy() returns void
language plpgsql
set search_path = ''
as $$
declare
    name text;
    ids text[];
    merged public.site_changes;
begin
    update public.site_changes set
        first_changed_at = least(first_changed_at, clock_timestamp()), last_changed_at = clock_timestamp()
    where id in (
        select id from public.site_changes where last_changed_at > clock_timestamp() + interval '1 minute'
        for update skip locked
    );
    update frieze.deploys set requested_at = clock_timestamp()
    where requested_at > clock_timestamp() + interval '1 minute';
    delete from frieze.deploys where requested_at < clock_timestamp() - interval '30 days';

    -- Rows that strict transactions left, each its own, become one. A build knows them by their ids.
    if not frieze.is_building() then
        for name in
            select table_name from public.site_changes
            where last_changed_at < clock_timestamp() - interval '1 hour'
            group by table_name having count(*) > 100
        loop
            with gone as (
                delete from public.site_changes where id in (
                    select id from public.site_changes
                    where table_name = name and last_changed_at < clock_timestamp() - interval '1 hour'
                    for update skip locked
                ) returning *
            )
            select array_agg(id::text), min(first_changed_at), max(last_changed_at), sum(change_count)
            into ids, merged.first_changed_at, merged.last_changed_at, merged.change_count from gone;
            continue when ids is null;
            insert into public.site_changes (id, table_name, first_changed_at, last_changed_at, change_count)
            values (ids[1]::uuid, name, merged.first_changed_at, merged.last_changed_at, merged.change_count);
            update frieze.deploys set covered = (covered - ids) || jsonb_build_object(ids[1],
                (select sum(value::bigint) from jsonb_each_text(covered) where key = any (ids)))
            where id = (select max(id) from frieze.deploys) and covered ?| ids;
        end loop;
    end if;

    -- pg_cron writes each run down and never forgets one.
    if to_regclass('cron.job_run_details') is not null then
        update frieze.deploy_settings set swept_at = clock_timestamp()
        where swept_at is null or swept_at < clock_timestamp() - interval '1 hour'
            or swept_at > clock_timestamp();
        if found then
            execute 'delete from cron.job_run_details d using cron.job j
                where d.jobid = j.jobid and j.jobname = ''frieze-redeploy''
                    and d.end_time < clock_timestamp() - interval ''1 day''';
        end if;
    end if;
exception when insufficient_privilege or lock_not_available then
    raise notice 'frieze could not tidy up: %', sqlerrm;
end
$$;

-- What became of a call. pg_net promises no answer: a build that began since is one, too, and tells
-- more than any other. A hook that is slow may have worked, as one that does not answer.
create or replace function frieze.settle_call(call frieze.deploys) returns frieze.deploys
language plpgsql
set search_path = ''
as $$
declare
    answer record;
    status text := call.status;
begin
    if call.id is null or status = 'accepted' then
        return call;
    end if;
    if exists (
        select from public.site_builds
        where started_at >= call.requested_at and started_at < clock_timestamp() + interval '1 minute'
    ) then
        status := 'accepted';
    end if;
    if call.status = 'sent' then
        select * into answer from frieze.deploy_answer(call.request_id);
        call.status_code := answer.status_code;
        call.error := left(coalesce(answer.error, case when answer.timed_out then 'no answer in time' end), 500);
        if answer.timed_out is false and status = 'sent' then
            status := case when answer.error is null and answer.status_code between 200 and 299
                then 'accepted' else 'refused' end;
        end if;
        if status = 'sent' and call.requested_at < clock_timestamp() - interval '5 minutes' then
            status := 'lost';
        end if;
    end if;
    if status <> call.status then
        call.status := status;
        update frieze.deploys d set status = call.status, answered_at = clock_timestamp(),
            status_code = call.status_code, error = call.error
        where d.id = call.id;
    end if;
    return call;
end
$$;

-- Whether an accepted call is to be made again, since no build has taken its changes in.
create or replace function frieze.is_unheard(call frieze.deploys, build_within interval) returns boolean
language plpgsql stable
set search_path = ''
as $$
declare
    repeats int;
    calls int;
    since timestamptz;
begin
    if frieze.is_building() or not exists (
        select from public.site_changes where (call.covered ->> id::text)::bigint = change_count
    ) then
        return false;
    end if;
    -- Where calls lead to builds that leave no trace, there is nothing to wait for.
    select count(*), min(requested_at) into calls, since from (
        select requested_at from frieze.deploys where status = 'accepted' order by id desc limit 4
    ) as latest;
    if calls = 4 and not exists (select from public.site_builds where started_at >= since) then
        return false;
    end if;
    select count(*) into repeats from frieze.deploys
    where status = 'accepted'
        and id > coalesce((select max(id) from frieze.deploys where reason = 'changes'), 0);
    return repeats < 3 and call.requested_at + build_within * (2 ^ repeats) < clock_timestamp();
end
$$;

-- The job: looks whether a deployment is due, and if so asks for it. Says what it did.
create or replace function frieze.deploy_tick() returns text
language plpgsql
set search_path = ''
set lock_timeout = '5s'
as $$
declare
    rule frieze.deploy_settings;
    former frieze.deploys;
    url text;
    key text;
    headers jsonb := '{"Content-Type": "application/json"}';
    failures int;
    first_at timestamptz;
    last_at timestamptz;
    due timestamptz;
    why text := 'changes';
    known jsonb := '{}';
    called bigint;
    body jsonb := '{}';
    spent int;
begin
    if not pg_try_advisory_xact_lock(hashtext('frieze.deploy_tick')) then
        return 'another one is at it';
    end if;
    perform frieze.note_lost();
    perform frieze.tidy();
    select * into strict rule from frieze.deploy_settings;
    select * into former from frieze.deploys order by id desc limit 1;
    former := frieze.settle_call(former);
    if former.status = 'sent' then
        return 'waiting for the answer of the deploy hook';
    elsif former.status = 'accepted' then
        known := former.covered;
        if not exists (select from public.site_builds) then
            -- Builds that do not record themselves: the answer has to do.
            -- One that a transaction holds is about to count more: nobody waits for it.
            delete from public.site_changes where id in (
                select id from public.site_changes where (known ->> id::text)::bigint = change_count
                for update skip locked
            );
        elsif frieze.is_unheard(former, rule.build_within) then
            why := 'again';
            known := '{}';
        end if;
    elsif former.reason = 'again' and not exists (
        select from public.site_changes
        where coalesce((former.covered ->> id::text)::bigint, 0) < change_count
    ) then
        why := 'again';
    end if;

    select min(greatest(first_changed_at, case when known ? id::text then former.requested_at end)),
        max(last_changed_at)
    into first_at, last_at
    from public.site_changes
    where coalesce((known ->> id::text)::bigint, 0) < change_count;
    if last_at is null then
        return 'nothing has changed';
    end if;
    due := least(last_at + rule.quiet, first_at + rule.max_wait);
    if frieze.is_building() then
        -- It may take these in yet, and itself change rows before it reads them.
        due := first_at + rule.max_wait;
    end if;
    if former.status in ('refused', 'lost') then
        select count(*) into failures from frieze.deploys
        where id > coalesce((select max(id) from frieze.deploys where status = 'accepted'), 0);
        due := greatest(due, former.requested_at
            + least(interval '1 minute' * (2 ^ least(failures - 1, 10)), interval '30 minutes'));
    elsif former.id is not null then
        -- However early the changes: not two deployments within the quiet period.
        due := greatest(due, former.requested_at + rule.quiet);
    end if;
    if clock_timestamp() < due then
        return format('waiting until %s', to_char(due at time zone 'UTC', 'HH24:MI:SS "UTC"'));
    end if;

    select count(*) into spent from frieze.deploys
    where requested_at > clock_timestamp() - interval '24 hours';
    if spent >= rule.per_day then
        return format('waiting: %s deployments in 24 hours are the most', rule.per_day);
    end if;
    url := coalesce(frieze.vault_secret('frieze_deploy_hook'), rule.url);
    if url is null then
        return 'waiting: no deploy hook is known';
    end if;
    if to_regprocedure('net.http_post(text,jsonb,jsonb,jsonb,integer)') is null then
        return 'waiting: pg_net is missing';
    end if;
    key := coalesce(frieze.vault_secret('frieze_deploy_key'), rule.key);
    if key is not null then
        headers := headers || jsonb_build_object('Authorization', 'Bearer ' || key);
    end if;
    -- GitHub wants to know what happened.
    if url ~ '^https://api\.github\.com/repos/.*/dispatches$' then
        body := '{"event_type": "content"}';
    end if;
    execute 'select net.http_post(url := $1, body := $2, headers := $3, timeout_milliseconds := 20000)'
    into called using url, body, headers;
    insert into frieze.deploys (request_id, reason, covered)
    select called, why, coalesce(jsonb_object_agg(id, change_count), '{}') from public.site_changes;
    return 'called the deploy hook';
end
$$;

revoke all on function frieze.is_plain(pg_catalog.pg_node_tree), frieze.visibility(oid, text), frieze.mark(text),
    frieze.values_of(oid, text, text[], boolean), frieze.told_of(oid, text, text[], boolean, text),
    frieze.is_heavy(oid), frieze.key_of(oid), frieze.seen_by_key(oid, text, text[], text),
    frieze.differs_by_key(oid, text, text[], text), frieze.may_sift(regclass, text), frieze.sifted(),
    frieze.mark_changes(), frieze.carriers(),
    frieze.triggers_of(regclass), frieze.watch(regclass, text, text[]), frieze.unwatch(regclass),
    frieze.vault_secret(text), frieze.deploy_answer(bigint), frieze.note_lost(), frieze.is_building(), frieze.tidy(),
    frieze.settle_call(frieze.deploys), frieze.is_unheard(frieze.deploys, interval), frieze.deploy_tick()
from public;
