"use strict";
// Plain data, pipelines, the pool, transactions, scripts and functions.

const { createClientPool } = require("redis");
const { APPEND, FUNCTION, UNKNOWN, paceMs, range, sleep } = require("../ledger.js");
const { clients, connect, ledger, settings } = require("./program.js");

async function values(name, { protocol, db }) {
  const api = await connect(name, { protocol, db });
  const counter = ledger.history(`${name}:counter`, { kind: "counter", db });
  const piped = ledger.history(`${name}:piped`, { kind: "list", db });
  const [value, hash, mark] = [`${name}:value`, `${name}:hash`, "db"].map((what) => ledger.key(what));
  await api.set(mark, String(db));
  ledger.loop(async (number) => {
    // What is asked in one turn leaves in one piece.
    const [reply, , told, database, called] = await Promise.all([
      ledger.ask(api.incr(ledger.key(`${name}:counter`))),
      ledger.ask(api.set(value, `${name} ${number}`)),
      ledger.ask(api.get(value)),
      ledger.ask(api.get(mark)),
      ledger.ask(api.clientGetName()),
    ]);
    ledger.note(counter, number, reply);
    ledger.expect("INCR", reply, number);
    ledger.expect("GET after SET", told, `${name} ${number}`);
    ledger.expect("the db", database, String(db));
    ledger.expect("CLIENT GETNAME", called, ledger.key(name));
    if ((await ledger.ask(api.hSet(hash, { n: number, m: -number }))) !== UNKNOWN) {
      ledger.expect("HGETALL", { ...(await ledger.ask(api.hGetAll(hash))) }, { n: `${number}`, m: `${-number}` });
    }
    if (number % 4 === 0) await pipe(number);
    if (number % 10 === 0) ledger.expect("WAIT", await ledger.ask(api.wait(1, 10_000)), 1);
  });

  async function pipe(number) {
    const numbers = range(number * 10, 10);
    const pipeline = api.multi();
    for (const one of numbers) pipeline.rPush(ledger.key(`${name}:piped`), String(one));
    const replies = await ledger.ask(pipeline.execAsPipeline(), 10);
    for (const one of numbers) ledger.note(piped, one, replies);
    if (replies !== UNKNOWN) ledger.expect("replies of a pipeline", replies, range(replies[0], 10));
  }
}

// node-redis's own pool: each command goes over whichever connection is free.
async function pool(name, { protocol, connections, tasks }) {
  const options = { minimum: connections, maximum: connections };
  const api = createClientPool(settings(name, { protocol }), options);
  api.on("error", (error) => ledger.fault(`${name}: ${error}`, { broken: true }));
  await api.connect();
  clients.push(api);
  for (const member of range(0, tasks)) {
    const counter = ledger.history(`${name}:${member}`, { kind: "counter" });
    ledger.loop(async (number) => {
      const reply = await ledger.ask(api.incr(ledger.key(`${name}:${member}`)));
      ledger.note(counter, number, reply);
      ledger.expect("INCR", reply, number);
    });
  }
}

async function transactions(name, { protocol }) {
  const api = await connect(name, { protocol, db: 1 });
  const entries = ledger.history(`${name}:list`, { kind: "list", db: 1 });
  const won = ledger.history(`${name}:won`, { kind: "list", db: 1 });
  const shared = ledger.key("shared");
  const key = (what) => ledger.key(`${name}:${what}`);
  ledger.loop(async (number) => {
    const replies = await ledger.ask(api.multi().rPush(key("list"), String(number)).incr(key("count")).exec());
    ledger.note(entries, number, replies);
    ledger.expect("EXEC", replies, [number, number]);
    await compete(number);
  });

  async function compete(number) {
    await ledger.ask(api.watch(shared));
    const value = await ledger.ask(api.get(shared));
    if (value === UNKNOWN) return;
    await sleep(paceMs());
    const next = Number(value ?? 0) + 1;
    const queued = api.multi().set(shared, String(next)).rPush(key("won"), String(number));
    const replies = await ledger.ask(unlessChanged(queued.incr(ledger.key("shared-wins")).exec()));
    if (replies === null) return ledger.count("EXEC answered nil"); // a rival was quicker
    ledger.note(won, number, replies);
    if (replies !== UNKNOWN) ledger.expect("a value under WATCH", replies[2], next);
  }
}

async function unlessChanged(replies) {
  try {
    return await replies;
  } catch (error) {
    if (error.constructor.name === "WatchError" && /changed/.test(error.message)) return null;
    throw error;
  }
}

async function scripts(name, { protocol }) {
  const api = await connect(name, { protocol });
  const digest = await api.scriptLoad(APPEND);
  const library = `node_${name}`;
  if (ledger.hasFunctions) await api.functionLoad(FUNCTION.replaceAll("LIBRARY", library), { REPLACE: true });
  const words = (keys, number) => ({ keys, arguments: [String(number)] });
  const ways = {
    evaluated: (keys, number) => api.evalSha(digest, words(keys, number)),
    defined: (keys, number) => api.append(...keys, number), // EVALSHA, and EVAL where that has failed
    queued: async (keys, number) => (await api.multi().append(...keys, number).exec())[0],
  };
  if (ledger.hasFunctions) ways.called = (keys, number) => api.fCall(`${library}_append`, words(keys, number));
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

module.exports = { values, pool, transactions, scripts };
