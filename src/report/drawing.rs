//! The revision graph as a picture: Graphviz, Mermaid, SVG. Long straight runs are folded into one node.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::finding::{Finding, Severity};
use crate::history::Index;
use crate::project::Environment;
use crate::source::printable;

/// A straight run of at least so many revisions is folded.
const FOLDED: usize = 4;

/// What is drawn as one box.
struct Node {
    label: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Folded,
    Head,
    Merge,
    Broken,
}

/// Nodes in the order of the history, and edges from parent to child.
struct Picture {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
}

fn picture(environment: &Environment, findings: &[Finding]) -> Picture {
    let history = &environment.history;
    let count = environment.migrations.len();
    let broken: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| {
            finding.group == "graph" && finding.severity == Severity::Error && finding.environment == environment.root
        })
        .filter_map(|finding| finding.revision.as_deref())
        .collect();
    // Members of a cycle are not in the order.
    let ordered: BTreeSet<Index> = history.order.iter().copied().collect();
    let missing = (0..count).filter(|index| !ordered.contains(index));
    let order: Vec<Index> = history.order.iter().copied().chain(missing).collect();
    let is_plain = |index: Index| {
        history.parents[index].len() == 1
            && history.children[index].len() == 1
            && history.children[history.parents[index][0]].len() == 1
            && history.parents[history.children[index][0]].len() == 1
            && !broken.contains(environment.migrations[index].id.as_str())
    };
    let mut nodes: Vec<Node> = Vec::new();
    let mut node_of: BTreeMap<Index, usize> = BTreeMap::new();
    for &index in &order {
        if node_of.contains_key(&index) {
            continue;
        }
        let mut run = vec![index];
        while is_plain(run[run.len() - 1])
            && history.children[run[run.len() - 1]].first().is_some_and(|&next| is_plain(next) && !run.contains(&next))
        {
            run.push(history.children[run[run.len() - 1]][0]);
        }
        if run.len() >= FOLDED && is_plain(index) {
            let (first, last) = (&environment.migrations[run[0]].id, &environment.migrations[run[run.len() - 1]].id);
            nodes.push(Node {
                label: format!("{} … {} ({})", printable(first), printable(last), run.len()), kind: Kind::Folded
            });
            node_of.extend(run.iter().map(|&member| (member, nodes.len() - 1)));
            continue;
        }
        let id = environment.migrations[index].id.as_str();
        let kind = if broken.contains(id) {
            Kind::Broken
        } else if history.heads.contains(&index) {
            Kind::Head
        } else if history.parents[index].len() > 1 {
            Kind::Merge
        } else {
            Kind::Plain
        };
        nodes.push(Node { label: printable(id).into_owned(), kind });
        node_of.insert(index, nodes.len() - 1);
    }
    let mut edges = BTreeSet::new();
    for index in 0..count {
        for parent in &history.parents[index] {
            let (from, to) = (node_of[parent], node_of[&index]);
            if from != to {
                edges.insert((from, to));
            }
        }
    }
    Picture { nodes, edges: edges.into_iter().collect() }
}

