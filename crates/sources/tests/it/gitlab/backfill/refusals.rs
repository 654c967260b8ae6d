//! What GitLab does not give, and settings that cannot work.

use sources::find;
use sources::poll::{Credentials, PollError, Settings};

use super::{YEAR, desk, hub, settings};

#[test]
fn a_token_that_is_not_taken_ends_it_and_is_not_told() {
    let hub = hub(2, YEAR);
    let token = "glpat-somebody-elses";
    let (_, done) = desk().run(&Settings { credentials: Credentials::Token(token.to_owned()), ..settings(&hub) });
    let Err(PollError::Failed(message)) = done else { panic!("{done:?}") };
    assert_eq!(
        message,
        "GitLab does not accept the token for the project acme/shop/cart (401, \"401 Unauthorized\"): it is wrong, was \
         revoked or has expired; make a new one with the scope `read_api` and set it as `token`, `token_file` or \
         `token_env` of the source"
    );
    assert!(!message.contains(token));
}

#[test]
fn a_project_that_is_not_there_is_noted_and_the_others_are_read() {
    let hub = hub(2, YEAR);
    let mut desk = desk();
    let repositories = vec!["acme/unheard".to_owned(), super::story::REPO.to_owned()];
    let (progress, done) = desk.run(&Settings { repositories, ..settings(&hub) });
    assert_eq!(done, Ok(()));
    assert_eq!(progress.failures.len(), 1);
    assert_eq!(
        progress.failures[0].message,
        "the project acme/unheard: not found (404); see whether the name is right, and whether the token may read it: \
         GitLab does not tell the two apart"
    );
    assert!(!desk.entities.is_empty());
}

#[test]
fn settings_that_cannot_work_say_what_to_write() {
    let hub = hub(2, &[]);
    let check = |settings: Settings| (find("gitlab").unwrap().backfill.unwrap().check)(&settings).unwrap_err();
    let good = settings(&hub);
    let of = |change: &dyn Fn(&mut Settings)| {
        let mut changed = good.clone();
        change(&mut changed);
        check(changed)
    };
    for (message, found) in [
        ("api_url is not an address; write https://HOST/api/v4", of(&|all| all.api_url = "gitlab".to_owned())),
        (
            "api_url begins with http://, which would show the secret to everybody on the way; write https://",
            of(&|all| all.api_url = "http://gitlab.example/api/v4".to_owned()),
        ),
        ("repositories: `cart` is no project; write group/name", of(&|all| all.repositories = vec!["cart".to_owned()])),
        (
            "repositories: `a/../b` is no project; write group/name",
            of(&|all| all.repositories = vec!["a/../b".to_owned()]),
        ),
        ("owners: `a b` is no group; write group or group/subgroup", of(&|all| all.owners = vec!["a b".to_owned()])),
        ("nothing says what to read; set `repositories` or `owners`", of(&|all| all.repositories.clear())),
        ("the token is empty or holds white space", of(&|all| all.credentials = Credentials::Token("a b".to_owned()))),
        ("GitLab is asked with a token", of(&|all| all.credentials = Credentials::None)),
    ] {
        assert_eq!(found, message);
    }
}
