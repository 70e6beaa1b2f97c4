//! The language server, by a client that speaks the protocol over its pipes.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use support::{project, write};

struct Client {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    next: u64,
}

impl Client {
    /// Starts the server in `folder` and says hello.
    fn start(folder: &Path, capabilities: &Value) -> (Client, Value) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_whimbrel"))
            .arg("server")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let (to, from) = (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut client = Client { child, to, from, next: 0 };
        let hello = client.ask("initialize", &json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
        client.tell("initialized", &json!({}));
        (client, hello)
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("it reads");
        self.to.flush().expect("it reads");
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).expect("a line") > 0, "the server went away");
            match line.trim() {
                "" => break,
                header => {
                    if let Some(number) = header.strip_prefix("Content-Length: ") {
                        length = number.parse().expect("a number");
                    }
                }
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).expect("a message");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// The next message of a kind; others are passed over.
    fn wait_for(&mut self, method: &str) -> Value {
        loop {
            let message = self.receive();
            if message["method"] == method {
                return message["params"].clone();
            }
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].clone();
            }
        }
    }

    fn open(&mut self, uri: &str, text: &str) -> Value {
        let document = json!({"uri": uri, "languageId": "x", "version": 1, "text": text});
        self.tell("textDocument/didOpen", &json!({"textDocument": document}));
        self.wait_for("textDocument/publishDiagnostics")
    }

    fn change(&mut self, uri: &str, version: i32, text: &str) -> Value {
        let document = json!({"uri": uri, "version": version});
        self.tell("textDocument/didChange", &json!({"textDocument": document, "contentChanges": [{"text": text}]}));
        self.wait_for("textDocument/publishDiagnostics")
    }

    fn end(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert!(self.child.wait().expect("it ends").success());
    }
}

fn codes(published: &Value) -> Vec<&str> {
    published["diagnostics"].as_array().expect("a list").iter().map(|one| one["code"].as_str().expect("a rule")).collect()
}

const TABLE: &str = "CREATE TABLE orders (id bigserial PRIMARY KEY, placed timestamptz);\n";

fn orders() -> tempfile::TempDir {
    project(&[
        ("migrations/000001_orders.up.sql", TABLE),
        ("migrations/000001_orders.down.sql", "DROP TABLE orders;\n"),
        ("migrations/000002_index.up.sql", "SELECT 1;\n"),
        ("migrations/000002_index.down.sql", "DROP INDEX CONCURRENTLY orders_placed;\n"),
    ])
}

fn uri(folder: &Path, path: &str) -> String {
    format!("file://{}", folder.join(path).canonicalize().expect("a file").display())
}

#[test]
fn findings_follow_what_is_typed() {
    let folder = orders();
    let (mut client, hello) = Client::start(folder.path(), &json!({}));
    assert_eq!(hello["serverInfo"]["name"], "whimbrel");
    assert_eq!(hello["capabilities"]["positionEncoding"], "utf-16");
    let file = uri(folder.path(), "migrations/000002_index.up.sql");
    assert!(codes(&client.open(&file, "SELECT 1;\n")).is_empty());
    let found = client.change(&file, 2, "/* 😀 */ CREATE INDEX orders_placed ON orders (placed);\n");
    assert_eq!((codes(&found), &found["version"]), (vec!["index_not_concurrent"], &json!(2)));
    // The emoji is two units of UTF-16.
    assert_eq!(found["diagnostics"][0]["range"]["start"], json!({"line": 0, "character": 22}));
    assert_eq!(found["diagnostics"][0]["severity"], 1);
    assert!(codes(&client.change(&file, 3, "CREATE INDEX CONCURRENTLY orders_placed ON orders (placed);\n")).is_empty());
    client.end();
}

