-- kit: redeploy
-- The triggers go from every table, whoever made it and whatever it is called by now, and so does the
-- job. Who edits a table is not kept waiting long.
set local lock_timeout = '3s';
do $$
declare
    one record;
begin
    for one in
        select tgname, tgrelid::regclass as relation from pg_catalog.pg_trigger
        where tgfoid in (to_regprocedure('frieze.mark_changes()'), to_regprocedure('frieze.sifted()')) and not tgisinternal
    loop
        execute format('drop trigger %I on %s', one.tgname, one.relation);
    end loop;
    if to_regclass('cron.job') is not null then
        begin
            execute 'select cron.unschedule(jobid) from cron.job where jobname = ''frieze-redeploy'' and database = current_database()';
        exception when insufficient_privilege or invalid_schema_name then
            raise notice 'the job "frieze-redeploy" of pg_cron could not be removed: %', sqlerrm;
        end;
    end if;
end
$$;
drop function if exists frieze.deploy_tick();
drop function if exists frieze.is_unheard(frieze.deploys, interval);
drop function if exists frieze.settle_call(frieze.deploys);
drop function if exists frieze.tidy();
drop function if exists frieze.is_building();
drop function if exists frieze.note_lost();
drop function if exists frieze.deploy_answer(bigint);
drop function if exists frieze.vault_secret(text);
drop function if exists frieze.watch(regclass, text, text[]);
drop function if exists frieze.unwatch(regclass);
drop function if exists frieze.triggers_of(regclass);
drop function if exists frieze.carriers();
drop function if exists frieze.mark_changes();
drop function if exists frieze.may_sift(regclass, text);
drop function if exists frieze.sifted();
drop function if exists frieze.sift(record, record, text, text[]);
drop function if exists frieze.differs_by_key(oid, text, text[], text);
drop function if exists frieze.seen_by_key(oid, text, text[], text);
drop function if exists frieze.key_of(oid);
drop function if exists frieze.is_heavy(oid);
drop function if exists frieze.told_of(oid, text, text[], boolean, text);
drop function if exists frieze.values_of(oid, text, text[], boolean);
drop function if exists frieze.mark(text);
drop function if exists frieze.visibility(oid, text);
drop function if exists frieze.is_plain(pg_catalog.pg_node_tree);
drop sequence if exists frieze.lost_marks;
drop table if exists frieze.deploys;
drop table if exists frieze.watched_tables;
drop table if exists frieze.deploy_settings;

-- One row for a table again.
with kept as (
    delete from public.site_changes
    returning table_name, first_changed_at, last_changed_at, change_count
)
insert into public.site_changes (table_name, first_changed_at, last_changed_at, change_count)
select table_name, min(first_changed_at), max(last_changed_at), sum(change_count) from kept group by table_name;
comment on table public.site_changes is null;
drop index if exists public.site_changes_table_name_idx;
alter table public.site_changes
    drop constraint if exists site_changes_table_name_key,
    add constraint site_changes_table_name_key unique (table_name);
