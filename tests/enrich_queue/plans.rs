//! A claim costs the same among a thousand rows as among very many.

use std::collections::BTreeSet;

use frieze::enrich::queue::{CLAIM, CLAIM_TYPE};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::kit::Kit;

/// Most of them done; of those that wait, most of the urgent ones not due yet, and all at one time.
async fn fill(kit: &mut Kit, rows: u32) {
    kit.sql(&format!(
        "truncate task_queue cascade;
         insert into task_queue (task_type, target, priority, status, scheduled_at, payload)
         select 'stub', 't' || n, case when n % 2 = 0 then 10 else 1 + n % 10 end,
            case when n % 10 < 4 then 'pending' when n % 10 = 4 then 'failed' else 'completed' end,
            case when n % 2 = 0 then now() + interval '1 day' else now() - interval '1 day' end,
            jsonb_build_object('n', n)
         from generate_series(1, {rows}) as n;
         analyze task_queue"
    ))
    .await;
}

struct Plan {
    /// `Index Scan on task_queue using …`, and the like.
    nodes: BTreeSet<String>,
    pages: u64,
    milliseconds: f64,
    /// For people.
    text: String,
}

/// The plan as it was carried out, and undone.
async fn plan(kit: &mut Kit, sql: &str, count: i64) -> Plan {
    use sqlx::Connection as _;
    let mut transaction = kit.connection.begin().await.unwrap();
    let explain = AssertSqlSafe(format!("explain (analyze, buffers, format json) {sql}"));
    let mut query = sqlx::query(explain).bind(count).bind("w").bind(60.0_f64).bind(Uuid::new_v4());
    if sql == CLAIM_TYPE {
        query = query.bind("stub");
    }
    let plan: Value = query.persistent(false).fetch_one(&mut *transaction).await.unwrap().get(0);
    transaction.rollback().await.unwrap();
    let root = &plan[0]["Plan"];
    let mut nodes = BTreeSet::new();
    walk(root, &mut nodes);
    let pages = ["Shared Hit Blocks", "Shared Read Blocks"].map(|key| root[key].as_u64().unwrap());
    let milliseconds = plan[0]["Execution Time"].as_f64().unwrap();
    let mut text = String::new();
    tell(root, 0, &mut text);
    Plan { nodes, pages: pages.iter().sum(), milliseconds, text }
}

/// A line for each node: what it is, how many rows it gave, how often it ran, what it read.
fn tell(node: &Value, depth: usize, text: &mut String) {
    use std::fmt::Write as _;
    let part = |key: &str| node[key].as_str().map_or_else(String::new, |it| format!(" {it}"));
    let number = |key: &str| node[key].as_f64().unwrap_or_default();
    let (hit, read) = (number("Shared Hit Blocks"), number("Shared Read Blocks"));
    let _ = writeln!(
        text,
        "{:indent$}{}{}{}: {} rows, {} times, {} pages",
        "",
        node["Node Type"].as_str().unwrap_or_default(),
        part("Relation Name"),
        part("Index Name"),
        number("Actual Rows"),
        number("Actual Loops"),
        hit + read,
        indent = depth * 2,
    );
    for child in node["Plans"].as_array().into_iter().flatten() {
        tell(child, depth + 1, text);
    }
}

fn walk(node: &Value, nodes: &mut BTreeSet<String>) {
    let part = |key: &str| node[key].as_str().unwrap_or_default();
    nodes.insert(format!("{} {} {}", part("Node Type"), part("Relation Name"), part("Index Name")));
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, nodes);
    }
}

async fn flat(sizes: &[u32]) {
    let mut kit = Kit::new().await;
    for (sql, index) in [
        (CLAIM, "Index Scan task_queue task_queue_claim_idx"),
        (CLAIM_TYPE, "Index Scan task_queue task_queue_claim_type_idx"),
    ] {
        let mut plans = Vec::new();
        for &rows in sizes {
            fill(&mut kit, rows).await;
            plans.push(plan(&mut kit, sql, 4).await);
        }
        let first = &plans[0];
        for (plan, rows) in plans.iter().zip(sizes) {
            let text = &plan.text;
            say!("{rows} rows: {:.2} ms, {} pages\n{text}", plan.milliseconds, plan.pages);
            assert!(plan.nodes.contains(index), "{rows} rows:\n{text}");
            assert!(plan.nodes.contains("Tid Scan task_queue "), "{rows} rows:\n{text}");
            let slow = |node: &&String| {
                node.contains("Sort") || node.starts_with("Seq Scan") || node.starts_with("Bitmap")
            };
            assert_eq!(plan.nodes.iter().find(slow), None, "{rows} rows:\n{text}");
            assert_eq!(plan.nodes, first.nodes, "{rows} rows:\n{text}\nafter\n{}", first.text);
            // An index of a few levels more, and nothing else.
            assert!(
                plan.pages < first.pages + 60,
                "{rows} rows: {} pages after {}\n{text}",
                plan.pages,
                first.pages
            );
        }
    }
}

#[tokio::test]
async fn a_claim_is_flat() {
    flat(&[1_000, 200_000]).await;
}

#[tokio::test]
#[ignore = "a minute: run it when the claim changes"]
async fn a_claim_is_flat_to_a_million() {
    flat(&[1_000, 100_000, 1_000_000]).await;
}
