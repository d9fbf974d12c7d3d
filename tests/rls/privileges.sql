-- What the catalogue says: row-level security, grants, functions and roles, where a verb that
-- happens to fail for another reason would hide a hole.

begin;

-- Everything from here to the end of the transaction is undone by the rollback at the end: nothing
-- of it stays, and rows that were there before are not touched.
set local lock_timeout = '10s';
set local search_path = public;

-- helpers: the same in each file, so that each can be run alone
create temp table findings (what text, expected text, got text) on commit drop;
create temp table skipped (what text) on commit drop;
create temp table personas (name text, role text, claims text, rank text) on commit drop;

-- Who asks: two fresh users, one of whom is an admin until the rollback. What each may do is told
-- by the rank: nobody has a user, a user is no admin.
do $$
declare
    admin_id constant uuid := gen_random_uuid();
    user_id constant uuid := gen_random_uuid();
    name text;
begin
    if to_regclass('public.site_admins') is null or to_regrole('service_role') is null then
        raise undefined_table using
            message = 'this database has no tables of frieze', hint = 'run frieze db migrate first';
    end if;
    foreach name in array array['anon', 'authenticated', 'service_role'] loop
        begin
            execute format('set local role %I', name);
            reset role;
        exception when insufficient_privilege then
            begin
                execute format('grant %I to %I', name, current_user)
                    || case when current_setting('server_version_num')::int >= 160000
                        then ' with set true' else '' end;
            exception when insufficient_privilege then
                raise insufficient_privilege using
                    message = format('%I may not take on the role %I', current_user, name),
                    hint = format('grant %I to %I;', name, current_user);
            end;
        end;
    end loop;
    insert into public.site_admins (user_id) values (admin_id);
    insert into pg_temp.personas values
        ('anon', 'anon', '{"role": "anon"}', 'nobody'),
        ('anon with the claims of an admin', 'anon',
            format('{"role": "authenticated", "sub": "%s"}', admin_id), 'nobody'),
        ('authenticated without claims', 'authenticated', '', 'user'),
        ('authenticated non-admin', 'authenticated',
            format('{"role": "authenticated", "sub": "%s"}', user_id), 'user'),
        ('authenticated non-admin who says to be one', 'authenticated', format(
            '{"role": "service_role", "sub": "%s", "is_site_admin": true, "admin": "%s", "app_metadata": {"role": "admin"}, "user_metadata": {"sub": "%s"}}',
            user_id, admin_id, admin_id), 'user'),
        ('authenticated admin', 'authenticated',
            format('{"role": "authenticated", "sub": "%s"}', admin_id), 'admin'),
        ('service_role', 'service_role', '{"role": "service_role"}', 'service');
end
$$;

create function pg_temp.expect(what text, expected text, got text) returns void language sql
as $$ insert into pg_temp.findings values (what, expected, got) $$;

-- What comes of a statement: how many rows, or why not. Its effects are undone at once. The claims
-- are set both ways in which auth.uid() may read them.
create function pg_temp.outcome(role text, claims text, statement text) returns text
language plpgsql
as $$
declare
    affected bigint;
    told constant jsonb := coalesce(nullif(claims, '')::jsonb, '{}');
begin
    perform set_config('request.jwt.claims', claims, true),
        set_config('request.jwt.claim.sub', coalesce(told ->> 'sub', ''), true),
        set_config('request.jwt.claim.role', coalesce(told ->> 'role', ''), true);
    begin
        execute format('set local role %I', role);
        execute statement;
        get diagnostics affected = row_count;
        raise exception using errcode = 'ZZ000';
    exception
        when sqlstate 'ZZ000' then
            return affected || case when affected = 1 then ' row' else ' rows' end;
        when insufficient_privilege then
            return 'refused';
        when others then
            return format('error %s: %s', sqlstate, sqlerrm);
    end;
end
$$;

-- A statement's text about one row: {key} is its uuid, {hash} the SHA-256 of that.
create function pg_temp.about(key uuid, statement text) returns text language sql
as $$
    select replace(replace(statement, '{key}', key::text),
        '{hash}', encode(sha256(convert_to(key::text, 'UTF8')), 'hex'))
$$;

-- Every verb on one table, for everybody. `readers` says who sees the row that is put there: all,
-- admins, or granted (anon may not even ask).
create function pg_temp.check_table(
    label text, name text, readers text, row_text text, same_row text, unique_key text, change text
) returns void
language plpgsql
as $$
declare
    planted constant text := pg_temp.about(gen_random_uuid(), row_text || e'\n' || same_row);
    planted_row constant text := split_part(planted, e'\n', 1);
    which constant text := split_part(planted, e'\n', 2);
    persona record;
    attempt record;
    got text;
    table_name constant text := format('public.%I', name);
    no_grant constant text := 'refused for want of a grant';
    allowed constant jsonb := '{"admin": "1 row", "service": "1 row"}';
    changed constant jsonb := allowed || jsonb_build_object('nobody', no_grant, 'user', '0 rows');
    added constant jsonb := allowed || jsonb_build_object('nobody', no_grant, 'user', 'refused by a policy');
    emptied constant jsonb := jsonb_build_object('nobody', no_grant, 'user', no_grant, 'admin', no_grant);
    seen constant jsonb := allowed || case readers
        when 'all' then '{"nobody": "1 row", "user": "1 row"}'
        when 'admins' then '{"nobody": "0 rows", "user": "0 rows"}'
        else jsonb_build_object('nobody', no_grant, 'user', '0 rows') end;
