"use strict";
// node-redis: its connections, and the one ledger.

const { createClient, defineScript } = require("redis");
const { APPEND, Ledger } = require("../ledger.js");

const [host, port] = process.argv.slice(2);
const ledger = new Ledger("node-redis");
const clients = [];

const append = defineScript({
  NUMBER_OF_KEYS: 2,
  SCRIPT: APPEND,
  parseCommand(parser, list, count, number) {
    parser.pushKeys([list, count]);
    parser.push(String(number));
  },
  transformReply: (reply) => reply,
});

const settings = (name, { protocol, db = 0, ...options }) => ({
  RESP: protocol,
  database: db,
  name: ledger.key(name),
  socket: { host, port: Number(port), reconnectStrategy: false },
  disableOfflineQueue: true,
  scripts: { append },
  ...options,
});

function watched(name, api) {
  api.on("connect", () => (ledger.opened += 1));
  api.on("error", (error) => ledger.fault(`${name}: ${error}`, { broken: true }));
  api.on("reconnecting", () => ledger.fault(`${name}: connects again`, { broken: true }));
  return api;
}

// One connection, asked once and never again.
async function connect(name, options) {
  const api = watched(name, createClient(settings(name, options)));
  ledger.wanted += 1;
  await api.connect();
  clients.push(api);
  return api;
}

module.exports = { clients, connect, ledger, settings, watched };
