return [...document.querySelectorAll("button, input, select, summary, a, [role=img], dialog, section")]
  .filter((each) => !(each.labels?.length || each.getAttribute("aria-label") || each.getAttribute("aria-labelledby") || each.innerText?.trim()))
  .map((each) => each.outerHTML.slice(0, 80));
