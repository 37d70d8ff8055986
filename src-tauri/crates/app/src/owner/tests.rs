use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::task::JoinHandle;

/// Patience of these tests: what they wait for never comes, so its length decides nothing.
const SHORT: Duration = Duration::from_millis(100);

/// Somebody who holds the file, answers so many greetings, and then only listens.
struct Stopped {
    file: PathBuf,
    met: Arc<AtomicU32>,
    _lock: File,
    _task: JoinHandle<()>,
}

fn stopped_after(dir: &Path, greetings: u32) -> Stopped {
    let file = dir.join("shop.carillon");
    let socket = dir.join("s.sock");
    let listener = ListenerOptions::new()
        .name(socket_name(&socket).unwrap())
        .create_tokio()
        .unwrap();
    let mut lock = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .open(lock_path(&file))
        .unwrap();
    lock.try_lock().unwrap();
    let sign = Sign {
        pid: 4711,
        socket: socket.to_string_lossy().into_owned(),
    };
    lock.write_all(&serde_json::to_vec(&sign).unwrap()).unwrap();
    let met = Arc::new(AtomicU32::new(0));
    let count = met.clone();
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(mut stream) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            for _ in 0..greetings {
                while !matches!(read_frame(&mut stream).await, Ok(ToOwner::Hello)) {}
                write_frame(&mut stream, &FromOwner::Hello).await.unwrap();
            }
            open.push(stream);
        }
    });
    Stopped {
        file,
        met,
        _lock: lock,
        _task: task,
    }
}

fn asking(kind: Kind) -> Call {
    Call {
        kind,
        name: "home.overview".to_owned(),
        args: Value::Null,
    }
}

#[tokio::test]
async fn an_owner_that_says_nothing_is_asked_once_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let owner = stopped_after(dir.path(), 0);
    let Err(error) = claim_within(&owner.file, SHORT).await else {
        unreachable!("somebody else holds the file");
    };
    assert!(error.message.contains("process 4711") && error.message.contains("does not answer"));
    assert!(error.message.contains("Nothing was changed"), "{}", error.message);
    assert_eq!(owner.met.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_owner_that_falls_silent_ends_the_call_and_says_what_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let owner = stopped_after(dir.path(), 3);
    let Ok(Claim::Theirs(remote)) = claim_within(&owner.file, SHORT).await else {
        unreachable!("it greets");
    };
    let change = remote.call(asking(Kind::Mutate)).await.unwrap().unwrap_err();
    assert!(
        change.message.contains("look before you repeat"),
        "{}",
        change.message
    );
    assert!(!change.retry, "a change must not be repeated blindly");
    let question = remote.call(asking(Kind::Query)).await.unwrap().unwrap_err();
    assert!(
        question.message.contains("Nothing was changed"),
        "{}",
        question.message
    );
    assert!(question.retry && remote.waiting().calls.is_empty());
}

#[tokio::test]
async fn a_call_may_take_far_longer_than_an_owner_may_be_silent() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.carillon");
    let (changes, _) = broadcast::channel(4);
    let Claim::Ours(_ownership, listener) = claim_within(&file, SHORT * 5).await.unwrap() else {
        unreachable!("nobody else has it");
    };
    let slow = |_call: Call| async {
        tokio::time::sleep(SHORT * 12).await;
        Ok(Value::from("done"))
    };
    let (_closing, closed) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, slow, changes, closed));
    let sign: Sign = serde_json::from_slice(&std::fs::read(lock_path(&file)).unwrap()).unwrap();
    let remote = Remote::connect(&sign, SHORT * 5).await.unwrap();
    assert_eq!(remote.call(asking(Kind::Mutate)).await.unwrap().unwrap(), "done");
    serving.abort();
}

#[tokio::test]
async fn who_hangs_up_is_forgotten_and_who_serves_no_more_hangs_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.carillon");
    let (changes, _) = broadcast::channel(4);
    let Claim::Ours(_ownership, listener) = claim_within(&file, SHORT * 5).await.unwrap() else {
        unreachable!("nobody else has it");
    };
    let answer = |_call: Call| async { Ok(Value::from("done")) };
    let (closing, closed) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, answer, changes.clone(), closed));
    let sign: Sign = serde_json::from_slice(&std::fs::read(lock_path(&file)).unwrap()).unwrap();
    let guest = Remote::connect(&sign, SHORT * 5).await.unwrap();
    let gone = Remote::connect(&sign, SHORT * 5).await.unwrap();
    let told = gone.listen().await;
    while changes.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    drop((told, gone));
    while changes.receiver_count() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(guest.call(asking(Kind::Query)).await.unwrap().unwrap(), "done");
    closing.send(true).unwrap();
    serving.await.unwrap();
    assert!(guest.call(asking(Kind::Query)).await.is_none(), "nobody began it");
}

/// One owner after another that greets and lets the file go at once, as programs do that had little to do.
async fn fleeting_owners(file: PathBuf, times: u32) -> JoinHandle<()> {
    let Claim::Ours(ownership, listener) = claim(&file).await.unwrap() else {
        unreachable!("nobody else has it");
    };
    tokio::spawn(async move {
        for _ in 0..times {
            let mut stream = listener.accept().await.unwrap();
            while !matches!(read_frame(&mut stream).await, Ok(ToOwner::Hello)) {}
            for last in [FromOwner::Hello, FromOwner::Goodbye] {
                write_frame(&mut stream, &last).await.unwrap();
            }
            // Whoever was greeted hears the end before the next one comes.
            let _: std::io::Result<ToOwner> = read_frame(&mut stream).await;
        }
        drop((listener, ownership));
    })
}

#[tokio::test]
async fn a_file_whose_owners_end_one_after_the_other_is_opened_in_the_end() {
    use crate::table::Window;
    use crate::{App, workspaces};
    let dir = tempfile::tempdir().unwrap();
    let app = || App::new(dir.path().join("home"), false);
    let ask = |kind, name: &str, args| Call {
        kind,
        name: name.to_owned(),
        args,
    };
    let file = dir.path().join("shop.carillon");
    let first = app();
    let make = serde_json::json!({ "file": { "path": file }, "name": "Shop", "clock": "virtual", "start": null, "time_zone": "UTC" });
    first
        .call(Window::Terminal, ask(Kind::Mutate, "workspaces.create", make))
        .await
        .unwrap();
    workspaces::close_current(&first).await;

    let owners = fleeting_owners(file.clone(), 5).await;
    let second = app();
    let asked = async {
        let open = serde_json::json!({ "file": { "path": file } });
        second
            .call(Window::Terminal, ask(Kind::Mutate, "workspaces.open", open))
            .await?;
        second
            .call(Window::Terminal, ask(Kind::Query, "segments.list", Value::Null))
            .await
    };
    // What hangs is not to hang the tests.
    let segments = timeout(Duration::from_secs(60), asked).await.expect("an answer");
    assert_eq!(segments.unwrap(), serde_json::json!([]));
    owners.await.unwrap();
    workspaces::close_current(&second).await;
}
