//! A client that asks patiently.

use std::time::Duration;

use domain::Timestamp;

use super::http::{Answer, Http};
use super::limits::{Verdict, backoff, judge, rate_limit, until_reset};
use super::link::next;
use super::{Halt, Host, PollError, Progress, Refusal, Waiting};

/// How often the same request is sent that the server has trouble with.
const ATTEMPTS: u32 = 6;
/// How often in a row the same request waits for a limit.
const WAITS: u32 = 12;

/// A question.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// The whole address.
    pub(crate) url: &'a str,
    /// What it is about, for people.
    pub(crate) what: &'a str,
    /// Headers, those with secrets too.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Tag of the page that is known already.
    pub(crate) etag: Option<&'a str>,
    /// What is posted, as JSON unless a header says otherwise; without it the question is a GET.
    pub(crate) post: Option<&'a [u8]>,
}

/// What came.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Whether the page is the one known already; then there is no body.
    pub(crate) unchanged: bool,
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
    /// Address of the next page.
    pub(crate) next: Option<String>,
}

/// Asks a vendor's API, one request after another.
#[derive(Debug)]
pub(crate) struct Client {
    http: Http,
    /// Name of the vendor, for people.
    vendor: &'static str,
    /// Header of a refusal that names the permission it lacks, in lower case.
    lacking: &'static str,
    /// How far the backfill is: the client adds what it waits for.
    pub(crate) progress: Progress,
}

/// Turns an answer that says no into words: its status, its body, the permissions it names.
pub(crate) type Explain<'a> = &'a dyn Fn(u16, &str, Option<&str>) -> Refusal;

impl Client {
    pub(crate) fn new(vendor: &'static str, lacking: &'static str) -> Self {
        Client { http: Http::new(), vendor, lacking, progress: Progress::default() }
    }

    /// Asks until there is an answer that is no trouble and no limit.
    pub(crate) fn ask(&mut self, host: &mut dyn Host, ask: &Ask<'_>, explain: Explain<'_>) -> Result<Fetched, Refusal> {
        let (mut attempts, mut waits) = (0, 0);
        loop {
            self.wait_for_limit(host)?;
            let answer = self.send(host, ask)?;
            let verdict = answer.as_ref().map_or(Verdict::Again, |answer| judge(answer, host.now(), waits));
            match (verdict, answer) {
                (Verdict::Take, Ok(answer)) => return Ok(fetched(answer)),
                (Verdict::No, Ok(answer)) => {
                    let body = String::from_utf8_lossy(&answer.body);
                    return Err(explain(answer.status, &body, answer.header(self.lacking)));
                }
                (Verdict::Wait(how_long), Ok(answer)) => {
                    waits += 1;
                    if waits > WAITS {
                        return Err(self.in_trouble(ask, &Ok(answer)));
                    }
                    self.wait(host, how_long, "rate limit")?;
                }
                (_, answer) => {
                    attempts += 1;
                    if attempts >= ATTEMPTS {
                        return Err(self.in_trouble(ask, &answer));
                    }
                    let how_long = backoff(attempts - 1, host.chance());
                    self.wait(host, how_long, "trouble of the server")?;
                }
            }
        }
    }

    fn send(&mut self, host: &mut dyn Host, ask: &Ask<'_>) -> Result<Result<Answer, String>, Refusal> {
        host.pause(Duration::ZERO)?;
        let mut headers = ask.headers.clone();
        if let Some(etag) = ask.etag {
            headers.push(("if-none-match", etag.to_owned()));
        }
        let answer = self.http.send(ask.post, ask.url, &headers);
        if let Ok(answer) = &answer
            && let Some(limit) = rate_limit(answer, host.now())
        {
            self.progress.rate_limit = Some(limit);
        }
        Ok(answer)
    }

    /// Nothing is left of what may be asked: asking all the same is held against whoever does.
    fn wait_for_limit(&mut self, host: &mut dyn Host) -> Result<(), Halt> {
        let now = host.now();
        let spent = self.progress.rate_limit.filter(|limit| limit.remaining == 0 && limit.resets_at > now);
        match spent {
            Some(limit) => self.wait(host, until_reset(&limit, now), "rate limit"),
            None => Ok(()),
        }
    }

    fn wait(&mut self, host: &mut dyn Host, how_long: Duration, why: &str) -> Result<(), Halt> {
        let until = later(host.now(), how_long);
        self.progress.waiting = Some(Waiting { until, why: why.to_owned() });
        host.tell(&self.progress);
        let done = host.pause(how_long);
        self.progress.waiting = None;
        // What was left before the wait says nothing of what is left now.
        if self.progress.rate_limit.is_some_and(|limit| limit.resets_at <= host.now()) {
            self.progress.rate_limit = None;
        }
        host.tell(&self.progress);
        done
    }

    /// Nobody answers: then nothing else can be read. Answers that are always trouble concern this one thing.
    fn in_trouble(&self, ask: &Ask<'_>, answer: &Result<Answer, String>) -> Refusal {
        let (vendor, what) = (self.vendor, ask.what);
        match answer {
            Ok(answer) => Refusal::this(
                Some(answer.status),
                format!("{vendor} answered {} again and again for {what}; try again later", answer.status),
            ),
            Err(cause) => Refusal::Everything(PollError::Failed(format!(
                "{vendor} does not answer for {what}: {cause}; see whether this machine reaches {}, and start again: it \
                 goes on where it was",
                server(ask.url)
            ))),
        }
    }
}

fn fetched(answer: Answer) -> Fetched {
    Fetched {
        unchanged: answer.status == 304,
        etag: answer.header("etag").map(str::to_owned),
        next: answer.header("link").and_then(next),
        body: answer.body,
    }
}

fn later(now: Timestamp, how_long: Duration) -> Timestamp {
    now.plus(i64::try_from(how_long.as_micros()).unwrap_or(i64::MAX / 4))
}

/// The server of an address, without path and query.
fn server(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default()
}
