//! `whimbrel server`: findings while a migration is being written, over the Language Server Protocol.
//!
//! The document that is being edited is judged, with every other migration of its environment, open or on the disk, as
//! its history.

mod action;
mod hover;
mod place;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{self as told, Notification as _};
use lsp_types::request::{self as asked, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher,
    GlobPattern, HoverProviderCapability, InitializeParams, InitializeResult, MessageType, PublishDiagnosticsParams,
    Registration, RegistrationParams, ServerCapabilities, ServerInfo, ShowMessageParams, TextDocumentSyncCapability,
    TextDocumentSyncKind, Uri,
};
use serde_json::Value;

use crate::config::{Overrides, Settings};
use crate::finding::Finding;
use place::Encoding;

/// Speaks with one client over standard input and output until it says goodbye.
///
/// # Errors
/// What is wrong with the connection.
pub fn run() -> Result<(), String> {
    let (connection, threads) = Connection::stdio();
    serve(&connection)?;
    drop(connection);
    threads.join().map_err(|error| error.to_string())
}

fn serve(connection: &Connection) -> Result<(), String> {
    let failure = |error: lsp_server::ProtocolError| error.to_string();
    let (id, hello) = connection.initialize_start().map_err(failure)?;
    let hello: InitializeParams = serde_json::from_value(hello).map_err(|error| error.to_string())?;
    let encoding = Encoding::agreed(&hello);
    let answer = InitializeResult {
        capabilities: capabilities(encoding),
        server_info: Some(ServerInfo { name: "whimbrel".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) }),
    };
    let answer = serde_json::to_value(answer).map_err(|error| error.to_string())?;
    connection.initialize_finish(id, answer).map_err(failure)?;
    let mut server = Server { connection, encoding, open: HashMap::new(), told: BTreeMap::new(), complaint: None };
    let watches = hello.capabilities.workspace.as_ref().and_then(|workspace| workspace.did_change_watched_files.as_ref());
    if watches.is_some_and(|watches| watches.dynamic_registration == Some(true)) {
        server.watch()?;
    }
    server.listen()
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

/// A document as the editor holds it.
struct Document {
    uri: Uri,
    version: i32,
    text: Arc<[u8]>,
}

struct Server<'c> {
    connection: &'c Connection,
    encoding: Encoding,
    open: HashMap<PathBuf, Document>,
    /// What was found in each document when it was last judged.
    told: BTreeMap<PathBuf, Vec<Finding>>,
    /// What is wrong with the configuration, so that it is said once.
    complaint: Option<String>,
}

