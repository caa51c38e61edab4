-- Closings and early closes of the exchange that the calendar's library does not know yet.

CREATE TABLE calendar_closings (
    date      date        PRIMARY KEY,
    closes    time,
    stated_by text        NOT NULL CHECK (stated_by IN ('setting', 'operator')),
    stated_at timestamptz NOT NULL
);
COMMENT ON TABLE calendar_closings IS 'Unscheduled closings and early closes; they win over the calendar of the release';
COMMENT ON COLUMN calendar_closings.closes IS 'New York time of an early close; NULL: no session that day';
