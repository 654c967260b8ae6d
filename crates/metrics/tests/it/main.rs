//! Golden SQL, and statistics against those of others: what every metric compiles to under every definition that comes with Leadline.

#[cfg(test)]
mod rollup;
#[cfg(test)]
mod ruptures;

#[cfg(test)]
mod golden {
    use domain::Timestamp;
    use domain::catalogue::{ComponentId, Node};
    use domain::definition::{Children, Failure, LeadTime, LeadTimeStart, shipped};
    use domain::metric::Metric;
    use domain::part::Split;
    use metrics::population::{Products, failed, population};
    use metrics::query::Subject;
    use metrics::{Bucket, Question, Window, headline, query, words};

    fn window() -> Window {
        let at = |text| Timestamp::parse(text).unwrap();
        Window { from: at("2025-01-01T00:00:00Z"), to: at("2025-01-11T00:00:00Z") }
    }

    fn question(id: &str) -> Question {
        let definition = shipped().into_iter().find(|definition| definition.id == id).unwrap();
        Question::new(Node::Product("shop".to_owned()), definition, window())
    }

    /// Definitions that compile to the same statement stand together above it.
    #[test]
    fn populations() {
        for metric in Metric::ALL {
            let mut found: Vec<(Vec<String>, String)> = Vec::new();
            for definition in shipped() {
                let question = Question::new(Node::Product("shop".to_owned()), definition.clone(), window());
                let text = format!(
                    "-- {}\n{}",
                    words::sentence(*metric, &definition),
                    population(&question, *metric, window())
                );
                match found.iter_mut().find(|(_, known)| *known == text) {
                    Some((ids, _)) => ids.push(definition.id),
                    None => found.push((vec![definition.id], text)),
                }
            }
            let shown: Vec<_> = found.iter().map(|(ids, text)| format!("-- {}\n{text}\n", ids.join(", "))).collect();
            insta::assert_snapshot!(metric.text(), shown.join("\n"));
        }
    }

    /// Each part of a metric, under definitions that take other rows for it.
    #[test]
    fn parts() {
        for (metric, split) in Metric::ALL.iter().flat_map(|metric| Split::ALL.map(|split| (*metric, split))) {
            let mut shown = Vec::new();
            for (part, id) in split.parts(metric).into_iter().flat_map(|part| ["dora", "rex"].map(|id| (part, id))) {
                let mut question = question(id);
                question.part = Some(part);
                shown.push(format!(
                    "-- {part}, {id}\n-- {}\n{}\n",
                    words::part_sentence(metric, part, &question.definition),
                    population(&question, metric, window())
                ));
            }
            if !shown.is_empty() {
                insta::assert_snapshot!(format!("{metric}_by_{}", split.text()), shown.join("\n"));
            }
        }
    }

    #[test]
    fn wrappers() {
        let mut question = question("rex");
        question.node = Node::Instance(ComponentId::new("shop", "o'brien"), "eu".to_owned());
        question.bucket = Some(Bucket::Week);
        question.zone = "Europe/Paris".to_owned();
        question.labels = vec![("tier".to_owned(), "a'b".to_owned())];
        let metric = Metric::DeploymentFrequency;
        let subjects = [Subject::Metric(metric), Subject::Metric(Metric::ChangeFailureRate)];
        let countings = query::countings(&question, &subjects, window(), Products::All);
        insta::assert_snapshot!("countings", format!("{countings:#?}").replace("\\n", "\n    "));
        insta::assert_snapshot!("firsts", query::firsts(&question, metric, window()));
        insta::assert_snapshot!("value", query::value(&question, Metric::LeadTime));
    }

    /// What no definition that comes with Leadline sets.
    #[test]
    fn options() {
        let mut first = question("dora");
        first.definition.lead_time = LeadTime { start: LeadTimeStart::FirstCommit, ..first.definition.lead_time };
        first.definition.filter.insert("tier".to_owned(), "a'b".to_owned());
        let shown = format!(
            "-- {}\n{}",
            words::sentence(Metric::LeadTime, &first.definition),
            population(&first, Metric::LeadTime, window())
        );
        insta::assert_snapshot!("first_commit", shown);
        for (id, start) in [("dora", LeadTimeStart::PrOpened), ("rex", LeadTimeStart::Merged)] {
            let mut asked = question(id);
            asked.definition.lead_time = LeadTime { start, ..asked.definition.lead_time };
            let shown = format!(
                "-- {}\n{}",
                words::sentence(Metric::LeadTime, &asked.definition),
                population(&asked, Metric::LeadTime, window())
            );
            insta::assert_snapshot!(start.text(), shown);
        }
        let mut weighted = question("rex");
        weighted.definition.children = Children::Weighted;
        let besides = query::besides(&weighted, Metric::TimeToRestore).unwrap();
        assert_eq!(besides, Subject::Deployments { config: false });
        assert_eq!(query::besides(&question("rex"), Metric::TimeToRestore), None);
    }

    /// The five metrics of the whole tree: deployments are read once for four of them.
    #[test]
    fn what_comes_from_the_same_rows_is_asked_for_once() {
        let question = Question { node: Node::Platform("web".to_owned()), ..question("dora") };
        let subjects: Vec<Subject> = headline(&question.definition).map(Subject::Metric).to_vec();
        let countings = query::countings(&question, &subjects, window(), Products::Few(&["cart", "o'pay"]));
        let shown: Vec<String> = countings
            .iter()
            .map(|counting| {
                let subjects: Vec<_> = counting.counted.iter().map(|counted| counted.subject).collect();
                format!("-- {subjects:?}\n{}\n", counting.sql)
            })
            .collect();
        assert_eq!(countings.len(), 2);
        insta::assert_snapshot!("headline", shown.join("\n"));
    }

    /// What is held in memory is asked for some of the products at a time: no part of a statement may read all of them.
    #[test]
    fn every_table_that_is_held_is_read_for_the_products_asked_for() {
        let products = Products::Between(Some("b"), Some("m"));
        let mut definitions = shipped();
        for start in [LeadTimeStart::FirstCommit, LeadTimeStart::PrOpened, LeadTimeStart::Merged] {
            for mut definition in shipped() {
                definition.lead_time.start = start;
                definitions.push(definition);
            }
        }
        let mut held = 0;
        for definition in definitions {
            let question = Question { node: Node::Group, ..Question::new(Node::Group, definition, window()) };
            for metric in Metric::ALL {
                let parts = Split::ALL.iter().flat_map(|split| split.parts(*metric)).map(Some);
                for part in parts.chain([None]) {
                    let question = Question { part, ..question.clone() };
                    for counting in query::countings(&question, &[Subject::Metric(*metric)], window(), products) {
                        let named = counting.sql.matches("product >= 'b' AND product < 'm'").count();
                        assert!(named >= counting.held.len().max(1), "{metric} {part:?}: {}", counting.sql);
                        held += counting.held.len();
                    }
                }
            }
        }
        assert!(held > 100, "only {held}");
    }

    #[test]
    fn an_incident_counts_up_to_its_greatest_age() {
        let mut definition = question("rex").definition;
        definition.failure = Failure { incident_max_age_s: Some(86_400), ..definition.failure };
        assert_eq!(
            failed(&definition),
            "(incidents_opened_product - open_incidents_opened_product > 0 AND coalesce(first_resolved_delay_s_opened_product <= 86400.0, false))"
        );
        definition.failure.signals.clear();
        assert_eq!(failed(&definition), "false");
    }
}
