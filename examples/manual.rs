//! Writes the manual page and the completions of shells, as the command line defines them, into a directory.
//!
//! ```sh
//! cargo run --example manual target/manual
//! ```

use std::fs::{File, create_dir_all};
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use lyve_cloud_exporter::cli::Cli;

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "give the directory to write to as the argument")
    })?;
    create_dir_all(&directory)?;
    let mut command = <Cli as CommandFactory>::command();
    command.build();
    page(&command, File::create(directory.join("lyve-cloud-exporter.1"))?)?;
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, &name, &directory)?;
    }
    Ok(())
}

/// One page for all commands, since they share their flags.
fn page(command: &Command, mut out: impl Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_options_section(&mut out)?;
    let shared: Vec<&str> = command.get_arguments().filter_map(|argument| argument.get_long()).collect();
    let mut commands = Vec::new();
    for command in command.get_subcommands() {
        described("", command, &shared, &mut commands);
    }
    listed("COMMANDS", commands, &mut out)?;
    let variables = command.get_arguments().filter_map(|argument| {
        let variable = argument.get_env()?.to_string_lossy().into_owned();
        Some((variable, format!("As --{}, which wins.", argument.get_long()?)))
    });
    listed("ENVIRONMENT", variables, &mut out)?;
    let text = |(head, text): (&str, &str)| (head.to_owned(), text.to_owned());
    listed("EXIT STATUS", EXIT_STATUS.map(text), &mut out)?;
    listed("FILES", FILES.map(text), &mut out)
}

/// A command, with its flags that none above it has, and then its own commands.
fn described(above: &str, command: &Command, shared: &[&str], entries: &mut Vec<(String, String)>) {
    if command.get_name() == "help" {
        return;
    }
    let name = format!("{above}{}", command.get_name());
    let own: Vec<_> = command
        .get_arguments()
        .filter_map(|argument| Some((argument.get_long().filter(|long| !shared.contains(long))?, argument)))
        .filter(|(long, _)| *long != "help")
        .collect();
    let flags =
        own.iter().filter_map(|(long, argument)| Some(format!(" --{long}: {}.", argument.get_help()?)));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    entries.push((name.clone(), format!("{about}.{}", flags.collect::<String>())));
    let shared: Vec<&str> = shared.iter().copied().chain(own.iter().map(|(long, _)| *long)).collect();
    for command in command.get_subcommands() {
        described(&format!("{name} "), command, &shared, entries);
    }
}

const EXIT_STATUS: [(&str, &str); 4] = [
    ("0", "All went well."),
    ("1", "Something failed at run time."),
    ("2", "The command line or the configuration is wrong."),
    ("3", "The output could not be written."),
];

const FILES: [(&str, &str); 4] = [
    ("/etc/lyve-cloud-exporter/config.yaml", "The configuration that lyve-cloud-exporter.service reads."),
    ("/etc/lyve-cloud-exporter/secret", "The secret of the account. Only root needs to be able to read it."),
    ("/etc/default/lyve-cloud-exporter", "Flags of lyve-cloud-exporter.service, as variables."),
    ("/var/lib/lyve-cloud-exporter", "What the service may write to."),
];

fn listed(
    title: &str,
    entries: impl IntoIterator<Item = (String, String)>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut section = Roff::default();
    section.control("SH", [title]);
    for (head, body) in entries {
        section.control("TP", []);
        section.text([bold(head)]);
        section.text([roman(body)]);
    }
    section.to_writer(out)
}
