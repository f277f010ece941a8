//! A way to a server on which requests and answers get lost.
//!
//! One connection carries one exchange after another; each is read whole before it is passed on, so that it can be cut
//! where the dice say. Every fate ends the connection, as a dying network does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A proxy before one server.
pub(crate) struct Lossy {
    pub(crate) base: String,
    inner: Arc<Inner>,
}

struct Inner {
    address: String,
    dice: Mutex<u64>,
    /// Of a hundred writes, so many meet a fate; of reads, a tenth of it.
    losses: AtomicU64,
    late: AtomicU64,
    /// What is late is less than so many milliseconds late.
    latest: u64,
}

/// What becomes of an exchange.
enum Fate {
    Passes,
    /// So many thousandths of the request arrive.
    RequestCut(usize),
    /// The server does it; so many thousandths of the answer arrive.
    AnswerCut(usize),
    /// The client sees nothing; the server does it so many milliseconds later.
    Late(u64),
}

impl Lossy {
    pub(crate) async fn to(base: &str, seed: u64, latest: u64) -> Self {
        let rest = base.strip_prefix("http://").unwrap();
        let (address, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}/{path}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            address: address.to_owned(),
            dice: Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            losses: AtomicU64::new(60),
            late: AtomicU64::new(0),
            latest,
        });
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let inner = Arc::clone(&shared);
                tokio::spawn(async move { inner.serve(client).await });
            }
        });
        Self { base: own, inner }
    }

    /// From now on nothing is lost. Ends when what was late has arrived.
    pub(crate) async fn heal(&self) {
        self.inner.losses.store(0, Ordering::SeqCst);
        while self.inner.late.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Inner {
    /// A number below `end`; xorshift, so that a seed gives one run.
    fn roll(&self, end: u64) -> u64 {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        *dice ^= *dice << 13;
        *dice ^= *dice >> 7;
        *dice ^= *dice << 17;
        *dice % end
    }

    fn fate(&self, request: &[u8]) -> Fate {
        let is_read = request.starts_with(b"GET ") || request.windows(8).take(200).any(|w| w == b"/_search");
        let losses = self.losses.load(Ordering::SeqCst);
        if self.roll(100) >= if is_read { losses / 10 } else { losses } {
            return Fate::Passes;
        }
        let part = usize::try_from(self.roll(1000)).unwrap();
        match self.roll(4) {
            0 => Fate::RequestCut(part),
            1 if !is_read => Fate::Late(self.roll(self.latest)),
            _ => Fate::AnswerCut(part),
        }
    }

    async fn serve(self: Arc<Self>, mut client: TcpStream) -> Option<()> {
        let mut server = TcpStream::connect(&self.address).await.ok()?;
        loop {
            let request = message(&mut client).await?;
            match self.fate(&request) {
                Fate::Passes => {
                    server.write_all(&request).await.ok()?;
                    client.write_all(&message(&mut server).await?).await.ok()?;
                }
                Fate::RequestCut(part) => {
                    server.write_all(&request[..request.len() * part / 1000]).await.ok()?;
                    return None;
                }
                Fate::AnswerCut(part) => {
                    server.write_all(&request).await.ok()?;
                    let answer = message(&mut server).await?;
                    client.write_all(&answer[..answer.len() * part / 1000]).await.ok()?;
                    return None;
                }
                Fate::Late(wait) => {
                    self.late.fetch_add(1, Ordering::SeqCst);
                    drop(client);
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    let done = server.write_all(&request).await;
                    let answer = message(&mut server).await;
                    self.late.fetch_sub(1, Ordering::SeqCst);
                    assert!(done.is_ok() && answer.is_some(), "a late request was lost after all");
                    return None;
                }
            }
        }
    }
}

/// One HTTP message with its body, by its Content-Length.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut end = None;
    loop {
        if end.is_none()
            && let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            assert!(!text.contains("transfer-encoding"), "a message without a length");
            end = Some(head + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap()));
        }
        if end.is_some_and(|end| bytes.len() >= end) {
            return Some(bytes);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