begin
    if to_regclass(table_name) is null then
        perform pg_temp.expect(label, 'a table', 'no table of this name');
        return;
    end if;
    execute format('insert into %s %s', table_name, planted_row);
    for persona in select * from pg_temp.personas loop
        for attempt in
            select verb, right_needed, statement, outcomes ->> persona.rank as expected from (values
                ('select', 'select', format('select * from %s where %s', table_name, which), seen),
                ('select for update', 'update', format('select * from %s where %s for update', table_name, which), changed),
                ('update', 'update', format('update %s set %s where %s', table_name, change, which), changed),
                ('delete', 'delete', format('delete from %s where %s', table_name, which), changed),
                ('insert', 'insert', format('insert into %s %s', table_name, pg_temp.about(gen_random_uuid(), row_text)), added),
                ('upsert', 'insert', format('insert into %s %s on conflict (%s) do update set %s', table_name, planted_row, unique_key, change), added),
                ('truncate', 'truncate', format('truncate %s', table_name), emptied)
            ) as attempts (verb, right_needed, statement, outcomes)
        loop
            if attempt.expected is null then
                -- Emptying the table for a moment would keep everybody else waiting.
                perform pg_temp.expect(format('%s: %s %s', persona.name, attempt.verb, label), 'granted',
                    case when has_table_privilege(persona.role, table_name, attempt.right_needed)
                        then 'granted' else 'not granted' end);
                continue;
            end if;
            got := pg_temp.outcome(persona.role, persona.claims, attempt.statement);
            if got = 'refused' then
                got := case when has_table_privilege(persona.role, table_name, attempt.right_needed)
                    then 'refused by a policy' else no_grant end;
            end if;
            perform pg_temp.expect(
                format('%s: %s %s', persona.name, attempt.verb, label), attempt.expected, got);
        end loop;
    end loop;
end
$$;

create function pg_temp.verdict(file text) returns text
language plpgsql
as $$
declare
    wrong text;
    checked bigint;
    failed bigint;
begin
    select count(*), count(*) filter (where expected is distinct from got),
        string_agg(format('%s: expected %s, got %s', what, expected, coalesce(got, 'null')), e'\n')
            filter (where expected is distinct from got)
        into checked, failed, wrong from pg_temp.findings;
    if failed > 0 or checked = 0 and not exists (select from pg_temp.skipped) then
        raise exception e'% of % assertions failed in %:\n%', failed, checked, file, wrong;
    end if;
    return format('%s: %s assertions hold', file, checked) || coalesce(
        (select '; skipped: ' || string_agg(what, ', ') from pg_temp.skipped), '');
end
$$;
-- end of helpers

