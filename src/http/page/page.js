// The status page: takes what the node tells and shows it, the overview or one payment.

import { addSamples, remake } from "./chart.js";
import { addEntries, setUp } from "./diagram.js";
import { byId, setText, shortId, timeText } from "./elements.js";
import { keepToken, watch } from "./feed.js";
import { fitTables, showAccounts, showDoubts, showStatus } from "./node.js";
import {
  forgetDetail,
  latestIds,
  showDetail,
  showNothing,
  showPayments,
  toggleWhole,
} from "./payments.js";

let role;
let name = "";
/** What an operator should know of this node before looking at its page. */
let mark = "";
/** The payment whose page is shown, and the link that led there, to come back to it. */
let opened;
let lastHeardMs = 0;
let isWatched = false;

const parts = {
  status: (status) => {
    const isFirst = role === undefined;
    ({ role, name } = status);
    mark = markOf(status);
    showTitle();
    showStatus(status);
    byId("find").hidden = false;
    if (isFirst) route();
  },
  payments: (payments) => {
    showPayments(payments, role);
    refreshDetail();
  },
  accounts: showAccounts,
  "in-doubt": showDoubts,
  activity: addEntries,
  samples: addSamples,
};

setUp();
start();

addEventListener("hashchange", route);
addEventListener("resize", fitRoom);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", remake);

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(byId("token").value.trim());
  byId("token").value = "";
  byId("ask").hidden = true;
  start();
});

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("wanted").value.trim().replace(/^…/, "").toLowerCase();
  if (text === "") return;
  const address = `#/payments/${encodeURIComponent(listedId(text) ?? text)}`;
  if (location.hash === address) route();
  else location.hash = address;
});

addEventListener("keydown", (event) => {
  const isOther = event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey;
  if (isOther || byId("find").hidden || event.target.matches("input")) return;
  event.preventDefault();
  byId("wanted").select();
});

// As an address its target would be another page.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

byId("more").addEventListener("click", () => toggleWhole(role));

async function start() {
  if (isWatched) return;
  isWatched = true;
  await watch({ heard: () => lastHeardMs = Date.now(), told, state: showState });
  isWatched = false;
}

function told(name, data) {
  parts[name]?.(data);
}

function showState(state, isRefused) {
  document.body.dataset.state = state;
  setText(byId("stale"), state === "stale" ? staleText() : "");
  showTitle();
  if (state === "token") return ask(isRefused);
  setText(byId("connection"), state === "live" ? "live" : "not reached");
}

/** Nothing that is shown can be believed any more; it stays, as it may be all there is. */
function staleText() {
  const what = `${name || "The node"} is not reached`;
  return lastHeardMs === 0 ? what : `${what}; shown as of ${timeText(lastHeardMs)} UTC`;
}

function ask(isRefused) {
  role = undefined;
  setText(byId("connection"), "needs a token");
  setText(byId("refused"), isRefused ? "This is not the node's token." : "");
  byId("mismatches").hidden = true;
  byId("overview").hidden = true;
  byId("detail").hidden = true;
  byId("find").hidden = true;
  byId("ask").hidden = false;
  byId("token").focus();
}

function paymentInHash() {
  const text = /^#\/payments\/(.+)$/.exec(location.hash)?.[1];
  try {
    return text && decodeURIComponent(text).toLowerCase();
  } catch {
    return text;
  }
}

/** The id that ends so, of all that the page lists. */
function listedId(end) {
  const links = [...document.querySelectorAll('main a[href^="#/payments/"]')];
  const ids = [...latestIds(), ...links.map(({ hash }) => hash.slice("#/payments/".length))];
  // As many as the list shows of each.
  return end.length === 8 ? ids.find((id) => id.endsWith(end)) : undefined;
}

/** Of several tabs each says what it shows, and first what is wrong with it. */
function showTitle() {
  const payment = paymentInHash();
  const wrong = document.body.dataset.state === "stale" ? "not reached" : mark;
  const titles = [payment && shortId(payment), name, "Handfast"].filter(Boolean);
  document.title = (wrong ? `(${wrong}) ` : "") + titles.join(" · ");
}

function markOf({ mismatches, doubts }) {
  if (mismatches.length > 0) return "mismatch";
  return doubts.count > 0 ? `${doubts.count} in doubt` : "";
}

function route() {
  if (role === undefined) return;
  showTitle();
  const payment = paymentInHash();
  const isOverview = ["", "#", "#/"].includes(location.hash);
  byId("overview").hidden = !isOverview;
  byId("detail").hidden = isOverview;
  forgetDetail();
  if (payment) {
    opened = { payment, link: document.activeElement };
    byId("wanted").value = "";
    return refreshDetail();
  }
  if (!isOverview) return showNothing(location.hash);
  fitRoom();
  const last = opened;
  opened = undefined;
  if (last) rowOf(last).focus();
}

/** What depends on the width that there is. */
function fitRoom() {
  remake();
  fitTables();
}

/** Or the list's heading, once the row has left it. */
function rowOf({ payment, link }) {
  const selector = `#overview a[href="#/payments/${CSS.escape(payment)}"]`;
  if (link.isConnected && link.matches(selector)) return link;
  return document.querySelector(selector) ?? byId("payments-title");
}

function refreshDetail() {
  const payment = paymentInHash();
  // While the node is not reached, the page already says so.
  if (payment && role) showDetail(payment, { role, name }).catch(() => {});
}
