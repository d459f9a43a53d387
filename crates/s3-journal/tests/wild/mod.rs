//! A store of the crate `object_store` in memory, and a way to it on which requests and answers are lost, requests are late, and
//! which ends somewhere: what a process that dies has sent may still arrive. It watches what is asked of it.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Attribute, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};
use s3_journal::bucket::Metadata;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Through,
    LostRequest,
    LostAnswer,
    /// No answer, and it arrives at some later time.
    Late,
    Refused,
}

/// A request that can change what is at a key, on its way for long.
#[derive(Debug, Clone)]
enum Request {
    Put(Path, PutPayload, PutOptions),
    Complete(Path, MultipartId),
    Abort(Path, MultipartId),
}

#[derive(Debug)]
struct State {
    random: u64,
    faults: bool,
    late: Vec<Request>,
    /// `InMemory` doesn't tell an unknown upload from other errors.
    open: BTreeSet<MultipartId>,
    /// Keys that were seen to be free since the last completion there.
    looked: BTreeSet<Path>,
    fates: BTreeMap<Fate, u64>,
    completed: u64,
    wrong: Vec<String>,
}

/// The store.
#[derive(Debug)]
pub struct World {
    inner: InMemory,
    state: Mutex<State>,
}

/// One process's way to it. It ends after so many requests, in the middle of one.
#[derive(Debug)]
pub struct Way {
    world: Arc<World>,
    requests_left: Mutex<Option<u64>>,
}

fn lost() -> Error {
    Error::Generic { store: "wild", source: "the connection broke".into() }
}

impl World {
    pub fn new(seed: u64) -> Arc<Self> {
        let state = State {
            random: seed | 1,
            faults: true,
            late: Vec::new(),
            open: BTreeSet::new(),
            looked: BTreeSet::new(),
            fates: BTreeMap::new(),
            completed: 0,
            wrong: Vec::new(),
        };
        Arc::new(Self { inner: InMemory::new(), state: Mutex::new(state) })
    }

    pub fn way(self: &Arc<Self>, requests_max: Option<u64>) -> Arc<Way> {
        Arc::new(Way { world: Arc::clone(self), requests_left: Mutex::new(requests_max) })
    }

    /// A number below `end`.
    pub fn draw(&self, end: u64) -> u64 {
        let mut state = self.state.lock().unwrap();
        // Marsaglia's xorshift64.
        state.random ^= state.random << 13;
        state.random ^= state.random >> 7;
        state.random ^= state.random << 17;
        state.random.wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(32) % end
    }

    pub fn set_faults(&self, faults: bool) {
        self.state.lock().unwrap().faults = faults;
    }

    /// How often what happened, and how many objects in parts there were.
    pub fn fates(&self) -> (BTreeMap<Fate, u64>, u64) {
        let state = self.state.lock().unwrap();
        (state.fates.clone(), state.completed)
    }

    /// What was asked of the store that must never be.
    pub fn wrong(&self) -> Vec<String> {
        self.state.lock().unwrap().wrong.clone()
    }

    pub fn open_uploads(&self) -> usize {
        self.state.lock().unwrap().open.len()
    }

    /// Everything that is there, and its metadata.
    pub async fn objects(&self) -> Vec<(String, Bytes, Metadata)> {
        let names: Vec<ObjectMeta> = self.inner.list(None).try_collect().await.unwrap();
        let mut objects = Vec::new();
        for name in names {
            let found = self.inner.get(&name.location).await.unwrap();
            let metadata = found.attributes.iter().filter_map(|(attribute, value)| match attribute {
                Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
                _ => None,
            });
            let metadata = metadata.collect();
            objects.push((name.location.to_string(), found.bytes().await.unwrap(), metadata));
        }
        objects
    }

    /// Lets requests arrive that were late: all of them, or by chance.
    pub async fn deliver(&self, all: bool) {
        loop {
            let is_due = all || self.draw(4) == 0;
            let waiting = self.state.lock().unwrap().late.len() as u64;
            if waiting == 0 || !is_due {
                return;
            }
            let which = usize::try_from(self.draw(waiting)).unwrap();
            let request = self.state.lock().unwrap().late.swap_remove(which);
            // Nobody waits for the answer any more.
            let _ = self.apply(request).await;
        }
    }

    async fn bytes_at(&self, path: &Path) -> Option<Bytes> {
        self.inner.get(path).await.ok()?.bytes().await.ok()
    }

