"use strict";
// ioredis: its connections, and the one ledger.

const Redis = require("ioredis");
const { Ledger } = require("../ledger.js");

const [host, port] = process.argv.slice(2);
const ledger = new Ledger("ioredis");
const clients = [];

// One connection, asked once and never again.
async function connect(name, { protocol, ...options }) {
  const api = new Redis({
    host,
    port: Number(port),
    protocol,
    connectionName: ledger.key(name),
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    reconnectOnError: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    ...options,
  });
  ledger.wanted += 1;
  api.on("connect", () => (ledger.opened += 1));
  api.on("error", (error) => ledger.fault(error));
  api.on("close", () => clients.length && ledger.fault(`${name}: the connection was closed`, { broken: true }));
  await api.connect();
  clients.push(api);
  return api;
}

module.exports = { clients, connect, ledger };
