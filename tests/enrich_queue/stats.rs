//! What the log of calls sums up to, on rows whose sums are known.

use std::time::Duration;

use chrono::{TimeZone as _, Utc};
use frieze::enrich::queue::{Overview, Since, stats};
use serde_json::{Value, json};

use crate::kit::Kit;

async fn overview(kit: &mut Kit, since: Since) -> Overview {
    stats(&mut kit.connection, since).await.unwrap()
}

fn line(stats: &impl serde::Serialize) -> Value {
    let stats = serde_json::to_value(stats).unwrap();
    let names = ["calls", "cached", "failures", "tokens_in", "tokens_out", "cost"];
    let times = ["p50_ms", "p95_ms", "p99_ms"];
    // Postgres interpolates in floating point.
    let round = |value: &Value| match value.as_f64().filter(|_| value.is_f64()) {
        Some(number) => json!((number * 1000.0).round() / 1000.0),
        None => value.clone(),
    };
    names.iter().chain(&times).map(|name| round(&stats[name])).collect()
}

const ROWS: &str = "
    insert into agent_run_logs (session_id, provider, model, task_type, tokens_in, tokens_out, latency_ms, cost)
    select gen_random_uuid(), 'groq', 'm', 'seo_meta', 10, 2, n, 0.01 from generate_series(1, 100) as n;
    -- What the cache answered, and what nobody was asked, took no time.
    insert into agent_run_logs (session_id, provider, model, task_type, latency_ms, is_cached, error, tokens_in, cost)
    values (gen_random_uuid(), 'groq', 'm', 'seo_meta', 0, true, null, null, null),
        (gen_random_uuid(), 'groq', 'm', 'alt_text', 1000, false, '{\"kind\": \"timeout\"}', 5, null),
        (gen_random_uuid(), 'near', 'm', 'alt_text', 3000, false, null, 7, null),
        (gen_random_uuid(), 'near', 'm', null, 5000, false, null, null, null),
        (gen_random_uuid(), 'none', '', 'alt_text', 0, false, '{\"kind\": \"nobody\"}', null, null);
    update agent_run_logs set created_at = '2026-01-01T00:00:00Z'";

#[tokio::test]
async fn calls_are_summed_by_provider_and_by_type() {
    let mut kit = Kit::new().await;
    kit.sql(ROWS).await;
    let begin = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    let all = overview(&mut kit, Since::At(begin)).await;
    assert_eq!(all.since, begin);
    // 103 calls were made: 1 to 100 ms, 1, 3 and 5 s.
    let total = json!([105, 1, 2, 1012, 200, 1.0, 52.0, 97.9, 2960.0]);
    assert_eq!(line(&all.total), total);
    let by = |list: &[frieze::enrich::queue::Stats]| -> Vec<Value> {
        list.iter().map(|one| json!([one.provider, one.task_type, line(one)])).collect()
    };
    let seo = json!([101, 1, 0, 1000, 200, 1.0, 50.5, 95.05, 99.01]);
    let one = |calls: i32, failed: i32, tokens: i32, ms: f64| {
        json!([calls, 0, failed, tokens, 0, null, ms, ms, ms])
    };
    let nobody = json!([1, 0, 1, 0, 0, null, null, null, null]);
    assert_eq!(
        by(&all.by),
        [
            json!(["groq", "alt_text", one(1, 1, 5, 1000.0)]),
            json!(["groq", "seo_meta", seo]),
            json!(["near", "", one(1, 0, 0, 5000.0)]),
            json!(["near", "alt_text", one(1, 0, 7, 3000.0)]),
            json!(["none", "alt_text", nobody]),
        ]
    );
    let near = json!([2, 0, 0, 7, 0, null, 4000.0, 4900.0, 4980.0]);
    let groq = json!([102, 1, 1, 1005, 200, 1.0, 51.0, 96.0, 100.0]);
    assert_eq!(
        by(&all.by_provider),
        [json!(["groq", null, groq]), json!(["near", null, near]), json!(["none", null, nobody])]
    );
    let alt = json!([3, 0, 2, 12, 0, null, 2000.0, 2900.0, 2980.0]);
    assert_eq!(
        by(&all.by_task_type),
        [
            json!([null, "", one(1, 0, 0, 5000.0)]),
            json!([null, "alt_text", alt]),
            json!([null, "seo_meta", seo]),
        ]
    );
}

#[tokio::test]
async fn only_calls_since_then_count() {
    let mut kit = Kit::new().await;
    let hours = |hours: u64| Since::Back(Duration::from_hours(hours));
    assert_eq!(overview(&mut kit, hours(1)).await.total.calls, 0);
    kit.sql(
        "insert into agent_run_logs (session_id, provider, model, created_at)
         select gen_random_uuid(), 'near', 'm', now() - make_interval(hours => n)
         from unnest(array[1, 11, 13, 25]) as n",
    )
    .await;
    assert_eq!(overview(&mut kit, hours(12)).await.total.calls, 2);
    assert_eq!(overview(&mut kit, hours(26)).await.total.calls, 4);
    let at = Utc::now() - chrono::TimeDelta::hours(14);
    assert_eq!(overview(&mut kit, Since::At(at)).await.total.calls, 3);
}