/// # Errors
/// What the writer says.
pub fn write_dot(environments: &[Environment], findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph revisions {{\n  rankdir=BT;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
    for (at, environment) in environments.iter().enumerate() {
        let picture = picture(environment, findings);
        writeln!(out, "  subgraph cluster_{at} {{\n    label={};", quoted(&environment.root))?;
        for (number, node) in picture.nodes.iter().enumerate() {
            let look = match node.kind {
                Kind::Plain => "",
                Kind::Folded => ", style=\"rounded,dashed\"",
                Kind::Head => ", style=\"rounded,bold\"",
                Kind::Merge => ", shape=diamond",
                Kind::Broken => ", color=red, fontcolor=red",
            };
            writeln!(out, "    n{at}_{number} [label={}{look}];", quoted(&node.label))?;
        }
        for (from, to) in &picture.edges {
            writeln!(out, "    n{at}_{from} -> n{at}_{to};")?;
        }
        writeln!(out, "  }}")?;
    }
    writeln!(out, "}}")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// # Errors
/// What the writer says.
pub fn write_mermaid(environments: &[Environment], findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart BT")?;
    for (at, environment) in environments.iter().enumerate() {
        let picture = picture(environment, findings);
        writeln!(out, "  subgraph e{at}[\"{}\"]", escaped(&environment.root))?;
        for (number, node) in picture.nodes.iter().enumerate() {
            let label = escaped(&node.label);
            match node.kind {
                Kind::Merge => writeln!(out, "    n{at}_{number}{{{{\"{label}\"}}}}")?,
                Kind::Head => writeln!(out, "    n{at}_{number}([\"{label}\"])")?,
                _ => writeln!(out, "    n{at}_{number}[\"{label}\"]")?,
            }
            if node.kind == Kind::Broken {
                writeln!(out, "    style n{at}_{number} stroke:#d1242f,color:#d1242f")?;
            }
        }
        for (from, to) in &picture.edges {
            writeln!(out, "    n{at}_{from} --> n{at}_{to}")?;
        }
        writeln!(out, "  end")?;
    }
    Ok(())
}

/// Markup in a name stays text.
pub(super) fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Pixels.
const ROW: usize = 44;
const LANE: usize = 28;
const LEFT: usize = 24;
const TOP: usize = 56;

/// Newest at the top; each branch has a lane of its own, names stand to the right.
///
/// # Errors
/// What the writer says.
pub fn write_svg(environments: &[Environment], findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let pictures: Vec<Picture> = environments.iter().map(|environment| picture(environment, findings)).collect();
    let lanes: Vec<Vec<usize>> = pictures.iter().map(lanes).collect();
    let widest = lanes.iter().flatten().max().copied().unwrap_or_default();
    let longest =
        pictures.iter().flat_map(|picture| &picture.nodes).map(|node| node.label.chars().count()).max().unwrap_or_default();
    let labels = (widest + 1) * LANE + (longest + " (merge)".len()) * 9;
    let titles = environments.iter().map(|environment| environment.root.chars().count() * 9).max().unwrap_or_default();
    let width = LEFT * 3 + labels.max(titles);
    let height: usize = pictures.iter().map(|picture| TOP + picture.nodes.len() * ROW).sum::<usize>() + TOP / 2;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"Revision graph\">"
    )?;
    writeln!(
        out,
        "<style>text{{font:14px ui-monospace,monospace;fill:#1f2328}}.t{{font-weight:bold}}.e{{stroke:#8c959f;fill:none;stroke-width:2}}.n{{fill:#fff;stroke:#57606a;stroke-width:2}}.h{{fill:#1a7f37;stroke:#1a7f37}}.m{{fill:#8250df;stroke:#8250df}}.b{{fill:#d1242f;stroke:#d1242f}}.f{{stroke-dasharray:3 3}}text.b{{fill:#d1242f;stroke:none}}svg{{background:#fff}}@media(prefers-color-scheme:dark){{svg{{background:#0d1117}}text{{fill:#e6edf3}}.n{{fill:#0d1117;stroke:#8c959f}}.h{{fill:#3fb950;stroke:#3fb950}}.m{{fill:#a371f7;stroke:#a371f7}}.b{{fill:#f85149;stroke:#f85149}}text.b{{fill:#f85149}}}}</style>"
    )?;
    let mut top = 0;
    for ((environment, picture), lanes) in environments.iter().zip(&pictures).zip(&lanes) {
        writeln!(out, "<text class=\"t\" x=\"{LEFT}\" y=\"{}\">{}</text>", top + 28, escaped(&environment.root))?;
        let place = |node: usize| (LEFT + lanes[node] * LANE, top + TOP + (picture.nodes.len() - 1 - node) * ROW);
        for &(from, to) in &picture.edges {
            let ((x, y), (x2, y2)) = (place(from), place(to));
            let middle = y2 + ROW / 2;
            writeln!(out, "<path class=\"e\" d=\"M{x} {y}V{middle}C{x} {y2} {x2} {middle} {x2} {y2}\"/>")?;
        }
        let text_at = LEFT + (lanes.iter().max().copied().unwrap_or_default() + 1) * LANE;
        for (number, node) in picture.nodes.iter().enumerate() {
            let (x, y) = place(number);
            let class = match node.kind {
                Kind::Plain => "n",
                Kind::Folded => "n f",
                Kind::Head => "n h",
                Kind::Merge => "n m",
                Kind::Broken => "n b",
            };
            let word = match node.kind {
                Kind::Head => " (head)",
                Kind::Merge => " (merge)",
                Kind::Broken => " (!)",
                _ => "",
            };
            let broken = if node.kind == Kind::Broken { " class=\"b\"" } else { "" };
            writeln!(
                out,
                "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"7\"/><text{broken} x=\"{text_at}\" y=\"{}\">{}{word}</text>",
                y + 5,
                escaped(&node.label)
            )?;
        }
        top += TOP + picture.nodes.len() * ROW;
    }
    writeln!(out, "</svg>")
}

/// The lane of each node: a child takes over its first parent's, a further child opens the next that is free.
fn lanes(picture: &Picture) -> Vec<usize> {
    let count = picture.nodes.len();
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut last_child: Vec<usize> = (0..count).collect();
    for &(from, to) in &picture.edges {
        parents[to].push(from);
        last_child[from] = last_child[from].max(to);
    }
    let mut lane = vec![0; count];
    // Which node holds each lane, until its last child.
    let mut held: Vec<Option<usize>> = Vec::new();
    let mut latest: Vec<usize> = Vec::new();
    let mut passed_on = vec![false; count];
    for node in 0..count {
        for slot in &mut held {
            if slot.is_some_and(|owner| last_child[owner] < node) {
                *slot = None;
            }
        }
        let inherited = parents[node].iter().copied().find(|&parent| !passed_on[parent]);
        lane[node] = match inherited {
            Some(parent) => {
                passed_on[parent] = true;
                lane[parent]
            }
            // The line from the parent must not run through others of the lane.
            None => {
                let from = parents[node].first().copied().unwrap_or(node);
                let free = |at: &usize| held[*at].is_none() && latest[*at] < from;
                (0..held.len()).find(free).unwrap_or(held.len())
            }
        };
        if lane[node] == held.len() {
            held.push(None);
            latest.push(node);
        }
        held[lane[node]] = Some(node);
        latest[lane[node]] = node;
    }
    lane
}
