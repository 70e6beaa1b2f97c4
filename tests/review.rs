//! `whimbrel review` against a stand-in for a forge: what it sends, and what a second run does about it.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::{project, write};

const TOKEN: &str = "ghs_verysecret";

/// A request as it came in.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    path: String,
    headers: String,
    body: Value,
}

type Answer = (u16, Vec<(&'static str, String)>, Value);

/// A server that writes down what it is asked; `answer` gives the status, further headers and the body.
struct StandIn {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + 'static) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let written = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read(&stream) else { continue };
                let mut list = written.lock().expect("a list");
                let before = list.iter().filter(|other| other.path == request.path).count();
                let (status, headers, body) = answer(&request, before);
                list.push(request);
                drop(list);
                let body = body.to_string();
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        StandIn { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("a list"))
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(number) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().ok()?;
        }
        headers.push_str(&header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let names = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(folder).args(names).args(arguments).output().expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const INDEX: &str = "-- makes lists fast\nCREATE INDEX orders_placed ON orders (placed);\n";

/// A repository whose branch adds a migration to what `main` has.
fn pull_request() -> (tempfile::TempDir, String) {
    let folder = project(&[
        ("db/000001_orders.up.sql", "CREATE TABLE orders (id bigserial PRIMARY KEY, placed timestamptz);\n"),
        ("db/000001_orders.down.sql", "DROP TABLE orders;\n"),
    ]);
    git(folder.path(), &["init", "-q", "-b", "main"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "one"]);
    let base = git(folder.path(), &["rev-parse", "HEAD"]);
    git(folder.path(), &["checkout", "-qb", "feature"]);
    write(folder.path(), "db/000002_index.up.sql", INDEX.as_bytes());
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "two"]);
    let event = json!({"pull_request": {"number": 7, "head": {"sha": "abc123"}, "base": {"sha": base}}});
    write(folder.path(), ".git/event.json", event.to_string().as_bytes());
    (folder, base)
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn review(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel"));
    for name in ["GITLAB_CI", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "GITHUB_TOKEN", "GITHUB_API_URL", "GITHUB_GRAPHQL_URL"] {
        command.env_remove(name);
    }
    let output =
        command.arg("review").args(arguments).current_dir(folder).envs(variables.iter().copied()).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
}

fn on_github<'v>(event: &'v str, url: &'v str) -> Vec<(&'v str, &'v str)> {
    vec![("GITHUB_REPOSITORY", "owner/shop"), ("GITHUB_EVENT_PATH", event), ("GITHUB_API_URL", url), ("GITHUB_TOKEN", TOKEN)]
}

/// Lists are empty, everything else works.
fn empty(asked: &Asked) -> Answer {
    (200, Vec::new(), if asked.method == "GET" { json!([]) } else { json!({"id": 1}) })
}

#[test]
fn remarks_stand_on_changed_lines_with_what_to_write_instead() {
    let (folder, _) = pull_request();
    let event = folder.path().join(".git/event.json").display().to_string();
    let run = review(folder.path(), &["--dry-run", "db"], &on_github(&event, "https://api.example.org"));
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let requests: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [reviewed, summary] = requests.as_slice() else { panic!("{}", run.out) };
    assert_eq!(reviewed["url"], "https://api.example.org/repos/owner/shop/pulls/7/reviews");
    assert_eq!((&reviewed["body"]["commit_id"], &reviewed["body"]["event"]), (&json!("abc123"), &json!("COMMENT")));
    let comments = reviewed["body"]["comments"].as_array().expect("a list");
    let of =
        |rule: &str| comments.iter().find(|one| one["body"].as_str().expect("text").contains(rule)).expect("a remark").clone();
    let index = of("index_not_concurrent");
    assert_eq!((&index["path"], &index["line"], &index["side"]), (&json!("db/000002_index.up.sql"), &json!(2), &json!("RIGHT")));
    let body = index["body"].as_str().expect("text");
    assert!(body.contains("\n```suggestion\nCREATE INDEX CONCURRENTLY orders_placed ON orders (placed);\n```\n"), "{body}");
    assert_eq!(summary["url"], "https://api.example.org/repos/owner/shop/issues/7/comments");
    assert!(!run.out.contains(TOKEN));
}

#[test]
fn a_line_that_the_forge_does_not_take_costs_no_finding() {
    let (folder, _) = pull_request();
    let event = folder.path().join(".git/event.json").display().to_string();
    let stand_in = StandIn::start(|asked, _| match asked.path.ends_with("/reviews") {
        true => (422, Vec::new(), json!({"message": "line must be part of the diff"})),
        false => empty(asked),
    });
    let run = review(folder.path(), &["--exit-zero", "db"], &on_github(&event, &stand_in.url));
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("line must be part of the diff; all is said in one comment instead"), "{}", run.err);
    let sent = stand_in.asked();
    let comment = sent.iter().find(|one| one.method == "POST" && one.path.ends_with("/issues/7/comments")).expect("a comment");
    let text = comment.body["body"].as_str().expect("text");
    assert!(text.contains("index_not_concurrent") && text.contains("missing_downgrade"), "{text}");
}

