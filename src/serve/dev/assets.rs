//! Assets that changed: a bad one keeps no other back.

use super::attendant::Attendant;
use crate::error::Result;
use crate::pipeline::live::Swaps;
use crate::serve::faults::Doing;

impl Attendant<'_> {
    /// Those that are well are taken, and the others are kept until something changes.
    pub(super) async fn assets(&mut self, statics: Vec<String>, pictures: Vec<String>) -> Swaps {
        let mut swaps = Swaps::default();
        let mut left = Left { statics, pictures };
        let ended = loop {
            let (count, mut failed) = (left.len(), Left::default());
            let ended = self.assets_of(left, &mut failed, &mut swaps).await;
            left = failed;
            // One may have waited for another that was looked at after it.
            if ended.is_ok() || left.len() == count {
                break ended;
            }
        };
        self.unsettled.statics.extend(left.statics);
        self.unsettled.content.extend(left.pictures);
        self.note(Doing::Assets, ended);
        swaps
    }

    /// All of them at once, or else one half after the other.
    async fn assets_of(&mut self, of: Left, failed: &mut Left, swaps: &mut Swaps) -> Result<()> {
        let (mut ended, mut parts) = (Ok(()), vec![of]);
        while let Some(part) = parts.pop() {
            let changed =
                self.with_live(|live| live.assets_changed(&part.statics, &part.pictures)).await;
            match changed {
                Ok(taken) => swaps.take(taken),
                Err(_) if part.len() > 1 => {
                    let (first, second) = part.halves();
                    parts.extend([second, first]);
                }
                Err(error) => {
                    failed.statics.extend(part.statics);
                    failed.pictures.extend(part.pictures);
                    ended = ended.and(Err(error));
                }
            }
        }
        ended
    }
}

/// Assets still to be taken.
#[derive(Default)]
struct Left {
    statics: Vec<String>,
    pictures: Vec<String>,
}

impl Left {
    fn len(&self) -> usize {
        self.statics.len() + self.pictures.len()
    }

    fn halves(self) -> (Self, Self) {
        let Self { mut statics, mut pictures } = self;
        if statics.is_empty() || pictures.is_empty() {
            let halves = (statics.len() / 2, pictures.len() / 2);
            let second = Self {
                statics: statics.split_off(halves.0),
                pictures: pictures.split_off(halves.1),
            };
            return (Self { statics, pictures }, second);
        }
        (Self { statics, ..Self::default() }, Self { pictures, ..Self::default() })
    }
}
