"use strict";
// Lists and sorted sets as queues, streams and channels.

const { FIRST_LOAD, LAST, LAST_SCORE, UNKNOWN, members, paceMs, sleep } = require("../ledger.js");
const { connect, ledger } = require("./program.js");

// A producer and a worker that blocks: every element taken once, in order.
async function queue(name, { protocol, put, take, slow = false }) {
  const producer = await connect(`${name}:producer`, { protocol });
  const worker = await connect(`${name}:worker`, { protocol: 5 - protocol });
  const [key, done] = [ledger.key(name), ledger.key(`${name}:done`)];
  const sorted = put === "zAdd";
  const sent = ledger.history(name, { kind: sorted ? "zset" : "list" });
  if (take === "blMove") ledger.followed(sent, `${name}:done`, { place: { kind: "list", key: done, db: 0 } });
  const puts = {
    rPush: (number) => producer.rPush(key, String(number)),
    zAdd: (number) => producer.zAdd(key, { score: number, value: String(number) }),
  };
  const takes = {
    blPop: async () => (await worker.blPop(key, 0))?.element,
    blMove: () => worker.blMove(key, done, "LEFT", "RIGHT", 2),
    bzPopMin: async () => (await worker.bzPopMin(key, 1))?.value,
    bzmPop: async () => (await worker.bzmPop(0, key, "MIN"))?.members[0].value,
  };
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
  await producer.xGroupCreate(key, group, "$", { MKSTREAM: true });
  ledger.groups.push([0, key, group]);
  const sent = ledger.history(name, { kind: "stream" });
  const processed = ledger.followed(sent, `${name}:processed`, { ordered: false });
  const follows = ledger.followed(sent, `${name}:followed`);
  const add = (number) => ledger.ask(producer.xAdd(key, "*", { n: String(number) }));
  ledger.loop(async (number) => ledger.note(sent, number, await add(number)), async () => {
    await add(LAST);
    await add(LAST);
  });
  for (const consumer of "ab") {
    const api = await connect(`${name}:${consumer}`, { protocol });
    const options = { COUNT: 1, BLOCK: consumer === "a" ? 0 : 300 };
    ledger.reader(() => read(
      () => api.xReadGroup(group, consumer, { key, id: ">" }, options),
      async (entry, number) => {
        ledger.expect("XACK", await ledger.ask(api.xAck(key, group, entry)), 1);
        if (number !== LAST) processed.seen.push(number);
      },
    ));
  }
  const reader = await connect(`${name}:reader`, { protocol });
  let newest = "0-0";
  ledger.reader(() => read(
    () => reader.xRead({ key, id: newest }, { COUNT: 100, BLOCK: 0 }),
    (entry, number) => {
      newest = entry;
      if (number !== LAST) follows.seen.push(number);
    },
  ));

  async function read(ask, digest) {
    for (;;) {
      const reply = await ledger.attempt(ask());
      if (reply === UNKNOWN && ledger.over) return;
      if (reply === UNKNOWN || reply === null) continue;
      // A list of streams; over RESP3 a map of them.
      const entries = Array.isArray(reply) ? reply[0].messages : Object.values(reply)[0];
      for (const { id, message } of entries) {
        await digest(id, Number(message.n));
        if (Number(message.n) === LAST) return;
      }
    }
  }
}

async function channels(name, { protocol }) {
  const publisher = await connect(`${name}:publisher`, { protocol });
  const [main, shard] = [ledger.key(`${name}:main`), ledger.key(`${name}:shard`)];
  const sent = ledger.history(`${name}:by-name`);
  const toShard = ledger.history(`${name}:sharded`);
  await listen("by-name", 2, sent, (api, hear) => api.subscribe(main, hear));
  const byPattern = ledger.followed(sent, `${name}:by-pattern`);
  await listen("by-pattern", 3, byPattern, (api, hear) => api.pSubscribe(`${main.slice(0, -1)}?`, hear));
  if (ledger.hasFunctions) await listen("sharded", 2, toShard, (api, hear) => api.sSubscribe(shard, hear));
  ledger.loop(async (number) => {
    ledger.note(sent, number, await ledger.ask(publisher.publish(main, String(number))));
    if (ledger.hasFunctions) ledger.note(toShard, number, await ledger.ask(publisher.sPublish(shard, String(number))));
  }, async () => {
    await ledger.ask(publisher.publish(main, String(LAST)));
    if (ledger.hasFunctions) await ledger.ask(publisher.sPublish(shard, String(LAST)));
  });

  async function listen(what, version, history, subscribe) {
    const api = await connect(`${name}:${what}`, { protocol: version });
    let resolve;
    const ended = new Promise((done) => (resolve = done));
    await subscribe(api, (message) => (Number(message) === LAST ? resolve() : history.seen.push(Number(message))));
    ledger.reader(() => ended);
  }
}

module.exports = { queue, stream, channels };
