//! One connection's source: requests, their paths, and what the answers mean.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::{BaseUrl, ProfileMapping, TenantId, record::Subtype};
use reqwest::{StatusCode, header::AUTHORIZATION};
use sync::{
    Clock, Failure, Fetched, Lookup, PAGE_SIZE, Page, PageRequest, Presence, Served, Source, TopicFilter,
};

use crate::{
    decode::{Malformed, decode, decode_counts},
    failure,
    http::{Answer, HttpClient, Wire},
    token::{Credentials, Tokens},
};

/// Sends of one request, if every token ends before it is used. A token lives two hours, so two are plenty; the rest
/// is for tokens that a busy gateway withdraws.
const SENDS_MAX: u32 = 6;
/// Pages of a listing that is served whole: 10,000 idea statuses or categories, a hundred times the largest known.
const WHOLE_PAGES_MAX: u32 = 100;
/// Where the user family may be: the specification says the root, the developer portal `/api1`.
const USER_PREFIXES: [&str; 2] = ["", "/api1"];

/// A tenant of Customer Communities, read through its REST API.
pub struct CommunityApi {
    tenant_id: TenantId,
    mapping: Arc<ProfileMapping>,
    wire: Wire,
    tokens: Tokens,
    /// Known from the first answer that is not 404.
    user_prefix: OnceLock<&'static str>,
}

impl fmt::Debug for CommunityApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommunityApi")
            .field("tenant_id", &self.tenant_id)
            .field("base_url", &self.wire.base_url)
            .finish_non_exhaustive()
    }
}

