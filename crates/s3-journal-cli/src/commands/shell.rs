//! `completions` and `man`: what a shell and its user are to know of the command line, made from the command line itself.

use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::flags;
use crate::flags::shell::{CompletionsFlags, ManFlags};
use crate::output::Output;

/// Prints completions.
///
/// # Errors
/// They can't be written.
pub fn completions(flags: &CompletionsFlags, output: &mut Output) -> Result<Exit, Failure> {
    let mut command = flags::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(flags.shell, &mut command, name, &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if flags.shell == Shell::Bash {
        // clap_complete 4.6.11 takes the hyphen in a program's name for the border to a command in one of two places that
        // must agree: no option of a command would be completed.
        text = text.replace("s3__subcmd__journal", "s3__journal");
    }
    output.text(text.as_bytes())?;
    output.finish()?;
    Ok(Exit::Done)
}

/// Prints a manual page, in roff.
///
/// # Errors
/// There is no such command, or it can't be written.
pub fn man(flags: &ManFlags, output: &mut Output) -> Result<Exit, Failure> {
    let mut program = flags::command();
    // Names and options of the commands as they are called.
    program.build();
    let command = match flags.command.as_deref() {
        None => program,
        Some(name) => {
            let found = commands(&program).find(|command| command.get_name() == name).cloned();
            found.ok_or_else(|| no_command(name, &program))?
        }
    };
    let mut text = Vec::new();
    page(command)
        .render(&mut text)
        .map_err(|error| Failure::caused(Exit::Unexpected, "a page can't be made", &error))?;
    output.text(&text)?;
    output.finish()?;
    Ok(Exit::Done)
}

/// Those that have a page; `help` is clap's own.
fn commands(program: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    program.get_subcommands().filter(|command| command.get_name() != "help")
}

fn page(command: clap::Command) -> clap_mangen::Man {
    // `s3-journal write` is called s3-journal-write among the pages.
    let name = command.get_display_name().unwrap_or(command.get_name()).to_uppercase();
    clap_mangen::Man::new(command).title(name).source(concat!("s3-journal ", env!("CARGO_PKG_VERSION")))
}

fn no_command(name: &str, program: &clap::Command) -> Failure {
    let names: Vec<&str> = commands(program).map(clap::Command::get_name).collect();
    Failure::usage(format!("COMMAND is {name:?}: there is no such command; name one of {}", names.join(", ")))
}
