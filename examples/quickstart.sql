-- A vector search over a real CVC file, joined with its text: 5,000 passages from the
-- documentation of open-source packages, embedded in 384 dimensions. Nothing is imported; both
-- files are read where they lie.

-- What is in the file.
SELECT rows, chunks, version, "column", dimension, compression, file_bytes
FROM cvc_info('examples/data/passages.cvc');

-- The passages nearest to a question about byte strings and grapheme clusters (its text is
-- below), by exact cosine distance over the stored half-precision codes. The query vector
-- comes from a query.
SELECT round(d.distance, 4) AS cosine, p.crate, substr(replace(p.text, chr(10), ' '), 1, 60) AS text
FROM (
    SELECT _row, cosine_distance(vector, (
        SELECT vector FROM 'examples/data/queries.npy' WHERE _row = 7
    )) AS distance
    FROM 'examples/data/passages.cvc'
    ORDER BY distance
    LIMIT 5
) d
JOIN 'examples/data/passages.parquet' p ON p.id = d._row
ORDER BY d.distance;

-- What was asked.
SELECT text AS question FROM 'examples/data/queries.parquet' WHERE id = 7;

-- How it was answered: the scan itself returns the five nearest (topk=..).
EXPLAIN SELECT _row, l2_distance(vector, (SELECT vector FROM 'examples/data/queries.npy' WHERE _row = 7)) AS distance
FROM 'examples/data/passages.cvc'
ORDER BY distance
LIMIT 5;
