-- The database of the Hexwell Museum of Measure, as it stands in the museum's office.
--
-- It began in 1991 on one computer, went through two other programs, and has been in Postgres since 2009. Nobody
-- made it for a website: names are of three fashions, keys are numbers, what is public is a letter in a column.
-- The people, places and things in it are invented.

create schema catalogue;
create schema web;

-- ── The catalogue ───────────────────────────────────────────────────────────────────────────────────────

create type catalogue.condition as enum ('sound', 'worn', 'repaired', 'fragile');

create table catalogue.types (
    code char(3) primary key,
    name varchar(40) not null,
    sort smallint not null
);

create table catalogue."Makers" (
    "MakerID" integer primary key,
    "Name" varchar(80) not null,
    "Trade" varchar(80),
    "Place" varchar(80),
    "Born" smallint,
    "Died" smallint,
    "Notes" text
);

-- "Status": P public, D draft, W withdrawn.
create table catalogue."Objects" (
    "AccYear" smallint not null,
    "AccNo" smallint not null,
    "Title" varchar(120) not null,
    "Type" char(3) not null references catalogue.types,
    "MakerID" integer references catalogue."Makers",
    "DateText" varchar(40),
    "Materials" varchar(200),
    "HeightMM" numeric(7, 1),
    "WidthMM" numeric(7, 1),
    "WeightG" numeric(9, 2),
    "Condition" catalogue.condition,
    "Description" text,
    "WebText2004" text,
    "Photo" varchar(40),
    "Thumbnail" bytea,
    "Status" char(1) not null default 'D' check ("Status" in ('P', 'D', 'W')),
    "Acquired" date not null,
    "Donor" varchar(120),
    "InsuredFor" numeric(10, 2),
    "LastEdited" timestamp not null,
    primary key ("AccYear", "AccNo")
);

create table catalogue.subjects (
    id serial primary key,
    word varchar(40) not null unique
);

create table catalogue.object_subjects (
    acc_year smallint not null,
    acc_no smallint not null,
    subject_id integer not null references catalogue.subjects,
    primary key (acc_year, acc_no, subject_id),
    foreign key (acc_year, acc_no) references catalogue."Objects"
);

-- ── What goes on in the house ───────────────────────────────────────────────────────────────────────────

create table public.exhibitions (
    nr integer primary key,
    name varchar(100) not null,
    opens date not null,
    closes date,
    intro text
);

create table public.exhibition_objects (
    nr integer not null references public.exhibitions,
    acc_year smallint not null,
    acc_no smallint not null,
    "order" smallint not null,
    label varchar(200),
    primary key (nr, acc_year, acc_no),
    foreign key (acc_year, acc_no) references catalogue."Objects"
);

-- Times are those of the clock on the wall.
create table public.events (
    event_no bigint generated always as identity primary key,
    title varchar(100) not null,
    starts timestamp not null,
    room varchar(60),
    price numeric(6, 2) not null default 0,
    places integer,
    cancelled boolean not null default false,
    details text
);

create table public.settings (
    key varchar(40) primary key,
    value text
);

create table public.friends (
    friend_no serial primary key,
    name varchar(80) not null,
    email varchar(120) not null,
    paid_until date
);

-- ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────

insert into catalogue.types (code, name, sort) values
    ('WGT', 'Weights and balances', 1),
    ('LEN', 'Length', 2),
    ('CAP', 'Capacity', 3),
    ('TIM', 'Time', 4),
    ('WEA', 'Weather', 5),
    ('NAV', 'Finding the way', 6),
    ('CAL', 'Reckoning', 7),
    ('PHO', 'Photographs', 8);

