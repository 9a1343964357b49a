"use strict";
// What reads at length: scans of large collections, and values that are cached in the client.

const { FIRST_SCANS, Freshness, SCANNED_DB, UNKNOWN, members } = require("../ledger.js");
const { connect, ledger } = require("./program.js");

async function scans(name, { protocol }) {
  const api = await connect(name, { protocol, db: SCANNED_DB });
  const everything = members();
  const keys = everything.map((member) => ledger.key(`scanned:${member}`));
  const ones = everything.flatMap((member) => [member, 1]);
  await api.mset(keys.flatMap((key) => [key, 1]));
  await api.sadd(ledger.key("set"), everything);
  await api.hset(ledger.key("hash"), ones);
  await api.zadd(ledger.key("zset"), everything.flatMap((member) => [1, member]));
  const scanners = [
    ["SCAN", () => api.scanStream({ match: ledger.key("scanned:*"), count: 90 }), 1, keys],
    ["SSCAN", () => api.sscanStream(ledger.key("set"), { count: 90 }), 1, everything],
    ["HSCAN", () => api.hscanStream(ledger.key("hash"), { count: 90 }), 2, everything],
    ["ZSCAN", () => api.zscanStream(ledger.key("zset"), { count: 90 }), 2, everything],
  ];
  ledger.loop(async (number) => {
    const [what, scan, words, expected] = scanners[number % scanners.length];
    const found = new Set();
    const whole = await ledger.attempt((async () => {
      for await (const piece of scan()) piece.forEach((word, place) => place % words || found.add(word));
    })());
    if (whole !== UNKNOWN) ledger.scanned(what, found, expected);
  }, undefined, FIRST_SCANS);
}

// A cache of our own, as one makes it over RESP2: the invalidations go to another connection, named by its id.
async function cached(name) {
  const freshness = new Freshness(ledger, name);
  const told = await connect(`${name}:told`, { protocol: 2 });
  const reader = await connect(`${name}:reader`, { protocol: 2 });
  const writer = await connect(`${name}:writer`, { protocol: 3 });
  const cache = new Map();
  const id = await told.client("ID");
  told.on("messageBuffer", (channel, keys) => {
    if (keys === null) cache.clear();
    else for (const key of keys) cache.delete(String(key));
  });
  await told.subscribe("__redis__:invalidate");
  await reader.client("TRACKING", "ON", "REDIRECT", id);
  const get = (key) => {
    if (cache.has(key)) {
      ledger.count("values read from the cache");
      return cache.get(key);
    }
    // The promise, not the value: an invalidation that overtakes the reply must find something to forget.
    cache.set(key, reader.get(key));
    return cache.get(key);
  };
  freshness.loops((key, value) => writer.set(key, value), get);
}

module.exports = { scans, cached };
