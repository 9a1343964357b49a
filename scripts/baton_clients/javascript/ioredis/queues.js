"use strict";
// Lists and sorted sets as queues, streams and channels.

const { FIRST_LOAD, LAST, LAST_SCORE, UNKNOWN, paceMs, sleep } = require("../ledger.js");
const { connect, ledger } = require("./program.js");

// A producer and a worker that blocks: every element taken once, in order.
async function queue(name, { protocol, put, take, slow = false }) {
  const producer = await connect(`${name}:producer`, { protocol });
  const worker = await connect(`${name}:worker`, { protocol: 5 - protocol });
  const [key, done] = [ledger.key(name), ledger.key(`${name}:done`)];
  const sorted = put === "zadd";
  const sent = ledger.history(name, { kind: sorted ? "zset" : "list" });
  if (take === "brpoplpush") ledger.followed(sent, `${name}:done`, { place: { kind: "list", key: done, db: 0 } });
  const puts = {
    lpush: (number) => producer.lpush(key, number),
    rpush: (number) => producer.rpush(key, number),
    zadd: (number) => producer.zadd(key, number, number),
  };
  const takes = {
    blpop: async () => (await worker.blpop(key, 0))?.[1],
    brpoplpush: async () => reversed(await worker.brpoplpush(key, done, 2)),
    bzpopmin: async () => (await worker.bzpopmin(key, 1))?.[1],
    blmpop: async () => (await worker.blmpop(0, 1, key, "LEFT"))?.[1][0],
  };
  // BRPOPLPUSH puts what it took in front; the place must tell the order in which things were sent.
  async function reversed(element) {
    if (element !== null) await worker.lmove(done, done, "LEFT", "RIGHT");
    return element;
  }
  ledger.loop(
    async (number) => {
      ledger.note(sent, number, await ledger.ask(puts[put](number)));
      if (slow && number > FIRST_LOAD) await sleep(40 * paceMs());
    },
    () => ledger.ask(puts[put](sorted ? LAST_SCORE : LAST)),
  );
  ledger.reader(async () => {
    for (;;) {
      const element = await ledger.attempt(takes[take]());
      if (element === UNKNOWN && ledger.over) return;
      if (element === UNKNOWN || element === null || element === undefined) continue;
      if (Number(element) === (sorted ? LAST_SCORE : LAST)) return;
      sent.seen.push(Number(element));
    }
  });
}

async function stream(name, { protocol }) {
  const producer = await connect(`${name}:producer`, { protocol });
  const [key, group] = [ledger.key(name), "workers"];
  await producer.xgroup("CREATE", key, group, "$", "MKSTREAM");
  ledger.groups.push([0, key, group]);
  const sent = ledger.history(name, { kind: "stream" });
  const processed = ledger.followed(sent, `${name}:processed`, { ordered: false });
  const follows = ledger.followed(sent, `${name}:followed`);
  const add = (number) => ledger.ask(producer.xadd(key, "*", "n", number));
  ledger.loop(async (number) => ledger.note(sent, number, await add(number)), async () => {
    await add(LAST);
    await add(LAST);
  });
  for (const consumer of "ab") {
    const api = await connect(`${name}:${consumer}`, { protocol });
    const words = ["GROUP", group, consumer, "COUNT", 1, "BLOCK", consumer === "a" ? 0 : 300, "STREAMS", key, ">"];
    ledger.reader(() => read(() => api.xreadgroup(...words), async (entry, number) => {
      ledger.expect("XACK", await ledger.ask(api.xack(key, group, entry)), 1);
      if (number !== LAST) processed.seen.push(number);
    }));
  }
  const reader = await connect(`${name}:reader`, { protocol: 5 - protocol });
  let newest = "0-0";
  ledger.reader(() => read(() => reader.xread("COUNT", 100, "BLOCK", 0, "STREAMS", key, newest), (entry, number) => {
    newest = entry;
    if (number !== LAST) follows.seen.push(number);
  }));

  async function read(ask, digest) {
    for (;;) {
      const reply = await ledger.attempt(ask());
      if (reply === UNKNOWN && ledger.over) return;
      if (reply === UNKNOWN || reply === null) continue;
      for (const [entry, fields] of reply[0][1]) {
        const number = Number(fields[1]);
        await digest(entry, number);
        if (number === LAST) return;
      }
    }
  }
}

async function channels(name, { protocol }) {
  const publisher = await connect(`${name}:publisher`, { protocol });
  const [main, shard] = [ledger.key(`${name}:main`), ledger.key(`${name}:shard`)];
  const sent = ledger.history(`${name}:by-name`);
  const toShard = ledger.history(`${name}:sharded`);
  await listen("by-name", 2, sent, "message", (api) => api.subscribe(main));
  const byPattern = ledger.followed(sent, `${name}:by-pattern`);
  await listen("by-pattern", 3, byPattern, "pmessage", (api) => api.psubscribe(`${main.slice(0, -1)}?`));
  if (ledger.hasFunctions) await listen("sharded", protocol, toShard, "smessage", (api) => api.ssubscribe(shard));
  ledger.loop(async (number) => {
    ledger.note(sent, number, await ledger.ask(publisher.publish(main, number)));
    if (ledger.hasFunctions) ledger.note(toShard, number, await ledger.ask(publisher.spublish(shard, number)));
  }, async () => {
    await ledger.ask(publisher.publish(main, LAST));
    if (ledger.hasFunctions) await ledger.ask(publisher.spublish(shard, LAST));
  });

  async function listen(what, version, history, event, subscribe) {
    const api = await connect(`${name}:${what}`, { protocol: version });
    const ended = new Promise((resolve) => {
      api.on(event, (...told) => {
        const number = Number(told.at(-1));
        number === LAST ? resolve() : history.seen.push(number);
      });
    });
    await subscribe(api);
    ledger.reader(() => ended);
  }
}

module.exports = { queue, stream, channels };
