// The buttons.

import { $, make, ms, say } from "./making.js";
import { bearing } from "./token.js";

const buttons = [$("check"), $("switch"), $("yes")];

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { ...bearing(), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(`${found.title}: ${found.detail}`), { status: answer.status });
  return found;
}

const chosen = () => ($("to").value ? { to: $("to").value } : {});

async function perform(doing, act) {
  verdict("blue", doing);
  for (const button of buttons) button.disabled = true;
  try {
    await act();
  } catch (fault) {
    const lost = fault.status === undefined;
    verdict(fault.status === 409 || fault.status === 422 || fault.status === 503 ? "warn" : "bad",
      lost ? "The proxy did not answer. What was begun is carried through all the same." : fault.message);
    if (fault.status === 401) $("token").focus();
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function verdict(tone, text, ...more) {
  $("answer").replaceChildren(make("p", { className: `verdict tone-${tone}` }, text), ...more);
}

function check() {
  return perform("Checking…", async () => {
    const { findings } = await ask("/v1/check", chosen());
    const worst = (word) => findings.filter((finding) => finding.verdict === word).length;
    const list = make("ul", { className: "findings", tabindex: 0, "aria-label": "What the checks found" }, ...order(findings).map(({ name, verdict: word, text }) =>
      make("li", {}, make("span", { className: `outcome tone-${{ ok: "good", warn: "warn", refuse: "bad" }[word]}` }, word),
        make("span", {}, make("b", {}, name), ` ${text}`))));
    if (worst("refuse")) verdict("bad", "A switchover would be refused.", list);
    else verdict("good", worst("warn") ? "Fit to switch over, with a warning." : "Fit to switch over.", list);
  });
}

const order = (findings) => ["refuse", "warn", "ok"].flatMap((word) => findings.filter((finding) => finding.verdict === word));

function switchOver() {
  $("sure").close();
  return perform("Switching over…", async () => {
    const report = await ask("/v1/switchover", chosen());
    const done = report.outcome === "done";
    verdict(done ? "good" : "warn",
      `${report.to} is the primary now; clients waited ${ms(report.hold_ms)} at most.${done ? "" : " Something after that failed: see the notes."}`);
  });
}

$("steer").addEventListener("submit", (event) => { event.preventDefault(); check(); });
$("switch").addEventListener("click", () => {
  const to = $("to").value || "the best replica";
  say($("sure-text"), `Clients are handed over to ${to}. They keep their connections and notice a short wait.`);
  $("sure").showModal();
});
$("no").addEventListener("click", () => $("sure").close());
$("yes").addEventListener("click", switchOver);

export function offer(nodes) {
  const select = $("to");
  const wanted = nodes.filter((node) => !node.leads).map((node) => node.address);
  const has = [...select.options].slice(1).map((option) => option.value);
  if (wanted.join() === has.join()) return;
  const before = select.value;
  select.replaceChildren(select.options[0], ...wanted.map((address) => make("option", { value: address }, address)));
  select.value = wanted.includes(before) ? before : "";
}
