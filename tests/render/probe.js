// Opens each page in frames of two widths and tells what a reader would meet there.
const channels = (text) => {
  const parts = text.match(/[\d.]+/g).map(Number);
  const scale = text.startsWith("color(") ? 255 : 1;
  return [parts[0] * scale, parts[1] * scale, parts[2] * scale, parts[3] ?? 1];
};
const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
const luminance = (color) => {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ground = (view, element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement)
    layers.push(channels(view.getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
const contrasts = (view) => {
  const walker = view.document.createTreeWalker(view.document.body, NodeFilter.SHOW_TEXT);
  const worst = {};
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style")) continue;
    const style = view.getComputedStyle(element);
    const drawn = element.closest("svg") !== null;
    if (drawn && ["rgb(0, 0, 0)", "rgb(255, 255, 255)"].includes(style.fill)) continue; // on a cell
    const under = ground(view, element);
    const ink = over(channels(drawn ? style.fill : style.color), under);
    const [low, high] = [luminance(ink), luminance(under)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const key = `${element.tagName} ${element.className.baseVal ?? element.className}`;
    if (!(worst[key] < ratio)) worst[key] = ratio;
  }
  return worst;
};
const named = (figure) =>
  figure.querySelector("svg")?.getAttribute("aria-label") || figure.querySelector("img")?.alt || "";
const sorted = (table) => {
  const told = [];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const keys = () => [...table.tBodies[0].rows].map((row) => {
      const cell = row.cells[column];
      return cell.dataset.value ?? cell.textContent;
    });
    const [first, second] = [0, 1].map(() => {
      head.querySelector("button").click();
      return [head.getAttribute("aria-sort"), keys()];
    });
    told.push([head.textContent, first, second]);
  });
  return told;
};
const seen = (view, width) => {
  const root = view.document.documentElement;
  return {
    overflow: root.scrollWidth - width,
    height: root.scrollHeight,
    background: view.getComputedStyle(view.document.body).backgroundColor,
    contrast: contrasts(view),
    headings: [...view.document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((h) => +h.tagName[1]),
    figures: [...view.document.querySelectorAll("figure")].map(named),
    unnamed: [...view.document.querySelectorAll("svg:not([aria-label])")].length,
    loaded: view.performance.getEntriesByType("resource").map((entry) => entry.name),
    tables: [...view.document.querySelectorAll("table.sortable")].map(sorted),
    lost: [...view.document.querySelectorAll('a[href^="#"]')]
      .filter((a) => !view.document.getElementById(a.getAttribute("href").slice(1))).length,
    top: Math.max(0, ...[...view.document.querySelectorAll("h1, .first")]
      .slice(0, 2).map((e) => e.getBoundingClientRect().bottom)),
  };
};
// Whether following a finding's link unfolds the documentation of its rule; null without a link.
const opened = async (view) => {
  const link = view.document.querySelector('a[href^="#rule-"]');
  if (!link) return null;
  view.location.hash = link.getAttribute("href"); // a click would leave the frame's own document
  await new Promise((resolve) => setTimeout(resolve, 100));
  return view.document.getElementById(link.getAttribute("href").slice(1)).closest("details").open;
};
const open = (text, width) =>
  new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width:${width}px;height:900px;border:0`;
    const broken = [];
    frame.onload = async () => {
      const view = frame.contentWindow;
      view.document.addEventListener("securitypolicyviolation", (e) => broken.push(e.blockedURI));
      resolve({ ...seen(view, width), broken, opened: await opened(view) });
      frame.remove();
    };
    frame.srcdoc = text;
    document.body.append(frame);
  });
(async () => {
  const answer = {};
  for (const [name, text] of Object.entries(pages))
    answer[name] = { phone: await open(text, 390), screen: await open(text, 1280) };
  document.getElementById("answer").textContent = JSON.stringify(answer);
})();
