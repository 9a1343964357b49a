// The token that requests bear: kept for this tab, until it is closed, and asked for where one is wanted.

import { $, say } from "./making.js";

const NAME = "baton-token";
let kept = "";
try {
  kept = sessionStorage.getItem(NAME) ?? "";
} catch { /* storage is barred: then for this page alone */ }

function keep(text) {
  kept = text.trim();
  try {
    sessionStorage.setItem(NAME, kept);
  } catch { /* as above */ }
}

export const bearing = () => (kept ? { Authorization: `Bearer ${kept}` } : {});

export const entering = () => $("enter").open;

// Returns at once; `then` is called when there is something to try.
export function askForToken(then) {
  if (entering()) return;
  say($("enter-text"), kept ? "This token is not the right one." : "To look, this proxy wants a token: a viewer's, or the operator's.");
  $("enter-token").value = "";
  $("enter").returnValue = "";
  $("enter").onclose = () => {
    keep($("enter-token").value);
    $("enter-token").value = "";
    $("token").value = kept;
    then();
  };
  $("enter").showModal();
}

$("enter").addEventListener("cancel", (event) => event.preventDefault()); // there is nothing behind it to look at
$("enter-form").addEventListener("submit", (event) => { event.preventDefault(); $("enter").close(); });
$("token").value = kept;
$("token").addEventListener("input", () => keep($("token").value));
