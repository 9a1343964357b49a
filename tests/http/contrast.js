const channel = (value) => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const colour = (text) => { const found = text.match(/[\d.]+/g).map(Number); return found.length === 3 ? [...found, 1] : found; };
const ground = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const [r, g, b, a] = colour(getComputedStyle(each).backgroundColor);
    if (a === 1) return [r, g, b];
  }
  return [255, 255, 255];
};
const bad = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
  if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest("svg, noscript, :disabled")) continue;
  const style = getComputedStyle(element);
  const [one, two] = [light(colour(style.color)), light(ground(element))].sort((a, b) => b - a);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  const ratio = (one + 0.05) / (two + 0.05);
  if (ratio < (large ? 3 : 4.5)) bad.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
}
return bad;
