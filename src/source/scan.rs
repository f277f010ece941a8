//! Finding one or two byte values in a long slice, eight bytes at a time.
//!
//! What it is: the inner loop of every splitter here. What it is not: aware of what the bytes mean.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The first place of `a` at or after `from`.
pub(crate) fn find1(bytes: &[u8], from: usize, a: u8) -> Option<usize> {
    find2(bytes, from, a, a)
}

/// The first place of `a` or `b` at or after `from`.
pub(crate) fn find2(bytes: &[u8], from: usize, a: u8, b: u8) -> Option<usize> {
    let (wide_a, wide_b) = (LOW * u64::from(a), LOW * u64::from(b));
    let rest = bytes.get(from..)?;
    let (words, tail) = rest.as_chunks::<8>();
    let mut place = from;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // A zero byte in `x` sets its high bit in the result; borrows can only add marks above the first one,
        // and only the first one is used.
        let (x, y) = (word ^ wide_a, word ^ wide_b);
        let marks = ((x.wrapping_sub(LOW) & !x) | (y.wrapping_sub(LOW) & !y)) & HIGH;
        if marks != 0 {
            return Some(place + (marks.trailing_zeros() / 8) as usize);
        }
        place += 8;
    }
    tail.iter().position(|&byte| byte == a || byte == b).map(|n| place + n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(bytes in prop::collection::vec(0_u8..6, 0..64), from in 0_usize..70, a in 0_u8..6, b in 0_u8..6) {
            let plain = bytes.iter().enumerate().skip(from).find(|(_, x)| **x == a || **x == b).map(|(n, _)| n);
            prop_assert_eq!(find2(&bytes, from, a, b), plain);
        }
    }

    #[test]
    fn high_bytes_are_no_false_marks() {
        let bytes = [0x8a_u8, 0x8a, 0xa2, 0xff, 0x80, 0x0b, 0x09, 0x23, 0x21, b'\n'];
        assert_eq!(find2(&bytes, 0, b'\n', b'"'), Some(9));
    }
}
