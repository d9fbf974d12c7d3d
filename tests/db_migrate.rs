//! Migrations on the embedded Postgres.

use std::path::Path;

use frieze::config::{Config, Overrides};
use frieze::db::{Database, migrate};

fn config(dir: &Path) -> Config {
    let site = "[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n";
    std::fs::write(dir.join("frieze.toml"), site).unwrap();
    Config::load(dir, &Overrides::default(), &|_| None).expect("a valid configuration")
}

#[tokio::test(flavor = "multi_thread")]
async fn up_and_back_and_up_again() {
    let temp = tempfile::tempdir().unwrap();
    let config = config(temp.path());
    let t = std::time::Instant::now();
    let database = Database::open(&config.database).await.unwrap();
    println!("open {:?}", t.elapsed());
    let migrations = migrate::Migrations::collect(&config).unwrap();
    let mut connection = database.connect_to_migrate().await.unwrap();
    println!("connected {:?}", t.elapsed());
    let first = migrate::up(&mut connection, &migrations).await.unwrap();
    println!("{first:?} {:?}", t.elapsed());
    let second = migrate::up(&mut connection, &migrations).await.unwrap();
    println!("{second:?} {:?}", t.elapsed());
    let down = migrate::rollback(&mut connection, &migrations, 100).await.unwrap();
    println!("{down:?} {:?}", t.elapsed());
    println!("{:?}", migrate::status(&mut connection, &migrations).await.unwrap());
    migrate::up(&mut connection, &migrations).await.unwrap();
    println!("{:?}", t.elapsed());
    frieze::db::hang_up(connection).await;
    let c = database.connect().await.unwrap();
    println!("second connection {:?}", t.elapsed());
    frieze::db::hang_up(c).await;
    println!("hung up {:?}", t.elapsed());
    database.close().await.unwrap();
    println!("closed {:?}", t.elapsed());
}
