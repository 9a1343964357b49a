"use strict";
// Plain data, pipelines, transactions, scripts and functions.

const { APPEND, FUNCTION, UNKNOWN, paceMs, range, sleep } = require("../ledger.js");
const { connect, ledger } = require("./program.js");

async function values(name, { protocol, db, ...options }) {
  const api = await connect(name, { protocol, db, ...options });
  const counter = ledger.history(`${name}:counter`, { kind: "counter", db });
  const piped = ledger.history(`${name}:piped`, { kind: "list", db });
  const [value, hash, mark] = [`${name}:value`, `${name}:hash`, "db"].map((what) => ledger.key(what));
  await api.set(mark, db);
  ledger.loop(async (number) => {
    const reply = await ledger.ask(api.incr(ledger.key(`${name}:counter`)));
    ledger.note(counter, number, reply);
    ledger.expect("INCR", reply, number);
    // Three at a time: with auto-pipelining they leave in one piece.
    const [, told, database, called] = await Promise.all([
      ledger.ask(api.set(value, `${name} ${number}`)),
      ledger.ask(api.get(value)),
      ledger.ask(api.get(mark)),
      ledger.ask(api.client("GETNAME")),
    ]);
    ledger.expect("GET after SET", told, `${name} ${number}`);
    ledger.expect("the db", database, String(db));
    ledger.expect("CLIENT GETNAME", called, ledger.key(name));
    if ((await ledger.ask(api.hset(hash, { n: number, m: -number }))) !== UNKNOWN) {
      ledger.expect("HGETALL", { ...(await ledger.ask(api.hgetall(hash))) }, { n: `${number}`, m: `${-number}` });
    }
    if (number % 4 === 0) await pipe(number);
    if (number % 10 === 0) ledger.expect("WAIT", await ledger.ask(api.wait(1, 10_000)), 1);
  });

  async function pipe(number) {
    const numbers = range(number * 10, 10);
    const pipeline = api.pipeline();
    for (const one of numbers) pipeline.rpush(ledger.key(`${name}:piped`), one);
    const replies = await ledger.ask(pipeline.exec(), 10);
    numbers.forEach((one, place) => {
      const failed = replies === UNKNOWN || replies[place][0];
      if (failed && replies !== UNKNOWN) ledger.fault(failed);
      ledger.note(piped, one, failed ? UNKNOWN : replies[place][1]);
    });
  }
}

async function transactions(name, { protocol }) {
  const api = await connect(name, { protocol, db: 1 });
  const entries = ledger.history(`${name}:list`, { kind: "list", db: 1 });
  const won = ledger.history(`${name}:won`, { kind: "list", db: 1 });
  const open = ledger.history(`${name}:open`, { kind: "list", db: 1 });
  const shared = ledger.key("shared");
  const key = (what) => ledger.key(`${name}:${what}`);
  ledger.loop(async (number) => {
    const replies = await ledger.ask(api.multi().rpush(key("list"), number).incr(key("count")).exec());
    ledger.note(entries, number, replies);
    ledger.expect("EXEC", replies, [[null, number], [null, number]]);
    await compete(number);
    await inPieces(number);
  });

  async function compete(number) {
    await ledger.ask(api.watch(shared));
    const value = await ledger.ask(api.get(shared));
    if (value === UNKNOWN) return;
    await sleep(paceMs());
    const next = Number(value ?? 0) + 1;
    const queued = api.multi().set(shared, next).rpush(key("won"), number).incr(ledger.key("shared-wins"));
    const replies = await ledger.ask(queued.exec());
    if (replies === null) return ledger.count("EXEC answered nil"); // a rival was quicker
    ledger.note(won, number, replies);
    if (replies !== UNKNOWN) ledger.expect("a value under WATCH", replies[2], [null, next]);
  }

  // A transaction that stays open for a while.
  async function inPieces(number) {
    if ((await ledger.ask(api.multi({ pipeline: false }))) === UNKNOWN) return;
    ledger.expect("RPUSH within MULTI", await ledger.ask(api.rpush(key("open"), number)), "QUEUED");
    await sleep(paceMs());
    ledger.expect("INCR within MULTI", await ledger.ask(api.incr(key("open:count"))), "QUEUED");
    const replies = await ledger.ask(api.exec());
    ledger.note(open, number, replies);
    ledger.expect("EXEC of an open transaction", replies, [[null, number], [null, number]]);
  }
}

async function scripts(name, { protocol }) {
  // A command of its own, which ioredis sends as EVALSHA, and as EVAL where that has failed.
  const api = await connect(name, { protocol, scripts: { append: { lua: APPEND, numberOfKeys: 2 } } });
  const digest = await api.script("LOAD", APPEND);
  const library = `${ledger.program}_${name}`;
  if (ledger.hasFunctions) await api.function("LOAD", "REPLACE", FUNCTION.replaceAll("LIBRARY", library));
  const ways = {
    evaluated: (keys, number) => api.evalsha(digest, 2, ...keys, number),
    defined: (keys, number) => api.append(...keys, number),
    piped: async (keys, number) => only(await api.pipeline().append(...keys, number).exec()),
  };
  if (ledger.hasFunctions) ways.called = (keys, number) => api.fcall(`${library}_append`, 2, ...keys, number);
  for (const [way, run] of Object.entries(ways)) {
    const history = ledger.history(`${name}:${way}`, { kind: "list" });
    const keys = [ledger.key(`${name}:${way}`), ledger.key(`${name}:${way}:count`)];
    ledger.loop(async (number) => {
      const reply = await ledger.ask(run(keys, number));
      ledger.note(history, number, reply);
      ledger.expect(way, reply, number);
    });
  }
}

function only([[error, reply]]) {
  if (error) throw error;
  return reply;
}

module.exports = { values, transactions, scripts };
