//! Direct, session pooler, transaction pooler: the same site on each.

use super::{Way, done, hosted, on, sample, says};

const WAYS: [Way; 3] = [Way::Direct, Way::Session, Way::Transaction];

#[tokio::test(flavor = "multi_thread")]
async fn every_way_gives_the_same_site() {
    let (first, database) = sample().await;
    first.build();
    for way in WAYS {
        // Twice: what a pooled connection was left with must not matter.
        for _ in 0..2 {
            let site = on(way, &database);
            site.build();
            assert!(site.dist() == first.dist(), "{way:?} differs");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_builds_share_a_transaction_pooler() {
    let (first, database) = sample().await;
    first.build();
    let builds: Vec<_> = (0..6)
        .map(|_| {
            let site = on(Way::Transaction, &database);
            std::thread::spawn(move || {
                site.build();
                site.dist()
            })
        })
        .collect();
    for build in builds {
        assert!(build.join().unwrap() == first.dist());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_pooler_takes_migrations_and_a_transaction_pooler_refuses_them() {
    let database = hosted::database().await;
    let pooled = on(Way::Transaction, &database);
    for arguments in [&["db", "migrate"][..], &["db", "rollback", "--yes"]] {
        let words = ["is a transaction pooler", "session pooler", "DATABASE_URL"];
        says(&pooled.run(arguments), 3, &words);
    }
    let session = on(Way::Session, &database);
    assert!(done(&session.run(&["db", "migrate"])).contains("Applied"));
    assert!(done(&session.run(&["db", "status"])).contains("applied"));
    assert!(done(&pooled.run(&["db", "status"])).contains("applied"));
    assert!(done(&session.run(&["db", "rollback", "--steps", "9", "--yes"])).contains("Undid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_seeded_through_every_way() {
    for way in WAYS {
        let database = hosted::database().await;
        done(&on(Way::Direct, &database).run(&["db", "migrate"]));
        let site = on(way, &database);
        for said in
            ["projects: 6 inserted", "projects: 0 inserted, 0 updated, 0 deleted, 6 unchanged"]
        {
            let run = site.run(&["db", "seed"]);
            assert!(done(&run).contains(said), "{way:?}: {}", run.stdout);
        }
    }
}

/// Roles, settings and savepoints of a check stay within its transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_goes_every_way_and_leaves_nothing_behind() {
    let (first, database) = sample().await;
    for way in WAYS {
        for _ in 0..2 {
            let run = on(way, &database).run(&["db", "check", "--strict"]);
            assert!(done(&run).ends_with("\n0 errors, 0 warnings\n"), "{way:?}: {}", run.stdout);
        }
        on(way, &database).build();
    }
    first.build();
}