    async fn apply(&self, request: Request) -> Result<PutResult> {
        match request {
            Request::Put(path, payload, options) => {
                if options.mode != PutMode::Create {
                    self.state.lock().unwrap().wrong.push(format!("{path} is put unconditionally"));
                }
                self.inner.put_opts(&path, payload, options).await
            }
            Request::Complete(path, id) => {
                self.forget(&path, &id)?;
                let before = self.bytes_at(&path).await;
                let result = self.inner.complete_multipart(&path, &id, Vec::new()).await;
                let after = self.bytes_at(&path).await;
                if before.is_some() && before != after {
                    self.state.lock().unwrap().wrong.push(format!("{path} is replaced by something else"));
                }
                self.state.lock().unwrap().completed += 1;
                result
            }
            Request::Abort(path, id) => {
                self.forget(&path, &id)?;
                self.inner.abort_multipart(&path, &id).await?;
                Ok(PutResult { e_tag: None, version: None, extensions: object_store::Extensions::default() })
            }
        }
    }

    fn known(&self, path: &Path, id: &MultipartId) -> Result<()> {
        if self.state.lock().unwrap().open.contains(id) {
            return Ok(());
        }
        Err(Error::NotFound { path: path.to_string(), source: "no such upload".into() })
    }

    fn forget(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.known(path, id)?;
        self.state.lock().unwrap().open.remove(id);
        Ok(())
    }
}

impl Way {
    /// The process is cut off: whatever it sends from now on goes nowhere.
    pub fn is_over(&self) -> bool {
        *self.requests_left.lock().unwrap() == Some(0)
    }

    fn fate(&self, can_be_late: bool) -> Fate {
        let mut left = self.requests_left.lock().unwrap();
        let is_last = match &mut *left {
            Some(0) => return Fate::LostRequest,
            Some(left) => {
                *left -= 1;
                *left == 0
            }
            None => false,
        };
        let has_faults = self.world.state.lock().unwrap().faults;
        let fate = match self.world.draw(if is_last { 3 } else { 20 }) {
            _ if !has_faults && !is_last => Fate::Through,
            0 => Fate::LostRequest,
            1 => Fate::LostAnswer,
            2 if can_be_late => Fate::Late,
            2 if is_last => Fate::LostRequest,
            3 => Fate::Refused,
            _ => Fate::Through,
        };
        *self.world.state.lock().unwrap().fates.entry(fate).or_default() += 1;
        fate
    }

    async fn carry_out<T>(&self, path: &Path, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.world.deliver(false).await;
        match self.fate(false) {
            Fate::Through => work.await,
            Fate::LostAnswer => {
                let _ = work.await;
                Err(lost())
            }
            Fate::Refused => Err(refused(path)),
            Fate::LostRequest | Fate::Late => Err(lost()),
        }
    }

    async fn write(&self, path: &Path, request: Request) -> Result<PutResult> {
        self.world.deliver(false).await;
        match self.fate(true) {
            Fate::Through => self.world.apply(request).await,
            Fate::LostAnswer => {
                let _ = self.world.apply(request).await;
                Err(lost())
            }
            Fate::Late => {
                self.world.state.lock().unwrap().late.push(request);
                Err(lost())
            }
            Fate::Refused => Err(refused(path)),
            Fate::LostRequest => Err(lost()),
        }
    }
}

fn refused(path: &Path) -> Error {
    Error::PermissionDenied { path: path.to_string(), source: "the token has expired".into() }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wild")
    }
}

fn not_asked<T>(operation: &str) -> Result<T> {
    Err(Error::NotImplemented { operation: operation.to_owned(), implementer: "wild".to_owned() })
}

#[async_trait]
impl ObjectStore for Way {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write(path, Request::Put(path.clone(), payload, options)).await
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        not_asked("put_multipart_opts")
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        let found = self.carry_out(path, self.world.inner.get_opts(path, options)).await;
        if is_head && matches!(found, Err(Error::NotFound { .. })) {
            self.world.state.lock().unwrap().looked.insert(path.clone());
        }
        found
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        // No journal deletes.
        futures_util::stream::once(async { not_asked("delete") }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.world.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        not_asked("list_with_delimiter")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        not_asked("copy")
    }
}

#[async_trait]
impl MultipartStore for Way {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.create_multipart_opts(path, PutMultipartOptions::default()).await
    }

    async fn create_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<MultipartId> {
        let created = async {
            let id = self.world.inner.create_multipart_opts(path, options).await?;
            self.world.state.lock().unwrap().open.insert(id.clone());
            Ok(id)
        };
        self.carry_out(path, created).await
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        index: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let put = async {
            self.world.known(path, id)?;
            self.world.inner.put_part(path, id, index, data).await
        };
        self.carry_out(path, put).await
    }

    async fn complete_multipart(&self, path: &Path, id: &MultipartId, _: Vec<PartId>) -> Result<PutResult> {
        {
            let mut state = self.world.state.lock().unwrap();
            if !state.looked.remove(path) {
                state.wrong.push(format!("{path} is completed without a look"));
            }
        }
        self.write(path, Request::Complete(path.clone(), id.clone())).await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.write(path, Request::Abort(path.clone(), id.clone())).await?;
        Ok(())
    }
}
