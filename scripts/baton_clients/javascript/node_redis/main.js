"use strict";
// node-redis: `node main.js HOST PORT`. Who does what, over which protocol and in which db.

const { clients, connect, ledger } = require("./program.js");
const { values, pool, transactions, scripts } = require("./data.js");
const { queue, stream, channels } = require("./queues.js");
const { scans, cached, monitored } = require("./reading.js");

async function main() {
  const asks = await connect("asks-the-version", { protocol: 2 });
  ledger.hasFunctions = Number(/redis_version:(\d+)/.exec(await asks.info("server"))[1]) >= 7;
  await values("values-2", { protocol: 2, db: 0 });
  await values("values-3", { protocol: 3, db: 8 });
  await pool("pool", { protocol: 3, connections: 4, tasks: 8 });
  await transactions("rival-2", { protocol: 2 });
  await transactions("rival-3", { protocol: 3 });
  await scripts("scripts", { protocol: 3 });
  await queue("popped", { protocol: 2, put: "rPush", take: "blPop", slow: true });
  await queue("moved", { protocol: 3, put: "rPush", take: "blMove" });
  await queue("sorted", { protocol: 3, put: "zAdd", take: "bzPopMin" });
  if (ledger.hasFunctions) await queue("sorted-many", { protocol: 2, put: "zAdd", take: "bzmPop" });
  await stream("stream", { protocol: 3 });
  await channels("channel", { protocol: 2 });
  await scans("scans", { protocol: 3 });
  await cached("cached");
  await monitored("monitored");
  const version = require("redis/package.json").version;
  await ledger.run({ client: "node-redis", version }, () => Promise.all(clients.map((api) => api.destroy())));
}

main();
