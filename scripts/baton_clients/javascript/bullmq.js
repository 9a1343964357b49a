"use strict";
// BullMQ, a job queue upon Lua scripts, streams and blocking commands: `node bullmq.js HOST PORT`.

const Redis = require("ioredis");
const { FlowProducer, Queue, QueueEvents, Worker } = require("bullmq");
const { Ledger, paceMs, sleep } = require("./ledger.js");

const [host, port] = process.argv.slice(2);
const ledger = new Ledger("bullmq");
const NAME = "jobs";
const WORKERS = 3;
const JOBS_AT_A_TIME = 4;
const SETTLED_LIMIT_MS = 30_000;
const KINDS = ["plain", "delayed", "urgent", "second-attempt", "bulk"];

// BullMQ makes connections of its own by duplicating ours; all of them come by here.
const opens = Redis.prototype.connect;
Redis.prototype.connect = function connect(...told) {
  ledger.opened += 1;
  return opens.apply(this, told);
};

// Nothing is tried again; BullMQ insists on `null`, for its workers wait for ever.
const connection = () =>
  new Redis({
    host,
    port: Number(port),
    retryStrategy: () => null,
    maxRetriesPerRequest: null,
    reconnectOnError: null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  });

const members = [];
function member(made) {
  made.on("error", (error) => ledger.fault(error, { broken: true }));
  made.on("ioredis:close", () => ledger.fault("a connection was closed", { broken: true }));
  members.push(made);
  return made;
}

async function main() {
  const queue = member(new Queue(NAME, { connection: connection() }));
  const flows = member(new FlowProducer({ connection: connection() }));
  const events = member(new QueueEvents(NAME, { connection: connection() }));
  const results = connection(); // where the workers note what they did
  const sent = ledger.history("processed", { ordered: false });
  const completed = ledger.followed(sent, "completed", { ordered: false });
  ledger.followed(sent, "noted", { ordered: false, place: { kind: "list", key: ledger.key("noted"), db: 0 } });
  const finished = ledger.history("flows", { ordered: false });

  // A job is a number. What it gives is that number; a parent gives the sum of its children.
  async function work(job) {
    if (job.name === "second-attempt" && job.attemptsMade === 0) throw new Error("not at first");
    if (job.name === "parent") {
      const given = Object.values(await job.getChildrenValues());
      ledger.expect("what the children gave", given.sort((a, b) => a - b), job.data.children);
      finished.seen.push(job.data.n);
      return job.data.n;
    }
    await job.updateProgress(50);
    await ledger.ask(results.rpush(ledger.key("noted"), job.data.n));
    await job.log(`did ${job.data.n}`);
    sent.seen.push(job.data.n);
    return job.data.n;
  }

  for (let number = 0; number < WORKERS; number += 1) {
    const worker = member(new Worker(NAME, work, { connection: connection(), concurrency: JOBS_AT_A_TIME }));
    worker.on("stalled", (id) => ledger.fault(`job ${id} stalled`));
    worker.on("failed", (job, error) => {
      if (error.message === "not at first") ledger.count("jobs that failed at first, as meant");
      else ledger.fault(`job ${job?.id} failed: ${error}`);
    });
  }
  events.on("completed", ({ returnvalue }) => {
    ledger.operations += 1;
    const number = Number(returnvalue);
    if (number < 1e6) completed.seen.push(number);
  });
  await Promise.all(members.map((one) => one.waitUntilReady()));

  const add = {
    plain: (n) => queue.add("plain", { n }),
    delayed: (n) => queue.add("delayed", { n }, { delay: Math.round(400 * Math.random()) }),
    urgent: (n) => queue.add("urgent", { n }, { priority: 1 + (n % 9) }),
    "second-attempt": (n) => queue.add("second-attempt", { n }, { attempts: 2, backoff: 20 }),
    bulk: (n) => queue.addBulk([{ name: "bulk", data: { n }, opts: { removeOnComplete: true } }]),
  };
  let number = 0;
  ledger.loop(async (turn) => {
    number += 1;
    ledger.note(sent, number, await ledger.ask(add[KINDS[turn % KINDS.length]](number)));
    if (turn % 6 === 0) await flow(1e6 + turn);
  }, settled);

  async function flow(n) {
    const children = [number + 1, number + 2];
    number += 2;
    const tree = {
      name: "parent",
      queueName: NAME,
      data: { n, children },
      children: children.map((child) => ({ name: "child", queueName: NAME, data: { n: child } })),
    };
    const reply = await ledger.ask(flows.add(tree));
    for (const child of children) ledger.note(sent, child, reply);
    ledger.note(finished, n, reply);
  }

  // Until all that was added is done, and the events have told so.
  async function settled() {
    const until = performance.now() + SETTLED_LIMIT_MS;
    const behind = () =>
      completed.seen.length < sent.acknowledged.length || finished.seen.length < finished.acknowledged.length;
    while (behind() && performance.now() < until) await sleep(paceMs());
  }

  ledger.wanted = ledger.opened;
  const version = require("bullmq/package.json").version;
  await ledger.run({ client: "BullMQ", version }, () => undefined);
}

main();
