//! Images for scripts: `push` puts one of a program into the registry of the tests, `server` one of a server of Debian;
//! both print the reference by digest. `save` writes what `docker save` would.

use std::path::Path;
use std::process::ExitCode;

use lockgate_testbed::{Image, Server, image_of_program, image_of_server};

#[expect(clippy::print_stdout, reason = "this is a program for the terminal")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["push", program, tag] => println!("{}", image_of_program(Path::new(program), tag)),
        ["server", name, tag] => {
            let server = match name {
                "postgres" => Server::Postgres,
                "redis" => Server::Redis,
                "prometheus" => Server::Prometheus,
                _ => return usage(),
            };
            let Some(image) = image_of_server(server, tag) else { return ExitCode::FAILURE };
            println!("{image}");
        }
        ["save", program, tag, file] => Image::of_program(Path::new(program)).save(tag, Path::new(file)),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "this is a program for the terminal")]
fn usage() -> ExitCode {
    eprintln!("usage: lockgate-testbed push PROGRAM NAME:TAG");
    eprintln!("       lockgate-testbed server postgres|redis|prometheus NAME:TAG");
    eprintln!("       lockgate-testbed save PROGRAM NAME:TAG FILE");
    ExitCode::from(2)
}
