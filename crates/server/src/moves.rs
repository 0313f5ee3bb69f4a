//! Where data calls are answered: a data endpoint that moves.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// What a data call at an old address is told.
pub(crate) const MOVED: &str = "The endpoint does not serve this stream: ask GetDataEndpoint for the one that does.";

/// An address of the server: the one that it was started at, or one that its data endpoint has moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Door(u64);

impl Door {
    /// Where the control plane is, and the data endpoint until it moves.
    pub(crate) const HOME: Door = Door(0);
}

/// Moves the data endpoint.
#[derive(Debug)]
pub(crate) struct Moves {
    newest: watch::Sender<Door>,
    address: Mutex<Option<SocketAddr>>,
    opened: mpsc::UnboundedSender<(TcpListener, Door)>,
}

/// Takes connections at the address that the data endpoint has moved to.
#[derive(Debug)]
pub(crate) struct Doors {
    opened: mpsc::UnboundedReceiver<(TcpListener, Door)>,
    open: Option<(TcpListener, Door)>,
}

impl Moves {
    pub(crate) fn new() -> (Self, Doors) {
        let (opened, doors) = mpsc::unbounded_channel();
        let moves = Moves { newest: watch::Sender::new(Door::HOME), address: Mutex::default(), opened };
        (moves, Doors { opened: doors, open: None })
    }

    /// Moves the data endpoint to a free port.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn move_on(&self, ip: IpAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((ip, 0)).await?;
        let address = listener.local_addr()?;
        let mut known = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(address);
        self.newest.send_modify(|door| {
            door.0 += 1;
            let _ = self.opened.send((listener, *door));
        });
        Ok(address)
    }

    /// The host of the data endpoint, for a client that reaches the control plane by this one.
    pub(crate) fn host(&self, host: &str) -> String {
        let Some(address) = *self.address.lock().unwrap_or_else(PoisonError::into_inner) else {
            return host.to_owned();
        };
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
        format!("{name}:{}", address.port())
    }

    /// Whether the data endpoint is not at this door any more.
    pub(crate) fn has_left(&self, door: Door) -> bool {
        *self.newest.borrow() != door
    }

    /// Waits until the data endpoint is not at this door any more.
    pub(crate) fn left(&self, door: Door) -> impl Future<Output = ()> + Send + use<> {
        let mut newest = self.newest.subscribe();
        async move {
            if newest.wait_for(|newest| *newest != door).await.is_err() {
                // The server has gone, and the connection goes with it.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Doors {
    /// The next connection at the newest door; older ones are closed.
    pub(crate) async fn accept(&mut self) -> (TcpStream, Door) {
        loop {
            let open = async {
                match &self.open {
                    Some((listener, door)) => (listener.accept().await, *door),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                (accepted, door) = open => match accepted {
                    Ok((stream, _)) => return (stream, door),
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(opened) = self.opened.recv() => self.open = Some(opened),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_host_keeps_its_name_and_gets_the_new_port() {
        let (moves, _doors) = Moves::new();
        assert_eq!(moves.host("localhost:80"), "localhost:80");
        assert!(!moves.has_left(Door::HOME));
        let port = moves.move_on(IpAddr::from([127, 0, 0, 1])).await.unwrap().port();
        for (host, name) in [("localhost:80", "localhost"), ("[::1]:9", "[::1]"), ("[::1]", "[::1]"), ("a.b", "a.b")] {
            assert_eq!(moves.host(host), format!("{name}:{port}"));
        }
        assert!(moves.has_left(Door::HOME));
        moves.left(Door::HOME).await;
    }
}
