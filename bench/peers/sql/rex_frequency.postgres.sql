WITH deployments_ordered AS (
    SELECT component_name, product_id, deployment_timestamp,
        LAG(deployment_timestamp) OVER (
            PARTITION BY component_name, instance
            ORDER BY deployment_timestamp, deployment_id
        ) AS previous_deployment
    FROM deployments
    WHERE environment = 'production' AND status = 'succeeded' AND is_config_only = FALSE
        AND deployment_timestamp < TIMESTAMPTZ '2025-01-01 00:00:00Z'
)
SELECT '2024-01-01T00:00:00Z' AS "from", 'component:' || product_id || '/' || component_name AS node,
    COUNT(*) AS n,
    86400 / AVG(extract(epoch FROM deployment_timestamp - previous_deployment)::DOUBLE PRECISION) AS value
FROM deployments_ordered
WHERE previous_deployment < deployment_timestamp
    AND deployment_timestamp >= TIMESTAMPTZ '2024-01-01 00:00:00Z'
GROUP BY component_name, product_id