insert into catalogue."Makers" ("MakerID", "Name", "Trade", "Place", "Born", "Died", "Notes") values
    (1, 'Josiah Kettlewell', 'scale maker', 'Hexwell', 1798, 1866,
     'Kettlewell sealed the weights of the county for thirty-one years and never missed a quarter day. His shop stood where the post office is now; the step still has the **brass yard** let into it.'),
    (4, 'Amelia Thorne & Daughters', 'opticians and instrument makers', 'Port Ellery', 1821, 1890,
     'Widowed at thirty, Amelia Thorne carried on her husband''s trade and doubled it. The three daughters signed with their own initials, always inside the case:

- *C.T.* for Charlotte, compasses and dials
- *H.T.* for Hester, barometers
- *M.T.* for Maud, who ruled the scales for both'),
    (5, 'Brandt Brothers', 'rule makers', 'Sheffield', null, null, null),
    (9, 'Elias Fenn', 'watch and clock maker', 'Hexwell', 1840, 1912,
     'Wound the church clock every Saturday, and set it by a watch that he set by the railway.'),
    (12, 'Coldharbour Glass Works', 'glass blowers', 'Coldharbour', null, null, null),
    (17, 'Ordway & Pell', 'pewterers', 'Bristol', null, null,
     'Their touch mark is a lily between two pillars. Pieces without it are of the second quality.');

insert into catalogue."Objects" ("AccYear", "AccNo", "Title", "Type", "MakerID", "DateText", "Materials", "HeightMM",
    "WidthMM", "WeightG", "Condition", "Description", "WebText2004", "Photo", "Thumbnail", "Status", "Acquired", "Donor",
    "InsuredFor", "LastEdited") values
    (1987, 1, 'Set of county standard weights', 'WGT', 1, '1834', 'brass; mahogany', 265, 820, 18340.50, 'sound',
     'Six bell-shaped weights from 7 lb down to 4 oz, in the block they were carried in. Every shop in the hundred was tried against them **once a year**, on the table of the Talbot Inn.

The 2 lb weight is lighter than it was. In 1851 it was filed, and nobody was ever found to have done it.',
     null, 'M1987-001.jpg', '\x89504e47', 'P', '1987-03-02', 'Hexwell Rural District Council', 4200, '2024-11-05 10:12:00'),
    (1987, 4, 'Pint measure with the mark of 1873', 'CAP', 17, '1873', 'pewter', 142, 121, 610, 'worn',
     null,
     '<p align="justify"><font color="#663300">This <b>pint measure</b> was used at the Talbot Inn until 1914.</font></p><p>The stamp <i>VR 1873</i> shows that an inspector found it true.<br>The dent is older than the stamp, and he must have allowed for it.</p>',
     'M1987-004.jpg', null, 'P', '1987-03-02', 'W. Pennifold', 180, '2004-06-21 16:40:00'),
    (1987, 5, 'Quarter-gill measure', 'CAP', 17, 'c. 1870', 'pewter', 48, 40, 74.25, 'sound',
     null,
     '<p>For spirits. It holds a <b>thirty-second of a quart</b>, to the brim and not a drop below it.</p>',
     null, null, 'P', '1987-03-02', 'W. Pennifold', 60, '2004-06-21 16:52:00'),
    (1988, 2, 'Aneroid barometer', 'WEA', 4, 'c. 1868', 'brass; glass; silvered card', 98, 214, 1480, 'sound',
     'From the harbour office, where it hung for ninety years beside the door. The blue hand is the instrument''s; the brass one is set by hand in the morning, so that by noon one sees what the weather has done.

> Long foretold, long last; short notice, soon past.

The verse is pencilled on the back, with the initials *H.T.*',
     null, 'M1988-002.jpg', '\x89504e47', 'P', '1988-09-14', 'Port Ellery Harbour Board', 950, '2023-02-17 09:03:00'),
    (1988, 3, 'Storm glass', 'WEA', 12, 'c. 1880', 'glass; camphor; cork', 236, 31, 212, 'fragile',
     'A sealed tube of camphor in spirit, which is said to cloud before a gale. We have kept a diary of it since 1994: it clouds when it is cold.',
     null, null, null, 'P', '1988-09-14', 'Port Ellery Harbour Board', 140, '2021-08-30 14:20:00'),
    (1991, 11, 'Sundial from the old toll house', 'TIM', null, '1742', 'slate; brass', 560, 560, 11900, 'repaired',
     'Cut for the south wall of the toll house and true to within four minutes. The gnomon is a replacement of 1993, made by the school''s metalwork class after the first was **borrowed as a shelf bracket**.',
     null, 'M1991-011.jpg', null, 'P', '1991-05-20', 'Hexwell Parish Council', 2600, '2025-01-12 11:30:00'),
    (1994, 3, 'Four-fold rule', 'LEN', 5, 'c. 1910', 'boxwood; brass', 28, 914.4, 96.75, 'worn',
     'A joiner''s rule of four folds. The inches from 19 to 22 are worn blank: that is where his thumb was for forty years.',
     null, 'M1994-003.jpg', null, 'P', '1994-02-08', 'E. Marsh', 45, '2022-03-03 15:15:00'),
    (1994, 4, 'Cloth yard', 'LEN', null, 'early 19th century', 'oak; brass', 22, 914, 318, 'sound',
     'Marked in nails and quarters, as drapers reckoned. The brass tips are a quarter of an inch too long **at each end**, in the customer''s favour.',
     null, null, null, 'P', '1994-02-08', 'E. Marsh', 90, '2022-03-03 15:31:00'),
    (1996, 1, 'Dip stick for casks', 'CAP', null, '1790s', 'boxwood', 1220, 12, 140, 'fragile',
     'The exciseman''s rod. Set in at the bung, it gave the gallons in a cask from its diagonal, and from that the duty.',
     '<p>Given by the family. <b>Please do not touch</b>, the scale is rubbing off!!</p>',
     null, null, 'P', '1996-10-11', 'R. Quillam', 320, '2019-05-14 10:00:00'),
    (1998, 7, 'Railway watch', 'TIM', 9, '1881', 'silver; enamel; steel', 78, 54, 146.40, 'sound',
     'The watch that Elias Fenn set the church clock by. He walked to the station with it on Saturdays, when the guard of the 10.14 called the time from Bristol.

It still runs, and loses eleven seconds in a day.',
     null, 'M1998-007.jpg', '\x89504e47', 'P', '1998-07-01', 'Misses Fenn', 1800, '2024-06-02 12:00:00'),
    (1999, 2, 'Nocturnal (provenance disputed: do not publish)', 'NAV', null, '17th century?', 'boxwood', 160, 74, 88,
     'repaired', 'Claimed by a collector in Lisbon. Nothing to be said in public until the solicitors have written.',
     null, 'M1999-002.jpg', null, 'D', '1999-12-01', 'Anonymous', 9500, '2025-02-20 17:45:00'),
    (2003, 1, 'Mariner''s compass', 'NAV', 4, 'c. 1859', 'brass; glass; paper; steel', 82, 188, 1320, 'sound',
     'A dry card of thirty-two points from the ketch *Perseverance*. The letters *C.T.* are scratched inside the lid.

The north point is a plain N: Charlotte Thorne thought the lily a waste of engraving.',
     null, 'M2003-001.jpg', null, 'P', '2003-04-26', 'Capt. J. Hallam', 1450, '2024-01-09 13:37:00'),
    (2003, 2, 'Sounding lead', 'NAV', null, '19th century', 'lead; tallow', 255, 52, 3175.20, 'worn',
     'Seven pounds of lead on a line marked with leather and rag. The hollow in the foot was filled with tallow, which brought up sand, shell or mud, and told the pilot what he was over.',
     null, null, null, 'P', '2003-04-26', 'Capt. J. Hallam', 110, '2024-01-09 13:50:00'),
    (2007, 5, 'Dairy thermometer', 'WEA', 12, 'c. 1905', 'mahogany; glass; spirit', 420, 96, 505, 'sound',
     'Hung in the dairy at Nether Combe. *Churn* is pencilled at 57 degrees, and *do not* at 62.',
     null, 'M2007-005.jpg', null, 'P', '2007-08-15', 'Nether Combe Farm', 130, '2020-10-01 09:45:00'),
    (2009, 1, 'Glass negatives of the market, 1890 to 1911', 'PHO', null, '1890–1911', 'glass', null, null, null, 'fragile',
     'Sixty-two plates. Rights not cleared.', null, null, null, 'P', '2009-01-30', 'Gazette offices', null,
     '2018-11-11 11:11:00'),
    (2012, 2, 'Half-hour glass', 'TIM', 12, 'late 18th century', 'glass; oak; sand', 210, 118, 690, 'repaired',
     'From the pulpit of St Wilfrid''s. A preacher turned it once; turning it twice was a matter for the churchwardens.',
     null, 'M2012-002.jpg', null, 'P', '2012-11-03', 'St Wilfrid''s PCC', 720, '2023-07-21 10:10:00'),
    (2014, 6, 'Corn bushel', 'CAP', null, '1826', 'oak; iron', 221, 495, 9800, 'sound',
     'The first Imperial bushel in the county, cut down from a Winchester one. The saw marks show on the rim.',
     null, null, null, 'P', '2014-03-19', 'Corn Exchange Trust', 640, '2022-09-09 09:09:00'),
    (2016, 4, 'Apothecary''s balance', 'WGT', 1, 'c. 1850', 'brass; mahogany', 540, 620, 2210, 'sound',
     'Turns at half a grain. It stood in the window of Rudge''s in Silver Street, where anybody might have a letter weighed for nothing.

| load | turns at |
| --- | ---: |
| empty | ½ grain |
| 1 oz | ¾ grain |
| 4 oz | 2 grains |',
     null, 'M2016-004.jpg', null, 'P', '2016-06-06', 'A. Rudge', 1100, '2025-03-01 16:05:00'),
    (2019, 1, 'Spring balance', 'WGT', null, '1920s', 'brass; steel', 310, 74, 430, 'worn',
     'A fishmonger''s, reading to 16 lb. Spring balances were not legal for trade until 1907, and this one was **never stamped**.',
     null, 'M2019-001.jpg', null, 'P', '2019-04-10', 'Fish Quay Traders', 55, '2023-04-11 08:58:00'),
    (2021, 3, 'Taximeter', 'WGT', null, '1938', 'steel; glass', 190, 160, 3900, 'worn',
     'Withdrawn: returned to the lender in 2022.', null, null, null, 'W', '2021-02-02', 'On loan', 300,
     '2022-12-24 12:24:00'),
    (2023, 2, 'Engineer''s slide rule', 'CAL', 5, '1936', 'boxwood; ivorine; aluminium', 46, 286, 118.50, 'sound',
     'Used to reckon the sluices of the Ellery navigation. The cursor has the maker''s name and, in another hand, `√(2gh)`.',
     null, 'M2023-002.jpg', null, 'P', '2023-10-17', 'I. Okafor', 85, '2025-03-28 17:30:00'),
    (2024, 1, 'Planimeter', 'CAL', null, '1950s', 'nickel silver; steel', 34, 212, 205, 'sound',
     'Traced around a field on a map, it gives the field''s area. It came with the last map that was measured by it.',
     null, null, null, 'P', '2024-05-23', 'County Surveyor''s Department', 160, '2025-04-02 10:25:00'),
    (2025, 1, 'Weighbridge ledger (being catalogued)', 'WGT', null, '1903–1911', 'paper; calf', 390, 270, 2900, 'fragile',
     'Draft. Check the names of families before this goes anywhere.', null, null, null, 'D', '2025-01-15',
     'Found in the attic', null, '2025-04-04 15:55:00');

insert into catalogue.subjects (word) values
    ('Trade'), ('The sea'), ('The law'), ('The church'), ('Farming'), ('Railways'), ('Women makers'), ('Fraud'),
    ('The inn');

insert into catalogue.object_subjects (acc_year, acc_no, subject_id)
select v.acc_year, v.acc_no, s.id
from (values
    (1987, 1, 'Trade'), (1987, 1, 'The law'), (1987, 1, 'Fraud'), (1987, 4, 'The inn'), (1987, 4, 'The law'),
    (1987, 5, 'The inn'), (1988, 2, 'The sea'), (1988, 2, 'Women makers'), (1988, 3, 'The sea'),
    (1991, 11, 'The law'), (1994, 3, 'Trade'), (1994, 4, 'Trade'), (1994, 4, 'Fraud'), (1996, 1, 'The law'),
    (1996, 1, 'The inn'), (1998, 7, 'Railways'), (1998, 7, 'The church'), (1999, 2, 'The sea'),
    (2003, 1, 'The sea'), (2003, 1, 'Women makers'), (2003, 2, 'The sea'), (2007, 5, 'Farming'),
    (2012, 2, 'The church'), (2014, 6, 'Farming'), (2014, 6, 'The law'), (2014, 6, 'Trade'), (2016, 4, 'Trade'),
    (2019, 1, 'Trade'), (2019, 1, 'The law'), (2021, 3, 'Fraud'), (2023, 2, 'Railways'), (2025, 1, 'Trade')
) as v (acc_year, acc_no, word)
join catalogue.subjects s on s.word = v.word;

insert into public.exhibitions (nr, name, opens, closes, intro) values
    (14, 'Short Measure: Two Hundred Years of Cheating', '2024-09-14', '2025-03-30',
     'A filed weight, a long yard, a false bottom. Everything in this room was made to give **a little less** than it said, or to catch those who did.'),
    (15, 'Thorne & Daughters', '2025-05-03', '2026-01-11',
     'Four women, one workshop, and instruments from Port Ellery that went around the world. Shown together for the first time since the shop was sold in 1891.'),
    (16, 'What Time Was It?', '2026-05-02', null,
     'Before the railway came, Hexwell was **nine minutes** behind London and content with it. How a town found the time, lost it, and was sent it by wire.');

insert into public.exhibition_objects (nr, acc_year, acc_no, "order", label) values
    (14, 1987, 1, 1, 'Tried once a year, and filed once'),
    (14, 1994, 4, 2, 'Half an inch for nothing'),
    (14, 2021, 3, 3, 'Lent by a cab company'),
    (14, 1987, 4, 4, null),
    (15, 1988, 2, 1, 'Hester''s work'),
    (15, 2003, 1, 2, 'Charlotte''s work'),
    (15, 1999, 2, 3, 'Withheld'),
    (16, 1998, 7, 1, 'Bristol time, brought on foot'),
    (16, 1991, 11, 2, 'Hexwell''s own time'),
    (16, 2012, 2, 3, 'As long as a sermon');

insert into public.events (title, starts, room, price, places, cancelled, details) values
    ('Bring it and we weigh it', '2025-10-11 11:00', 'Weighing room', 0, null, false,
     '<p>Letters, stones, cats.</p>'),
    ('Opening of "What Time Was It?"', '2026-05-02 14:30', 'Upper room', 0, 60, false,
     '<p>With a walk to the station, as <b>Elias Fenn</b> took it.</p>'),
    ('Sundials by moonlight', '2026-05-29 21:00', 'The yard', 6.5, 20, false,
     '<p>How far off is a moondial? Bring a coat.</p>'),
    ('Make a folding rule', '2026-06-13 10:00', 'Workshop', 18, 8, false,
     '<p>Boxwood, four folds, and a brass joint that you will be proud of. <a href="https://hexwell-museum.example/visit/">How to get here</a>.</p>'),
    ('Evening with the storm glass', '2026-06-20 19:00', 'Upper room', 5, 30, true,
     '<p>Cancelled: the lecturer foresaw rain.</p>'),
    ('Bring it and we weigh it', '2026-09-12 11:00', 'Weighing room', 0, null, false,
     '<p>Letters, stones, cats. The cat of 2025 is invited to defend its title.</p>');

insert into public.settings (key, value) values
    ('visit.address', 'The Weighbridge House, 3 Toll Lane, Hexwell'),
    ('visit.hours', 'Thursday to Sunday, 10 to 4.30; in winter until dusk, which is measured'),
    ('visit.admission', 'Free. A donation of your own weight in pennies is not expected.'),
    ('visit.access', 'Level entrance from the yard; a lift to the upper room. The yard gate takes a chair 92 cm wide: it has been measured.'),
    ('visit.train', 'Nine minutes on foot from Hexwell station, by Elias Fenn''s road.'),
    ('office.alarm_code', 'set by E. M. on the back door: 7183'),
    ('office.backup_disk', 'in the tea caddy');

insert into public.friends (name, email, paid_until) values
    ('Edith Marsh', 'edith.marsh@post.example', '2026-12-31'),
    ('Walter Pennifold', 'pennifold@post.example', '2025-12-31'),
    ('Ifeoma Okafor', 'i.okafor@post.example', '2026-12-31');

-- ── What may be read from outside ───────────────────────────────────────────────────────────────────────
-- Made in 2019 for the county's search portal, which logs in as webreader.

create view web.objects as
select "AccYear" as acc_year, "AccNo" as acc_no, "Title" as title, "Type" as type_code, "MakerID" as maker_id,
    "DateText" as made, "Materials" as materials, "HeightMM" as height_mm, "WidthMM" as width_mm,
    "WeightG" as weight_g, "Condition" as condition, "Description" as description, "WebText2004" as old_text,
    "Photo" as photo, "Acquired" as acquired, "LastEdited" as last_edited
from catalogue."Objects"
where "Status" = 'P';

create view web.visit as
select replace(key, 'visit.', '') as key, value from public.settings where key like 'visit.%';

do $$
begin
    if not exists (select from pg_roles where rolname = 'webreader') then
        create role webreader login;
    end if;
end
$$;

grant usage on schema catalogue, web to webreader;
grant select on web.objects, web.visit to webreader;
grant select on catalogue.types, catalogue."Makers", catalogue.subjects, catalogue.object_subjects to webreader;
grant select on public.exhibitions, public.exhibition_objects, public.events to webreader;
