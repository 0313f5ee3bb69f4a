//! Arguments of a task: flags, values and the rest, in any order.

use crate::shell::Result;

/// What is left of the command line. Each call takes what it recognises; [`Args::finish`] refuses the rest.
#[derive(Debug)]
pub struct Args(Vec<String>);

impl Args {
    /// The arguments of this process, without its name.
    pub fn from_env() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the first argument that is not a flag.
    pub fn positional(&mut self) -> Option<String> {
        let at = self.0.iter().position(|arg| !arg.starts_with('-') || arg == "-h" || arg == "--help")?;
        Some(self.0.remove(at))
    }

    /// Takes `name` if it is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|arg| arg != name);
        self.0.len() < before
    }

    /// Takes `name VALUE` or `name=VALUE`.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
        if let Some(at) = self.0.iter().position(|arg| arg == name) {
            if at + 1 == self.0.len() {
                return Err(format!("{name} needs a value").into());
            }
            self.0.remove(at);
            return Ok(Some(self.0.remove(at)));
        }
        let joined = format!("{name}=");
        let Some(at) = self.0.iter().position(|arg| arg.starts_with(&joined)) else { return Ok(None) };
        Ok(Some(self.0.remove(at)[joined.len()..].to_owned()))
    }

    /// Takes everything that is left, to be handed on to another program.
    pub fn rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }

    /// Refuses what nothing has taken.
    pub fn finish(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(arg) => Err(format!("unexpected argument `{arg}`; `cargo xtask help` shows the tasks").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(list: &[&str]) -> Args {
        Args(list.iter().map(|arg| (*arg).to_owned()).collect())
    }

    #[test]
    fn takes_flags_and_values_in_any_order() {
        let mut args = args(&["fuzz", "demux", "--seconds", "5", "--quick", "--jobs=2"]);
        assert_eq!(args.positional().as_deref(), Some("fuzz"));
        assert_eq!(args.value("--seconds").unwrap().as_deref(), Some("5"));
        assert_eq!(args.value("--jobs").unwrap().as_deref(), Some("2"));
        assert!(args.flag("--quick") && !args.flag("--quick"));
        assert!(args.finish().is_err());
        assert_eq!(args.rest(), ["demux"]);
        assert!(args.finish().is_ok());
    }

    #[test]
    fn a_value_must_follow() {
        assert!(args(&["--seconds"]).value("--seconds").is_err());
    }
}
