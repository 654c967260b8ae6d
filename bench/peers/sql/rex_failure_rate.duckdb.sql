WITH deployments_ordered AS (
    SELECT deployment_id, product_id, deployment_timestamp,
        LEAD(deployment_timestamp) OVER (
            PARTITION BY product_id ORDER BY deployment_timestamp, deployment_id
        ) AS next_deployment
    FROM deployments
    WHERE environment = 'production' AND status = 'succeeded' AND is_config_only = FALSE
), deployments_with_incidents AS (
    SELECT d.deployment_id, d.product_id,
        MAX(CASE WHEN i.incident_id IS NOT NULL THEN 1 ELSE 0 END) AS has_incident
    FROM deployments_ordered d
        LEFT JOIN incidents i
            ON d.product_id = i.product_id
            AND i.status = 'Resolved'
            AND i.created_timestamp > d.deployment_timestamp
            AND i.created_timestamp <= COALESCE(d.next_deployment, TIMESTAMPTZ 'infinity')
    WHERE d.deployment_timestamp >= TIMESTAMPTZ '2024-01-01 00:00:00Z'
        AND d.deployment_timestamp < TIMESTAMPTZ '2025-01-01 00:00:00Z'
    GROUP BY d.deployment_id, d.product_id
)
SELECT '2024-01-01T00:00:00Z' AS "from", 'product:' || product_id AS node,
    COUNT(*) AS n, SUM(has_incident) / COUNT(*)::DOUBLE AS value
FROM deployments_with_incidents
GROUP BY product_id
