-- The five DORA metrics under `dora` with all statistics, for every node of the tree, over the last 90 days, from the
-- base tables as Leadline keeps them. One pass a table; the levels are grouping sets.
WITH places AS (
    SELECT product_id AS product, platform, domain, team FROM products
), counted AS (
    SELECT platform, domain, team, d.product, component, instance,
        coalesce(manual_failed,
            incidents_started_narrowest > 0
            OR coalesce(rollback_delay_s <= 604800, false)
            OR coalesce(hotfix_delay_s <= 604800, false)
            OR coalesce(revert_delay_s <= 604800, false)) AS failed,
        kind IN ('rollback', 'hotfix') OR is_fix AS rework,
        epoch_us(CASE WHEN incidents_started_narrowest > 0 AND open_incidents_started_narrowest = 0
            THEN resolved_at_started_narrowest ELSE remediated_at END) - epoch_us(finished_at) AS recovery_us
    FROM deployments d JOIN places USING (product)
    WHERE counted AND finished_at >= TIMESTAMPTZ '2025-10-03 00:00:00Z' AND finished_at < TIMESTAMPTZ '2026-01-01 00:00:00Z'
), of_deployments AS (
    SELECT platform, domain, team, product, component, instance,
        count(*) AS n, avg(failed::INT) AS failure_rate, avg(rework::INT) AS rework_rate,
        count(recovery_us) FILTER (failed AND recovery_us >= 0) AS recovered,
        avg(recovery_us / 1e6) FILTER (failed AND recovery_us >= 0) AS mean,
        min(recovery_us / 1e6) FILTER (failed AND recovery_us >= 0) AS min,
        max(recovery_us / 1e6) FILTER (failed AND recovery_us >= 0) AS max,
        quantile_cont(recovery_us / 1e6, [0.5, 0.75, 0.9, 0.95, 0.99]) FILTER (failed AND recovery_us >= 0) AS q
    FROM counted
    GROUP BY GROUPING SETS ((), (platform), (domain), (team), (product), (component), (component, instance))
), of_commits AS (
    SELECT platform, domain, team, product, component, instance,
        count(*) AS n, avg(lead_s) AS mean, min(lead_s) AS min, max(lead_s) AS max,
        quantile_cont(lead_s, [0.5, 0.75, 0.9, 0.95, 0.99]) AS q
    FROM (
        SELECT platform, domain, team, c.product, component, instance,
            (epoch_us(finished_at) - epoch_us(committed_at)) / 1e6 AS lead_s
        FROM commits c JOIN places USING (product)
        WHERE counted AND used AND first_arrival
            AND finished_at >= TIMESTAMPTZ '2025-10-03 00:00:00Z' AND finished_at < TIMESTAMPTZ '2026-01-01 00:00:00Z'
    )
    WHERE lead_s >= 0
    GROUP BY GROUPING SETS ((), (platform), (domain), (team), (product), (component), (component, instance))
), answers AS (
    SELECT platform, domain, team, product, component, instance, 'deployment_frequency' AS metric, n, n / 90.0 AS value,
        NULL AS mean, NULL AS min, NULL AS max, NULL AS q FROM of_deployments
    UNION ALL
    SELECT platform, domain, team, product, component, instance, 'change_failure_rate', n, failure_rate,
        NULL, NULL, NULL, NULL FROM of_deployments
    UNION ALL
    SELECT platform, domain, team, product, component, instance, 'rework_rate', n, rework_rate,
        NULL, NULL, NULL, NULL FROM of_deployments
    UNION ALL
    SELECT platform, domain, team, product, component, instance, 'failed_deployment_recovery_time', recovered, q[1],
        mean, min, max, q FROM of_deployments WHERE recovered > 0
    UNION ALL
    SELECT platform, domain, team, product, component, instance, 'lead_time', n, q[1], mean, min, max, q FROM of_commits
)
SELECT '2025-10-03T00:00:00Z' AS "from",
    CASE
        WHEN instance IS NOT NULL THEN 'instance:' || component || '@' || instance
        WHEN component IS NOT NULL THEN 'component:' || component
        WHEN product IS NOT NULL THEN 'product:' || product
        WHEN team IS NOT NULL THEN 'team:' || team
        WHEN domain IS NOT NULL THEN 'domain:' || domain
        WHEN platform IS NOT NULL THEN 'platform:' || platform
        ELSE 'group'
    END AS node,
    metric, n, value, mean, min, max, q[1] AS p50, q[2] AS p75, q[3] AS p90, q[4] AS p95, q[5] AS p99
FROM answers