#[test]
fn the_second_run_changes_and_closes_instead_of_repeating() {
    let (folder, _) = pull_request();
    let event = folder.path().join(".git/event.json").display().to_string();
    let first = StandIn::start(|asked, _| empty(asked));
    let run = review(folder.path(), &["--exit-zero", "db"], &on_github(&event, &first.url));
    assert_eq!(run.code, 0, "{}", run.err);
    let sent = first.asked();
    assert!(sent.iter().all(|one| one.headers.contains(&format!("Bearer {TOKEN}"))));
    let posted =
        |path: &str| sent.iter().find(|one| one.method == "POST" && one.path.ends_with(path)).expect("a request").body.clone();
    let bodies: Vec<String> = posted("/reviews")["comments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["body"].as_str().expect("text").to_owned())
        .collect();
    let summary = posted("/issues/7/comments")["body"].as_str().expect("text").to_owned();

    // Two pages: what was said, something of a person, and a remark whose finding is gone.
    let gone = "old\n<!-- whimbrel 0123456789abcdef -->";
    let said: Vec<Value> =
        bodies.iter().enumerate().map(|(id, body)| json!({"id": id, "node_id": format!("n{id}"), "body": body})).collect();
    let second = StandIn::start(move |asked, _| {
        let base = "/repos/owner/shop/pulls/7/comments?per_page=100";
        if asked.method == "GET" && asked.path == base {
            let host = asked.headers.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
            let next = format!("<http://{}{base}&page=2>; rel=\"next\"", host.expect("a host"));
            return (200, vec![("link", next)], Value::Array(said.clone()));
        }
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", path) if path.ends_with("&page=2") => (
                200,
                Vec::new(),
                json!([{"id": 70, "node_id": "p", "body": "nice"}, {"id": 71, "node_id": "gone", "body": gone}]),
            ),
            ("GET", path) if path.contains("/issues/") => (200, Vec::new(), json!([{"id": 80, "body": summary}])),
            _ => empty(asked),
        }
    });
    let run = review(folder.path(), &["--exit-zero", "db"], &on_github(&event, &second.url));
    assert_eq!(run.code, 0, "{}", run.err);
    let writes: Vec<Asked> = second.asked().into_iter().filter(|one| one.method != "GET").collect();
    let [closed, folded] = writes.as_slice() else { panic!("{writes:#?}") };
    assert_eq!((closed.method.as_str(), closed.path.as_str()), ("PATCH", "/repos/owner/shop/pulls/comments/71"));
    assert_eq!(closed.body["body"], "old\n<!-- whimbrel closed 0123456789abcdef -->");
    assert_eq!((folded.path.as_str(), &folded.body["variables"]["id"]), ("/graphql", &json!("gone")));
}

#[test]
fn nothing_is_said_where_nothing_is_wrong() {
    let (folder, _) = pull_request();
    write(folder.path(), "db/000002_index.up.sql", b"CREATE INDEX CONCURRENTLY orders_placed ON orders (placed);\n");
    write(folder.path(), "db/000002_index.down.sql", b"DROP INDEX CONCURRENTLY orders_placed;\n");
    git(folder.path(), &["add", "."]);
    let event = folder.path().join(".git/event.json").display().to_string();
    let forge = StandIn::start(|asked, _| empty(asked));
    let run = review(folder.path(), &["db"], &on_github(&event, &forge.url));
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(forge.asked().iter().all(|one| one.method == "GET"));
}

