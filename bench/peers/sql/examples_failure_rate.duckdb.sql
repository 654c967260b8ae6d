WITH counted AS (
    SELECT deployment_id, product_id, deployment_timestamp,
        LEAD(deployment_timestamp) OVER (
            PARTITION BY product_id ORDER BY deployment_timestamp, deployment_id
        ) AS next_deployment
    FROM deployments
    WHERE environment = 'production' AND status = 'succeeded' AND is_config_only = FALSE
), caused AS (
    SELECT DISTINCT d.deployment_id
    FROM counted d
        JOIN incidents i
            ON d.product_id = i.product_id
            AND i.started_timestamp > d.deployment_timestamp
            AND i.started_timestamp <= COALESCE(d.next_deployment, TIMESTAMPTZ 'infinity')
    WHERE d.deployment_timestamp >= TIMESTAMPTZ '2025-12-02 00:00:00Z'
)
SELECT strftime(GREATEST(DATE_TRUNC('week', d.deployment_timestamp), TIMESTAMPTZ '2025-12-02 00:00:00Z'), '%Y-%m-%dT%H:%M:%SZ') AS "from",
    'component:' || d.product_id || '/' || d.component_name AS node,
    COUNT(*) AS n,
    COUNT(*) FILTER (WHERE is_rollback OR is_hotfix OR c.deployment_id IS NOT NULL) / COUNT(*)::DOUBLE AS value
FROM deployments d
    LEFT JOIN caused c ON c.deployment_id = d.deployment_id
WHERE d.environment = 'production'
    AND d.deployment_timestamp >= TIMESTAMPTZ '2025-12-02 00:00:00Z'
    AND d.deployment_timestamp < TIMESTAMPTZ '2026-01-01 00:00:00Z'
GROUP BY d.product_id, d.component_name, DATE_TRUNC('week', d.deployment_timestamp)
