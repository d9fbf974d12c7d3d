//! What an entry's file holds: the payload and, behind it, the checksum that tells a whole file
//! from a torn one.

use super::Key;

const CHECKSUM: usize = blake3::OUT_LEN;

/// Keyed with the entry's own key, so that another entry under this one's name is damage too.
pub fn checksum(key: &Key, payload: &[u8]) -> [u8; CHECKSUM] {
    *blake3::keyed_hash(key, payload).as_bytes()
}

pub fn is_whole(key: &Key, file: &[u8]) -> bool {
    file.split_last_chunk().is_some_and(|(payload, sum)| checksum(key, payload) == *sum)
}

/// The payload of a file that is whole.
pub fn open(key: &Key, mut file: Vec<u8>) -> Option<Vec<u8>> {
    if !is_whole(key, &file) {
        return None;
    }
    file.truncate(file.len() - CHECKSUM);
    Some(file)
}

/// How long the payload is in a file of this length, if it is whole.
pub fn payload_len(file: u64) -> Option<u64> {
    file.checked_sub(CHECKSUM as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [7; 32];

    fn file(payload: &[u8]) -> Vec<u8> {
        [payload, &checksum(&KEY, payload)].concat()
    }

    #[test]
    fn any_bit_that_differs_is_damage() {
        let whole = file(b"payload");
        assert_eq!(open(&KEY, whole.clone()).unwrap(), b"payload");
        for bit in 0..whole.len() * 8 {
            let mut torn = whole.clone();
            torn[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_whole(&KEY, &torn), "bit {bit}");
        }
    }

    #[test]
    fn any_other_length_is_damage() {
        let whole = file(b"payload");
        for len in 0..whole.len() {
            assert!(open(&KEY, whole[..len].to_vec()).is_none(), "{len} bytes");
        }
        assert!(!is_whole(&KEY, &[&*whole, b"!"].concat()));
        assert!(!is_whole(&KEY, &[0; CHECKSUM]), "zeros are what a power loss leaves");
    }

    #[test]
    fn an_entry_under_the_name_of_another_is_damage() {
        assert!(!is_whole(&[8; 32], &file(b"payload")));
    }
}
