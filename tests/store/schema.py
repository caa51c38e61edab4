"""The schema of a database as text that psql reads: tables, views, functions, indexes and comments.

Oldest first, but nothing before what it refers to: a view that was replaced may refer to younger objects.
"""

import psycopg

_STATEMENTS = """
WITH object AS (
     SELECT oid, 1 AS step,
            CASE relkind
                WHEN 'v' THEN format(E'CREATE VIEW %I AS\\n%s', relname, pg_get_viewdef(oid))
                WHEN 'r' THEN format(E'CREATE TABLE %I (\\n%s\\n);', relname, (
                     SELECT string_agg(line, E',\\n' ORDER BY place, line)
                       FROM (SELECT attnum AS place,
                                    format('    %I %s', attname, format_type(atttypid, atttypmod))
                                    || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
                                    || CASE WHEN attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
                                    || CASE WHEN adbin IS NULL THEN ''
                                            ELSE format(CASE attgenerated
                                                        WHEN 's' THEN ' GENERATED ALWAYS AS (%s) STORED'
                                                        ELSE ' DEFAULT %s' END,
                                                        pg_get_expr(adbin, adrelid)) END AS line
                               FROM pg_attribute
                               LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
                              WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
                              UNION ALL
                             SELECT 10000, format('    CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
                               FROM pg_constraint
                              WHERE conrelid = pg_class.oid AND contype IN ('p', 'u', 'f', 'c', 'x')) AS lines))
            END AS statement
       FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
      UNION ALL
     SELECT oid, 1, pg_get_functiondef(oid) || ';'
       FROM pg_proc
      WHERE pronamespace = 'public'::regnamespace
      UNION ALL
     SELECT indexrelid, 1, pg_get_indexdef(indexrelid) || ';'
       FROM pg_index
       JOIN pg_class ON pg_class.oid = indexrelid
      WHERE relnamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
      UNION ALL
     SELECT objoid, 2 + objsubid,
            format('COMMENT ON %s %s IS %L;',
                   CASE type WHEN 'table column' THEN 'COLUMN' WHEN 'view column' THEN 'COLUMN' ELSE upper(type) END,
                   regexp_replace(identity, '\\mpublic\\.', '', 'g'), description)
       FROM pg_description
      CROSS JOIN LATERAL pg_identify_object(classoid, objoid, objsubid)
      WHERE schema = 'public' AND type <> 'schema'
)
SELECT oid, regexp_replace(statement, '\\mpublic\\.', '', 'g')
  FROM object
 ORDER BY oid, step
"""

_REFERENCES = """
SELECT DISTINCT coalesce(rule.ev_class, depend.objid), depend.refobjid
  FROM pg_depend AS depend
  LEFT JOIN pg_rewrite AS rule ON depend.classid = 'pg_rewrite'::regclass AND rule.oid = depend.objid
 WHERE depend.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
   AND depend.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
   AND depend.refobjid > 16383
 UNION
SELECT conrelid, confrelid
  FROM pg_constraint
 WHERE contype = 'f'
 ORDER BY 1, 2
"""


def schema_of(url: str) -> str:
    """Return the statements that make the schema of the database at *url*."""
    with psycopg.connect(url, autocommit=True) as connection:
        statements: dict[int, list[str]] = {}
        for oid, statement in connection.execute(_STATEMENTS.encode()):
            statements.setdefault(oid, []).append(statement)
        references: dict[int, list[int]] = {}
        for oid, needed in connection.execute(_REFERENCES.encode()):
            references.setdefault(oid, []).append(needed)
    ordered: dict[int, None] = {}

    def add(oid: int) -> None:
        if oid in ordered or oid not in statements:
            return
        for needed in references.get(oid, []):
            if needed != oid:
                add(needed)
        ordered[oid] = None

    for oid in statements:
        add(oid)
    lines = (one for oid in ordered for one in statements[oid])
    return "\n\n".join("\n".join(line.rstrip() for line in one.strip().split("\n")) for one in lines) + "\n"
