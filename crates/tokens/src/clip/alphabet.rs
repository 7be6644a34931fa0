//! The visible alphabet of bytes, in which vocabularies of this family are written.

/// The character that stands for each byte: printable ones for themselves, the others from U+0100 on.
///
/// GPT-2's `bytes_to_unicode`.
pub(crate) const CHAR_OF_BYTE: [char; 256] = char_of_byte();

const fn char_of_byte() -> [char; 256] {
    let mut table = ['\0'; 256];
    let mut moved = 0;
    let mut byte = 0;
    while byte < 256 {
        let is_printable = matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
        let code = if is_printable { byte } else { 0x100 + moved };
        moved += !is_printable as u32;
        // Every code here lies below U+0144, far from the surrogates.
        table[byte as usize] = match char::from_u32(code) {
            Some(c) => c,
            None => char::REPLACEMENT_CHARACTER,
        };
        byte += 1;
    }
    table
}

/// The order in which CLIP numbers the bytes: the printable ones first, then those that were moved.
pub(super) fn bytes_in_vocabulary_order() -> impl Iterator<Item = u8> {
    let is_moved = |byte: &u8| CHAR_OF_BYTE[usize::from(*byte)] != char::from(*byte);
    (0..=255_u8)
        .filter(move |byte| !is_moved(byte))
        .chain((0..=255_u8).filter(is_moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_visible_character() {
        let mut chars = CHAR_OF_BYTE.to_vec();
        chars.sort_unstable();
        chars.dedup();
        assert_eq!(chars.len(), 256);
        assert!(chars.iter().all(|c| !c.is_whitespace() && !c.is_control()));
        assert_eq!(CHAR_OF_BYTE[usize::from(b' ')], 'Ġ');
    }

    #[test]
    fn the_vocabulary_begins_with_the_exclamation_mark() {
        let order: Vec<u8> = bytes_in_vocabulary_order().collect();
        assert_eq!(order[..3], *b"!\"#");
        assert_eq!(order[188], 0, "the first byte that was moved");
        assert_eq!(order.len(), 256);
    }
}
