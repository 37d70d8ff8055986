//! A line to a server of this machine that can be cut, as a network is.

use super::Result;
use std::io::copy;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Passes connections on to a port. While it is cut, none lasts. It listens as long as the process.
pub struct Line {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cut: bool,
    open: Vec<TcpStream>,
}

impl Line {
    pub fn to(server: u16) -> Result<Line> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(|e| format!("There is no free port on this machine: {e}"))?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                pass(near, server, &shared);
            }
        });
        Ok(Line { port, state })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        let mut state = locked(&self.state);
        state.cut = true;
        for stream in state.open.drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        locked(&self.state).cut = false;
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both ways, each on a thread of its own. `None`: the connection ends here.
fn pass(near: TcpStream, server: u16, state: &Mutex<State>) -> Option<()> {
    let mut state = locked(state);
    if state.cut {
        return None;
    }
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).ok()?;
    let copies = |from: &TcpStream, to: &TcpStream| Some((from.try_clone().ok()?, to.try_clone().ok()?));
    for (mut from, mut to) in [copies(&near, &far)?, copies(&far, &near)?] {
        std::thread::spawn(move || {
            copy(&mut from, &mut to).ok();
            to.shutdown(Shutdown::Write).ok();
        });
    }
    state.open.extend([near, far]);
    Some(())
}
