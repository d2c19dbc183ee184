//! What a PPA and Ubuntu have published of a recipe's orig files, asked before they
//! are packed: those are not sent again, and never sent with other bytes.

use std::time::Duration;

use crate::check::service::Service;
use crate::cli::Context;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::Patience;
use crate::launchpad::{self, Client, Ppa};
use crate::listener::Listener;
use crate::lock::Lock;
use crate::memory::{Archives, knows_origs};
use crate::plan;
use crate::series::Distro;
use crate::upload::target::Target;

/// Asks both archives, unless the lock knows all that they could tell. Where they do
/// not answer, a note says so, and what the lock knows decides.
pub fn learn(lock: &mut Lock, targets: &[plan::Target], ppa: &Target, context: &Context) -> Result<(), Failure> {
    let of_ubuntu: Vec<plan::Target> =
        targets.iter().filter(|target| target.series.distro == Distro::Ubuntu).cloned().collect();
    let Some(name) = ppa.rules.ppa.as_ref().filter(|_| !knows_origs(lock, &ppa.identity, &of_ubuntu)) else {
        return Ok(());
    };
    let mut learnt = lock.clone();
    match ask(&mut learnt, &of_ubuntu, &name.to_string().parse()?, &ppa.identity, context) {
        Ok(()) => *lock = learnt,
        Err(failure) => {
            let message = format!("{name} does not tell which orig files it has: what recipe.lock knows decides");
            let note = Diagnostic::note("archive-not-asked", message);
            context.printer.tell(failure.diagnostics.iter().fold(note, |note, d| note.because(d.message.clone())));
        }
    }
    Ok(())
}

fn ask(lock: &mut Lock, targets: &[plan::Target], ppa: &Ppa, identity: &str, context: &Context) -> Result<(), Failure> {
    // a build goes on without the answer: it is not waited for long
    let patience = Patience {
        connect: Duration::from_secs(5),
        stall: Duration::from_secs(10),
        tries: 2,
        first_wait: Duration::from_millis(200),
        longest_wait: Duration::from_secs(1),
    };
    let settings = launchpad::Settings { limit: Duration::from_secs(15), ..context.config.launchpad() };
    let client = Client::new(settings, context.fetching(), &context.printer)?.with_patience(patience);
    let (ppa, primary) = (Service::ppa(&client, ppa)?, Service::primary(&client, &ppa.distribution)?);
    let archives = Archives { identity, ppa: &ppa, primary: &primary, client: &client };
    archives.learn_origs(lock, targets, &context.printer)
}
