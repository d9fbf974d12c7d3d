//! What is private leaves for no provider that is not, whatever happens.

use frieze::enrich::embedding::Purpose;
use frieze::enrich::router::{Need, Question};

use crate::models::{Models, Reply};
use crate::{Still, kinds, provider, question, seconds, soon};

const EMBEDDING: &str = "embedding_model = \"e\"";

fn private() -> Question {
    Question { need: Need { private: true, ..Need::default() }, ..question() }
}

/// Providers of every kind that are well and not private, around a private one.
struct House {
    others: Vec<Models>,
    private: Models,
    still: Still,
}

impl House {
    fn start() -> Self {
        let (others, own): (Vec<_>, _) =
            ((0..4).map(|_| Models::start()).collect(), Models::start());
        let not = format!("private = false\n{EMBEDDING}");
        let providers = provider("groq", "groq", &others[0].openai_url(), EMBEDDING)
            + &provider("hf", "hugging_face", &others[1].url(), EMBEDDING)
            + &provider("own", "llama", &own.url(), EMBEDDING)
            + &provider("open", "openai", &others[2].openai_url(), EMBEDDING)
            + &provider("shared", "llama", &others[3].url(), &not);
        Self { others, private: own, still: Still::new(&providers) }
    }

    fn nothing_left(&self) {
        for (number, other) in self.others.iter().enumerate() {
            assert!(other.requests().is_empty(), "something private left for number {number}");
        }
    }
}

#[tokio::test]
async fn whatever_the_private_one_does_nothing_leaves() {
    let faults = [
        Reply::status(500),
        Reply::status(429),
        Reply::status(401),
        Reply::no_such_model(),
        Reply::truncated(),
        Reply::hang_up(),
        Reply::huge(5 << 20),
        Reply::text("no JSON"),
        Reply::body(200, "no JSON"),
    ];
    for fault in faults {
        let house = House::start();
        // Where it sends to is one that is well.
        house.private.always(fault.header("Location", &house.others[0].openai_url()));
        for _ in 0..4 {
            let refused = house.still.router.chat(&private(), soon()).await.unwrap_err();
            assert!(
                refused.calls.iter().all(|call| call.provider == "own" || call.provider == "none")
            );
            house.nothing_left();
            house.still.pass(100);
        }
        let redirect = Reply::body(307, "").header("Location", &house.others[0].openai_url());
        house.private.always(redirect);
        let _ = house.still.router.chat(&private(), soon()).await;
        house.nothing_left();
    }
}

#[tokio::test]
async fn with_the_private_one_down_the_task_waits() {
    let house = House::start();
    house.private.always(Reply::status(503).header("retry-after", "60"));
    let refused = house.still.router.chat(&private(), soon()).await.unwrap_err();
    assert_eq!(seconds(refused.kind), 60, "it stays pending");
    assert_eq!(kinds(&refused.calls), [("own", "server")]);
    assert!(refused.message.contains("groq is not private"), "{}", refused.message);
    house.nothing_left();
    // The others are well, as what is not private finds.
    assert_eq!(house.still.answer().await.provider, "groq");
}

#[tokio::test]
async fn without_a_private_one_it_waits_too() {
    let groq = Models::start();
    let still = Still::new(&provider("groq", "groq", &groq.openai_url(), EMBEDDING));
    let refused = still.router.chat(&private(), soon()).await.unwrap_err();
    assert_eq!(seconds(refused.kind), 900);
    assert_eq!(refused.message, "no private provider can be asked: groq is not private");
    assert_eq!(kinds(&refused.calls), [("none", "nobody")]);
    assert!(groq.requests().is_empty());
}

#[tokio::test]
async fn private_texts_are_embedded_at_home_or_not_at_all() {
    let house = House::start();
    let texts = ["a secret".to_owned()];
    let router = &house.still.router;
    let made = router.embed(&texts, Purpose::Document, &private().need, soon()).await.unwrap();
    assert_eq!(made.provider, "own");
    house.private.always(Reply::status(500));
    let refused =
        router.embed(&texts, Purpose::Document, &private().need, soon()).await.unwrap_err();
    assert_eq!(seconds(refused.kind), 5);
    house.nothing_left();
}

#[tokio::test]
async fn naming_a_provider_does_not_make_it_private() {
    let house = House::start();
    let mut question = private();
    question.need.provider = Some("groq".to_owned());
    let refused = house.still.router.chat(&question, soon()).await.unwrap_err();
    assert!(refused.message.contains("groq is not private"), "{}", refused.message);
    house.nothing_left();
    assert!(house.private.requests().is_empty());
}
