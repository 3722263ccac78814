//! The texts of a received event, as the host gets them.

use bytes::{BufMut, BytesMut};

use crate::events::{Blocks, Texts};
use crate::protocol::json::{self, Elements};

/// Lays the texts of an event out, each with a NUL behind it. `payload` is the array with the event's name in front.
/// `blocks`: whose memory it may share.
pub fn lay_out(
    event: &str,
    payload: &str,
    elements: &Elements<'_>,
    offset_is_last: bool,
    blocks: Option<&mut Blocks>,
) -> Texts {
    let unescaped;
    let payload = payload.trim_end();
    let count = elements.count - 1;
    let place = |slice: &str| slice.as_ptr() as usize - payload.as_ptr() as usize;
    let arguments_text = elements.second.map_or("]", |second| &payload[place(second)..]);
    let message = match (count - usize::from(offset_is_last), elements.second) {
        (0, _) | (_, None) => Some(Piece::plain("")),
        (1, _) if elements.plain.is_some() => elements.plain.map(Piece::plain),
        (1, Some(only)) if only.starts_with('"') => {
            unescaped = json::unescape(only);
            Some(Piece::plain(&unescaped))
        }
        (1, Some(only)) => Some(Piece::plain(only)),
        (_, Some(second)) if offset_is_last => {
            let end = elements.last.map_or(payload.len(), place);
            let text = payload[place(second)..end].trim_end().trim_end_matches(',').trim_end();
            Some(Piece { opens: true, text, closes: true })
        }
        // It is the same as the arguments.
        _ => None,
    };
    let arguments = Piece { opens: true, text: arguments_text, closes: false };
    let pieces = [Some(arguments), message, Some(Piece::plain(event))];
    let mut places = [(0, 0); 3];
    let mut end = 0;
    for (place, piece) in places.iter_mut().zip(&pieces) {
        if let Some(Piece { opens, text, closes }) = piece {
            let length = usize::from(*opens) + text.len() + usize::from(*closes);
            *place = (end as u32, (end + length) as u32);
            end += length + 1;
        }
    }
    let write = |block: &mut BytesMut| {
        for Piece { opens, text, closes } in pieces.iter().flatten() {
            if *opens {
                block.put_u8(b'[');
            }
            block.put_slice(text.as_bytes());
            if *closes {
                block.put_u8(b']');
            }
            block.put_u8(0);
        }
    };
    let block = match blocks {
        Some(blocks) => blocks.block(end, write),
        None => Blocks::own(end, write),
    };
    let [arguments, message_place, name] = places;
    let message = if message.is_some() { message_place } else { arguments };
    Texts { block, name, message, arguments }
}

/// Text of the block, perhaps between brackets.
#[derive(Clone, Copy)]
struct Piece<'a> {
    opens: bool,
    text: &'a str,
    closes: bool,
}

impl<'a> Piece<'a> {
    fn plain(text: &'a str) -> Piece<'a> {
        Piece { opens: false, text, closes: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(payload: &str, offset_is_last: bool) -> (String, String, String) {
        let elements = json::elements(payload).unwrap();
        let texts = lay_out("e", payload, &elements, offset_is_last, None);
        let text = |(start, end): (u32, u32)| {
            assert_eq!(texts.block[end as usize], 0);
            String::from_utf8(texts.block[start as usize..end as usize].to_vec()).unwrap()
        };
        (text(texts.name), text(texts.message), text(texts.arguments))
    }

    #[test]
    fn the_message_follows_its_arguments() {
        for (payload, message, arguments) in [
            (r#"["e"]"#, "", "[]"),
            (r#"["e","hi"]"#, "hi", r#"["hi"]"#),
            (r#"["e","a\"b\n"]"#, "a\"b\n", r#"["a\"b\n"]"#),
            (r#"["e",9007199254740993]"#, "9007199254740993", "[9007199254740993]"),
            (r#"["e", {"x": 1.0} ]"#, r#"{"x": 1.0}"#, r#"[{"x": 1.0} ]"#),
            (r#"["e","a", 2]"#, r#"["a", 2]"#, r#"["a", 2]"#),
            (r#"["e",null]"#, "null", "[null]"),
            (r#"["e",""]"#, "", r#"[""]"#),
        ] {
            assert_eq!(laid_out(payload, false), ("e".into(), message.into(), arguments.into()), "{payload}");
        }
    }

    #[test]
    fn the_offset_of_recovery_is_not_part_of_the_message() {
        assert_eq!(laid_out(r#"["e","hi","O"]"#, true).1, "hi");
        assert_eq!(laid_out(r#"["e","O"]"#, true).1, "");
        assert_eq!(laid_out(r#"["e",1, "b" , "O"]"#, true).1, r#"[1, "b"]"#);
        assert_eq!(laid_out(r#"["e",1,"O"]"#, true).2, r#"[1,"O"]"#);
    }
}
