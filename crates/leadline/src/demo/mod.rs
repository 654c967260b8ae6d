//! `leadline demo`: a sample group with a year of history, sent through the routes everybody uses, shown, then served
//! and kept alive.

mod calendar;
mod events;
mod github;
mod group;
mod history;
mod live;
mod load;
mod pace;

mod rollout;
mod service_levels;
mod trouble;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use domain::Timestamp;
use ipnet::IpNet;
use server::{Config, DataConfig, IngestConfig, OneOrMore, ReadConfig, Secret, ServerConfig, SourceConfig, SqlConfig};
use store::Store;
use tempfile::TempDir;

use self::events::{EVENTS, Item};
use self::live::Live;
use self::load::{Loaded, Post};
use crate::cli::{DemoArgs, QuestionArgs};
use crate::client::{Client, Content};
use crate::failure::Failure;
use crate::format::count;
use crate::report::{self, Asked};
use crate::send::Sender;
use crate::session::{Local, open_store};
use crate::{clock, out};

/// How often something new happens.
const TICK: Duration = Duration::from_secs(4);

/// Runs the command.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    if !(args.scale > 0.0 && args.scale <= 10.0) {
        return Err(Failure::Use(format!("--scale is {}; it takes a number above 0 and up to 10", args.scale)));
    }
    let started = clock::now();
    let (folder, _temporary) = folder(args)?;
    let store = open_store(&folder)?;
    refuse_used(&store, &folder)?;
    let secret = secret()?;
    let (mut local, client) = Local::start(config(args, folder, &secret)?, store)?;
    let post = Post::new(client.clone(), &secret);
    if !args.no_serve {
        out::note(&format!("{} shows the group already; it fills while the year is sent\n", client.base()));
    }
    let told = tell(&local, &client, &post, args, started);
    let alive = match told {
        Ok(alive) => alive,
        Err(failure) => {
            local.stop()?;
            return Err(failure);
        }
    };
    if args.no_serve {
        local.stop()?;
        return Ok(ExitCode::SUCCESS);
    }
    let base = client.base().to_owned();
    let asked = local.sql("demo-reader")?.map_or_else(String::new, |(address, secret)| {
        let port = address.port();
        format!("  PGPASSWORD={secret} psql -h 127.0.0.1 -p {port} -d leadline -c 'SELECT * FROM lead_time_daily ORDER BY deployment_date DESC LIMIT 9'\n\n")
    });
    out::answer(&format!(
        "\nlistening on {base}\n\n  curl '{base}/api/v1/metrics?node=domain:warehousing&metric=lead_time&from=365d&bucket=month'\n\n{asked}New events arrive every few seconds. Ctrl-C stops it.\n"
    ))?;
    let (stop, stopped) = channel();
    let living = std::thread::spawn(move || keep_alive(&client, &post, alive, &stopped));
    let served = local.wait_with_token();
    drop(stop);
    // It ends at the next tick, and has nothing to tell but that the server has gone.
    let _ = living.join();
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the history and shows what it comes to.
fn tell(local: &Local, client: &Client, post: &Post, args: &DemoArgs, started: Timestamp) -> Result<Live, Failure> {
    let world = world::generate(args.seed, started, args.scale);
    let catalogue = serde_json::to_vec(&world.catalogue).map_err(|error| Failure::could_not(error.to_string()))?;
    client.put("/api/v1/catalogue", &Content { body: &catalogue, kind: "application/json" })?;
    let loaded = load::load(client, post, &world.items)?;
    let sent = clock::now();
    local.settle()?;
    let question = QuestionArgs {
        node: "group".to_owned(),
        definition: Some("dora".to_owned()),
        from: Some("90d".to_owned()),
        to: None,
    };
    let shown = report::fetch(client, &Asked::read(&question)?, 2)?;
    out::note(&summary(&world.items, &loaded, started, sent));
    out::answer(&report::text(&shown, out::paint()))?;
    Ok(Live::new(world.alive, args.seed))
}

fn summary(items: &[Item], loaded: &Loaded, started: Timestamp, sent: Timestamp) -> String {
    let seconds = |from: Timestamp, to: Timestamp| to.since(from) as f64 / 1_000_000.0;
    let wrong = items.iter().filter(|item| item.bad).count();
    format!(
        "A year of a group was sent in {:.0} s and linked {:.1} s later: {} webhooks of GitHub's, {} native events, {} requests as the articles print them, {} refused ({} of them wrong on purpose)\n",
        seconds(started, sent),
        seconds(sent, clock::now()),
        count(loaded.webhooks),
        count(loaded.events.accepted + loaded.events.duplicates),
        count(loaded.requests),
        count(loaded.events.rejected),
        count(wrong as u64)
    )
}

fn folder(args: &DemoArgs) -> Result<(PathBuf, Option<TempDir>), Failure> {
    if let Some(folder) = &args.data {
        return Ok((folder.clone(), None));
    }
    let made = tempfile::Builder::new().prefix("leadline-demo-").tempdir();
    let made = made.map_err(|error| {
        Failure::could_not(format!("no temporary folder can be made: {error}; name one with --data"))
    })?;
    Ok((made.path().to_owned(), Some(made)))
}

/// A sample does not belong among real data.
fn refuse_used(store: &Store, folder: &std::path::Path) -> Result<(), Failure> {
    let empty = store.journal(store::JournalFilter { limit: 1, ..store::JournalFilter::default() })?.is_empty();
    if empty {
        return Ok(());
    }
    Err(Failure::Use(format!(
        "{} holds data already; name an empty folder with --data, or leave it out",
        folder.display()
    )))
}

/// Loopback needs no token: it is a sample, and the printed calls of the articles work as they are.
fn config(args: &DemoArgs, folder: PathBuf, secret: &str) -> Result<Config, Failure> {
    let loopback =
        ["127.0.0.0/8", "::1/128"].iter().map(|network| network.parse::<IpNet>()).collect::<Result<Vec<_>, _>>();
    let loopback = loopback.map_err(|error| Failure::could_not(error.to_string()))?;
    let listen = if args.no_serve { "127.0.0.1:0".to_owned() } else { args.listen.clone() };
    Ok(Config {
        server: ServerConfig { listen },
        data: DataConfig { dir: folder },
        ingest: IngestConfig { anonymous_networks: loopback.clone(), ..IngestConfig::default() },
        read: ReadConfig { anonymous_networks: loopback },
        sql: SqlConfig {
            listen: if args.no_serve { String::new() } else { "127.0.0.1:0".to_owned() },
            ..SqlConfig::default()
        },
        sources: vec![SourceConfig {
            name: "github".to_owned(),
            kind: "github".to_owned(),
            secret: OneOrMore::One(Secret::new(secret)),
            ..SourceConfig::default()
        }],
        ..Config::default()
    })
}

/// What webhooks of this run are signed with.
fn secret() -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::could_not(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Sends what is new until told to stop.
fn keep_alive(client: &Client, post: &Post, mut live: Live, stopped: &std::sync::mpsc::Receiver<()>) {
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let (native, hooks): (Vec<Item>, Vec<Item>) =
            live.tick(clock::now()).into_iter().partition(|item| item.route == EVENTS);
        let mut sender = Sender::new(client.clone(), |_| {});
        let sent = native.iter().try_for_each(|item| sender.text(&item.body, "a new event"));
        let told = sent.and_then(|()| sender.finish().map(|_| ()));
        if told.is_err() || hooks.iter().any(|item| post.send(item).is_err()) {
            return;
        }
    }
}
