//! Downloads against a server that behaves as badly as servers do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::default_trait_access, reason = "short fixtures")]

mod world;

use std::{
    io::{self, Write as _},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use terminus_ingest::config::Source;
use world::{Server, World, png, respond};

const ENDED: fn() -> io::Error = || io::ErrorKind::ConnectionAborted.into();

fn bad_server() -> Server {
    let (tries, more_tries) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let good = png(64, 64, 1);
    Server::start(move |path, head, stream| {
        let redirect = |stream: &mut _, to: &str| {
            respond(stream, "302 Found", &format!("Location: {to}\r\n"), b"")
        };
        match path {
            "/robots.txt" => respond(
                stream,
                "200 OK",
                "",
                b"User-agent: *\nDisallow: /private/\n",
            ),
            "/good.png" if head.contains("if-none-match: \"one\"") => {
                respond(stream, "304 Not Modified", "", b"")
            }
            "/good.png" => respond(stream, "200 OK", "ETag: \"one\"\r\n", &good),
            "/moved.png" => redirect(stream, "/other.png"),
            "/other.png" => respond(stream, "200 OK", "", &png(64, 64, 2)),
            "/gone.png" => respond(stream, "410 Gone", "", b""),
            "/busy.png" => match tries.fetch_add(1, Ordering::SeqCst) {
                0 => respond(stream, "429 Too Many Requests", "Retry-After: 1\r\n", b""),
                _ => respond(stream, "200 OK", "", &png(64, 64, 3)),
            },
            "/busier.png" => match more_tries.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => respond(stream, "429 Too Many Requests", "", b""),
                _ => respond(stream, "200 OK", "", &png(64, 64, 5)),
            },
            "/patience.png" => respond(
                stream,
                "429 Too Many Requests",
                "Retry-After: 86400\r\n",
                b"",
            ),
            "/error.png" => respond(stream, "500 Internal Server Error", "", b""),
            "/slow.png" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
                for _ in 0..200 {
                    thread::sleep(Duration::from_millis(50));
                    stream.write_all(b"x")?;
                }
                Err(ENDED())
            }
            "/endless.png" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                loop {
                    stream.write_all(&[0; 1 << 14])?;
                }
            }
            "/promise.png" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")?;
                Err(ENDED())
            }
            "/cut.png" => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    good.len()
                )?;
                stream.write_all(&good[..good.len() / 2])?;
                Err(ENDED())
            }
            "/short.png" => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    good.len() / 2
                )?;
                stream.write_all(&good)?;
                Err(ENDED())
            }
            "/page.jpg" => respond(
                stream,
                "200 OK",
                "Content-Type: image/jpeg\r\n",
                b"<html>not found</html>",
            ),
            "/loop.png" => redirect(stream, "/loop.png"),
            "/noai.png" => respond(stream, "200 OK", "X-Robots-Tag: noai\r\n", &png(64, 64, 4)),
            "/to-loopback.png" => redirect(stream, "http://127.0.0.1:9/x.png"),
            "/to-metadata.png" => redirect(stream, "http://169.254.169.254/latest/meta-data/"),
            "/to-v6.png" => redirect(stream, "http://[::1]:9/x.png"),
            "/to-mapped.png" => redirect(stream, "http://[::ffff:127.0.0.1]:9/x.png"),
            "/to-name.png" => redirect(stream, "http://localhost:9/x.png"),
            "/to-file.png" => redirect(stream, "file:///etc/passwd"),
            _ => respond(stream, "404 Not Found", "", b""),
        }
    })
}

