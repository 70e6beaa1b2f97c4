//! Sends requests to a forge, page by page, with patience where it asks for some.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use super::forge::{Forge, Request};

/// How often a request is tried that the forge puts off.
const TRIES: u32 = 4;
/// A forge that asks for more than that is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pages of a list; nobody has said that much.
const MOST_PAGES: usize = 100;

/// Why a request came to nothing.
#[derive(Debug)]
pub struct Refusal {
    pub reason: String,
    /// The forge was reached and understood, and takes no remark at such a place: a line that is not in its difference,
    /// a commit that is no longer the newest.
    pub of_place: bool,
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> String {
        refusal.reason
    }
}

/// A connection to one forge.
pub struct Client {
    agent: Agent,
    /// The header with the token, which never gets into a message.
    authorization: (&'static str, String),
}

impl Client {
    pub fn new(forge: &Forge, token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("whimbrel/", env!("CARGO_PKG_VERSION")))
            .build();
        Client { agent: config.into(), authorization: forge.authorization(token) }
    }

    /// All pages of a list.
    ///
    /// # Errors
    /// What the forge answers, or that it is not reached.
    pub fn list(&self, url: &str) -> Result<Vec<Value>, String> {
        let mut out = Vec::new();
        let mut next = Some(url.to_owned());
        for _ in 0..MOST_PAGES {
            let Some(url) = next.take() else { break };
            let mut response = self.patiently("GET", &url, || {
                let (name, value) = &self.authorization;
                self.agent.get(&url).header(*name, value).header("accept", "application/json").call()
            })?;
            next = next_page(&response, &url);
            let page: Value = response.body_mut().read_json().map_err(|error| format!("GET {url}: {error}"))?;
            match page {
                Value::Array(items) => out.extend(items),
                _ => return Err(format!("GET {url}: the answer is no list")),
            }
        }
        Ok(out)
    }

    /// Sends one request.
    ///
    /// # Errors
    /// What the forge answers, or that it is not reached.
    pub fn send(&self, request: &Request) -> Result<(), Refusal> {
        let (name, value) = &self.authorization;
        self.patiently(request.method, &request.url, || {
            let builder = match request.method {
                "PATCH" => self.agent.patch(&request.url),
                "PUT" => self.agent.put(&request.url),
                _ => self.agent.post(&request.url),
            };
            builder.header(*name, value).header("accept", "application/json").send_json(&request.body)
        })
        .map(|_| ())
    }

    fn patiently(
        &self,
        method: &str,
        url: &str,
        send: impl Fn() -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Response<ureq::Body>, Refusal> {
        for attempt in 1.. {
            let unreached = |error| Refusal { reason: format!("{method} {url}: {error}"), of_place: false };
            let mut response = send().map_err(unreached)?;
            let status = response.status().as_u16();
            if response.status().is_success() {
                return Ok(response);
            }
            let wait = put_off(&response, attempt).filter(|wait| attempt < TRIES && *wait <= LONGEST_WAIT);
            let Some(wait) = wait else {
                let said = response.body_mut().read_to_string().unwrap_or_default();
                let said: Value = serde_json::from_str(&said).unwrap_or_default();
                let reason = said["message"].as_str().map_or_else(String::new, |reason| format!(": {reason}"));
                let hint = match status {
                    401 => "; the token is not valid",
                    403 | 404 => "; the token needs to be allowed to write to pull requests",
                    _ => "",
                };
                let of_place = method == "POST" && matches!(status, 400 | 422);
                return Err(Refusal { reason: format!("{method} {url}: {status}{reason}{hint}"), of_place });
            };
            std::thread::sleep(wait);
        }
        unreachable!("the last attempt returns")
    }
}

/// How long to wait before the request is tried again; None where trying again is of no use.
fn put_off(response: &Response<ureq::Body>, attempt: u32) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
    let status = response.status().as_u16();
    if let Some(seconds) = header("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    if matches!(status, 403 | 429) && header("x-ratelimit-remaining") == Some(0) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        return Some(Duration::from_secs(header("x-ratelimit-reset")?.saturating_sub(now) + 1));
    }
    matches!(status, 429 | 500 | 502 | 503 | 504).then(|| Duration::from_secs(1 << attempt.min(5)))
}

/// GitHub's `Link: <…>; rel="next"`, GitLab's `X-Next-Page`. A page of another host is none.
fn next_page(response: &Response<ureq::Body>, url: &str) -> Option<String> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok().filter(|value| !value.is_empty());
    let host = |url: &str| url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    if let Some(links) = header("link") {
        let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
        let (_, rest) = next.split_once('<')?;
        let (next, _) = rest.split_once('>')?;
        return (host(next) == host(url)).then(|| next.to_owned());
    }
    let page: u64 = header("x-next-page")?.parse().ok()?;
    let (base, _) = url.split_once("&page=").unwrap_or((url, ""));
    Some(format!("{base}&page={page}"))
}
