//! GitHub and GitLab: where a review goes, and the requests that bring what is there to what it should be.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::{CLOSED, OPEN, Remark, Review, SUMMARY, fingerprint_in};

/// A request to a forge's API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub body: Value,
}

/// A pull request or a merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forge {
    GitHub {
        /// `https://api.github.com`
        api: String,
        graphql: String,
        /// `owner/name`
        repository: String,
        number: u64,
        /// The commit that the request goes into, where the event says it.
        base: Option<String>,
        /// The commit that the remarks are about.
        head: String,
    },
    GitLab {
        /// `https://gitlab.com/api/v4`
        api: String,
        project: String,
        number: u64,
        base: String,
        head: String,
    },
}

/// Something that an earlier run has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    id: String,
    /// GitHub's id for GraphQL; GitLab's discussion.
    thread: String,
    fingerprint: String,
    text: String,
}

/// All that earlier runs have said and that still stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    remarks: Vec<Said>,
    summary: Option<(String, String)>,
}

/// Reads what a variable says, from the environment or a test.
pub type Variable<'v> = &'v dyn Fn(&str) -> Option<String>;

impl Forge {
    /// The request that this CI job runs for, by the variables that GitHub Actions and GitLab CI set.
    ///
    /// # Errors
    /// The variable that is missing, or that says something else than it should.
    pub fn from_environment(variable: Variable<'_>, read: impl Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        let need = |name: &str| variable(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} is not set"));
        if need("GITLAB_CI").is_ok() {
            let number = need("CI_MERGE_REQUEST_IID")?;
            return Ok(Forge::GitLab {
                api: need("CI_API_V4_URL")?.trim_end_matches('/').to_owned(),
                project: number_or_path(&need("CI_PROJECT_ID")?)?,
                number: number.parse().map_err(|_| format!("CI_MERGE_REQUEST_IID is a number, not `{number}`"))?,
                base: need("CI_MERGE_REQUEST_DIFF_BASE_SHA")?,
                // In a pipeline of the merged result, CI_COMMIT_SHA is a commit that the request does not have.
                head: need("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|_| need("CI_COMMIT_SHA"))?,
            });
        }
        let repository = need("GITHUB_REPOSITORY").map_err(|error| {
            format!("{error}: whimbrel review runs in GitHub Actions or GitLab CI, whose variables say where the review goes")
        })?;
        let event_path = need("GITHUB_EVENT_PATH")?;
        let event: Value = serde_json::from_str(&read(&event_path)?).map_err(|error| format!("{event_path}: {error}"))?;
        let pull = &event["pull_request"];
        let (Some(number), Some(head)) = (pull["number"].as_u64(), pull["head"]["sha"].as_str()) else {
            return Err("this job was not started by a pull request: the event has no pull_request".to_owned());
        };
        let api = need("GITHUB_API_URL").unwrap_or_else(|_| "https://api.github.com".to_owned());
        let api = api.trim_end_matches('/').to_owned();
        Ok(Forge::GitHub {
            graphql: need("GITHUB_GRAPHQL_URL").unwrap_or_else(|_| format!("{}/graphql", api.trim_end_matches("/v3"))),
            api,
            repository: number_or_path(&repository)?,
            number,
            base: pull["base"]["sha"].as_str().map(str::to_owned),
            head: head.to_owned(),
        })
    }

    /// The commit that the request goes into, where the job says it.
    pub fn base(&self) -> Option<&str> {
        match self {
            Forge::GitHub { base, .. } => base.as_deref(),
            Forge::GitLab { base, .. } => Some(base),
        }
    }

    /// The variable that holds the token.
    pub fn token_variable(&self) -> &'static str {
        match self {
            Forge::GitHub { .. } => "GITHUB_TOKEN",
            Forge::GitLab { .. } => "GITLAB_TOKEN",
        }
    }