#[test]
fn every_answer_becomes_a_verdict() {
    let (world, server) = (World::new(), bad_server());
    let expected = [
        ("/good.png", "passed"),
        ("/moved.png", "passed"),
        ("/busy.png", "passed"),
        ("/busier.png", "passed"),
        ("/missing.png", "http_status"),
        ("/gone.png", "http_status"),
        ("/patience.png", "rate_limited"),
        ("/error.png", "network"),
        ("/slow.png", "timeout"),
        ("/endless.png", "too_large"),
        ("/promise.png", "too_large"),
        ("/cut.png", "network"),
        ("/short.png", "truncated"),
        ("/page.jpg", "not_an_image"),
        ("/loop.png", "redirects"),
        ("/noai.png", "opted_out"),
        ("/private/a.png", "robots"),
        ("/to-loopback.png", "address_refused"),
        ("/to-metadata.png", "address_refused"),
        ("/to-v6.png", "address_refused"),
        ("/to-mapped.png", "address_refused"),
        ("/to-name.png", "address_refused"),
        ("/to-file.png", "address_refused"),
    ];
    let mut list: Vec<String> = expected.iter().map(|(path, _)| server.url(path)).collect();
    list.push("ftp://example.org/a.png".to_owned());
    // No name server is asked: a part of a name has at most 63 letters.
    let nowhere = format!("http://{}.example/a.png", "x".repeat(64));
    list.push(nowhere.clone());
    let source = Source::Urls(world.write("list.txt", list.join("\n")));
    let mut plan = world.plan(vec![World::collection("c", source)]);
    plan.download = server.config();
    plan.download.timeout_s = NonZeroU32::new(2).unwrap();
    plan.download.max_wait_s = 3;
    let begun = Instant::now();
    let summary = world.run(&plan);
    assert!(
        begun.elapsed() < Duration::from_secs(40),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(summary.found, list.len() as u64);
    let verdicts = world.verdicts();
    for (path, word) in expected {
        let name = format!("url:{}", server.url(path));
        assert_eq!(
            verdicts.get(&name).map(String::as_str),
            Some(word),
            "{path}"
        );
    }
    assert_eq!(verdicts["list.txt#24"], "bad_row");
    assert_eq!(
        verdicts[&format!("url:{nowhere}")],
        "network",
        "a name without an address may have one tomorrow"
    );
    assert_eq!(
        server.count("/robots.txt"),
        1,
        "robots.txt is asked for once"
    );
    assert_eq!(server.count("/error.png"), 3);
    assert_eq!(server.count("/patience.png"), 1);
    assert_eq!(server.count("/private/a.png"), 0);
    let seen = server.seen.lock().unwrap().clone();
    assert!(
        seen.iter()
            .all(|seen| seen.head.contains("user-agent: terminus/"))
    );
}

#[test]
fn only_what_is_new_or_may_pass_is_fetched_again() {
    let (world, server) = (World::new(), bad_server());
    let (good, gone, error) = (
        server.url("/good.png?ex=1&hm=2"),
        server.url("/gone.png"),
        server.url("/error.png"),
    );
    let source = Source::Urls(world.write(
        "list.csv",
        format!("url,prompt\n{good},a cat\n{gone},\n{error},\n"),
    ));
    let mut plan = world.plan(vec![World::collection("c", source)]);
    plan.download = server.config();
    plan.download.attempts = NonZeroU32::MIN;
    assert_eq!(
        world.run(&plan).fetched,
        0,
        "a signed path is another path to this server"
    );
    // Another order, another signature, a row more: the good one and the gone one are known.
    let plain = server.url("/good.png");
    world.write(
        "list.csv",
        format!("url,prompt\n{error},\n{gone},\n{plain},a cat\n"),
    );
    let first = world.run(&plan);
    assert_eq!(
        (first.fetched, first.found),
        (0, 3),
        "the identity is the address without its signature"
    );
    let other = server.url("/other.png");
    world.write(
        "list.csv",
        format!("url,prompt\n{other},a dog\n{plain}&v=1,\n{error},\n{gone},\n{plain},a cat\n"),
    );
    let (gone_before, errors_before) = (server.count("/gone.png"), server.count("/error.png"));
    let again = world.run(&plan);
    assert_eq!(again.fetched, 1);
    assert_eq!(server.count("/gone.png"), gone_before);
    assert_eq!(server.count("/error.png"), errors_before + 1);
}

#[test]
fn a_second_look_asks_whether_it_has_changed() {
    let (world, server) = (World::new(), bad_server());
    let source = Source::Urls(world.write("list.txt", server.url("/good.png")));
    let mut plan = world.plan(vec![World::collection("c", source)]);
    plan.download = server.config();
    assert_eq!(world.run(&plan).fetched, 1);
    let before = world.ledger();
    assert_eq!(world.run(&plan).fetched, 0);
    assert_eq!(server.count("/good.png"), 1);
    plan.rehash = true;
    let looked = world.run(&plan);
    assert_eq!(
        (looked.fetched, looked.not_modified, looked.changed),
        (0, 1, 0)
    );
    let same =
        |rows: &std::collections::BTreeMap<(String, u32), terminus_manifest::ledger::LedgerRow>| {
            rows.values()
                .map(|row| (row.sha256, row.phash, row.etag.clone()))
                .collect::<Vec<_>>()
        };
    assert_eq!(same(&before), same(&world.ledger()));
}

#[test]
fn a_robots_txt_that_fails_once_stops_nobody_and_one_that_always_does_is_network() {
    let (asked, good) = (AtomicUsize::new(0), png(64, 48, 1));
    let server = Server::start(move |path, _, stream| match path {
        "/robots.txt" => match asked.fetch_add(1, Ordering::SeqCst) {
            0 => respond(stream, "503 Service Unavailable", "", b""),
            _ => respond(stream, "404 Not Found", "", b""),
        },
        _ => respond(stream, "200 OK", "", &good),
    });
    let world = World::new();
    let list = (0..8).map(|n| server.url(&format!("/{n}.png\n")));
    let source = Source::Urls(world.write("list.txt", list.collect::<String>()));
    let mut plan = world.plan(vec![World::collection("c", source)]);
    plan.download = server.config();
    assert_eq!(world.run(&plan).fetched, 8);
    assert_eq!(server.count("/robots.txt"), 2);

    let closed = Server::start(|_, _, stream| respond(stream, "503 Service Unavailable", "", b""));
    let world = World::new();
    let source = Source::Urls(world.write("list.txt", closed.url("/a.png")));
    let mut plan = world.plan(vec![World::collection("c", source)]);
    plan.download = closed.config();
    world.run(&plan);
    let name = format!("url:{}", closed.url("/a.png"));
    assert_eq!(world.verdicts()[&name], "network");
    assert_eq!(
        closed.count("/a.png"),
        0,
        "what may be forbidden is not fetched"
    );
}

#[test]
fn no_more_go_on_at_once_than_the_settings_allow() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (active, peak) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |path, _, stream| {
        let body = match path {
            "/robots.txt" => Vec::new(),
            path => png(64, 48, path.len() as u32 + u32::from(path.as_bytes()[1])),
        };
        peak.fetch_max(active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(10));
        active.fetch_sub(1, Ordering::SeqCst);
        respond(stream, "200 OK", "", &body)
    });
    let world = World::new();
    let list = (0..60).map(|n| server.url(&format!("/{n}.png\n")));
    let source = Source::Urls(world.write("list.txt", list.collect::<String>()));
    let mut plan = world.plan(vec![World::collection("c", source)]);
    plan.download = server.config();
    plan.download.per_host = NonZeroU32::new(6).unwrap();
    assert_eq!(world.run(&plan).fetched, 60);
    let most = most.load(Ordering::SeqCst);
    assert!((2..=6).contains(&most), "{most}");
}

#[test]
fn an_expired_discord_link_is_told_without_asking() {
    let world = World::new();
    let link = "https://cdn.discordapp.com/attachments/1/2/a.png?ex=60000000&is=5fffffff&hm=1&";
    let source = Source::Urls(world.write("list.txt", link));
    world.run(&world.plan(vec![World::collection("c", source)]));
    let verdicts = world.verdicts();
    assert_eq!(
        verdicts["url:https://cdn.discordapp.com/attachments/1/2/a.png"],
        "link_expired"
    );
}
