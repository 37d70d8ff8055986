//! Requests of the town's people and machines, as a browser or a mail program makes them: real HTTP, on this machine only.

use super::World;
use super::practice::Practice;
use crate::error::{ApiError, Result};
use carillon_adapters::Http;
use carillon_adapters::http::{Answer, Method};
use carillon_model::Moment;
use carillon_model::message::{Failure, FailureClass};
use carillon_relay::MOMENT_HEADER;
use carillon_world::personas::{self, Act, HttpRequest};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::JoinSet;

/// Visitors at a time.
const AT_ONCE: usize = 48;
/// Pages one is sent on to.
const MOST_HOPS: usize = 4;
/// How long a page may take, and how much of it is read.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST_PAGE: usize = 1 << 20;
/// A server that has no time is asked again after so many milliseconds each.
const AGAIN: [u64; 3] = [20, 200, 1_000];

/// A visit: who goes where, and when.
pub(super) struct Visit {
    pub at: Moment,
    pub act: Act,
    pub request: HttpRequest,
}

/// Makes all visits, many at once. What they lead to: a form that is sent some time after its page was opened. Or why the
/// relay cannot be reached.
///
/// # Errors
/// A task is lost.
pub(super) async fn all(
    world: &World,
    visits: Vec<Visit>,
) -> Result<std::result::Result<Vec<(Moment, Act)>, String>> {
    let mut waiting: VecDeque<Visit> = visits.into();
    let mut under_way = JoinSet::new();
    let mut led_to = Vec::new();
    let mut failed = None;
    loop {
        while under_way.len() < AT_ONCE
            && let Some(visit) = waiting.pop_front()
        {
            let Some(request) = on_this_machine(world.relay.as_ref(), &visit.request) else {
                // Nobody here hears of a visit to somebody else's site.
                continue;
            };
            let visitor = Visitor {
                http: world.http.clone(),
                relay: world.relay.as_ref().map(Practice::url).unwrap_or_default(),
            };
            under_way.spawn(async move { visitor.one(request, &visit).await });
        }
        match under_way.join_next().await {
            None => break,
            Some(done) => match done.map_err(ApiError::internal)? {
                Ok(more) => led_to.extend(more),
                Err(why) => failed = Some(why),
            },
        }
    }
    // The order in which they came back is chance.
    led_to.sort_by_key(|(at, act): &(Moment, Act)| (*at, act.who()));
    Ok(match failed {
        None => Ok(led_to),
        Some(why) => Err(why),
    })
}

/// What a person presses on the page that came, at once.
///
/// # Errors
/// As [`all`].
pub(super) async fn pressed_at_once(world: &World, visit: Visit) -> Result<std::result::Result<(), String>> {
    let at = visit.at;
    let mut next = vec![visit];
    // The visit, and what it leads to.
    for _ in 0..2 {
        let more = match all(world, std::mem::take(&mut next)).await? {
            Ok(more) => more,
            Err(why) => return Ok(Err(why)),
        };
        for (_, act) in more {
            if let personas::Effect::Request(request) = act.effect(at) {
                next.push(Visit { at, act, request });
            }
        }
    }
    Ok(Ok(()))
}

/// The request where it leads now; `None` where that is not on this machine.
fn on_this_machine(relay: Option<&Practice>, request: &HttpRequest) -> Option<HttpRequest> {
    let url = relay?.found(&request.url)?;
    Some(HttpRequest {
        url,
        ..request.clone()
    })
}

/// Whoever makes a visit.
struct Visitor {
    http: Http,
    /// Where our relay is: what is meant for it is tried again.
    relay: String,
}

impl Visitor {
    async fn one(
        &self,
        request: HttpRequest,
        visit: &Visit,
    ) -> std::result::Result<Option<(Moment, Act)>, String> {
        let Some((url, answer)) = self.followed(request, visit.at).await? else {
            return Ok(None);
        };
        let (at, act) = (visit.at, visit.act.clone());
        // A page may ask for some ten thousand hashes.
        let pressed = tokio::task::spawn_blocking(move || {
            let (after, request) = act.press(&url, &answer.body)?;
            let deed = personas::Deed::Send { request };
            let about = act.about;
            Some((at + after, Act { about, deed }))
        });
        pressed.await.map_err(|error| error.to_string())
    }

    /// The page at the end of all redirects, and where it is. `None` where the way leads off this machine, or nobody is
    /// there.
    async fn followed(
        &self,
        mut request: HttpRequest,
        at: Moment,
    ) -> std::result::Result<Option<(String, Answer)>, String> {
        for _ in 0..MOST_HOPS {
            let Some(answer) = self.asked(&request, at).await? else {
                return Ok(None);
            };
            let next = match answer.status {
                301 | 302 | 303 | 307 | 308 => answer.header("location").map(str::to_owned),
                _ => return Ok(Some((request.url, answer))),
            };
            // What a form leads to after it was sent is nobody's business.
            let Some(next) = next.filter(|next| is_here(next) && request.method != personas::Method::Post)
            else {
                return Ok(None);
            };
            request.url = next;
        }
        Ok(None)
    }

    /// One request. `None`: whoever is asked cannot be asked.
    async fn asked(&self, request: &HttpRequest, at: Moment) -> std::result::Result<Option<Answer>, String> {
        let ours = request
            .url
            .strip_prefix(&self.relay)
            .is_some_and(|path| path.starts_with('/'));
        let mut why = String::new();
        for pause in AGAIN.into_iter().map(Some).chain([None]) {
            why = match self.sent(request, at).await {
                Ok(answer) if !ours || (answer.status < 500 && answer.status != 429) => {
                    return Ok(Some(answer));
                }
                Ok(answer) => answer.refusal().failure.detail,
                Err(failure) if ours && failure.class == FailureClass::Transient => failure.detail,
                Err(_) => return Ok(None),
            };
            if let Some(millis) = pause {
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
        }
        Err(why)
    }

    async fn sent(&self, request: &HttpRequest, at: Moment) -> std::result::Result<Answer, Failure> {
        let method = match request.method {
            personas::Method::Get => Method::GET,
            personas::Method::Head => Method::HEAD,
            personas::Method::Post => Method::POST,
        };
        let mut asked = self
            .http
            .request(method, &request.url)
            .header(MOMENT_HEADER, &at.timestamp_millis().to_string())
            .time_limit(PATIENCE)
            .longest(LONGEST_PAGE)
            .stays();
        let mut content_type = "application/octet-stream";
        for (name, value) in &request.headers {
            match name.eq_ignore_ascii_case("content-type") {
                true => content_type = value,
                false => asked = asked.header(name, value),
            }
        }
        if request.method == personas::Method::Post {
            asked = asked.body(content_type, request.body.clone());
        }
        Ok(asked.send().await?)
    }
}

fn is_here(url: &str) -> bool {
    let here = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    here.iter().any(|here| url.starts_with(here))
}
