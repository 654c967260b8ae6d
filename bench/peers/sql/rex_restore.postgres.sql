SELECT '2024-01-01T00:00:00Z' AS "from", 'product:' || product_id AS node,
    COUNT(*) AS n,
    AVG(extract(epoch FROM resolved_timestamp - started_timestamp)::DOUBLE PRECISION) AS value
FROM incidents
WHERE status = 'Resolved'
    AND started_timestamp >= TIMESTAMPTZ '2024-01-01 00:00:00Z'
    AND started_timestamp < TIMESTAMPTZ '2025-01-01 00:00:00Z'
    AND resolved_timestamp IS NOT NULL
GROUP BY product_id