impl Server<'_> {
    /// Takes messages in, and judges what they changed when no more are waiting.
    fn listen(&mut self) -> Result<(), String> {
        let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
        loop {
            let message = match self.connection.receiver.try_recv() {
                Ok(message) => message,
                Err(_) => {
                    for path in std::mem::take(&mut changed) {
                        self.judge(&path)?;
                    }
                    match self.connection.receiver.recv() {
                        Ok(message) => message,
                        Err(_) => return Ok(()),
                    }
                }
            };
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request).map_err(|error| error.to_string())? {
                        return Ok(());
                    }
                    for path in std::mem::take(&mut changed) {
                        self.judge(&path)?;
                    }
                    let response = self.answer(request);
                    self.send(Message::Response(response))?;
                }
                Message::Notification(notification) => self.take_in(notification, &mut changed)?,
                Message::Response(_) => {}
            }
        }
    }

    fn take_in(&mut self, notification: Notification, changed: &mut BTreeSet<PathBuf>) -> Result<(), String> {
        /// The parameters, where they are what the protocol says.
        fn read<N: told::Notification>(params: Value) -> Option<N::Params> {
            serde_json::from_value(params).ok()
        }
        match notification.method.as_str() {
            told::DidOpenTextDocument::METHOD => {
                if let Some(params) = read::<told::DidOpenTextDocument>(notification.params) {
                    let document = params.text_document;
                    changed.extend(self.hold(document.uri, document.version, document.text));
                }
            }
            told::DidChangeTextDocument::METHOD => {
                if let Some(mut params) = read::<told::DidChangeTextDocument>(notification.params)
                    && let Some(change) = params.content_changes.pop()
                {
                    changed.extend(self.hold(params.text_document.uri, params.text_document.version, change.text));
                }
            }
            told::DidCloseTextDocument::METHOD => {
                if let Some(params) = read::<told::DidCloseTextDocument>(notification.params)
                    && let Some(path) = place::path(&params.text_document.uri)
                {
                    self.open.remove(&path);
                    self.told.remove(&path);
                    changed.remove(&path);
                    self.publish(params.text_document.uri, None, Vec::new())?;
                    // It may be history to others.
                    changed.extend(self.open.keys().cloned());
                }
            }
            // Any other file can be history, configuration or evidence.
            told::DidChangeWatchedFiles::METHOD | told::DidSaveTextDocument::METHOD => changed.extend(self.open.keys().cloned()),
            _ => {}
        }
        Ok(())
    }

    /// Keeps a document; gives the documents that have to be judged anew.
    fn hold(&mut self, uri: Uri, version: i32, text: String) -> Option<PathBuf> {
        let path = place::path(&uri)?;
        self.open.insert(path.clone(), Document { uri, version, text: text.into_bytes().into() });
        Some(path)
    }

    fn answer(&mut self, request: Request) -> Response {
        fn read<R: asked::Request>(params: Value) -> Option<R::Params> {
            serde_json::from_value(params).ok()
        }
        let id = request.id;
        let result = match request.method.as_str() {
            asked::HoverRequest::METHOD => {
                read::<asked::HoverRequest>(request.params).map(|params| serde_json::to_value(self.hover(&params)))
            }
            asked::CodeActionRequest::METHOD => {
                read::<asked::CodeActionRequest>(request.params).map(|params| serde_json::to_value(self.actions(&params)))
            }
            other => {
                let message = format!("whimbrel does not answer {other}");
                return Response::new_err(id, ErrorCode::MethodNotFound as i32, message);
            }
        };
        match result {
            Some(Ok(value)) => Response::new_ok(id, value),
            Some(Err(error)) => Response::new_err(id, ErrorCode::InternalError as i32, error.to_string()),
            None => {
                Response::new_err(id, ErrorCode::InvalidParams as i32, "the parameters are not those of the method".to_owned())
            }
        }
    }

    /// The settings for a document, with what all open documents hold in the place of the disk.
    fn settings(&self, path: &Path) -> Result<Settings, String> {
        let mut settings = Settings::find(path, &Overrides::default())?;
        settings.unsaved = self.open.iter().map(|(path, document)| (path.clone(), document.text.clone())).collect();
        Ok(settings)
    }

    /// Judges one document and tells the client.
    fn judge(&mut self, path: &Path) -> Result<(), String> {
        // A document that was never saved belongs to no environment yet.
        let Some(document) = self.open.get(path) else { return Ok(()) };
        let (uri, version) = (document.uri.clone(), document.version);
        if !path.is_file() {
            self.told.remove(path);
            return self.publish(uri, Some(version), Vec::new());
        }
        let outcome = self.settings(path).and_then(|settings| crate::check(&[path.to_owned()], &settings, &|| ()));
        let findings = match outcome {
            Ok(outcome) => {
                self.complaint = None;
                outcome.findings
            }
            Err(error) => {
                if self.complaint.as_ref() != Some(&error) {
                    let params = ShowMessageParams { typ: MessageType::ERROR, message: format!("whimbrel: {error}") };
                    self.notify::<told::ShowMessage>(params)?;
                    self.complaint = Some(error);
                }
                Vec::new()
            }
        };
        let own = |finding: &Finding| place::absolute(finding.source.path()) == path;
        let findings: Vec<Finding> = findings.into_iter().filter(own).collect();
        let diagnostics = findings.iter().map(|finding| self.encoding.diagnostic(finding)).collect();
        self.publish(uri, Some(version), diagnostics)?;
        self.told.insert(path.to_owned(), findings);
        Ok(())
    }

    fn publish(&self, uri: Uri, version: Option<i32>, diagnostics: Vec<lsp_types::Diagnostic>) -> Result<(), String> {
        self.notify::<told::PublishDiagnostics>(PublishDiagnosticsParams { uri, diagnostics, version })
    }

    /// Asks the client to say when files change that are not open.
    fn watch(&self) -> Result<(), String> {
        let watcher = FileSystemWatcher { glob_pattern: GlobPattern::String("**/*.{py,sql,toml,ini}".to_owned()), kind: None };
        let options = DidChangeWatchedFilesRegistrationOptions { watchers: vec![watcher] };
        let params = RegistrationParams {
            registrations: vec![Registration {
                id: "files".to_owned(),
                method: told::DidChangeWatchedFiles::METHOD.to_owned(),
                register_options: serde_json::to_value(options).ok(),
            }],
        };
        let request = Request::new("files".to_owned().into(), asked::RegisterCapability::METHOD.to_owned(), params);
        self.send(Message::Request(request))
    }

    fn notify<N: told::Notification>(&self, params: N::Params) -> Result<(), String> {
        self.send(Message::Notification(Notification::new(N::METHOD.to_owned(), params)))
    }

    fn send(&self, message: Message) -> Result<(), String> {
        self.connection.sender.send(message).map_err(|error| error.to_string())
    }
}
