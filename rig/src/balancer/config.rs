//! The files under `examples/`, with the places of this run put in; all else stays as an operator reads it there.

use std::io;
use std::net::SocketAddr;

use super::Kind;

const HAPROXY: &str = include_str!("../../../examples/haproxy.cfg");
const NGINX: &str = include_str!("../../../examples/nginx.conf");

/// nginx makes folders for these when it starts, in a place of its packager's choice.
const NGINX_FOLDERS: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

pub(super) fn render(kind: Kind, address: SocketAddr, backends: &[SocketAddr]) -> io::Result<String> {
    let (text, listen, server) = match kind {
        Kind::Haproxy => (HAPROXY, "bind :80", "server chat-"),
        Kind::Nginx => (NGINX, "listen 80;", "server chat-"),
    };
    let mut lines = Vec::new();
    let (mut listens, mut servers) = (0, 0);
    for line in text.lines() {
        let (indent, words) = line.split_at(line.len() - line.trim_start().len());
        if words == listen {
            lines.push(format!("{indent}{}", listen_line(kind, address)));
            listens += 1;
        } else if words.starts_with(server) {
            // The first such line is the model of all.
            let more = backends.iter().enumerate().filter(|_| servers == 0);
            lines.extend(more.map(|(index, backend)| format!("{indent}{}", server_line(kind, words, index, *backend))));
            servers += 1;
        } else {
            lines.push(line.to_owned());
        }
        if kind == Kind::Nginx && line == "http {" {
            lines.extend(NGINX_FOLDERS.iter().map(|folder| format!("    {folder}_temp_path {folder};")));
        }
    }
    if (listens, servers) != (1, 3) {
        let text = format!("the example is another than is known here: {listens} x {listen}, {servers} x {server}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(lines.join("\n") + "\n")
}

fn listen_line(kind: Kind, address: SocketAddr) -> String {
    match kind {
        Kind::Haproxy => format!("bind {address}"),
        Kind::Nginx => format!("listen {address};"),
    }
}

/// `model` is such a line; what follows its address is kept.
fn server_line(kind: Kind, model: &str, index: usize, backend: SocketAddr) -> String {
    match kind {
        Kind::Haproxy => format!("server chat-{} {backend}", index + 1),
        Kind::Nginx => format!("server {backend} {}", model.split_once(":3000 ").map_or(";", |(_, options)| options)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_are_put_in() {
        let [address, one, two] = [1, 2, 3].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        for (kind, example) in [(Kind::Haproxy, HAPROXY), (Kind::Nginx, NGINX)] {
            let text = render(kind, address, &[one, two]).unwrap();
            let added: Vec<&str> = text.lines().filter(|line| !example.contains(line.trim())).map(str::trim).collect();
            let places = match kind {
                Kind::Haproxy => vec!["bind 127.0.0.1:1", "server chat-1 127.0.0.1:2", "server chat-2 127.0.0.1:3"],
                Kind::Nginx => vec![
                    "client_body_temp_path client_body;",
                    "proxy_temp_path proxy;",
                    "fastcgi_temp_path fastcgi;",
                    "uwsgi_temp_path uwsgi;",
                    "scgi_temp_path scgi;",
                    "server 127.0.0.1:2 max_fails=2 fail_timeout=5s;",
                    "server 127.0.0.1:3 max_fails=2 fail_timeout=5s;",
                    "listen 127.0.0.1:1;",
                ],
            };
            assert_eq!(added, places);
        }
    }
}