#[test]
fn what_another_window_holds_is_history_too() {
    let folder = orders();
    let (mut client, _) = Client::start(folder.path(), &json!({}));
    let (first, second) =
        (uri(folder.path(), "migrations/000001_orders.up.sql"), uri(folder.path(), "migrations/000002_index.up.sql"));
    client.open(&first, &TABLE.replace("timestamptz", "timestamptz, n int"));
    // `n` is not on the disk yet.
    let found = client.open(&second, "ALTER TABLE orders ADD COLUMN n int;\n");
    assert!(codes(&found).contains(&"object_already_there"), "{found}");
    client.end();
}

#[test]
fn hovering_explains_the_step_and_the_rule() {
    let folder = orders();
    let (mut client, _) = Client::start(folder.path(), &json!({}));
    let file = uri(folder.path(), "migrations/000002_index.up.sql");
    client.open(&file, "CREATE INDEX orders_placed ON orders (placed);\n");
    let at = json!({"textDocument": {"uri": file}, "position": {"line": 0, "character": 15}});
    let hover = client.ask("textDocument/hover", &at);
    let text = hover["contents"]["value"].as_str().expect("Markdown");
    assert!(text.starts_with("- **PostgreSQL**: `create_index orders.orders_placed`: locks Share orders"), "{text}");
    assert!(text.contains("# index_not_concurrent") && !text.contains("since: 0.1.0"), "{text}");
    let nowhere = json!({"textDocument": {"uri": file}, "position": {"line": 1, "character": 0}});
    assert_eq!(client.ask("textDocument/hover", &nowhere), Value::Null);
    client.end();
}

#[test]
fn a_finding_can_be_fixed_or_ignored() {
    let folder = orders();
    let (mut client, hello) = Client::start(folder.path(), &json!({"general": {"positionEncodings": ["utf-8", "utf-16"]}}));
    assert_eq!(hello["capabilities"]["positionEncoding"], "utf-8");
    let file = uri(folder.path(), "migrations/000002_index.up.sql");
    let text = "CREATE INDEX orders_placed ON orders (placed);\n";
    let found = client.open(&file, text);
    let range = found["diagnostics"][0]["range"].clone();
    let asked = json!({"textDocument": {"uri": file}, "range": range, "context": {"diagnostics": []}});
    let actions = client.ask("textDocument/codeAction", &asked);
    let titles: Vec<&str> = actions.as_array().expect("a list").iter().map(|one| one["title"].as_str().expect("text")).collect();
    assert_eq!(
        titles,
        ["whimbrel: build it concurrently, outside of the transaction", "whimbrel: ignore index_not_concurrent here"]
    );
    for action in actions.as_array().expect("a list") {
        let mended = apply(text, &action["edit"]["documentChanges"][0]["edits"]);
        assert!(codes(&client.change(&file, 2, &mended)).is_empty(), "{mended}");
    }
    client.end();
}

/// The comment goes where it is a comment, and where it hides the finding.
#[test]
fn an_ignore_stands_outside_of_every_literal() {
    let script = "from alembic import op\n\nrevision = \"b\"\ndown_revision = \"a\"\n\n\ndef upgrade():\n    op.execute(\"\"\"\n        \
                  SELECT 1;\n        CREATE INDEX i ON t (a);\n    \"\"\")\n\n\ndef downgrade():\n    op.execute(\"DROP INDEX CONCURRENTLY i\")\n";
    let first = "from alembic import op\nimport sqlalchemy as sa\n\nrevision = \"a\"\ndown_revision = None\n\n\ndef upgrade():\n    \
                 op.create_table(\"t\", sa.Column(\"a\", sa.Integer, primary_key=True))\n\n\ndef downgrade():\n    op.drop_table(\"t\")\n";
    let sql = "INSERT INTO orders VALUES (1, 'line one\nline two'); CREATE INDEX i ON orders (placed);\n";
    let folder = project(&[
        ("alembic/env.py", ""),
        ("alembic/versions/a.py", first),
        ("alembic/versions/b.py", script),
        ("whimbrel.toml", "dialect = \"postgresql\"\n[environments.alembic]\nignore = [\"transactions\"]\n"),
        ("migrations/000001_orders.up.sql", TABLE),
        ("migrations/000002_index.up.sql", sql),
    ]);
    let (mut client, _) = Client::start(folder.path(), &json!({"general": {"positionEncodings": ["utf-8"]}}));
    for (file, text) in [("alembic/versions/b.py", script), ("migrations/000002_index.up.sql", sql)] {
        let file = uri(folder.path(), file);
        let found = client.open(&file, text);
        let is_index = |one: &&Value| one["code"] == "index_not_concurrent";
        let finding = found["diagnostics"].as_array().expect("a list").iter().find(is_index).expect("a finding").clone();
        let asked = json!({"textDocument": {"uri": file}, "range": finding["range"], "context": {"diagnostics": []}});
        let actions = client.ask("textDocument/codeAction", &asked);
        let ignore =
            actions.as_array().expect("a list").iter().find(|one| one["title"] == "whimbrel: ignore index_not_concurrent here");
        let mended = apply(text, &ignore.expect("an action")["edit"]["documentChanges"][0]["edits"]);
        let after = client.change(&file, 2, &mended);
        assert!(!codes(&after).contains(&"index_not_concurrent"), "{mended}");
        assert!(!mended.contains("line one\n--") && !mended.contains("\n# whimbrel"), "{mended}");
    }
    client.end();
}

