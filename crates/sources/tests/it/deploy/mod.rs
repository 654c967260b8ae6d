//! What users paste from `deploy/` sends what the sources read: each is rendered or run as its tool would, and read.

mod argo_rollouts;
mod argocd;
mod flux;
mod template;

/// A file of `deploy/`.
pub(crate) fn file(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/");
    std::fs::read_to_string(format!("{root}{path}")).unwrap()
}

/// The block of a YAML file that follows a line, without its indentation: what stands deeper than the line.
pub(crate) fn block(text: &str, line: &str) -> String {
    let mut lines = text.lines().skip_while(|known| known.trim() != line);
    let depth = |line: &str| line.len() - line.trim_start().len();
    let first = depth(lines.next().unwrap_or_else(|| panic!("no line `{line}`")));
    let inside: Vec<&str> = lines.take_while(|line| line.trim().is_empty() || depth(line) > first).collect();
    let indent = inside.iter().filter(|line| !line.trim().is_empty()).map(|line| depth(line)).min().unwrap();
    inside.iter().map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}
