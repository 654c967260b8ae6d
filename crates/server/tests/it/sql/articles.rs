//! The articles' statements, as printed, and that they say what the API says.

use serde_json::Value;

use super::{fill, python, rows, serving};

/// The examples article's, unchanged.
pub(super) const CHANGE_FAILURE_RATE: &str = "
SELECT
    service,
    DATE_TRUNC('week', deployed_at) AS week,
    COUNT(*) FILTER (WHERE is_rollback OR is_hotfix) AS failed_deployments,
    COUNT(*) AS total_deployments,
    ROUND(
        100.0 * COUNT(*) FILTER (WHERE is_rollback OR is_hotfix) / COUNT(*),
        2
    ) AS change_failure_rate
FROM deployments
WHERE environment = 'production'
  AND deployed_at >= NOW() - INTERVAL '30 days'
GROUP BY service, DATE_TRUNC('week', deployed_at)
ORDER BY week DESC;
";

/// Those of its service, unchanged.
pub(super) const SERVICE: [&str; 4] = [
    "
        SELECT COUNT(*) as count
        FROM deployments
        WHERE service = $1 AND environment = 'production'
          AND deployed_at >= $2
    ",
    "
        SELECT
            AVG(EXTRACT(EPOCH FROM (deployed_at - commit_timestamp))) as avg_seconds,
            PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM (deployed_at - commit_timestamp))) as median_seconds
        FROM deployments
        WHERE service = $1 AND environment = 'production'
          AND deployed_at >= $2
    ",
    "
        SELECT
            COUNT(*) FILTER (WHERE is_rollback OR is_hotfix) as failed,
            COUNT(*) as total
        FROM deployments
        WHERE service = $1 AND environment = 'production'
          AND deployed_at >= $2
    ",
    "
        SELECT AVG(EXTRACT(EPOCH FROM (resolved_at - detected_at))) / 60 as avg_minutes
        FROM incidents
        WHERE service = $1 AND resolved_at IS NOT NULL
          AND detected_at >= $2
    ",
];

/// The large group's in PostgreSQL's words: `TIMESTAMP_DIFF` and `SAFE_DIVIDE` written out.
pub(super) const LARGE_GROUP: [&str; 4] = [
    "SELECT d.component_name, d.product_id,
       AVG(TRUNC(EXTRACT(EPOCH FROM (d.deployment_timestamp - c.commit_timestamp)) / 3600)) AS lead_time_hours
FROM dora_metrics.deployments d JOIN dora_metrics.git_commits c ON d.git_tag = c.tag
WHERE d.environment = 'prod' AND d.deployment_timestamp BETWEEN '2024-01-01' AND '2024-12-31'
GROUP BY d.component_name, d.product_id",
    "WITH deployments_ordered AS (SELECT component_name, product_id, deployment_timestamp,
    LAG(deployment_timestamp) OVER (PARTITION BY component_name ORDER BY deployment_timestamp) as previous_deployment
  FROM dora_metrics.deployments
  WHERE environment = 'prod' AND is_config_only = FALSE AND deployment_timestamp BETWEEN '2024-01-01' AND '2024-12-31')
SELECT component_name, product_id, COUNT(*) as deployment_count,
       AVG(TRUNC(EXTRACT(EPOCH FROM (deployment_timestamp - previous_deployment)) / 86400)) as avg_days_between_deployments,
       COUNT(*) / 365.0::float8 as deployments_per_day
FROM deployments_ordered WHERE previous_deployment IS NOT NULL GROUP BY component_name, product_id",
    "SELECT product_id, COUNT(*) as incident_count,
       AVG(TRUNC(EXTRACT(EPOCH FROM (resolved_timestamp - created_timestamp)) / 3600)) as mttr_hours
FROM dora_metrics.incidents
WHERE status = 'Resolved' AND created_timestamp BETWEEN '2024-01-01' AND '2024-12-31' AND resolved_timestamp IS NOT NULL
GROUP BY product_id",
    "SELECT product_id, deployment_timestamp::date AS deployment_date,
       AVG(TRUNC(EXTRACT(EPOCH FROM (deployment_timestamp - commit_timestamp)) / 3600)) AS avg_lead_time_hours
FROM dora_metrics.deployments_with_commits GROUP BY product_id, deployment_date",
];

