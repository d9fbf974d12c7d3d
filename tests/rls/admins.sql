-- Who is an admin is data that only admins change, and nobody talks their way in.

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
begin
    perform pg_temp.check_table('site_admins', 'site_admins', 'granted',
        '(user_id) values (''{key}'')', 'user_id = ''{key}''', 'user_id', 'created_at = now()');
end
$$;

-- Everybody who tries to become an admin, with the id that their own claims say.
do $$
declare
    persona record;
    self text;
    attempt record;
begin
    for persona in select * from pg_temp.personas where rank in ('nobody', 'user') loop
        self := coalesce(nullif(persona.claims, '')::jsonb ->> 'sub', gen_random_uuid()::text);
        for attempt in
            select * from (values
                ('insert themselves into', format('insert into public.site_admins (user_id) values (%L)', self)),
                ('upsert themselves into', format('insert into public.site_admins (user_id) values (%L) on conflict (user_id) do nothing', self)),
                ('copy themselves into', format('insert into public.site_admins (user_id) select %L::uuid', self)),
                ('put themselves in the place of an admin of', format('update public.site_admins set user_id = %L where created_at = now()', self))
            ) as attempts (what, statement)
        loop
            perform pg_temp.expect(format('%s: %s site_admins', persona.name, attempt.what),
                case when attempt.what like 'put%' and persona.rank = 'user' then '0 rows' else 'refused' end,
                pg_temp.outcome(persona.role, persona.claims, attempt.statement));
        end loop;
    end loop;
end
$$;

-- What is_site_admin() answers: a row for yes.
do $$
declare
    question constant text := 'select 1 where public.is_site_admin()';
    persona record;
    admin_claims text;
    user_claims text;
begin
    for persona in select * from pg_temp.personas loop
        perform pg_temp.expect(format('%s: call is_site_admin()', persona.name),
            case persona.rank when 'nobody' then 'refused' when 'admin' then '1 row' else '0 rows' end,
            pg_temp.outcome(persona.role, persona.claims, question));
    end loop;
    perform pg_temp.expect('authenticated whose id is no uuid: call is_site_admin()', 'not an admin',
        case pg_temp.outcome('authenticated', '{"sub": "admin'' or true --"}', question)
            when '1 row' then '1 row' else 'not an admin' end);

    -- A table of the same name that is found first, with the asking user in it.
    select claims into user_claims from pg_temp.personas where name = 'authenticated non-admin';
    create temp table site_admins (user_id uuid) on commit drop;
    insert into pg_temp.site_admins values ((user_claims::jsonb ->> 'sub')::uuid);
    grant select on pg_temp.site_admins to authenticated;
    perform set_config('search_path', 'pg_temp, public', true);
    perform pg_temp.expect('authenticated non-admin with a site_admins of their own: call is_site_admin()',
        '0 rows', pg_temp.outcome('authenticated', user_claims, question));
    perform set_config('search_path', 'public', true);

    -- Who is struck off the list is out at once, whatever their claims say.
    select claims into admin_claims from pg_temp.personas where rank = 'admin';
    delete from public.site_admins where user_id = (admin_claims::jsonb ->> 'sub')::uuid;
    perform pg_temp.expect('authenticated who was an admin: call is_site_admin()', '0 rows',
        pg_temp.outcome('authenticated', admin_claims, question));
    perform pg_temp.expect('authenticated who was an admin: insert site_admins', 'refused',
        pg_temp.outcome('authenticated', admin_claims, format(
            'insert into public.site_admins (user_id) values (%L)', gen_random_uuid())));
end
$$;

select pg_temp.verdict('admins');

rollback;