    /// The header that the token goes into.
    pub fn authorization(&self, token: &str) -> (&'static str, String) {
        match self {
            Forge::GitHub { .. } => ("authorization", format!("Bearer {token}")),
            Forge::GitLab { .. } => ("private-token", token.to_owned()),
        }
    }

    fn pull(&self) -> String {
        match self {
            Forge::GitHub { api, repository, number, .. } => format!("{api}/repos/{repository}/pulls/{number}"),
            Forge::GitLab { api, project, number, .. } => format!("{api}/projects/{project}/merge_requests/{number}"),
        }
    }

    fn issue(&self) -> String {
        self.pull().replacen("/pulls/", "/issues/", 1)
    }

    /// What earlier runs have said; `list` gives all pages of a list.
    ///
    /// # Errors
    /// What `list` says.
    pub fn before(&self, list: impl Fn(&str) -> Result<Vec<Value>, String>) -> Result<Before, String> {
        let mut before = Before::default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self {
            Forge::GitHub { .. } => {
                for comment in list(&format!("{}/comments?per_page=100", self.pull()))? {
                    let body = text(&comment["body"]);
                    let Some(fingerprint) = fingerprint_in(&body).map(str::to_owned) else { continue };
                    let (id, thread) = (comment["id"].to_string(), text(&comment["node_id"]));
                    before.remarks.push(Said { id, thread, fingerprint, text: body });
                }
                for comment in list(&format!("{}/comments?per_page=100", self.issue()))? {
                    if text(&comment["body"]).contains(SUMMARY) {
                        before.summary = Some((comment["id"].to_string(), text(&comment["body"])));
                    }
                }
            }
            Forge::GitLab { .. } => {
                for discussion in list(&format!("{}/discussions?per_page=100", self.pull()))? {
                    let Some(note) = discussion["notes"].get(0) else { continue };
                    let (id, body) = (note["id"].to_string(), text(&note["body"]));
                    if body.contains(SUMMARY) {
                        before.summary = Some((id, body));
                    } else if let Some(fingerprint) = fingerprint_in(&body).map(str::to_owned)
                        && note["resolved"] != true
                    {
                        before.remarks.push(Said { id, thread: text(&discussion["id"]), fingerprint, text: body });
                    }
                }
            }
        }
        Ok(before)
    }

    /// The requests after which the forge shows this review and nothing older.
    pub fn requests(&self, review: &Review, before: &Before) -> Vec<Request> {
        let mut out = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        for said in &before.remarks {
            let now = review.remarks.iter().find(|remark| remark.fingerprint == said.fingerprint);
            // A second remark of one fingerprint is a leftover of two runs at once.
            match now.filter(|_| known.insert(&said.fingerprint)) {
                Some(remark) => {
                    let text = self.text(remark);
                    if text != said.text {
                        out.push(self.change(said, &text));
                    }
                }
                None => out.extend(self.close(said)),
            }
        }
        let new: Vec<&Remark> = review.remarks.iter().filter(|remark| !known.contains(remark.fingerprint.as_str())).collect();
        out.extend(self.add(&new));
        out.extend(self.summarise(review.summary.as_deref(), before.summary.as_ref()));
        out
    }

    /// A remark in the forge's Markdown.
    fn text(&self, remark: &Remark) -> String {
        let suggestion = match (&remark.suggestion, self) {
            (None, _) => String::new(),
            (Some(text), Forge::GitHub { .. }) => fenced("suggestion", text),
            (Some(text), Forge::GitLab { .. }) => {
                fenced(&format!("suggestion:-{}+0", remark.lines.end() - remark.lines.start()), text)
            }
        };
        format!("{}{suggestion}\n{OPEN}{} -->", remark.text, remark.fingerprint)
    }

