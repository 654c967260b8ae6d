SELECT '2024-01-01T00:00:00Z' AS "from", 'product:' || product_id AS node,
    COUNT(*) AS n,
    AVG((epoch_us(resolved_timestamp) - epoch_us(started_timestamp)) / 1e6) AS value
FROM incidents
WHERE status = 'Resolved'
    AND started_timestamp >= TIMESTAMPTZ '2024-01-01 00:00:00Z'
    AND started_timestamp < TIMESTAMPTZ '2025-01-01 00:00:00Z'
    AND resolved_timestamp IS NOT NULL
GROUP BY product_id
