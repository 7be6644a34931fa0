//! Serves the files of a folder from memory over loopback, as fast as it can: what downloads are timed against.
//!
//! usage: `serve FOLDER` prints its port and serves until it is killed; `serve FOLDER measure` fetches every file once
//! through 32 connections and prints how many a second it can give.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Files = Arc<HashMap<String, Vec<u8>>>;

/// Connections that `measure` opens, as ingest does at most.
const CONNECTIONS: usize = 32;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let mut files = HashMap::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let name = format!("/{}", entry.file_name().to_string_lossy());
        files.insert(name, fs_err::read(entry.path())?);
    }
    let (files, listener) = (Arc::new(files), TcpListener::bind("127.0.0.1:0")?);
    let port = listener.local_addr()?.port();
    if arguments.next().as_deref() == Some("measure") {
        let served = Arc::clone(&files);
        thread::spawn(move || serve(&listener, &served));
        return measure(port, &files);
    }
    println!("{port}");
    serve(&listener, &files);
    Ok(())
}

fn serve(listener: &TcpListener, files: &Files) {
    for stream in listener.incoming().flatten() {
        let files = Arc::clone(files);
        thread::spawn(move || answer(stream, &files));
    }
}

/// Answers requests until the client is gone; what is not there is 404, as robots.txt is.
fn answer(stream: TcpStream, files: &Files) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        line.clear();
        let body = files.get(&path).map_or(&[][..], Vec::as_slice);
        let status = if body.is_empty() {
            "404 Not Found"
        } else {
            "200 OK"
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(head.as_bytes())?;
        writer.write_all(body)?;
    }
    Ok(())
}

fn measure(port: u16, files: &Files) -> Result<(), Failure> {
    let names: Vec<&String> = files.keys().collect();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        let fetch = || -> Result<(), Failure> {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            let mut reader = BufReader::new(stream.try_clone()?);
            let mut body = Vec::new();
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                write!(stream, "GET {name} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line)? > 2 {
                    if let Some(text) = line.strip_prefix("Content-Length: ") {
                        length = text.trim().parse()?;
                    }
                    line.clear();
                }
                body.resize(length, 0);
                reader.read_exact(&mut body)?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(fetch)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a connection crashed")?)
    })?;
    let rate = names.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:.0}");
    Ok(())
}
