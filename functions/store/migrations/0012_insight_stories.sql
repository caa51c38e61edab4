-- What an insight is about and why it was chosen; the span of a figure and what it leaves out; what a model did.

ALTER TABLE insights
    ADD COLUMN kind         text,
    ADD COLUMN story        text,
    ADD COLUMN significance numeric;
COMMENT ON COLUMN insights.kind IS 'market, company, industry or wrap; NULL in what was written before there were kinds';
COMMENT ON COLUMN insights.significance IS 'Size of its facts against the usual: 1 is an ordinary day';

ALTER TABLE insight_facts
    ADD COLUMN "window" text,
    ADD COLUMN industry text,
    ADD COLUMN left_out text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN insight_facts."window" IS 'The span that the figure covers';
COMMENT ON COLUMN insight_facts.left_out IS 'Tracked tickers that lacked a bar for the figure';

DROP VIEW insight_figures;
CREATE VIEW insight_figures AS
SELECT fact.*, fact.digest IS DISTINCT FROM bars_digest(fact.tickers, fact.starts, fact.fields) AS superseded
  FROM insight_facts AS fact;
COMMENT ON COLUMN insight_figures.superseded IS 'The bars behind the figure have changed since it was written';

ALTER TABLE insight_model_calls ADD COLUMN claimed_until timestamptz;
COMMENT ON COLUMN insight_model_calls.claimed_until IS 'Until then another process waits for the model''s words for this hour';

CREATE TABLE insight_model_runs (
    start             timestamptz NOT NULL,
    asked_at          timestamptz NOT NULL,
    model             text,
    outcome           text        NOT NULL,
    advice            text        NOT NULL,
    proposed          integer     NOT NULL,
    accepted          integer     NOT NULL,
    repaired          integer     NOT NULL,
    fallen_back       integer     NOT NULL,
    reasons           jsonb       NOT NULL,
    verdicts          jsonb       NOT NULL,
    prompt_tokens     integer,
    completion_tokens integer,
    seconds           numeric     NOT NULL,
    PRIMARY KEY (start, asked_at)
);
CREATE INDEX ON insight_model_runs (asked_at);
COMMENT ON TABLE insight_model_runs IS 'Each time a model was asked to word the stories of an hour: its sentences accepted at first, accepted after one repair, and left to the rules';
COMMENT ON COLUMN insight_model_runs.reasons IS 'How often a sentence was refused, by reason';

CREATE FUNCTION model_figures() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT 'stocksalot_insight_verdicts_total',
       jsonb_build_object('outcome', CASE outcome WHEN 'answered' THEN 'answered' ELSE 'failed' END),
       count(*)
  FROM insight_model_runs
 GROUP BY 2
 UNION ALL
SELECT 'stocksalot_insight_sentences_total', jsonb_build_object('result', came.result), sum(came.sentences)
  FROM insight_model_runs AS run
 CROSS JOIN LATERAL (VALUES ('proposed', run.proposed), ('accepted', run.accepted), ('repaired', run.repaired),
                            ('fallen_back', run.fallen_back)) AS came (result, sentences)
 GROUP BY came.result;
END;
COMMENT ON FUNCTION model_figures IS 'What /metrics of store tells of models: runs by outcome, sentences by what became of them';
