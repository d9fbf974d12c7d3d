//! Part of a file: players of sound and film ask for the piece they need.

use hyper::StatusCode;

use super::answer::Answer;

/// Which bytes a `Range` header asks for, of a file of this length.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// From the first to before the second.
    Piece(usize, usize),
    /// There are none.
    Beyond,
    /// A form that need not be understood: all of it then.
    Whole,
}

/// The answer as `range` asks for it. Only what was found is cut, and only into one piece.
pub fn cut(answer: Answer, range: Option<&str>) -> Answer {
    if answer.status != StatusCode::OK {
        return answer;
    }
    let answer = answer.with("Accept-Ranges", "bytes");
    let length = answer.body.len();
    match range.map_or(Asked::Whole, |range| asked(range, length)) {
        Asked::Whole => answer,
        Asked::Beyond => Answer::text(StatusCode::RANGE_NOT_SATISFIABLE, "there is no such part")
            .with("Content-Range", format!("bytes */{length}")),
        Asked::Piece(from, to) => {
            let place = format!("bytes {from}-{}/{length}", to - 1);
            let mut answer = answer.with("Content-Range", place);
            answer.body = answer.body.slice(from..to);
            answer.status = StatusCode::PARTIAL_CONTENT;
            answer
        }
    }
}

fn asked(range: &str, length: usize) -> Asked {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|it| it.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What no number holds is beyond the end of every file.
        digits.then(|| text.parse::<usize>().unwrap_or(usize::MAX))
    };
    match (number(first), number(last)) {
        (Some(from), _) if from >= length && (last.is_empty() || number(last).is_some()) => {
            Asked::Beyond
        }
        (Some(from), None) if last.is_empty() => Asked::Piece(from, length),
        (Some(from), Some(to)) if from <= to => {
            Asked::Piece(from, to.saturating_add(1).min(length))
        }
        (None, Some(0)) if first.is_empty() => Asked::Beyond,
        (None, Some(_)) if first.is_empty() && length == 0 => Asked::Beyond,
        (None, Some(last)) if first.is_empty() => Asked::Piece(length.saturating_sub(last), length),
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_as_they_are_asked_for() {
        for (range, expected) in [
            ("bytes=0-", Asked::Piece(0, 10)),
            ("bytes=0-0", Asked::Piece(0, 1)),
            ("bytes=2-5", Asked::Piece(2, 6)),
            ("bytes=8-99999999999999999999999", Asked::Piece(8, 10)),
            ("bytes=-3", Asked::Piece(7, 10)),
            ("bytes=-99", Asked::Piece(0, 10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=99999999999999999999999-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-3", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(asked(range, 10), expected, "{range}");
        }
        for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(asked(range, 0), Asked::Beyond, "{range} of nothing");
        }
    }

    #[test]
    fn an_answer_says_which_part_it_is() {
        let answer = || Answer::new(StatusCode::OK, "video/mp4", "0123456789");
        let part = cut(answer(), Some("bytes=2-4"));
        assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
        assert!(part.headers.contains(&("Content-Range", "bytes 2-4/10".to_owned())));
        let beyond = cut(answer(), Some("bytes=10-"));
        assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert!(beyond.headers.contains(&("Content-Range", "bytes */10".to_owned())));
        assert_eq!(cut(answer(), None).status, StatusCode::OK);
        let missing = Answer::text(StatusCode::NOT_FOUND, "no");
        assert_eq!(cut(missing, Some("bytes=0-1")).status, StatusCode::NOT_FOUND);
    }
}