impl CommunityApi {
    pub fn new(
        client: HttpClient,
        tenant_id: TenantId,
        base_url: BaseUrl,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tenant_id,
            mapping: Arc::default(),
            wire: Wire {
                http: client,
                base_url,
                clock,
                requests: AtomicU64::new(0),
            },
            tokens: Tokens::new(credentials),
            user_prefix: OnceLock::new(),
        }
    }

    /// Fills members' own columns by this mapping.
    #[must_use]
    pub fn with_mapping(self, mapping: ProfileMapping) -> Self {
        Self {
            mapping: Arc::new(mapping),
            ..self
        }
    }

    /// The prefix of the user family, if an answer has told it yet.
    pub(crate) fn user_prefix(&self) -> Option<&'static str> {
        self.user_prefix.get().copied()
    }

    /// Sends a request. A refused token (401) is renewed once, and the request repeated.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let url = self.wire.base_url.join(path);
        let mut token = self.tokens.get(&self.wire).await?;
        let mut sends = 0;
        loop {
            let request = self.wire.http.client().get(url.clone()).query(query);
            let request = request.header(AUTHORIZATION, token.header.clone());
            let answer = self.wire.send(path, request).await?;
            sends += 1;
            if answer.status != StatusCode::UNAUTHORIZED {
                token.works();
                return Ok(answer);
            }
            // A token that this request asked for and that served no one is as good as any: the next would be
            // refused, too.
            if token.own && !token.worked() {
                return Ok(answer);
            }
            if sends == SENDS_MAX {
                return Err(failure::tokens_end(path, sends));
            }
            token = self.tokens.other_than(&token, &self.wire).await?;
        }
    }

    /// An answer from the user family, and its path. The first answer that is not 404 settles the prefix.
    async fn get_user(&self, path: &str, query: &[(&str, &str)]) -> Result<(Answer, String), Failure> {
        if let Some(prefix) = self.user_prefix.get() {
            let path = format!("{prefix}{path}");
            return Ok((self.get(&path, query).await?, path));
        }
        let [root, other] = USER_PREFIXES;
        let first = format!("{root}{path}");
        let answer = self.get(&first, query).await?;
        if answer.status != StatusCode::NOT_FOUND {
            self.settle(root, &answer);
            return Ok((answer, first));
        }
        let second = format!("{other}{path}");
        let answer = self.get(&second, query).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok((answer, first));
        }
        self.settle(other, &answer);
        Ok((answer, second))
    }

    /// Only a success proves a prefix: a gateway may answer 403 or 503 to any path.
    fn settle(&self, prefix: &'static str, answer: &Answer) {
        if answer.status.is_success() {
            // Whoever was first has found the same.
            let _ = self.user_prefix.set(prefix);
        }
    }

    /// Reads an answer in a task of its own, so that another core may do it while the caller's writes what came before.
    async fn page(&self, request: &PageRequest, answer: Answer, path: &str) -> Result<Page, Failure> {
        if !answer.status.is_success() {
            return Err(failure::of_status(&answer, path, self.wire.clock.now()));
        }
        let request = request.clone();
        let mapping = Arc::clone(&self.mapping);
        let reading =
            tokio::spawn(
                async move { decode(&request, &mapping, &answer.body).map_err(|error| (error, answer)) },
            );
        match reading.await {
            Ok(read) => read.map_err(|(malformed, answer)| failure::of_malformed(&malformed, &answer, path)),
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }

    async fn users(
        &self,
        request: &PageRequest,
        active_since: Option<NaiveDate>,
        page: u32,
    ) -> Result<Fetched, Failure> {
        let (page, size) = (page.to_string(), PAGE_SIZE.to_string());
        let since = active_since.map(|day| day.to_string());
        let mut query = vec![
            ("_returnIterable", "true"),
            ("page", page.as_str()),
            ("pageSize", size.as_str()),
        ];
        query.extend(
            since
                .as_deref()
                .map(|since| ("filter[lastactivity][from]", since)),
        );
        let (answer, path) = self.get_user("/user", &query).await?;
        self.page(request, answer, &path).await.map(Fetched::Page)
    }

    async fn activity(&self, request: &PageRequest, page: u32) -> Result<Fetched, Failure> {
        let (number, size) = (page.to_string(), PAGE_SIZE.to_string());
        let (answer, path) = self
            .get_user("/user/activity", &[("page", &number), ("pageSize", &size)])
            .await?;
        let absent = matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED);
        // Only the first page can say that there is no listing: later it would be a listing that broke off.
        if absent && page == 1 {
            return Ok(Fetched::NoSource);
        }
        self.page(request, answer, &path).await.map(Fetched::Page)
    }

    async fn community(&self, path: &str, page: u32) -> Result<Answer, Failure> {
        let (page, size) = (page.to_string(), PAGE_SIZE.to_string());
        self.get(path, &[("page", &page), ("pageSize", &size)]).await
    }

    async fn topics(
        &self,
        request: &PageRequest,
        filter: &TopicFilter,
        page: u32,
    ) -> Result<Fetched, Failure> {
        const PATH: &str = "/v2/topics";
        let (number, size) = (page.to_string(), PAGE_SIZE.to_string());
        let since = filter.active_since.map(|day| day.to_string());
        let mut query = vec![("page", number.as_str()), ("pageSize", size.as_str())];
        query.extend(since.as_deref().map(|since| ("lastActivityAt[from]", since)));
        let kind = filter.subtype.map(Subtype::content_type);
        query.extend(kind.map(|kind| ("contentTypes[]", kind)));
        let [from, to] = [filter.created_from, filter.created_to].map(|day| day.map(|day| day.to_string()));
        query.extend(from.as_deref().map(|from| ("createdAt[from]", from)));
        query.extend(to.as_deref().map(|to| ("createdAt[to]", to)));
        let answer = self.get(PATH, &query).await?;
        // The provider serves the first 10,000 matches only. On the first page it means something else: that it does
        // not accept our request.
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY && page > 1 {
            return Ok(Fetched::TooLong);
        }
        self.page(request, answer, PATH).await.map(Fetched::Page)
    }

    /// Only a help to notice what goes while topics are read, so a provider that does not answer it is no failure.
    async fn topic_counts(&self) -> Result<Fetched, Failure> {
        const PATH: &str = "/v2/categories/getVisibleTopicsCount";
        let answer = self.get(PATH, &[]).await?;
        let says_no = answer.status.is_client_error()
            && !matches!(
                answer.status,
                StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        if says_no {
            return Ok(Fetched::NoSource);
        }
        if !answer.status.is_success() {
            return Err(failure::of_status(&answer, PATH, self.wire.clock.now()));
        }
        let counts = decode_counts(&answer.body)
            .map_err(|malformed| failure::of_malformed(&malformed, &answer, PATH))?;
        Ok(counts.map_or(Fetched::NoSource, Fetched::Counts))
    }

    async fn replies(
        &self,
        request: &PageRequest,
        subtype: Subtype,
        private_id: &str,
        page: u32,
    ) -> Result<Fetched, Failure> {
        if !makes_path(private_id) {
            // No path can be made of such an id, so the provider's replies cannot be had: a hole as well.
            tracing::warn!(tenant_id = %self.tenant_id, private_id, "a topic's id makes no path");
            return Ok(Fetched::Refused);
        }
        let path = format!("/v2/{}/{private_id}/replies", subtype.path_segment());
        let answer = self.community(&path, page).await?;
        // 404: the topic went, or was converted to another type, after it was listed. Which of the two is not known,
        // and a converted one keeps its replies, so this is a hole that is counted, and no empty list.
        if matches!(
            answer.status,
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE
        ) {
            return Ok(Fetched::Refused);
        }
        self.page(request, answer, &path).await.map(Fetched::Page)
    }

    /// Whether the provider has what is at this path.
    fn presence_of(&self, answer: &Answer, path: &str) -> Result<Presence, Failure> {
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Presence::Gone),
            // It is hidden from us, so it exists.
            StatusCode::FORBIDDEN => Ok(Presence::Present),
            status if status.is_success() => {
                // Of a record, or of the part of one that came. A page for people says nothing of it.
                let first = answer.body.iter().find(|byte| !byte.is_ascii_whitespace());
                if matches!(first, Some(b'{' | b'[')) {
                    return Ok(Presence::Present);
                }
                let malformed = Malformed("something else than a record".to_owned());
                Err(failure::of_malformed(&malformed, answer, path))
            }
            _ => Err(failure::of_status(answer, path, self.wire.clock.now())),
        }
    }

    /// One idea status has no path of its own, so all are listed again.
    async fn idea_status_presence(&self, id: &str) -> Result<Presence, Failure> {
        let listed = self.fetch(&PageRequest::IdeaStatuses).await?;
        let has = |served: &Served| match served {
            Served::Valid(record) => record.key() == id,
            // It may be this one.
            Served::Invalid(_) => true,
        };
        let absent = matches!(&listed, Fetched::Page(page) if !page.records.iter().any(has));
        Ok(if absent { Presence::Gone } else { Presence::Present })
    }

    /// All pages of a short listing as one.
    async fn whole(&self, request: &PageRequest, path: &str) -> Result<Fetched, Failure> {
        let mut whole = Page::default();
        for number in 1..=WHOLE_PAGES_MAX {
            let answer = self.community(path, number).await?;
            let page = self.page(request, answer, path).await?;
            whole.records.extend(page.records);
            if page.last {
                whole.last = true;
                return Ok(Fetched::Page(whole));
            }
        }
        Err(failure::endless(path, WHOLE_PAGES_MAX))
    }
}

