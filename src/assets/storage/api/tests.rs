use std::net::TcpListener;

use super::*;

const QUICK: Pace = Pace { delay: Duration::from_millis(1), patience: Duration::from_millis(50) };

fn api(storage: &Url) -> Api {
    let key = Key::of(&|_| Some("s3cr3t".to_owned()), storage).ok().unwrap();
    Api::new(storage, key, QUICK).unwrap()
}

fn object(storage: &Url) -> Object {
    let url = storage.join("/storage/v1/object/public/photos/a.jpg").unwrap();
    Object::of(Some(storage), url.as_str()).unwrap().unwrap()
}

fn report(trouble: Trouble) -> String {
    assert!(trouble.is_passing());
    let report = trouble.into_error().report();
    assert!(!report.contains("s3cr3t"), "{report}");
    report
}

const MANNER: Manner = Manner { media_type: "image/jpeg", cache_control: None };

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    // Connections are made, and nobody takes them up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let storage = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (api, object) = (api(&storage), object(&storage));
    let read = report(api.get(&object, 9).err().unwrap());
    assert!(read.contains("did not answer in time"), "{read}");
    let written = report(api.put(&object, b"new", &MANNER).unwrap_err());
    assert!(written.contains("did not answer in time"), "{written}");
}

#[test]
fn a_server_that_is_not_there_is_said_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let storage = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let report = report(api(&storage).put(&object(&storage), b"new", &MANNER).unwrap_err());
    assert!(report.contains("the connection to the storage failed"), "{report}");
}

#[test]
fn more_bytes_are_given_more_time() {
    let api = api(&Url::parse("http://localhost").unwrap());
    assert_eq!(api.time(0), QUICK.patience);
    assert_eq!(
        api.time(50_000_000),
        QUICK.patience + Duration::from_mins(8) + Duration::from_secs(20)
    );
}
