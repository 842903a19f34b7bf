//! `lockgate-testbed push PROGRAM NAME:TAG`: an image of one program in the registry of the tests, for scripts.
//! Prints the reference by digest. `save PROGRAM NAME:TAG FILE` writes what `docker save` would.

use std::path::Path;
use std::process::ExitCode;

use lockgate_testbed::{Image, image_of_program};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for the terminal")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["push", program, tag] => println!("{}", image_of_program(Path::new(program), tag)),
        ["save", program, tag, file] => Image::of_program(Path::new(program)).save(tag, Path::new(file)),
        _ => {
            eprintln!("usage: lockgate-testbed push PROGRAM NAME:TAG | save PROGRAM NAME:TAG FILE");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
