//! The one HTTP client, and one request through it.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{
    Client, RequestBuilder, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::outbound::{AllowedHosts, Refused};

/// A host that takes longer to accept a connection is as good as down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence while an answer is awaited or read: slow pages of a busy tenant take several seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest whole request, so that an answer that drips in cannot hold a worker.
const TOTAL_TIMEOUT: Duration = Duration::from_mins(2);
/// Largest answer, in bytes after decompression: a hundred articles of 300 kB.
const BODY_MAX_BYTES: usize = 32 * 1024 * 1024;
/// An answer up to this size is read beside others, in bytes: five times an ordinary page. Of larger ones the process reads
/// and decodes one at a time, so that pages ahead of several runs do not add up: 32 MiB once, and 1 MiB for each request.
const SMALL_BODY_BYTES: usize = 1024 * 1024;
/// What is read of an answer that is an error, so that its connection can be used again, in bytes.
const ERROR_BODY_MAX_BYTES: usize = 64 * 1024;
/// Redirects within the same origin, such as to a path with a slash.
const REDIRECTS_MAX: usize = 3;
/// How the provider's logs name us.
const USER_AGENT: &str = concat!("tributary/", env!("CARGO_PKG_VERSION"));

/// The HTTP client that all connections share. Whatever it is asked to send, it sends only to where the operator's
/// filter lets it.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
    body_max_bytes: usize,
    allowed: Arc<AllowedHosts>,
    /// Held by the one answer that may be large.
    large: Arc<Semaphore>,
}

/// The client cannot be built: no cryptography is installed, or there are no root certificates.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built")]
pub struct ClientError(#[source] reqwest::Error);

/// The bounds of a request, so that tests need not wait for the real ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) total: Duration,
    pub(crate) body_max_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: CONNECT_TIMEOUT,
            read: READ_TIMEOUT,
            total: TOTAL_TIMEOUT,
            body_max_bytes: BODY_MAX_BYTES,
        }
    }
}

impl HttpClient {
    /// The process must have installed its cryptography (rustls with ring) before.
    pub fn new(allowed: &AllowedHosts) -> Result<Self, ClientError> {
        Self::with(Bounds::default(), allowed, Arc::new(SystemNames))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the HTTP client is made"
    )]
    pub(crate) fn with(
        bounds: Bounds,
        allowed: &AllowedHosts,
        names: Arc<dyn Names>,
    ) -> Result<Self, ClientError> {
        let allowed = Arc::new(allowed.clone());
        // `*/*` because outside `/v2` the provider answers 500 to a request without an Accept header.
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("*/*"))]);
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers)
            .connect_timeout(bounds.connect)
            .read_timeout(bounds.read)
            .timeout(bounds.total)
            .tcp_nodelay(true)
            .gzip(true)
            .redirect(redirect::Policy::custom(within_origin))
            .dns_resolver(Filtered {
                names,
                allowed: Arc::clone(&allowed),
            })
            // The environment is no input of ours; a proxy would have to be an option of the server.
            .no_proxy()
            .build()
            .map_err(ClientError)?;
        Ok(Self {
            client,
            body_max_bytes: bounds.body_max_bytes,
            allowed,
            large: Arc::new(Semaphore::new(1)),
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The same client, for answers that are shorter.
    pub(crate) fn reading_at_most(self, body_max_bytes: usize) -> Self {
        Self {
            body_max_bytes,
            ..self
        }
    }

    /// Sends a request and reads its answer within the bounds.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Broken> {
        let request = request.build().map_err(Broken::Transport)?;
        // A URL that holds an address asks no resolver, so it is judged here.
        self.allowed.check(request.url()).map_err(Broken::Refused)?;
        let mut response = self.client.execute(request).await.map_err(Broken::Transport)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
            large: None,
        };
        if status.is_success() {
            self.read(&mut response, &mut answer, self.body_max_bytes).await?;
        } else {
            // What an error says is not used, so neither its size nor its end matters.
            let _ = self.read(&mut response, &mut answer, ERROR_BODY_MAX_BYTES).await;
        }
        Ok(answer)
    }

    async fn read(
        &self,
        response: &mut reqwest::Response,
        answer: &mut Answer,
        limit: usize,
    ) -> Result<(), Broken> {
        // The stated length is only a hint: it counts compressed bytes and may be a lie.
        let stated = response
            .content_length()
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or_default()
            .min(limit);
        let body = &mut answer.body;
        body.reserve(stated.min(SMALL_BODY_BYTES));
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(()),
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(Broken::TooLong { limit }),
                Ok(Some(chunk)) => {
                    if answer.large.is_none() && body.len() + chunk.len() > SMALL_BODY_BYTES {
                        // It is never closed.
                        answer.large = Arc::clone(&self.large).acquire_owned().await.ok();
                        body.reserve(stated.saturating_sub(body.len()));
                    }
                    body.extend_from_slice(&chunk);
                }
                Err(error) => {
                    let read = body.len();
                    return Err(Broken::Cut { read, error });
                }
            }
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Of a large one, for as long as it is kept.
    pub(crate) large: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(crate) fn is_html(&self) -> bool {
        let kind = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Nothing was sent: the filter does not let it pass.
    Refused(Refused),
    Transport(reqwest::Error),
    /// The body ended or broke off after so many bytes.
    Cut {
        read: usize,
        error: reqwest::Error,
    },
    TooLong {
        limit: usize,
    },
}

