// SPDX-License-Identifier: MIT
//! Completion scripts: small and static, made from the table of flags.

use super::flags::{FLAGS, Takes};

/// A shell that we write a script for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    PowerShell,
}

const COMMANDS: &str = "check explain serve health completion help";

impl Shell {
    /// The shell called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            "powershell" => Some(Self::PowerShell),
            _ => None,
        }
    }

    /// The script.
    #[must_use]
    pub fn script(self) -> String {
        let mut words: Vec<String> = FLAGS.iter().map(|flag| format!("--{}", flag.long)).collect();
        words.extend(["--help", "--verbose", "--version"].map(str::to_owned));
        let words = words.join(" ");
        match self {
            Self::Bash => format!(
                "_penstock() {{\n  local word=${{COMP_WORDS[COMP_CWORD]}}\n  \
                 case ${{COMP_WORDS[COMP_CWORD-1]}} in\n    \
                 --config|-c|--env) COMPREPLY=($(compgen -f -- \"$word\")); return;;\n    \
                 *-dir) COMPREPLY=($(compgen -d -- \"$word\")); return;;\n  esac\n  \
                 COMPREPLY=($(compgen -W \"{COMMANDS} {words}\" -- \"$word\"))\n}}\n\
                 complete -F _penstock penstock awmg\n"
            ),
            Self::Zsh => format!(
                "#compdef penstock awmg\n_penstock() {{\n  \
                 compadd -- {COMMANDS} {words}\n  _files\n}}\ncompdef _penstock penstock awmg\n"
            ),
            Self::Fish => fish(),
            Self::PowerShell => format!(
                "Register-ArgumentCompleter -Native -CommandName penstock, awmg -ScriptBlock {{\n  \
                 param($word)\n  '{COMMANDS} {words}'.Split(' ') |\n    \
                 Where-Object {{ $_ -like \"$word*\" }}\n}}\n"
            ),
        }
    }
}

fn fish() -> String {
    let mut script = String::new();
    for program in ["penstock", "awmg"] {
        script
            .push_str(&format!("complete -c {program} -n __fish_use_subcommand -a '{COMMANDS}'\n"));
        for flag in FLAGS {
            let takes = if flag.takes == Takes::Nothing { "" } else { " -r" };
            script.push_str(&format!("complete -c {program} -l {}{takes}\n", flag.long));
        }
    }
    script
}
