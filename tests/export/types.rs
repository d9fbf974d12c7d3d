//! Every type of Postgres, with the values that are hard to write down.

use pretty_assertions::assert_eq;

use crate::support::{Place, nothing_done, nothing_written};

const TABLE: &str = r#"
create type mood as enum ('calm', 'keen', 'odd, "mood"');
create type pair as (a int, b text);
create function in_words(pair) returns json language sql immutable return to_json(($1).b);
create cast (pair as json) with function in_words(pair);
create domain short as text check (length(value) < 40);
create table zoo (
    id uuid primary key default gen_random_uuid(),
    at timestamptz not null default now(),
    name text,
    v jsonb
);
create table shelf (
    code text primary key, n numeric, n2 numeric(10, 3), f8 float8, f4 float4, i8 int8, b bool default true,
    t text default 'given', vc varchar(20), ch char(5), d date, ts timestamp, tz timestamptz, ti time, tt timetz,
    iv interval, js json, jb jsonb default '{"a": 1}', ba bytea, en mood, un uuid, ta text[] default '{x,y}',
    na numeric[], ja jsonb[], da date[], ea mood[], co pair, ca pair[], sh short, ip inet, ci cidr, ma macaddr,
    bi bit varying, mo money, ra int4range, mr int4multirange, po point, ts2 tsvector,
    "Odd ""name" text, doubled int8 generated always as (i8 / 2) stored, "order" int
);
"#;