/// Follows a redirect only to where the token may go anyway.
fn within_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt
        .previous()
        .last()
        .is_some_and(|from| from.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= REDIRECTS_MAX {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Looks names up.
#[async_trait]
pub(crate) trait Names: fmt::Debug + Send + Sync {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's name lookup.
#[derive(Clone, Copy, Debug)]
struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The port is filled in by the connector.
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Looks a name up once for each new connection, and hands on nothing but addresses that may be asked. The connection is
/// made to one of exactly these, so a name that would answer differently a moment later changes nothing.
#[derive(Clone, Debug)]
struct Filtered {
    names: Arc<dyn Names>,
    allowed: Arc<AllowedHosts>,
}

/// The host's name has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be looked up")]
pub(crate) struct LookupFailed(#[source] Option<io::Error>);

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { names, allowed } = self.clone();
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await;
            let found = found.map_err(|error| LookupFailed(Some(error)))?;
            if found.is_empty() {
                return Err(LookupFailed(None).into());
            }
            let admitted = allowed.admit(name.as_str(), &found)?;
            Ok(Box::new(admitted.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Counts requests and gives what they need.
pub(crate) struct Wire {
    pub(crate) http: HttpClient,
    pub(crate) base_url: domain::BaseUrl,
    pub(crate) clock: Arc<dyn sync::Clock>,
    pub(crate) requests: std::sync::atomic::AtomicU64,
}

impl Wire {
    pub(crate) async fn send(&self, path: &str, request: RequestBuilder) -> Result<Answer, sync::Failure> {
        self.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let result = self.http.send(request).await;
        match result {
            Ok(answer) => {
                tracing::debug!(
                    path,
                    status = answer.status.as_u16(),
                    bytes = answer.body.len(),
                    "answered"
                );
                Ok(answer)
            }
            Err(broken) => Err(crate::failure::of_broken(&broken, path, self.base_url.host())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use async_trait::async_trait;
    use chrono::{DateTime, Utc};
    use domain::CauseCode;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    struct Still;

    #[async_trait]
    impl sync::Clock for Still {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }

        async fn sleep(&self, _: Duration) {}
    }

    /// What a request becomes that meets a host which sends these bytes and then nothing.
    async fn silence_after(bytes: &'static [u8]) -> sync::Failure {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            // Bytes before the request would be another fault.
            assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
            socket.write_all(bytes).await.unwrap();
            std::future::pending::<sync::Failure>().await
        };
        let bounds = Bounds {
            read: Duration::from_millis(30),
            ..Bounds::default()
        };
        let wire = Wire {
            http: HttpClient::with(bounds, &allowed("127.0.0.1"), Arc::new(SystemNames)).unwrap(),
            base_url: format!("http://{address}").parse().unwrap(),
            clock: Arc::new(Still),
            requests: AtomicU64::new(0),
        };
        let request = wire.http.client().get(wire.base_url.join("/user"));
        tokio::select! {
            failure = host => failure,
            answer = wire.send("/user", request) => answer.unwrap_err(),
        }
    }

    fn allowed(list: &str) -> AllowedHosts {
        list.parse().unwrap()
    }

    /// A name that has another address each time it is looked up.
    #[derive(Debug)]
    struct Turning(std::sync::Mutex<std::vec::IntoIter<&'static str>>);

    #[async_trait]
    impl Names for Turning {
        async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            let next = self.0.lock().unwrap().next();
            Ok(next.into_iter().map(|address| address.parse().unwrap()).collect())
        }
    }

    /// Answers each connection once, and counts them.
    async fn answers_and_closes() -> (SocketAddr, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<AtomicU64>::default());
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let _ = socket.read(&mut [0; 1024]).await;
                let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                let _ = socket.write_all(answer).await;
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn a_name_that_turns_to_another_address_is_asked_at_the_judged_one_or_not_at_all() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (address, asked) = answers_and_closes().await;
        let answers = vec!["127.0.0.1", "169.254.169.254", "127.0.0.1"];
        let turning = Arc::new(Turning(std::sync::Mutex::new(answers.into_iter())));
        let wire = Wire {
            http: HttpClient::with(Bounds::default(), &allowed("turning.example"), turning).unwrap(),
            base_url: format!("http://turning.example:{}", address.port())
                .parse()
                .unwrap(),
            clock: Arc::new(Still),
            requests: AtomicU64::new(0),
        };
        let send = || wire.send("/user", wire.http.client().get(wire.base_url.join("/user")));
        // One look-up: what the name would answer next does not matter to this connection.
        assert_eq!(send().await.unwrap().status, StatusCode::OK);
        let failure = send().await.unwrap_err();
        assert_eq!(failure.code, CauseCode::HostNotAllowed);
        assert!(
            failure
                .message
                .contains("turning.example leads to 169.254.169.254"),
            "{failure}"
        );
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
        assert_eq!(send().await.unwrap().status, StatusCode::OK);
        assert_eq!(send().await.unwrap_err().code, CauseCode::HostUnknown);
    }

    #[tokio::test]
    async fn an_address_in_the_url_is_judged_before_anything_is_sent() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (address, asked) = answers_and_closes().await;
        let http = HttpClient::new(&allowed("other.example")).unwrap();
        for url in [format!("http://{address}/"), format!("https://{address}/")] {
            let broken = http.send(http.client().get(&url)).await.unwrap_err();
            assert!(matches!(broken, Broken::Refused(_)), "{url}: {broken:?}");
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0);
    }

    /// A host that answers each request with so many bytes, on a connection of its own.
    async fn answers(length: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                socket.write_all(head.as_bytes()).await.unwrap();
                // Who has read enough goes.
                let _ = socket.write_all(&vec![b'x'; length]).await;
            }
        });
        format!("http://{address}/")
    }

    fn client(body_max_bytes: usize) -> HttpClient {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bounds = Bounds {
            body_max_bytes,
            ..Bounds::default()
        };
        HttpClient::with(bounds, &allowed("127.0.0.1"), Arc::new(SystemNames)).unwrap()
    }

    #[tokio::test]
    async fn an_answer_over_the_bound_is_not_read() {
        let url = answers(10_000).await;
        for (limit, fits) in [(10_000, true), (9_999, false)] {
            let client = client(limit);
            let answer = client.send(client.client().get(&url)).await;
            assert_eq!(answer.is_ok(), fits, "{answer:?}");
            assert!(fits || matches!(answer, Err(Broken::TooLong { limit: 9_999 })));
        }
    }

    #[tokio::test]
    async fn one_large_answer_is_held_at_a_time_beside_small_ones() {
        let (large, small) = (
            answers(SMALL_BODY_BYTES + 1).await,
            answers(SMALL_BODY_BYTES).await,
        );
        let client = client(BODY_MAX_BYTES);
        let get = |url: &str| client.send(client.client().get(url));
        let first = get(&large).await.unwrap();
        assert_eq!(first.body.len(), SMALL_BODY_BYTES + 1);
        assert_eq!(client.large.available_permits(), 0, "another would wait");
        let beside = get(&small).await.unwrap();
        assert!(beside.large.is_none());
        drop(first);
        let second = get(&large).await.unwrap();
        assert!(second.large.is_some());
    }

    #[tokio::test]
    async fn silence_is_a_time_out_before_and_within_an_answer() {
        for bytes in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"users\":[",
        ] {
            let failure = silence_after(bytes).await;
            assert_eq!(failure.code, CauseCode::ProviderUnavailable);
            assert_eq!(
                failure.message,
                "The host 127.0.0.1 did not answer in time, asked for /user."
            );
        }
    }
}
