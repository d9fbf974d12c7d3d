-- What frieze keeps for itself: nothing for anon, for admins what an editor may need, all for
-- service_role. A new table gets a line here, and one in the list of privileges.sql.

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

do $$
declare
    optional text;
    is_there boolean;
begin
    perform pg_temp.check_table(name, name, 'granted', row_text, same_row, unique_key, change)
    from (values
        ('task_queue', '(id, task_type, scheduled_at) values (''{key}'', ''rls-{key}'', ''infinity'')', 'id = ''{key}''', 'id', 'priority = 1'),
        ('ai_response_cache', '(prompt_hash, response, model) values (''{hash}'', ''A'', ''B'')', 'prompt_hash = ''{hash}''', 'prompt_hash', 'response = ''C'''),
        ('agent_context', '(id, session_id, agent_id) values (''{key}'', ''{key}'', ''A'')', 'id = ''{key}''', 'id', 'agent_id = ''B'''),
        ('agent_run_logs', '(id, session_id, provider, model) values (''{key}'', ''{key}'', ''A'', ''B'')', 'id = ''{key}''', 'id', 'model = ''C'''),
        ('provider_quotas', '(id, provider) values (''{key}'', ''rls-{key}'')', 'id = ''{key}''', 'id', 'failures = 2'),
        ('enrichments', '(id, table_name, row_key, column_name, task_type, run_id, provider, model) values (''{key}'', ''A'', ''{"id": "{key}"}'', ''B'', ''C'', ''{key}'', ''D'', ''E'')', 'id = ''{key}''', 'id', 'model = ''F'''),
        ('site_changes', '(id, table_name) values (''{key}'', ''rls-{key}'')', 'id = ''{key}''', 'id', 'change_count = 2'),
        ('site_builds', '(id, status) values (''{key}'', ''failed'')', 'id = ''{key}''', 'id', 'pages = 1'),
        ('seed_state', '(table_name, key, file) values (''rls-{key}'', ''{"id": 1}'', ''A'')', 'table_name = ''rls-{key}''', 'table_name, key', 'file = ''B''')
    ) as tables (name, row_text, same_row, unique_key, change);

    is_there := exists (select from pg_extension where extname = 'vector');
    foreach optional in array array['agent_memory', 'content_embeddings'] loop
        if not is_there and to_regclass('public.' || optional) is null then
            raise notice 'engine: % is skipped, since there is no extension vector', optional;
            insert into pg_temp.skipped values (optional);
        elsif optional = 'agent_memory' then
            perform pg_temp.check_table(optional, optional, 'granted',
                '(id, agent_id, thought_type, content) values (''{key}'', ''A'', ''action'', ''B'')',
                'id = ''{key}''', 'id', 'content = ''C''');
        else
            perform pg_temp.check_table(optional, optional, 'granted', format(
                '(id, collection, row_id, content_hash, embedding, embedding_model) values (''{key}'', ''A'', ''{key}'', ''B'', ''[1%s]'', ''rls'')',
                repeat(',0', 1535)), 'id = ''{key}''', 'id', 'content_hash = ''C''');
        end if;
    end loop;
end
$$;

-- The record of migrations, and whatever else lies beside it, is not for the API at all.
do $$
declare
    persona record;
    relation regclass;
begin
    for relation in
        select oid from pg_class where relnamespace = to_regnamespace('frieze') and relkind = 'r'
    loop
        for persona in select * from pg_temp.personas where rank <> 'service' loop
            perform pg_temp.expect(format('%s: select %s', persona.name, relation), 'refused',
                pg_temp.outcome(persona.role, persona.claims, format('select * from %s', relation)));
            perform pg_temp.expect(format('%s: delete %s', persona.name, relation), 'refused',
                pg_temp.outcome(persona.role, persona.claims, format('delete from %s where false', relation)));
        end loop;
    end loop;
end
$$;

select pg_temp.verdict('engine');

rollback;
