SELECT '2024-01-01T00:00:00Z' AS "from", 'component:' || d.product_id || '/' || d.component_name AS node,
    COUNT(*) AS n,
    AVG(extract(epoch FROM d.deployment_timestamp - c.commit_timestamp)::DOUBLE PRECISION) AS value
FROM deployments d
    JOIN git_commits c ON d.git_tag = c.tag AND d.component_name = c.component_name
WHERE d.environment = 'production' AND d.status = 'succeeded' AND NOT d.is_config_only AND NOT d.is_rollback
    AND d.deployment_timestamp >= TIMESTAMPTZ '2024-01-01 00:00:00Z'
    AND d.deployment_timestamp < TIMESTAMPTZ '2025-01-01 00:00:00Z'
GROUP BY d.component_name, d.product_id
