//! Commands as a POSIX shell reads them.

/// Words as one line, each quoted where it has to be.
pub(crate) fn line(argv: &[String]) -> String {
    argv.iter().map(|it| word(it)).collect::<Vec<_>>().join(" ")
}

pub(crate) fn word(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&it);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_bounds() {
        let argv = ["npm", "run", "a b", "it's", "$HOME", ""].map(str::to_owned);
        assert_eq!(line(&argv), r"npm run 'a b' 'it'\''s' '$HOME' ''");
    }
}