-- Grants on each table, exactly. What a database grants by default must not have stayed.
do $$
declare
    rights constant text[] := array['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'TRIGGER', 'TRUNCATE', 'UPDATE']
        || case when current_setting('server_version_num')::int >= 170000 then array['MAINTAIN'] else '{}' end;
    content constant text[] := array['profile', 'skills', 'projects', 'experience', 'solutions', 'testimonials', 'page_layouts'];
    engine constant text[] := array['site_admins', 'task_queue', 'ai_response_cache', 'agent_context', 'agent_run_logs',
        'provider_quotas', 'enrichments', 'site_changes', 'site_builds', 'seed_state', 'agent_memory', 'content_embeddings'];
    relation regclass;
    is_content boolean;
    holder record;
    held text;
begin
    for relation, is_content in
        select to_regclass('public.' || name), name = any (content) from unnest(content || engine) as name
        where to_regclass('public.' || name) is not null
    loop
        perform pg_temp.expect(format('row-level security of %s', relation), 'on',
            (select case when relrowsecurity then 'on' else 'off' end from pg_class where oid = relation));
        perform pg_temp.expect(format('owner of %s', relation), 'not a role of the API', (
            select case when relowner::regrole::text in ('anon', 'authenticated', 'service_role', 'authenticator')
                then relowner::regrole::text else 'not a role of the API' end from pg_class where oid = relation));
        perform pg_temp.expect(format('PUBLIC: rights on %s', relation), 'none', coalesce((
            select string_agg(distinct privilege_type, ', ') from (
                select relacl as acl from pg_class where oid = relation
                union all select attacl from pg_attribute where attrelid = relation
            ) as acls, aclexplode(acl) where grantee = 0), 'none'));
        for holder in
            select * from (values
                ('anon', case when is_content then 'SELECT' else 'none' end),
                ('authenticated', 'DELETE, INSERT, SELECT, UPDATE'),
                ('service_role', array_to_string(array(select unnest(rights) order by 1), ', '))
            ) as holders (role, expected)
        loop
            select coalesce(string_agg(one, ', ' order by one), 'none') into held from unnest(rights) as one
            where has_table_privilege(holder.role, relation, one)
                or (one in ('INSERT', 'REFERENCES', 'SELECT', 'UPDATE') and has_any_column_privilege(holder.role, relation, one))
                or (holder.role <> 'service_role' and has_table_privilege(holder.role, relation, one || ' with grant option'));
            perform pg_temp.expect(format('%s: rights on %s', holder.role, relation), holder.expected, held);
        end loop;
    end loop;
end
$$;

-- No table of frieze is left out of the lists above.
do $$
declare
    unknown text;
begin
    select string_agg(table_name, ', ' order by table_name) into unknown from frieze.made
    where table_name not in (
        select substring(what from '^row-level security of (.*)$') from pg_temp.findings
        where what like 'row-level security of %') and to_regclass(format('public.%I', table_name)) is not null;
    perform pg_temp.expect('tables that are not tested', 'none', coalesce(unknown, 'none'));
end
$$;

-- is_site_admin() reads a list that its caller may not read: it must not be led elsewhere.
do $$
declare
    function constant regprocedure := to_regprocedure('public.is_site_admin()');
    made pg_proc;
    role text;
begin
    if function is null then
        perform pg_temp.expect('function public.is_site_admin()', 'there', 'missing');
        return;
    end if;
    select * into made from pg_proc where oid = function;
    perform pg_temp.expect('is_site_admin(): security', 'definer', case when made.prosecdef then 'definer' else 'invoker' end);
    perform pg_temp.expect('is_site_admin(): settings', '{"search_path=\"\""}', made.proconfig::text);
    perform pg_temp.expect('is_site_admin(): owner', 'that of site_admins', (
        select case when relowner = made.proowner then 'that of site_admins' else made.proowner::regrole::text end
        from pg_class where oid = 'public.site_admins'::regclass));
    foreach role in array array['anon', 'authenticated', 'service_role'] loop
        perform pg_temp.expect(format('%s: execute is_site_admin()', role),
            case role when 'anon' then 'not granted' else 'granted' end,
            case when has_function_privilege(role, function, 'execute') then 'granted' else 'not granted' end);
    end loop;
    perform pg_temp.expect('PUBLIC: execute is_site_admin()', 'not granted', case when exists (
        select from aclexplode(coalesce(made.proacl, acldefault('f', made.proowner))) where grantee = 0
    ) then 'granted' else 'not granted' end);
end
$$;

-- The schema frieze is closed, and so is everything in it.
do $$
declare
    role text;
    function record;
    relation regclass;
begin
    if to_regnamespace('frieze') is null then
        perform pg_temp.expect('schema frieze', 'there', 'missing');
        return;
    end if;
    foreach role in array array['anon', 'authenticated'] loop
        perform pg_temp.expect(format('%s: schema frieze', role), 'closed', case
            when has_schema_privilege(role, 'frieze', 'usage') then 'usage'
            when has_schema_privilege(role, 'frieze', 'create') then 'create' else 'closed' end);
        for relation in select oid from pg_class where relnamespace = 'frieze'::regnamespace and relkind in ('r', 'v', 'm') loop
            perform pg_temp.expect(format('%s: rights on %s', role, relation), 'none', case
                when has_table_privilege(role, relation, 'select, insert, update, delete, truncate, references, trigger')
                then 'some' else 'none' end);
        end loop;
    end loop;
    for function in select oid::regprocedure as name, * from pg_proc where pronamespace = 'frieze'::regnamespace loop
        perform pg_temp.expect(format('%s: search_path', function.name), 'fixed', case when exists (
            select from unnest(function.proconfig) as setting where setting like 'search\_path=%') then 'fixed' else 'open' end);
        continue when not function.prosecdef;
        foreach role in array array['anon', 'authenticated'] loop
            perform pg_temp.expect(format('%s: execute %s', role, function.name), 'not granted', case
                when has_function_privilege(role, function.oid, 'execute') then 'granted' else 'not granted' end);
        end loop;
    end loop;
end
$$;

-- The roles themselves: neither above the policies, nor one inside the other.
do $$
declare
    role pg_roles;
begin
    for role in select * from pg_roles where rolname in ('anon', 'authenticated') loop
        perform pg_temp.expect(format('role %s: rights of its own', role.rolname), 'none', case
            when role.rolsuper then 'superuser' when role.rolbypassrls then 'bypassrls' when role.rolcreaterole then 'createrole'
            when role.rolcreatedb then 'createdb' when role.rolreplication then 'replication' else 'none' end);
        perform pg_temp.expect(format('role %s: member of', role.rolname), 'none of these', coalesce((
            select string_agg(other.rolname, ', ') from pg_roles as other
            where other.rolname <> role.rolname and pg_has_role(role.oid, other.oid, 'member')
                and (other.rolname in ('anon', 'authenticated', 'service_role') or other.rolbypassrls or other.rolsuper
                    or other.oid = (select relowner from pg_class where oid = 'public.site_admins'::regclass))
        ), 'none of these'));
    end loop;
end
$$;

select pg_temp.verdict('privileges');

rollback;
