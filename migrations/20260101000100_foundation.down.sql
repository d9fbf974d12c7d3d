-- kit: engine
-- The roles stay: they belong to the whole server, and other databases may use them. The schema
-- frieze stays too, since it holds the record of what is applied. Of auth, only what frieze made
-- goes, which its comments tell.
drop table if exists public.site_admins;
drop function if exists public.is_site_admin();
drop function if exists frieze.touch_updated_at();

do $$
declare
    made_by_us constant text := 'stand-in created by frieze';
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
end
$$;