/// One value of one column each; the key is made from the place.
const VALUES: &str = r#"
n: 'NaN' | 'Infinity' | '-Infinity' | 12.50 | 1e30 | 0.000000000000000000000000000001 | 123456789012345678901234567890.12345 | -0.0
n2: 1.5 | 1234567.891
f8: 'NaN' | 'Infinity' | '-0' | 1e308 | 5e-324 | 0.1 | 1e16 | 123456789.125
f4: 0.1 | 'NaN' | 16777216 | 3.4028235e38
i8: 9223372036854775807 | -9223372036854775808 | 0
b: null | false
t: null | '' | ' ' | E'\n' | E'a\r\nb\rc' | E'  lead and trail  \n\n' | E'+++\n---\n+++' | E'"""' | E'a"""b\n""""' | E'\\u0041\\' | E'\x01\x1f\x7f' | 'é👍' | '$json' | E'\ta' | E'#x\n"' | E'two\n"' | E'end\\\nof'
vc: '12' | 'true' | 'null' | '2024-01-01'
ch: 'ab' | ''
d: 'infinity' | '-infinity' | '0044-03-15 BC' | '12024-02-29' | '2024-02-29'
ts: '2024-05-06 07:08:09.123456' | 'infinity' | '0001-01-01 00:00:00 BC' | '294276-12-31 23:59:59'
tz: '2024-05-06 07:08:09.1+02' | '-infinity' | '0001-01-01 00:00:00+00 BC' | '2024-01-01'
ti: '24:00:00' | '00:00:00.000001'
tt: '07:08:09+05:30' | '23:59:59.999999-15:59'
iv: '1 year 2 mons -3 days +04:05:06.789' | '-1 mon' | '-00:00:01' | '0' | '178000000 years'
js: '{"b":1,  "a":[ ] , "b":2}' | 'null' | '"x"' | '1.50' | ' {"$json": "x"}' | '[1,null]' | '12345678901234567890123'
jb: null | 'null' | '1.50' | '"text"' | '[]' | '{}' | 'false' | '{"bb":1,"a":{"c":null}}' | '{"$json":"x"}' | '{"$null":true}' | '{"$json":1}' | '[1e400, 0.10]' | '18446744073709551615' | '{"": "", "a.b": "c d", "é": [[[]]], "\n": "\r\n"}'
ba: '\x' | '\x00ff0a'
en: 'calm' | 'odd, "mood"'
un: '6F1C2A3E-8C1D-4B6A-9A57-0D2F4C9B1E77'
ta: null | '{}' | '{NULL,"NULL",""," a","b,c","{d}"}' | '{{a,b},{c,d}}' | '[0:1]={a,b}' | '{"\"","\\"}'
na: '{1.50,NaN,NULL}' | '{12345678901234567890.5}'
ja: array['null'::jsonb, null, '{"a": [1.0]}'] | array['{"$json": "x"}'::jsonb]
da: '{infinity,2024-01-01}'
ea: '{calm,"odd, \"mood\""}'
co: '(1,x)' | '(,)' | '(2,"a ""b"", c")'
ca: array[row(1, null)::pair, null]
sh: 'short' | E'a\nb'
ip: '10.0.0.1/8' | '::1'
ci: '10.0.0.0/8'
ma: '08:00:2b:01:02:03'
bi: '' | '0101'
mo: '12.34' | '-1000000.01'
ra: 'empty' | '[1,5)' | '(,)'
mr: '{[1,2),[5,8)}'
po: '(1.1,-0)'
ts2: '''a'':1A b:2'
"Odd ""name": 'x'
"order": 3
"#;

async fn filled() -> (Place, usize) {
    let mut place = Place::small("[collections.shelf]\ntable = \"shelf\"\n").await;
    place.run(TABLE).await;
    let mut count = 0;
    for line in VALUES.lines().filter(|line| !line.is_empty()) {
        let (column, values) = line.split_once(": ").unwrap();
        for value in values.split(" | ") {
            count += 1;
            place
                .run(&format!("insert into shelf (code, {column}) values ('k{count:03}', {value})"))
                .await;
        }
    }
    (place, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_survives_a_restore() {
    let (mut place, count) = filled().await;
    let rows = place.rows(&["shelf"]).await;
    let report = place.export().await;
    assert_eq!((report.tables["shelf"], report.written), (count, vec!["shelf.toml".to_owned()]));
    nothing_written(&place.export().await);
    nothing_done(&place.push().await);
    let mut restored = place.restored().await;
    restored.run(TABLE).await;
    restored.push().await;
    assert_eq!(restored.rows(&["shelf"]).await, rows);
    nothing_written(&restored.export().await);
}

/// The same rows in a file of JSON, and each in a file of its own.
#[tokio::test(flavor = "multi_thread")]
async fn every_value_survives_in_every_format() {
    let (mut place, count) = filled().await;
    let rows = place.rows(&["shelf"]).await;
    let keys: Vec<String> = (1..=count).map(|n| format!("k{n:03}")).collect();
    let list: Vec<_> = keys.iter().map(|key| serde_json::json!({"code": key})).collect();
    let content = |name: &str| format!("content/{name}");
    for format in ["list", "json", "toml", "md"] {
        let _ = std::fs::remove_dir_all(place.site.root.join("content"));
        match format {
            "list" => place.site.write("content/shelf.json", serde_json::to_string(&list).unwrap()),
            _ => {
                for key in &keys {
                    let (name, text) = match format {
                        "json" => (format!("shelf/{key}.json"), format!("{{\"code\": \"{key}\"}}")),
                        "toml" => {
                            (format!("shelf/{key}.toml"), format!("code = \"{key}\" # its key\n"))
                        }
                        _ => (format!("shelf/{key}.md"), format!("+++\ncode = \"{key}\"\n+++\n")),
                    };
                    place.site.write(&content(&name), text);
                }
            }
        }
        if format == "md" {
            let config = std::fs::read_to_string(place.site.root.join("frieze.toml")).unwrap();
            place.site.write("frieze.toml", format!("{config}markdown = [\"t\"]\n"));
        }
        let report = place.export().await;
        assert!(report.written.is_empty() && report.removed.is_empty(), "{format}: {report:?}");
        nothing_written(&place.export().await);
        let mut restored = place.restored().await;
        restored.run(TABLE).await;
        restored.push().await;
        assert_eq!(restored.rows(&["shelf"]).await, rows, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_may_have_a_default_of_its_own() {
    let mut place = Place::small("[collections.doors]\n").await;
    let table = "create domain colour as text default 'red'; create domain moment as timestamptz default now();
        create table doors (no int primary key, a colour, b colour default 'blue', c moment)";
    place.run(table).await;
    place.run("insert into doors values (1, null, null, null), (2, 'red', 'red', '2024-01-01'), (3, 'blue', 'blue', null)").await;
    place.export().await;
    let text = place.file("doors.toml");
    assert!(text.contains("no = 2\nb = \"red\"\nc = "), "{text}");
    assert!(text.contains("no = 3\na = \"blue\"\nc = "), "{text}");
    let rows = place.rows(&["doors"]).await;
    let mut restored = place.restored().await;
    restored.run(table).await;
    restored.push().await;
    assert_eq!(restored.rows(&["doors"]).await, rows);
    nothing_written(&restored.export().await);
}