/// The large group's as printed for BigQuery: these run as well.
const BIGQUERY: [(&str, &[&str]); 3] = [
    (
        "SELECT d.component_name,
       d.product_id,
       AVG(TIMESTAMP_DIFF(d.deployment_timestamp, c.commit_timestamp, HOUR)) as lead_time_hours
FROM `dora_metrics.deployments` d
         JOIN
     `dora_metrics.git_commits` c
     ON
         d.git_tag = c.tag
WHERE d.environment = 'prod'
  AND d.deployment_timestamp BETWEEN '2024-01-01' AND '2024-12-31'
GROUP BY d.component_name, d.product_id
ORDER BY 1",
        &["shop/api|shop|158.0", "shop/web|shop|158.0"],
    ),
    (
        "WITH deployments_ordered AS (SELECT component_name,
                                    product_id,
                                    deployment_timestamp,
                                    LAG(deployment_timestamp) OVER (
      PARTITION BY component_name
      ORDER BY deployment_timestamp
    ) as previous_deployment
                             FROM `dora_metrics.deployments`
                             WHERE environment = 'prod'
                               AND is_config_only = FALSE
                               AND deployment_timestamp BETWEEN '2024-01-01' AND '2024-12-31')
SELECT component_name,
       product_id,
       COUNT(*)                                                            as deployment_count,
       AVG(TIMESTAMP_DIFF(deployment_timestamp, previous_deployment, DAY)) as avg_days_between_deployments,
       SAFE_DIVIDE(COUNT(*), 365)                                          as deployments_per_day
FROM deployments_ordered
WHERE previous_deployment IS NOT NULL
GROUP BY component_name, product_id
ORDER BY 1",
        &["shop/api|shop|5|30.4|0.0136986301369863", "shop/web|shop|3|30.0|0.00821917808219178"],
    ),
    (
        "SELECT product_id,
       COUNT(*)                                                         as incident_count,
       AVG(TIMESTAMP_DIFF(resolved_timestamp, created_timestamp, HOUR)) as mttr_hours
FROM `dora_metrics.incidents`
WHERE status = 'Resolved'
  AND created_timestamp BETWEEN '2024-01-01' AND '2024-12-31'
  AND resolved_timestamp IS NOT NULL
GROUP BY product_id",
        &["shop|2|13.5"],
    ),
];

#[test]
fn the_change_failure_rate_runs_as_printed_wherever_its_schema_is_chosen() {
    let server = serving();
    fill(&server);
    let by_database = rows(&server, "examples", &[CHANGE_FAILURE_RATE]);
    let by_path = rows(&server, "leadline", &["SET search_path TO examples", CHANGE_FAILURE_RATE]);
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    let by_database = sorted(by_database);
    assert_eq!(by_database, sorted(by_path));
    assert!(
        by_database.iter().any(|row| row.ends_with("|100.00")) && by_database.iter().any(|row| row.ends_with("|0.00")),
        "{by_database:?}"
    );
    // Elsewhere the name is our own table's, which has no such column.
    assert!(super::error(&server, CHANGE_FAILURE_RATE).contains("42703"));
    let both =
        "SELECT (SELECT count(*) FROM examples.deployments) >= 10, (SELECT count(*) FROM public.deployments) > 10";
    assert_eq!(rows(&server, "dora_metrics", &[both]), ["t|t"]);
    // Names are looked for in order.
    let path = "SET search_path TO examples, public";
    assert_eq!(
        rows(
            &server,
            "leadline",
            &[path, "SELECT count(*) FROM commits WHERE false", "SELECT count(service) > 0 FROM deployments"]
        ),
        ["0", "t"]
    );
}

#[test]
fn the_large_groups_run_as_printed_for_bigquery_in_any_database() {
    let server = serving();
    fill(&server);
    for (statement, wanted) in BIGQUERY {
        for database in ["leadline", "dora_metrics", "examples"] {
            assert_eq!(rows(&server, database, &[statement]), wanted, "{statement}");
        }
    }
    let daily = "SELECT product_id, deployment_date, avg_lead_time_hours, avg_lead_time_s, deployments FROM lead_time_daily ORDER BY 2";
    let (own, theirs) = (rows(&server, "leadline", &[daily]), rows(&server, "dora_metrics", &[daily]));
    assert_eq!(own, theirs);
    assert_eq!(own[0], "shop|2024-01-10|218.0|785400.0|1");
    assert_eq!(own.len(), 6);
}

#[test]
fn the_article_in_sql_and_its_endpoint_say_the_same() {
    let server = serving();
    fill(&server);
    for service in ["cart", "till"] {
        let metrics: Value = server.get(&format!("/metrics/dora/{service}?days=30")).expect(200)["metrics"].clone();
        let script = format!(
            r#"
import os, json, psycopg
c = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="examples")
for s in json.loads({statements:?}):
    row = c.execute(s.replace("$1", "%s").replace("$2", "NOW() - INTERVAL '30 days'"), ({service:?},)).fetchone()
    print(json.dumps([None if v is None else float(v) for v in row]))
"#,
            statements = serde_json::to_string(&SERVICE).expect("JSON")
        );
        let said: Vec<Vec<Option<f64>>> =
            python(&server, &script).rows().iter().map(|row| serde_json::from_str(row).expect("JSON")).collect();
        let close = |value: Option<f64>, wanted: &Value| match (value, wanted.as_f64()) {
            (None, None) => true,
            (Some(value), Some(wanted)) => (value - wanted).abs() < 0.0051,
            _ => false,
        };
        let per_day = said[0][0].map(|count| count / 30.0);
        assert!(close(per_day, &metrics["deployment_frequency"]["value"]), "{service} {said:?} {metrics}");
        let hours = |value: Option<f64>| value.map(|seconds| seconds / 3_600.0);
        assert!(close(hours(said[1][0]), &metrics["lead_time"]["mean_hours"]), "{service} {said:?} {metrics}");
        assert!(close(hours(said[1][1]), &metrics["lead_time"]["median_hours"]), "{service} {said:?} {metrics}");
        let rate = said[2][0].zip(said[2][1]).map(|(failed, total)| failed / total * 100.0);
        assert!(close(rate, &metrics["change_failure_rate"]["value"]), "{service} {said:?} {metrics}");
        assert!(close(said[3][0], &metrics["mttr"]["value"]), "{service} {said:?} {metrics}");
    }
}
