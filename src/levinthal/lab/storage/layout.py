"""The tables of a store, version by version: an older store gets the tables that it lacks when it is written.

1  runs and their measurements
2  the claims as they were before the first run of a preset, and how often each was judged
3  a checksum of every run, frozen claim and analysis; who is measuring which run
"""

from __future__ import annotations

VERSIONS = {
    1: """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    study TEXT NOT NULL, version INTEGER NOT NULL, cell TEXT NOT NULL, seed INTEGER NOT NULL,
    data TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('done', 'failed')), error TEXT NOT NULL,
    environment TEXT NOT NULL, started TEXT NOT NULL, duration REAL NOT NULL, rows INTEGER NOT NULL);
CREATE INDEX runs_by_study ON runs (study, version, data);
CREATE TABLE measurements (
    run INTEGER NOT NULL REFERENCES runs (number),
    step INTEGER NOT NULL, layer TEXT NOT NULL, name TEXT NOT NULL, condition TEXT NOT NULL,
    value REAL, unit TEXT NOT NULL, low REAL, high REAL, level REAL, method TEXT,
    trust TEXT NOT NULL, reasons TEXT NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (run, step, layer, name, condition)) WITHOUT ROWID;
CREATE TRIGGER measurements_stay BEFORE UPDATE ON measurements
    BEGIN SELECT RAISE(ABORT, 'a measurement is never changed'); END;
CREATE TRIGGER measurements_are_kept BEFORE DELETE ON measurements
    BEGIN SELECT RAISE(ABORT, 'a measurement is never deleted'); END;
CREATE TRIGGER finished_runs_stay BEFORE UPDATE ON runs WHEN OLD.status = 'done'
    BEGIN SELECT RAISE(ABORT, 'a finished run is never changed'); END;
CREATE TRIGGER finished_runs_are_kept BEFORE DELETE ON runs WHEN OLD.status = 'done'
    BEGIN SELECT RAISE(ABORT, 'a finished run is never deleted'); END;
""",
    2: """
CREATE TABLE frozen (
    number INTEGER PRIMARY KEY,
    study TEXT NOT NULL, version INTEGER NOT NULL, preset TEXT NOT NULL,
    hash TEXT NOT NULL, claims TEXT NOT NULL,
    finished INTEGER NOT NULL, time TEXT NOT NULL);
CREATE INDEX frozen_by_preset ON frozen (study, version, preset);
CREATE TABLE analyses (
    number INTEGER PRIMARY KEY,
    study TEXT NOT NULL, version INTEGER NOT NULL, preset TEXT NOT NULL, claim TEXT NOT NULL,
    judged TEXT NOT NULL, seeds INTEGER NOT NULL, time TEXT NOT NULL,
    UNIQUE (study, version, preset, claim, judged));
CREATE TRIGGER frozen_claims_stay BEFORE UPDATE ON frozen
    BEGIN SELECT RAISE(ABORT, 'a frozen claim is never changed'); END;
CREATE TRIGGER frozen_claims_are_kept BEFORE DELETE ON frozen
    BEGIN SELECT RAISE(ABORT, 'a frozen claim is never deleted'); END;
CREATE TRIGGER analyses_stay BEFORE UPDATE ON analyses
    BEGIN SELECT RAISE(ABORT, 'an analysis is never changed'); END;
CREATE TRIGGER analyses_are_kept BEFORE DELETE ON analyses
    BEGIN SELECT RAISE(ABORT, 'an analysis is never deleted'); END;
""",
    3: """
CREATE TABLE checksums (
    of TEXT NOT NULL, number INTEGER NOT NULL, head TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (of, number)) WITHOUT ROWID;
CREATE TRIGGER checksums_stay BEFORE UPDATE ON checksums
    BEGIN SELECT RAISE(ABORT, 'a checksum is never changed'); END;
CREATE TABLE leases (
    run TEXT PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    begun TEXT NOT NULL, seen REAL NOT NULL) WITHOUT ROWID;
INSERT INTO meta SELECT 'runs without checksum', coalesce(max(number), 0) FROM runs;
INSERT INTO meta SELECT 'frozen without checksum', coalesce(max(number), 0) FROM frozen;
INSERT INTO meta SELECT 'analyses without checksum', coalesce(max(number), 0) FROM analyses;
""",
}
"""Version of the schema -> the statements that lead to it from the version before."""