#[test]
fn a_forge_that_asks_for_patience_gets_it_and_an_error_never_shows_the_token() {
    let (folder, _) = pull_request();
    let event = folder.path().join(".git/event.json").display().to_string();
    let busy = StandIn::start(|asked, before| match before {
        0 => (429, vec![("retry-after", "0".to_owned())], json!({"message": "slow down"})),
        _ => empty(asked),
    });
    let run = review(folder.path(), &["--exit-zero", "db"], &on_github(&event, &busy.url));
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(busy.asked().iter().filter(|one| one.path.ends_with("/reviews")).count(), 2);

    let closed = StandIn::start(|_, _| (403, Vec::new(), json!({"message": "Resource not accessible by integration"})));
    let run = review(folder.path(), &["db"], &on_github(&event, &closed.url));
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("403: Resource not accessible by integration; the token needs to be allowed to write"),
        "{}",
        run.err
    );
    assert!(!run.err.contains(TOKEN) && !run.out.contains(TOKEN));

    // Nobody listens there.
    let run = review(folder.path(), &["db"], &on_github(&event, "http://127.0.0.1:1"));
    assert_eq!(run.code, 2);
    assert!(!run.err.contains(TOKEN), "{}", run.err);
}

#[test]
fn gitlab_gets_discussions_and_resolves_them() {
    let (folder, base) = pull_request();
    let variables = |url: &str| -> Vec<(String, String)> {
        [
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", url),
            ("CI_PROJECT_ID", "42"),
            ("CI_MERGE_REQUEST_IID", "3"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
            ("CI_COMMIT_SHA", "def456"),
            ("GITLAB_TOKEN", TOKEN),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    let forge = StandIn::start(|asked, _| {
        let note = |body: &str| json!({"id": 5, "body": body, "resolved": false});
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", path) if path.ends_with("&page=2") => {
                let gone = json!({"id": "d1", "notes": [note("old\n<!-- whimbrel 0123456789abcdef -->")]});
                (200, Vec::new(), json!([gone]))
            }
            ("GET", _) => (200, vec![("x-next-page", "2".to_owned())], json!([{"id": "d0", "notes": [note("hello")]}])),
            _ => empty(asked),
        }
    });
    let own = variables(&forge.url);
    let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let run = review(folder.path(), &["--exit-zero", "db"], &own);
    assert_eq!(run.code, 0, "{}", run.err);
    let asked = forge.asked();
    assert!(asked.iter().all(|one| one.headers.to_ascii_lowercase().contains(&format!("private-token: {TOKEN}"))));
    let position = asked
        .iter()
        .find(|one| one.method == "POST" && one.body["body"].as_str().is_some_and(|body| body.contains("index_not_concurrent")))
        .expect("a remark")
        .clone();
    assert_eq!(position.path, "/projects/42/merge_requests/3/discussions");
    assert_eq!(position.body["position"]["new_line"], 2);
    assert_eq!(
        (&position.body["position"]["base_sha"], &position.body["position"]["head_sha"]),
        (&json!(base), &json!("def456"))
    );
    assert!(position.body["body"].as_str().expect("text").contains("```suggestion:-0+0\nCREATE INDEX CONCURRENTLY"));
    assert!(asked.iter().any(|one| one.method == "PUT" && one.path.ends_with("/discussions/d1") && one.body["resolved"] == true));
}

#[test]
fn outside_of_ci_it_says_what_it_needs() {
    let (folder, _) = pull_request();
    let run = review(folder.path(), &["db"], &[]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("GITHUB_REPOSITORY is not set"), "{}", run.err);
    let event = folder.path().join(".git/push.json");
    write(folder.path(), ".git/push.json", b"{}");
    let event = event.display().to_string();
    let run = review(folder.path(), &["--dry-run", "db"], &[("GITHUB_REPOSITORY", "owner/shop"), ("GITHUB_EVENT_PATH", &event)]);
    assert!(run.err.contains("not started by a pull request"), "{}", run.err);
    let run =
        review(folder.path(), &["--dry-run", "db"], &[("GITHUB_REPOSITORY", "owner/../x?y"), ("GITHUB_EVENT_PATH", &event)]);
    assert_eq!(run.code, 2);
}
