//! Images in a question: who is sent them, and what is written down of them.

use std::sync::Arc;

use frieze::enrich::Image;
use frieze::enrich::router::{Need, Question, Work, prompt_hash};
use serde_json::json;

use crate::models::Models;
use crate::{Still, kinds, provider, question, soon};

fn picture(bytes: &[u8]) -> Image {
    Image { media_type: "image/png", bytes: Arc::from(bytes) }
}

fn with_picture() -> Question {
    Question { images: vec![picture(b"\x89PNG not really")], ..question() }
}

#[tokio::test]
async fn who_sees_is_sent_the_image_and_who_does_not_is_told_in_words() {
    let (blind, seeing) = (Models::start(), Models::start());
    let providers = provider("blind", "openai", &blind.openai_url(), "requests_per_day = 1")
        + &provider("seeing", "llama", &seeing.url(), "vision = true");
    let still = Still::new(&providers);
    // The order of the list decides, as ever.
    let first = still.router.chat(&with_picture(), soon()).await.unwrap();
    assert_eq!(first.provider, "blind");
    let asked = &blind.requests()[0];
    assert!(asked.images().is_empty());
    assert_eq!(asked.json()["messages"][1]["content"], json!("Describe frieze."));
    assert_eq!(first.calls[0].input.get("images"), None);

    let second = still.router.chat(&with_picture(), soon()).await.unwrap();
    assert_eq!(second.provider, "seeing");
    let asked = &seeing.requests()[0];
    assert_eq!(asked.images(), ["data:image/png;base64,iVBORyBub3QgcmVhbGx5"]);
    let content = &asked.json()["messages"][1]["content"];
    assert_eq!(content[0], json!({"type": "text", "text": "Describe frieze."}));
    assert_eq!(content[1]["type"], "image_url");
    let kept = &second.calls[0].input["images"];
    assert_eq!((&kept[0]["media_type"], &kept[0]["bytes"]), (&json!("image/png"), &json!(15)));
    assert_eq!(kept[0]["sha256"].as_str().unwrap().len(), 64);
    let call = format!("{:?} {:?}", second.calls, with_picture());
    assert!(!call.contains("iVBOR") && !call.contains("not really"), "{call}");

    // Without an image it is asked as it always was.
    still.answer().await;
    assert_eq!(seeing.requests()[1].json()["messages"][1]["content"], json!("Describe frieze."));
}

#[tokio::test]
async fn a_job_may_insist_on_eyes() {
    let models = Models::start();
    let providers = provider("blind", "openai", &models.openai_url(), "")
        + &provider("seeing", "openai", &models.openai_url(), "vision = true");
    let still = Still::new(&providers);
    let need = Need { vision: true, ..Need::default() };
    let asked = Question { need: need.clone(), ..with_picture() };
    let answered = still.router.chat(&asked, soon()).await.unwrap();
    assert_eq!(kinds(&answered.calls), [("seeing", "good")]);
    assert_eq!(answered.calls[0].reason, "second: blind is not marked vision = true");
    let who = still.router.permitted(Work::Chat, &need);
    assert_eq!(who, [("seeing", "seeing-model")]);
}

#[test]
fn another_image_is_another_question() {
    let hash = |images: &[&[u8]]| {
        let images = images.iter().map(|bytes| picture(bytes)).collect();
        prompt_hash("p", "m", &Question { images, ..question() })
    };
    let all = [hash(&[]), hash(&[b"a"]), hash(&[b"b"]), hash(&[b"a", b"b"]), hash(&[b"ab"])];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[index + 1..].contains(one), "{index}");
    }
    assert_eq!(hash(&[b"a"]), hash(&[b"a"]));
}
