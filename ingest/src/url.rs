//! What of an address is its identity.

/// Query keys that sign an address for a while and say nothing of what it names.
const SIGNATURE_KEYS: [&str; 6] = ["ex", "is", "hm", "expires", "signature", "token"];

/// The address without the keys of known signatures and without its fragment; everything else is kept as written.
pub(crate) fn identity(address: &str) -> String {
    let address = address.split('#').next().unwrap_or_default();
    let Some((path, query)) = address.split_once('?') else {
        return address.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| {
            let key = pair
                .split('=')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            !SIGNATURE_KEYS.contains(&key.as_str()) && !key.starts_with("x-amz-")
        })
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

/// Whether a text is an address that can be fetched.
pub(crate) fn is_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// When a Discord link expires, in seconds since 1970: its `ex`, in hex.
pub(crate) fn expires_at_s(address: &str) -> Option<i64> {
    let (_, query) = address.split_once('?')?;
    let ex = query.split('&').find_map(|pair| pair.strip_prefix("ex="))?;
    i64::from_str_radix(ex, 16).ok()
}

/// `%41` as `A`; what is no such mark stays.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_no_part_of_an_address() {
        for (address, expected) in [
            ("https://x/a.png?ex=66aa&is=66a8&hm=27&", "https://x/a.png"),
            ("https://x/a.png?v=2&ex=1&w=3", "https://x/a.png?v=2&w=3"),
            (
                "https://x/a.png?X-Amz-Date=1&x-amz-signature=2",
                "https://x/a.png",
            ),
            (
                "https://x/a.png?Expires=1&Signature=b&id=7#top",
                "https://x/a.png?id=7",
            ),
            ("https://x/a.png", "https://x/a.png"),
        ] {
            assert_eq!(identity(address), expected);
        }
    }

    #[test]
    fn a_discord_link_tells_when_it_expires() {
        assert_eq!(
            expires_at_s("https://x/a?ex=66aa4106&is=1"),
            Some(0x66aa_4106)
        );
        assert_eq!(expires_at_s("https://x/a"), None);
    }

    #[test]
    fn percent_marks_are_decoded_and_others_stay() {
        assert_eq!(percent_decoded("a%20b%2.%C3%A9%"), "a b%2.é%");
    }
}
