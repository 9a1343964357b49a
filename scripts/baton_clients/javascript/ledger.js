"use strict";
// What one client program sent, what was acknowledged, what it saw; the twin of ../ledger.py, which tells the
// words that a program obeys and those that it tells.

const readline = require("node:readline");

const LAST = 0; // sent last of all: it tells its reader to go home. Others count from 1
const LAST_SCORE = 1e9; // the same, where the lowest number comes out first
const UNKNOWN = Symbol("an error came instead of a reply, and it is counted");
const FIRST_LOAD = 12; // rounds that each loop goes before the program calls itself ready
const FIRST_SCANS = 4; // the same for a loop whose rounds are long
const SCANNED = 2000;
const SCANNED_DB = 3;
const PROBLEMS_KEPT = 12;
const SCANS_KEPT = 3; // beyond it, a scan that left something out is counted only
const END_LIMIT_MS = 40_000;
const CACHED_KEYS = 5;
const STALE_AFTER_MS = 2000; // an invalidation may be under way for a moment

const APPEND = `
redis.call('RPUSH', KEYS[1], ARGV[1])
return redis.call('INCR', KEYS[2])
`;
const FUNCTION = `#!lua name=LIBRARY
redis.register_function('LIBRARY_append', function(keys, arguments)
  redis.call('RPUSH', keys[1], arguments[1])
  return redis.call('INCR', keys[2])
end)
`;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const paceMs = () => 5 + 30 * Math.random(); // something else to do; far less would measure this machine, not Baton
const members = () => Array.from({ length: SCANNED }, (_, number) => `member-${number}`);

class Ledger {
  constructor(program) {
    this.program = program;
    this.operations = 0;
    this.errors = 0;
    this.broken = 0;
    this.opened = 0; // connections that were made
    this.wanted = 0; // connections that the program has when it is ready
    this.missed = 0;
    this.longestMs = 0;
    this.problems = [];
    this.histories = [];
    this.groups = [];
    this.counts = {};
    this.over = false;
    this.loops = [];
    this.readers = [];
    this.working = [];
  }

  key(name) {
    return `${this.program}:${name}`;
  }

  history(name, { kind, key = name, db = 0, ordered = true } = {}) {
    const place = kind ? { kind, key: this.key(key), db } : null;
    return this.follow({ name, place, ordered, acknowledged: [], unknown: [], seen: [] });
  }

  // The same numbers as another reader sees them.
  followed(history, name, { ordered = true, place = null } = {}) {
    const { acknowledged, unknown } = history;
    return this.follow({ name, place, ordered, acknowledged, unknown, seen: [] });
  }

  follow(history) {
    this.histories.push(history);
    return history;
  }

  note(history, number, reply) {
    (reply === UNKNOWN ? history.unknown : history.acknowledged).push(number);
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  fault(what, { broken = false } = {}) {
    this.errors += 1;
    this.broken += broken;
    const problem = String(what).slice(0, 300);
    if (this.problems.length < PROBLEMS_KEPT && !this.problems.includes(problem)) this.problems.push(problem);
  }

  expect(what, found, expected) {
    const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
    if (found !== UNKNOWN && is !== should) this.fault(`${what}: ${is} instead of ${should}`);
  }

  scanned(what, found, expected) {
    const missing = expected.filter((member) => !found.has(member));
    this.operations += 1;
    this.missed += missing.length;
    if (missing.length && this.problems.length < SCANS_KEPT) {
      this.problems.push(`${what} left out ${missing.length} members, ${missing[0]} for one`);
    }
  }

  // A reply, timed and counted; UNKNOWN after an error.
  async ask(reply, operations = 1) {
    const began = performance.now();
    const told = await this.attempt(reply);
    if (told !== UNKNOWN) {
      this.operations += operations;
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
    }
    return told;
  }

  // The same where something is waited for: not timed.
  async attempt(reply) {
    try {
      return await reply;
    } catch (error) {
      this.fault(error, { broken: /clos|socket|ECONN|offline|max retries/i.test(String(error)) });
      await sleep(paceMs());
      return UNKNOWN;
    }
  }

  // Does body with 1, 2, 3 … until the work is over, and then last.
  loop(body, last = async () => {}, first = FIRST_LOAD) {
    this.loops.push(async (working) => {
      for (let number = 1; !this.over; number += 1) {
        await body(number);
        if (number === first) working();
        await sleep(paceMs());
      }
      await last();
    });
  }

  // Ends by itself once it has read the last of all.
  reader(body) {
    this.readers.push(body);
  }

  guarded(promise) {
    return promise.catch((error) => this.fault(`a loop gave up: ${error.stack}`));
  }

  async run(identity, leave) {
    const ended = this.readers.map((body) => this.guarded(body()));
    const working = this.loops.map((loop) => new Promise((resolve) => ended.push(this.guarded(loop(resolve)))));
    await Promise.all(working);
    tell({ ready: identity });
    for await (const word of readline.createInterface({ input: process.stdin })) {
      if (word !== "stop") break;
      this.over = true;
      await this.end(Promise.all(ended));
      tell({ report: this.report() });
    }
    await leave();
    process.exit(0);
  }

  async end(ended) {
    const late = sleep(END_LIMIT_MS).then(() => UNKNOWN);
    if ((await Promise.race([ended, late])) === UNKNOWN) {
      this.fault("a loop was still waiting long after the work had ended");
    }
  }

  report() {
    return {
      operations: this.operations,
      errors: this.errors,
      disconnects: Math.max(this.broken, this.opened - this.wanted),
      missed: this.missed,
      longest_wait_ms: this.longestMs,
      problems: this.problems,
      histories: this.histories,
      groups: this.groups,
      counts: this.counts,
    };
  }
}

// Values that one client writes and another caches: what is read may lag a little, but never for ever.
class Freshness {
  constructor(ledger, name) {
    this.ledger = ledger;
    this.keys = range(0, CACHED_KEYS).map((number) => ledger.key(`${name}:${number}`));
    this.written = new Map();
  }

  wrote(key, number) {
    this.written.set(key, [number, performance.now()]);
  }

  // The number that whoever reads from now on must see, or a later one.
  due(key) {
    const [number, acknowledged] = this.written.get(key) ?? [0, 0];
    return performance.now() - acknowledged > STALE_AFTER_MS ? number : 0;
  }

  check(key, due, value) {
    this.ledger.count("values read that may be cached");
    if (Number(value ?? 0) < due) {
      this.ledger.fault(`${key} is read as ${value}, ${STALE_AFTER_MS} ms after ${due} was written`);
    }
  }

  // A loop that writes by `set`, and one that reads by `get`.
  loops(set, get) {
    this.ledger.loop(async (number) => {
      const key = this.keys[number % CACHED_KEYS];
      if ((await this.ledger.ask(set(key, String(number)))) !== UNKNOWN) this.wrote(key, number);
      await sleep(300 + 500 * Math.random());
    }, undefined, FIRST_SCANS);
    this.ledger.loop(async () => {
      for (const key of this.keys) {
        const due = this.due(key);
        const value = await this.ledger.ask(get(key));
        if (value !== UNKNOWN) this.check(key, due, value);
      }
    });
  }
}

function tell(fact) {
  process.stdout.write(`${JSON.stringify(fact)}\n`);
}

const range = (first, length) => Array.from({ length }, (_, place) => first + place);

module.exports = {
  APPEND, FIRST_LOAD, FIRST_SCANS, FUNCTION, Freshness, LAST, LAST_SCORE, Ledger, SCANNED_DB, UNKNOWN, members, paceMs, range, sleep,
};