/// A text with edits of the protocol, in bytes, that stand in one line each.
fn apply(text: &str, edits: &Value) -> String {
    let mut edits: Vec<&Value> = edits.as_array().expect("a list").iter().collect();
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let offset = |text: &str, at: &Value| {
        let before: usize = text.split_inclusive('\n').take(number(&at["line"])).map(str::len).sum();
        before + number(&at["character"])
    };
    edits.sort_by_key(|edit| std::cmp::Reverse(offset(text, &edit["range"]["start"])));
    let mut out = text.to_owned();
    for edit in edits {
        let (start, end) = (offset(text, &edit["range"]["start"]), offset(text, &edit["range"]["end"]));
        out.replace_range(start..end, edit["newText"].as_str().expect("text"));
    }
    out
}

#[test]
fn a_change_on_the_disk_and_a_broken_configuration_are_noticed() {
    let folder = orders();
    let (mut client, _) =
        Client::start(folder.path(), &json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}}));
    assert_eq!(client.wait_for("client/registerCapability")["registrations"][0]["method"], "workspace/didChangeWatchedFiles");
    let file = uri(folder.path(), "migrations/000002_index.up.sql");
    let text = "CREATE INDEX orders_placed ON orders (placed);\n";
    assert_eq!(codes(&client.open(&file, text)).len(), 1);
    write(folder.path(), "whimbrel.toml", b"[severity]\nindex_not_concurrent = \"off\"\n");
    client.tell("workspace/didChangeWatchedFiles", &json!({"changes": []}));
    assert!(codes(&client.wait_for("textDocument/publishDiagnostics")).is_empty());
    write(folder.path(), "whimbrel.toml", b"[severity]\nindex_not_concurent = \"off\"\n");
    client.tell("workspace/didChangeWatchedFiles", &json!({"changes": []}));
    let said = client.wait_for("window/showMessage");
    assert!(said["message"].as_str().expect("text").contains("did you mean `index_not_concurrent`?"), "{said}");
    // A method that it does not know, parameters that are none: answered, and life goes on.
    client.send(&json!({"jsonrpc": "2.0", "id": 900, "method": "textDocument/hover", "params": {"x": 1}}));
    client.send(&json!({"jsonrpc": "2.0", "id": 901, "method": "textDocument/rename", "params": {}}));
    let mut errors = Vec::new();
    while errors.len() < 2 {
        let message = client.receive();
        errors.extend(message["error"]["code"].as_i64());
    }
    assert_eq!(errors, [-32602, -32601]);
    client.tell("textDocument/didClose", &json!({"textDocument": {"uri": file}}));
    assert!(codes(&client.wait_for("textDocument/publishDiagnostics")).is_empty());
    client.end();
}