    fn add(&self, remarks: &[&Remark]) -> Vec<Request> {
        match self {
            _ if remarks.is_empty() => Vec::new(),
            Forge::GitHub { head, .. } => {
                let comment = |remark: &&Remark| {
                    let mut comment =
                        json!({"path": remark.file, "line": remark.lines.end(), "side": "RIGHT", "body": self.text(remark)});
                    if remark.lines.start() < remark.lines.end() {
                        comment["start_line"] = json!(remark.lines.start());
                        comment["start_side"] = json!("RIGHT");
                    }
                    comment
                };
                let comments: Vec<Value> = remarks.iter().map(comment).collect();
                let body = json!({"commit_id": head, "event": "COMMENT", "comments": comments});
                vec![Request { method: "POST", url: format!("{}/reviews", self.pull()), body }]
            }
            Forge::GitLab { base, head, .. } => {
                let request = |remark: &&Remark| {
                    let mut position = json!({
                        "position_type": "text", "base_sha": base, "start_sha": base, "head_sha": head,
                        "old_path": remark.old_file, "new_path": remark.file, "new_line": remark.lines.end(),
                    });
                    // A line that did not change has two numbers.
                    if let Some(old) = remark.old_line {
                        position["old_line"] = json!(old);
                    }
                    let body = json!({"body": self.text(remark), "position": position});
                    Request { method: "POST", url: format!("{}/discussions", self.pull()), body }
                };
                remarks.iter().map(request).collect()
            }
        }
    }

    fn change(&self, said: &Said, text: &str) -> Request {
        let body = json!({"body": text});
        match self {
            Forge::GitHub { api, repository, .. } => {
                Request { method: "PATCH", url: format!("{api}/repos/{repository}/pulls/comments/{}", said.id), body }
            }
            Forge::GitLab { .. } => {
                Request { method: "PUT", url: format!("{}/discussions/{}/notes/{}", self.pull(), said.thread, said.id), body }
            }
        }
    }

    /// Takes the mark off, so that the remark is not taken for one that stands, and folds it away.
    fn close(&self, said: &Said) -> Vec<Request> {
        let text = said.text.replace(OPEN, CLOSED);
        let fold = match self {
            Forge::GitHub { graphql, .. } => {
                let query =
                    "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: RESOLVED}) { clientMutationId } }";
                let body = json!({"query": query, "variables": {"id": said.thread}});
                Request { method: "POST", url: graphql.clone(), body }
            }
            Forge::GitLab { .. } => {
                let url = format!("{}/discussions/{}", self.pull(), said.thread);
                Request { method: "PUT", url, body: json!({"resolved": true}) }
            }
        };
        vec![self.change(said, &text), fold]
    }

    fn summarise(&self, now: Option<&str>, before: Option<&(String, String)>) -> Option<Request> {
        let nothing = format!("### whimbrel: nothing left to say\n\n{SUMMARY}");
        let (one, all) = match self {
            Forge::GitHub { api, repository, .. } => {
                (format!("{api}/repos/{repository}/issues/comments"), format!("{}/comments", self.issue()))
            }
            Forge::GitLab { .. } => (format!("{}/notes", self.pull()), format!("{}/notes", self.pull())),
        };
        let change = if matches!(self, Forge::GitHub { .. }) { "PATCH" } else { "PUT" };
        match (now, before) {
            (None, None) => None,
            (Some(text), None) => Some(Request { method: "POST", url: all, body: json!({"body": text}) }),
            (now, Some((id, old))) => {
                let text = now.unwrap_or(&nothing);
                (text != old).then(|| Request { method: change, url: format!("{one}/{id}"), body: json!({"body": text}) })
            }
        }
    }
}

/// A block that no line of the text can close.
fn fenced(word: &str, text: &str) -> String {
    let fence = crate::report::markdown::fence(text);
    format!("\n{fence}{word}\n{text}\n{fence}\n")
}

/// Part of a URL: an id or `owner/name`, and nothing that would lead elsewhere.
fn number_or_path(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    match text.chars().all(plain) && !text.contains("..") {
        true => Ok(text.to_owned()),
        false => Err(format!("`{}` is no repository", crate::source::printable(text))),
    }
}
