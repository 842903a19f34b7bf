//! SIGTERM ends the service in good order. Alone in its file: the signal goes to the whole test program.

mod support;

use lockgate_sample::SampleConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight_and_ends_well() {
    let port = support::closed_port().await;
    let served = tokio::spawn(lockgate_sample::run(SampleConfig { port, ..SampleConfig::default() }));
    let mut stream = tokio::time::timeout(support::WITHIN, async {
        loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => return stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
    .unwrap();
    let two = b"GET /work HTTP/1.1\r\nHost: x\r\n\r\nGET /slow?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(two).await.unwrap();
    // The first answer shows that the second request has arrived too.
    stream.read_u8().await.unwrap();
    let own = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &own]).status().unwrap().success());

    let ended = tokio::time::timeout(support::WITHIN, served).await.unwrap().unwrap();
    ended.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("\"instance\"").count(), 2, "{answers}");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
