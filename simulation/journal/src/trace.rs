//! What happened, line by line. Costs nothing when nobody wants it. Knows nothing.

/// The lines.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that keeps its lines, or one that doesn't.
    pub fn new(keep: bool) -> Self {
        Self { lines: keep.then(Vec::new) }
    }

    /// Adds a line.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    /// Whether lines are kept.
    pub fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
