//! Rules that turn names into meaning: which environments are production, what a hotfix looks like.

mod place;

use serde::{Deserialize, Serialize};

use crate::event::{Deployment, PipelineRun};
use crate::part::CiStage;

pub use place::PlaceRule;

/// Rules of one installation. Changing them is a journal row and re-links what they touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Words that make an environment production: whole words, any case.
    pub production: Vec<String>,
    /// What makes a deployment a hotfix.
    pub hotfix: HotfixRules,
    /// A range of more commits than this is not believed.
    pub max_range_commits: u32,
    /// Pipeline runs that are deployments, for those whose tools report no deployments; the first that matches counts.
    pub workflow_deployments: Vec<WorkflowRule>,
    /// What stages of pipeline runs are for, by their names; the first that matches counts, before those of Leadline.
    pub stages: Vec<StageRule>,
    /// Where things belong by what tools call them; the first that fits counts, before names.
    pub places: Vec<PlaceRule>,
}

/// What the stages of a name are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRule {
    /// Name of the stage in any case; `*` stands for any text.
    pub name: String,
    /// What it is for.
    pub stage: CiStage,
}

/// Words in the names of stages that tell what they are for. The first that is found counts: what tries or scans a build
/// is named after both.
const STAGE_WORDS: &[(CiStage, &[&str])] = &[
    (CiStage::Validation, &["smoke", "validat", "verif", "acceptance"]),
    (CiStage::Scan, &["scan", "sast", "dast", "sonar", "trivy", "snyk", "codeql", "audit", "security"]),
    (CiStage::Test, &["test", "lint", "coverage", "e2e"]),
    (CiStage::Deploy, &["deploy", "rollout", "promote", "helm"]),
    (CiStage::Artifact, &["publish", "package", "artifact", "image", "docker", "push", "upload", "release"]),
    (CiStage::Build, &["build", "compile"]),
];

/// Which pipeline runs are deployments, and where to. `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkflowRule {
    /// Name of the pipeline.
    pub name: String,
    /// Branch or tag it ran for.
    pub branch: String,
    /// Repository.
    pub repo: String,
    /// Environment it deploys to.
    pub environment: String,
}

impl Default for WorkflowRule {
    fn default() -> Self {
        let any = || "*".to_owned();
        WorkflowRule { name: any(), branch: any(), repo: any(), environment: String::new() }
    }
}

impl WorkflowRule {
    /// Whether it speaks of this run. What a run does not tell fits only a rule for anything.
    #[must_use]
    pub fn fits(&self, run: &PipelineRun) -> bool {
        let fits = |pattern: &str, told: &Option<String>| match told {
            Some(told) => glob(pattern, told),
            None => pattern == "*",
        };
        fits(&self.name, &run.name) && fits(&self.branch, &run.branch) && fits(&self.repo, &run.repo)
    }
}

/// What makes a deployment a hotfix, besides its source saying so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HotfixRules {
    /// Branches, `*` for any text.
    pub branches: Vec<String>,
    /// Labels of the pull request.
    pub labels: Vec<String>,
    /// Titles of the pull request, `*` for any text.
    pub titles: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Rules {
            production: words(&["prod", "production", "prd", "live"]),
            hotfix: HotfixRules::default(),
            max_range_commits: 5_000,
            workflow_deployments: Vec::new(),
            stages: Vec::new(),
            places: Vec::new(),
        }
    }
}

impl Default for HotfixRules {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        HotfixRules { branches: words(&["hotfix/*"]), labels: words(&["hotfix"]), titles: words(&["Revert \"*\""]) }
    }
}

impl Rules {
    /// Whether an environment is production: one of its words is on the list.
    ///
    /// Words are runs of letters and digits, so `prod-eu` and `eu/PROD` are production and `preprod` is not;
    /// neither is a name that says `non` or `pre` right before the word (`non-prod`, `pre-production`).
    #[must_use]
    pub fn is_production(&self, environment: &str) -> bool {
        let words: Vec<String> = environment
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        words.iter().enumerate().any(|(index, word)| {
            let denied = index > 0 && ["non", "pre", "not"].contains(&words[index - 1].as_str());
            !denied && self.production.iter().any(|wanted| wanted.to_lowercase() == *word)
        })
    }
}

impl Rules {
    /// What the stages of a name are for.
    #[must_use]
    pub fn stage(&self, name: &str) -> CiStage {
        let name = name.to_lowercase();
        let own = self.stages.iter().find(|rule| glob(&rule.name.to_lowercase(), &name));
        let known = STAGE_WORDS.iter().find(|(_, words)| words.iter().any(|word| name.contains(word)));
        own.map(|rule| rule.stage).or(known.map(|(stage, _)| *stage)).unwrap_or(CiStage::Other)
    }

    /// The deployment a pipeline run is, when one of the rules says so.
    #[must_use]
    pub fn deployment_of(&self, run: &PipelineRun) -> Option<Deployment> {
        run.deployment(self.workflow_deployments.iter().find(|rule| rule.fits(run))?)
    }
}

impl HotfixRules {
    /// The rule a branch matches.
    #[must_use]
    pub fn branch(&self, branch: &str) -> Option<&str> {
        self.branches.iter().find(|pattern| glob(pattern, branch)).map(String::as_str)
    }

    /// The rule a pull request's label matches.
    #[must_use]
    pub fn label<'a>(&'a self, labels: &[String]) -> Option<&'a str> {
        self.labels.iter().find(|rule| labels.iter().any(|label| label.eq_ignore_ascii_case(rule))).map(String::as_str)
    }

    /// The rule a pull request's title matches.
    #[must_use]
    pub fn title(&self, title: &str) -> Option<&str> {
        self.titles.iter().find(|pattern| glob(pattern, title)).map(String::as_str)
    }
}

/// Matches a pattern in which `*` stands for any text, also none. Linear in the text for each `*`.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_a_whole_word() {
        let rules = Rules::default();
        for name in ["prod", "PRODUCTION", "eu-prod", "prod/eu-west-1", "Live", "shop (prd)"] {
            assert!(rules.is_production(name), "{name}");
        }
        for name in ["preprod", "pre-prod", "non-production", "staging", "product-test", "delivery", ""] {
            assert!(!rules.is_production(name), "{name}");
        }
    }

    #[test]
    fn a_stage_is_known_by_its_name_and_ones_own_rules_come_first() {
        let mut rules = Rules::default();
        for (name, stage) in [
            ("Build", CiStage::Build),
            ("unit-tests (ubuntu)", CiStage::Test),
            ("Build & test", CiStage::Test),
            ("docker build", CiStage::Artifact),
            ("Smoke test", CiStage::Validation),
            ("SonarQube", CiStage::Scan),
            ("deploy to production", CiStage::Deploy),
            ("Greet", CiStage::Other),
        ] {
            assert_eq!(rules.stage(name), stage, "{name}");
        }
        rules.stages = vec![StageRule { name: "gre*".to_owned(), stage: CiStage::Validation }];
        assert_eq!(rules.stage("Greet"), CiStage::Validation);
    }

    #[test]
    fn star_stands_for_any_text() {
        assert!(glob("hotfix/*", "hotfix/cart") && glob("*", "") && glob("Revert \"*\"", "Revert \"x\""));
        assert!(glob("a*b*c", "a-b-b-c") && glob("v1", "v1"));
        assert!(!glob("hotfix/*", "fix/cart") && !glob("v1", "v12") && !glob("a*b*c", "a-c-b"));
    }
}
