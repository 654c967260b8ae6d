//! Colour, never the only sign of anything.

/// Whether text may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// On a terminal.
    Colour,
    /// Anywhere else.
    Plain,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// What matters most.
    Strong,
    /// What may be passed over.
    Faint,
    /// Best of four.
    Elite,
    /// Second of four.
    High,
    /// Third of four.
    Medium,
    /// Last of four.
    Low,
    /// A change for the better.
    Better,
    /// A change for the worse.
    Worse,
}

impl Tone {
    /// Colours that most colour-blind readers can tell apart (Okabe and Ito), from the 256 every terminal has.
    const fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Elite | Tone::Better => "38;5;36",
            Tone::High => "38;5;74",
            Tone::Medium | Tone::Worse => "38;5;178",
            Tone::Low => "38;5;166",
        }
    }
}

impl Paint {
    /// The text in its tone.
    pub(crate) fn apply(self, tone: Tone, text: &str) -> String {
        if self == Paint::Plain || tone == Tone::Plain || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code())
    }
}

/// The tone of a band.
pub(crate) fn band_tone(band: Option<&str>) -> Tone {
    match band {
        Some("elite") => Tone::Elite,
        Some("high") => Tone::High,
        Some("medium") => Tone::Medium,
        Some("low") => Tone::Low,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_plain() {
        assert_eq!(Paint::Plain.apply(Tone::Low, "low"), "low");
        assert_eq!(Paint::Colour.apply(Tone::Low, "low"), "\u{1b}[38;5;166mlow\u{1b}[0m");
        assert_eq!(Paint::Colour.apply(Tone::Low, "  "), "  ");
    }
}
