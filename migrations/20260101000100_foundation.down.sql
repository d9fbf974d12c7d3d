-- kit: engine
-- The roles stay: they belong to the whole server, and other databases may use them. The schema
-- frieze stays too, since it holds the record of what is applied. Of auth, only what frieze made
-- goes, which its comments tell.
select frieze.unmake('site_admins');

-- Refused while a policy of somebody else's asks it: without the list it would fail for everybody.
do $$
declare
    users text;
begin
    drop function if exists public.is_site_admin();
exception when dependent_objects_still_exist then
    get stacked diagnostics users = pg_exception_detail;
    raise dependent_objects_still_exist using
        message = 'the function is_site_admin() is used by what frieze did not make',
        detail = users,
        hint = 'nothing of this step is undone: drop those first, or make them do without it';
end
$$;

drop function frieze.unmake(text[]);
drop function frieze.will_make(text[]);
drop table frieze.made;

-- What others use by now is left to them.
do $$
declare
    made_by_us constant text := 'stand-in created by frieze';
begin
    begin
        drop function if exists frieze.touch_updated_at();
    exception when dependent_objects_still_exist then
        raise notice 'frieze.touch_updated_at() stays, since triggers of other tables use it';
    end;
    begin
        if obj_description(to_regprocedure('auth.uid()'), 'pg_proc') = made_by_us then
            drop function auth.uid();
        end if;
        if obj_description(to_regprocedure('auth.jwt()'), 'pg_proc') = made_by_us then
            drop function auth.jwt();
        end if;
        if obj_description(to_regnamespace('auth'), 'pg_namespace') = made_by_us then
            drop schema auth;
        end if;
    exception when dependent_objects_still_exist then
        raise notice 'the schema auth stays with its functions, since other objects use it';
    end;
end
$$;
