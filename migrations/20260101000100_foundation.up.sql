-- kit: engine
-- What every other migration stands on: the API roles and the auth functions where they are
-- missing (Supabase brings its own, which stay as they are), the list of the site's admins, the
-- function that keeps updated_at, and the one that takes tables away again.

-- Roles belong to the whole server, so another database may be creating them at this moment.
do $$
declare
    name text;
begin
    foreach name in array array['anon', 'authenticated', 'service_role'] loop
        begin
            if to_regrole(name) is not null then
                continue;
            end if;
            begin
                execute format('create role %I nologin noinherit %s', name,
                    case name when 'service_role' then 'bypassrls' else '' end);
            exception when insufficient_privilege then
                -- Not everybody may hand out bypassrls. Without it, policies let service_role in.
                execute format('create role %I nologin noinherit', name);
            end;
        exception
            when duplicate_object or unique_violation then
                null;
            when insufficient_privilege then
                raise insufficient_privilege using
                    message = format('the role %I is missing, and %I may not create roles', name, current_user),
                    hint = 'let an administrator run once: create role anon nologin noinherit; create role authenticated nologin noinherit; create role service_role nologin noinherit bypassrls;';
        end;
    end loop;
end
$$;

-- Content is read after SET ROLE anon, which takes membership unless one is a superuser.
do $$
begin
    if not pg_has_role(current_user, 'anon', 'member') then
        execute format('grant anon to %I', current_user);
    elsif current_setting('server_version_num')::int >= 160000
        and not pg_has_role(current_user, 'anon', 'set') then
        execute format('grant anon to %I with set true', current_user);
    end if;
exception
    when insufficient_privilege then
        raise insufficient_privilege using
            message = format('%I is not a member of the role anon, which content is read as', current_user),
            hint = format('let an administrator run: grant anon to %I;', current_user);
end
$$;

do $$
begin
    if to_regnamespace('auth') is null then
        create schema auth;
        comment on schema auth is 'stand-in created by frieze';
        grant usage on schema auth to anon, authenticated, service_role;
    end if;
    if to_regprocedure('auth.jwt()') is null then
        create function auth.jwt() returns jsonb
        language sql stable
        set search_path = ''
        return coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb);
        comment on function auth.jwt() is 'stand-in created by frieze';
    end if;
    if to_regprocedure('auth.uid()') is null then
        create function auth.uid() returns uuid
        language sql stable
        set search_path = ''
        return nullif(auth.jwt() ->> 'sub', '')::uuid;
        comment on function auth.uid() is 'stand-in created by frieze';
    end if;
end
$$;

grant usage on schema public to anon, authenticated, service_role;

-- A schema of its own, which the API never exposes: bookkeeping and helpers.
create schema if not exists frieze;
revoke all on schema frieze from public;

-- A change that says its own updated_at keeps it: a restored or synced row stays as it was.
create or replace function frieze.touch_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end
$$;

-- The tables that frieze made. One that was here before under the same name is taken over, and left
-- behind by the way back with all that is in it.
create table if not exists frieze.made (
    table_name text primary key,
    made_at timestamptz not null default now()
);
alter table frieze.made enable row level security;
revoke all on frieze.made from public, anon, authenticated, service_role;

-- To be called before the tables are made.
create or replace function frieze.will_make(variadic tables text[]) returns void
language sql
set search_path = ''
as $$
    insert into frieze.made (table_name)
    select name from unnest(tables) as name
    where to_regclass(format('public.%I', name)) is null
    on conflict do nothing
$$;

create or replace function frieze.unmake(variadic tables text[]) returns void
language plpgsql
set search_path = ''
as $$
declare
    name text;
    policy text;
    users text;
begin
    foreach name in array tables loop
        if to_regclass(format('public.%I', name)) is null then
            null;
        elsif exists (select from frieze.made where table_name = name) then
            begin
                execute format('drop table public.%I', name);
            exception when dependent_objects_still_exist then
                get stacked diagnostics users = pg_exception_detail;
                raise dependent_objects_still_exist using
                    message = format('the table %s is used by what frieze did not make', name),
                    detail = users,
                    hint = 'nothing of this step is undone: drop those first, or make them do without it';
            end;
        else
            -- Row-level security and grants stay as they are: nothing opens that was closed.
            execute format('drop trigger if exists touch_updated_at on public.%I', name);
            foreach policy in array array['_read', '_admin', '_service'] loop
                execute format('drop policy if exists %I on public.%I', name || policy, name);
            end loop;
            raise notice 'the table % was there before frieze: it stays, with its rows', name;
        end if;
        delete from frieze.made where table_name = name;
    end loop;
end
$$;

select frieze.will_make('site_admins');
create table if not exists public.site_admins (
    user_id uuid primary key,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table public.site_admins is 'The users who may edit the site: user_id is auth.uid().';

do $$
begin
    if exists (select from pg_proc where oid = to_regprocedure('public.is_site_admin()')
        and prosrc not like '%public.site_admins%')
    then
        raise duplicate_function using
            message = 'there is a function public.is_site_admin() already, which is not the one of frieze',
            hint = 'give it another name first: alter function public.is_site_admin() rename to …; what uses it follows by itself';
    end if;
end
$$;

create or replace function public.is_site_admin() returns boolean
language sql stable security definer
set search_path = ''
as $$
    select exists (select 1 from public.site_admins where user_id = auth.uid())
$$;
revoke all on function public.is_site_admin() from public;
do $$
begin
    -- Supabase grants new functions to anon by default.
    revoke all on function public.is_site_admin() from anon;
end
$$;
grant execute on function public.is_site_admin() to authenticated, service_role;

drop trigger if exists touch_updated_at on public.site_admins;
create trigger touch_updated_at before update on public.site_admins
    for each row when (old.* is distinct from new.*) execute function frieze.touch_updated_at();

alter table public.site_admins enable row level security;
revoke all on public.site_admins from public, anon, authenticated;
grant select, insert, update, delete on public.site_admins to authenticated;
grant all on public.site_admins to service_role;

drop policy if exists site_admins_admin on public.site_admins;
create policy site_admins_admin on public.site_admins for all to authenticated
    using ((select public.is_site_admin()))
    with check ((select public.is_site_admin()));
drop policy if exists site_admins_service on public.site_admins;
create policy site_admins_service on public.site_admins for all to service_role
    using (true) with check (true);