#[async_trait]
impl Source for CommunityApi {
    async fn connect(&self) -> Result<(), Failure> {
        self.tokens.get(&self.wire).await.map(|_| ())
    }

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure> {
        match request {
            PageRequest::IdeaStatuses => self.whole(request, "/v2/ideas/ideaStatuses").await,
            // The tree (`/v2/category/getTree`) would add parent and module, but requires the id of an acting user,
            // and a connection has none.
            PageRequest::Categories => self.whole(request, "/v2/categories").await,
            PageRequest::Users { active_since, page } => self.users(request, *active_since, *page).await,
            PageRequest::Topics { filter, page } => self.topics(request, filter, *page).await,
            PageRequest::TopicCounts => self.topic_counts().await,
            PageRequest::Replies { topic, page } => {
                self.replies(request, topic.subtype, &topic.private_id, *page)
                    .await
            }
            PageRequest::Activity { page } => self.activity(request, *page).await,
        }
    }

    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure> {
        let Some(path) = path_of(of) else {
            return match of {
                Lookup::IdeaStatus(id) => self.idea_status_presence(id).await,
                // What cannot be asked for is not known to be gone.
                _ => Ok(Presence::Present),
            };
        };
        let (answer, path) = match of {
            Lookup::User(_) => self.get_user(&path, &[]).await?,
            _ => (self.get(&path, &[]).await?, path),
        };
        self.presence_of(&answer, &path)
    }

    fn take_requests(&self) -> u64 {
        self.wire.requests.swap(0, Ordering::Relaxed)
    }
}

/// Whether an id can be a part of a path.
fn makes_path(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.bytes().all(plain)
}

/// Where one record is served by itself; `None` if nowhere.
fn path_of(lookup: &Lookup) -> Option<String> {
    let topic_path = |subtype: Subtype, private_id: &str| {
        let segment = subtype.path_segment();
        makes_path(private_id).then(|| format!("/v2/{segment}/{private_id}"))
    };
    match lookup {
        Lookup::IdeaStatus(_) => None,
        Lookup::Category(id) => makes_path(id).then(|| format!("/v2/categories/{id}")),
        Lookup::User(id) => makes_path(id).then(|| format!("/user/{id}")),
        Lookup::Topic(topic) => topic_path(topic.subtype, &topic.private_id),
        Lookup::Reply { topic, private_id } => {
            let path = topic_path(topic.subtype, &topic.private_id)?;
            makes_path(private_id).then(|| format!("{path}/replies/{private_id}"))
        }
    }
}
