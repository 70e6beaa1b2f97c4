//! `whimbrel server`

use super::{Exit, Failure};

pub fn run() -> Result<Exit, Failure> {
    whimbrel::server::run()?;
    Ok(Exit::Clean)
}
