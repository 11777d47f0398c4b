"""The tables of the journal, as the steps that made them: a step is never edited, only followed by another."""

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        shot_hash TEXT NOT NULL, take INTEGER NOT NULL, generation INTEGER NOT NULL,
        order_hash TEXT NOT NULL, route TEXT NOT NULL, quote TEXT NOT NULL, shot TEXT NOT NULL,
        shot_id TEXT, episode TEXT,
        tag TEXT NOT NULL, credential TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
        reserved TEXT NOT NULL, currency TEXT NOT NULL,
        cap_currency TEXT NOT NULL, rate TEXT NOT NULL,
        cost TEXT, cost_currency TEXT, cost_source TEXT,
        body_digest TEXT, sent_at REAL, sent_until REAL,
        ticket TEXT, error TEXT, result TEXT,
        created REAL NOT NULL, updated REAL NOT NULL
    );
    CREATE INDEX jobs_by_shot ON jobs (shot_hash, take, generation);
    CREATE INDEX jobs_by_order ON jobs (order_hash, take, generation);
    CREATE INDEX jobs_by_state ON jobs (state);
    CREATE INDEX jobs_by_episode ON jobs (episode);
    CREATE TABLE bindings (
        shot_hash TEXT NOT NULL, take INTEGER NOT NULL, generation INTEGER NOT NULL,
        job TEXT NOT NULL REFERENCES jobs (id),
        PRIMARY KEY (shot_hash, take, generation)
    );
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id),
        at REAL NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL
    );
    CREATE INDEX events_by_job ON events (job, seq);
    CREATE TABLE reviews (
        seq INTEGER PRIMARY KEY, job TEXT NOT NULL, accepted INTEGER NOT NULL,
        reason TEXT NOT NULL, at REAL NOT NULL
    )
    """,
    # Who writes which job, between machines: a job's epoch counts its owners, an owner's its lapses.
    """
    ALTER TABLE jobs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE owners (
        id TEXT PRIMARY KEY, host TEXT NOT NULL, epoch INTEGER NOT NULL, expires REAL NOT NULL
    )
    """,
    # What several processes share of a vendor's patience. Moments are Unix seconds.
    """
    CREATE INDEX jobs_by_line ON jobs (credential, route, state);
    CREATE INDEX jobs_by_route ON jobs (route);
    CREATE TABLE rates (name TEXT PRIMARY KEY, due REAL NOT NULL);
    CREATE TABLE ceilings (
        line TEXT PRIMARY KEY, at_once INTEGER, good INTEGER NOT NULL,
        strikes INTEGER NOT NULL, struck REAL NOT NULL, until REAL NOT NULL
    );
    CREATE TABLE breakers (
        name TEXT PRIMARY KEY, failures INTEGER NOT NULL, opened INTEGER NOT NULL,
        until REAL NOT NULL, probe REAL NOT NULL, error TEXT NOT NULL
    );
    CREATE TABLE waiting (
        line TEXT NOT NULL, owner TEXT NOT NULL, episode TEXT NOT NULL,
        jobs INTEGER NOT NULL, oldest REAL NOT NULL, seen REAL NOT NULL,
        PRIMARY KEY (line, owner, episode)
    )
    """,
    # Lists of the newest jobs, and of a span of time.
    """
    CREATE INDEX jobs_by_created ON jobs (created)
    """,
    # Which journal this is: a runner that moves work to another process makes sure that it is the same one.
    """
    CREATE TABLE journal (id TEXT PRIMARY KEY)
    """,
    # What a cap's jobs claim is read from these alone: the rows themselves hold whole orders.
    """
    DROP INDEX jobs_by_route;
    CREATE INDEX claims_by_episode ON jobs
        (episode, state, reserved, currency, cap_currency, rate, cost, cost_currency, owner);
    CREATE INDEX claims_by_route ON jobs
        (route, state, reserved, currency, cap_currency, rate, cost, cost_currency);
    CREATE INDEX claims_by_day ON jobs
        (created, state, reserved, currency, cap_currency, rate, cost, cost_currency)
    """,
    # Why each job was ordered where it was, and who said what of its clip: a person, or a check.
    """
    CREATE TABLE decisions (job TEXT PRIMARY KEY REFERENCES jobs (id), data TEXT NOT NULL);
    ALTER TABLE reviews ADD COLUMN source TEXT NOT NULL DEFAULT 'person'
    """,
    # What runs of a line is counted at every create: from this alone, and of what is over nothing is read.
    """
    DROP INDEX jobs_by_line;
    CREATE INDEX jobs_by_line ON jobs (credential, route, state, updated, episode, owner)
    """,
)
