//! Images for scripts: `push` puts one of a program into the registry of the tests, `server` one of a server of Debian;
//! both print the reference by digest. `engine` runs one of its own. `save` writes what `docker save` would.

use std::path::Path;
use std::process::ExitCode;

use lockgate_testbed::{Engine, Image, Networks, Server, image_of_program, image_of_server};

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
        ["engine"] => {
            let Some(engine) = Engine::start("an engine", Networks::Bridges) else {
                return ExitCode::FAILURE;
            };
            println!("{}", engine.host());
            // It ends with whoever asked for it.
            let _all = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
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
    eprintln!("       lockgate-testbed engine    (prints DOCKER_HOST; ends with its standard input)");
    eprintln!("       lockgate-testbed save PROGRAM NAME:TAG FILE");
    ExitCode::from(2)
}
