-- The same rules, kept by the table itself: run after database.sql, by the owner of the tables.
-- The view asks as whoever reads it, and the policy says which rows that reader has.

alter table catalogue."Objects" enable row level security;
create policy public_objects on catalogue."Objects" for select to webreader using ("Status" = 'P');
grant select ("AccYear", "AccNo", "Title", "Type", "MakerID", "DateText", "Materials", "HeightMM", "WidthMM", "WeightG",
    "Condition", "Description", "WebText2004", "Photo", "Status", "Acquired", "LastEdited")
    on catalogue."Objects" to webreader;
alter view web.objects set (security_invoker = true);

alter table public.settings enable row level security;
create policy visit on public.settings for select to webreader using (key like 'visit.%');
grant select on public.settings to webreader;
alter view web.visit set (security_invoker = true);
