"use strict";
// What reads at length: scans, values that are cached in the client, and MONITOR.

const { BasicClientSideCache } = require("redis");
const { FIRST_SCANS, Freshness, LAST, SCANNED_DB, UNKNOWN, members, paceMs, sleep } = require("../ledger.js");
const { connect, ledger } = require("./program.js");

async function scans(name, { protocol }) {
  const api = await connect(name, { protocol, db: SCANNED_DB });
  const everything = members();
  const keys = everything.map((member) => ledger.key(`scanned:${member}`));
  await api.mSet(keys.map((key) => [key, "1"]));
  await api.sAdd(ledger.key("set"), everything);
  await api.hSet(ledger.key("hash"), Object.fromEntries(everything.map((member) => [member, "1"])));
  await api.zAdd(ledger.key("zset"), everything.map((value) => ({ score: 1, value })));
  const step = { COUNT: 60 };
  const scanners = [
    ["SCAN", () => api.scanIterator({ MATCH: ledger.key("scanned:*"), ...step }), (key) => key, keys],
    ["SSCAN", () => api.sScanIterator(ledger.key("set"), step), (member) => member, everything],
    ["HSCAN", () => api.hScanIterator(ledger.key("hash"), step), ({ field }) => field, everything],
    ["ZSCAN", () => api.zScanIterator(ledger.key("zset"), step), ({ value }) => value, everything],
  ];
  ledger.loop(async (number) => {
    const [what, scan, memberOf, expected] = scanners[number % scanners.length];
    const found = new Set();
    const whole = await ledger.attempt((async () => {
      for await (const piece of scan()) for (const one of piece) found.add(memberOf(one));
    })());
    if (whole !== UNKNOWN) ledger.scanned(what, found, expected);
  }, undefined, FIRST_SCANS);
}

async function cached(name) {
  const freshness = new Freshness(ledger, name);
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0 });
  const reader = await connect(`${name}:reader`, { protocol: 3, clientSideCache: cache });
  const writer = await connect(`${name}:writer`, { protocol: 2 });
  freshness.loops((key, value) => writer.set(key, value), (key) => reader.get(key));
  ledger.loop(async () => sleep(paceMs()), async () => {
    if (cache.stats().hitCount === 0) ledger.fault("nothing was ever read from the cache");
  });
}

// Every command is told once to who watches all of them.
async function monitored(name) {
  const writer = await connect(`${name}:writer`, { protocol: 2 });
  const monitor = await connect(`${name}:monitor`, { protocol: 3 });
  const key = ledger.key(name);
  const words = `"${key}" "`;
  const watched = ledger.history(name);
  let last;
  const ended = new Promise((resolve) => (last = resolve));
  await monitor.monitor((line) => {
    const found = String(line).indexOf(words);
    if (found < 0) return;
    const number = parseInt(String(line).slice(found + words.length), 10);
    number === LAST ? last() : watched.seen.push(number);
  }); // only what is written once that is answered is seen for sure
  ledger.reader(() => ended);
  ledger.loop(
    async (number) => ledger.note(watched, number, await ledger.ask(writer.rPush(key, String(number)))),
    () => ledger.ask(writer.rPush(key, String(LAST))),
  );
}

module.exports = { scans, cached, monitored };
