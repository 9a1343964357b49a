"use strict";
// ioredis: `node main.js HOST PORT`. Who does what, over which protocol and in which db.

const { clients, connect, ledger } = require("./program.js");
const { values, transactions, scripts } = require("./data.js");
const { queue, stream, channels } = require("./queues.js");
const { scans, cached } = require("./reading.js");

async function main() {
  const asks = await connect("asks-the-version", { protocol: 2 });
  ledger.hasFunctions = Number(/redis_version:(\d+)/.exec(await asks.info("server"))[1]) >= 7;
  await values("values-2", { protocol: 2, db: 0 });
  await values("values-3", { protocol: 3, db: 7, enableAutoPipelining: true });
  await transactions("rival-2", { protocol: 2 });
  await transactions("rival-3", { protocol: 3 });
  await scripts("scripts", { protocol: 2 });
  await queue("popped", { protocol: 2, put: "rpush", take: "blpop", slow: true });
  await queue("moved", { protocol: 3, put: "lpush", take: "brpoplpush" });
  await queue("sorted", { protocol: 3, put: "zadd", take: "bzpopmin" });
  if (ledger.hasFunctions) await queue("popped-many", { protocol: 2, put: "rpush", take: "blmpop" });
  await stream("stream", { protocol: 2 });
  await channels("channel", { protocol: 2 });
  await scans("scans", { protocol: 2 });
  await cached("cached");
  const version = require("ioredis/package.json").version;
  await ledger.run({ client: "ioredis", version }, async () => {
    const leaving = clients.splice(0);
    await Promise.all(leaving.map((api) => api.disconnect()));
  });
}

main();
