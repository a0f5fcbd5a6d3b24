// The node itself: its figures, links, accounts, and what is in doubt.

import {
  byId,
  element,
  fill,
  fillRows,
  fullTimeOf,
  grouped,
  setText,
  shortId,
} from "./elements.js";

const count = new Intl.NumberFormat();
const unreachedShown = 5;
const rate = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

export function showStatus(status) {
  setText(byId("name"), status.name);
  setText(byId("role"), status.role);
  const { ready, whyNotReady } = status;
  setText(byId("notready"), ready ? "" : `not ready for payments: ${whyNotReady}`);
  byId("balances").hidden = status.role === "coordinator";
  showMismatches(status.mismatches);
  showUnreached(status);
  byId("alarms").hidden = status.alarms.length === 0;
  fill(byId("alarmlist"), status.alarms, alarmRow);
  showFigures(status);
  fill(byId("peers"), status.peers, peerRow);
  fitTable("peers");
  fill(byId("facts"), [
    ["Epoch", status.epoch],
    ["Network", status.network],
    ...Object.entries(status.clock).map(([node, number]) => [`Entries of ${node}`, String(number)]),
  ], ([term, value]) => [element("dt", {}, term), element("dd", { class: "mono" }, value)]);
}

/** A participant whose coordinator is not reached says so beside its name. */
function showUnreached({ role, peers }) {
  const down = role === "coordinator" ? peers.filter(({ link }) => link === "down") : [];
  byId("unreached").hidden = down.length === 0;
  const shown = down.slice(0, unreachedShown);
  const rest = down.length - shown.length;
  fill(byId("unreachedlist"), [...shown, ...rest > 0 ? [{ rest }] : []], unreachedRow);
}

function unreachedRow({ name, downSince, rest }) {
  if (rest) return element("li", {}, `and ${count.format(rest)} more: see Links`);
  const since = downSince ? fullTimeOf(downSince) : "this node's start";
  const what = `: payments with ${name} are aborted`;
  return element("li", {}, element("strong", {}, name), " is not reached since ", since, what);
}

/** An alarm begins with its time. */
function alarmRow(alarm) {
  const [, at, text] = /^(\S+T\S+Z) (.*)$/s.exec(alarm) ?? [];
  return element("li", {}, ...at ? [fullTimeOf(at), `: ${text}`] : [alarm]);
}

/** On the page of one payment too, as long as nobody has acknowledged them. */
function showMismatches(mismatches) {
  byId("mismatches").hidden = mismatches.length === 0;
  fill(byId("mismatchlist"), mismatches, (mismatch) => {
    const { transaction, payment, forced, decision, at } = mismatch;
    return element(
      "li",
      {},
      element("strong", {}, `Forced to ${forced.decision} by ${forced.by}, decided to ${decision}`),
      ": payment ",
      paymentLink(payment),
      ", transaction ",
      element("span", { class: "mono" }, transaction),
      ", known since ",
      fullTimeOf(at),
    );
  });
}

function paymentLink(payment) {
  return element("a", { href: `#/payments/${payment}`, class: "mono id" }, shortId(payment));
}

function showFigures(status) {
  const { latency: { p50ms, p99ms }, doubts } = status;
  const lasting = `${doubts.longerThanSeconds} s`;
  setText(byId("doubtage"), lasting);
  fill(
    byId("figures"),
    [
      ["Payments a second", rate.format(status.throughput)],
      ["Latency p50", milliseconds(p50ms)],
      ["Latency p99", milliseconds(p99ms)],
      ["Committed", count.format(status.committed), "since the start"],
      ["Aborted", count.format(status.aborted), "since the start"],
      ["Open", count.format(status.open)],
      ["In doubt", count.format(doubts.count), `over ${lasting}`, doubts.count > 0 ? "doubt" : ""],
    ],
    ([term, value, note, kind = ""]) =>
      element(
        "div",
        { class: "tile" },
        element("dt", {}, term),
        element("dd", { class: kind }, value),
        ...note ? [element("dd", { class: "note" }, note)] : [],
      ),
  );
}

/** Four digits at most, as there is room for them. */
function milliseconds(value) {
  if (value === null) return "–";
  if (value >= 9_999.5) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

const linkKinds = { up: "good", down: "bad", not_needed: "" };

function peerRow({ name, address, link }) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    element("td", { class: "quiet", "data-name": "Address" }, address),
    element(
      "td",
      { "data-name": "Link" },
      element("span", { class: `badge ${linkKinds[link]}` }, link.replace("_", " ")),
    ),
  );
}

/** Under load they come and go: a line that has been there stays, so that nothing jumps. */
const everPending = new Set();

export function showAccounts({ count: all, accounts }) {
  for (const { account, pendingDebits, pendingCredits } of accounts) {
    if (pendingDebits !== "0" || pendingCredits !== "0") everPending.add(account);
  }
  fill(byId("accounts"), accounts, ({ account, currency, decimal, ...pending }) =>
    element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        account,
        ...everPending.has(account) ? [pendingNote(pending, decimal)] : [],
      ),
      amountCell("Posted", decimal.posted, currency),
      amountCell("Available", decimal.available, currency),
    ));
  fitTable("accounts");
  byId("moreaccounts").hidden = all <= accounts.length;
  setText(byId("moreaccounts"), `The first ${accounts.length} of ${all}.`);
}

/** Again whenever the room changes. */
export function fitTables() {
  for (const id of ["accounts", "peers", "doubtrows"]) fitTable(id);
}

/** Where the columns do not fit, each row is a card: nothing is cut off, and no word broken. */
function fitTable(id) {
  const table = byId(id).parentElement;
  table.classList.remove("stacked");
  table.classList.toggle("stacked", table.scrollWidth > table.parentElement.clientWidth);
}

function pendingNote({ pendingDebits, pendingCredits }, decimal) {
  const parts = [
    ...pendingDebits === "0" ? [] : [`−${grouped(decimal.pendingDebits)}`],
    ...pendingCredits === "0" ? [] : [`+${grouped(decimal.pendingCredits)}`],
  ];
  const text = parts.length > 0 ? `pending ${parts.join(", ")}` : "nothing pending";
  return element("span", { class: "pending quiet" }, text);
}

function amountCell(name, decimal, currency) {
  const unit = element("span", { class: "quiet" }, ` ${currency}`);
  const amount = element("span", {}, grouped(decimal), unit);
  return element("td", { class: "amount", "data-name": name }, amount);
}

export function showDoubts({ count: all, doubts }) {
  const section = byId("doubts");
  fillRows(byId("doubtrows"), doubts.map((doubt) => ({ ...doubt, id: doubt.transaction })), {
    make: ({ payment }) => element("tr", {}, element("th", { scope: "row" }, paymentLink(payment))),
    show: showDoubt,
    heading: byId("doubts-title"),
  });
  byId("moredoubts").hidden = all <= doubts.length;
  setText(byId("doubtcount"), `${doubts.length} of ${count.format(all)}`);
  // What is hidden can't have the focus.
  if (all === 0 && section.contains(document.activeElement)) {
    byId("payments-title").focus({ preventScroll: true });
  }
  section.hidden = all === 0;
  fitTable("doubtrows");
}

/** The link in the first cell stays: it may have the focus, and ages change every second. */
function showDoubt(row, doubt) {
  for (const cell of [...row.children].slice(1)) cell.remove();
  row.append(
    cell("Transaction", element("span", { class: "mono id" }, doubt.transaction)),
    cell("Age", ageText(doubt.age), "amount"),
    cell("Held", doubt.forced ? forcedText(doubt.forced) : legsText(doubt.held)),
    cell("Participants", doubt.participants.join(", ")),
    cell("Not reached", missingText(doubt)),
  );
}

/** Who is asked what became of it, and has no link or no answer. */
function missingText({ unreachable, unanswered = [] }) {
  return [...unreachable, ...unanswered.map((name) => `${name} (no answer)`)].join(", ") || "–";
}

/** `name` stands beside the content where the row is a card. */
function cell(name, content, kind) {
  return element("td", { class: kind, "data-name": name }, element("span", {}, content));
}

function legsText(legs) {
  return legs.map((leg) => `${leg.account} ${grouped(leg.decimal)} ${leg.currency}`).join(", ");
}

function forcedText({ decision, by, legs }) {
  const done = decision === "commit" ? "posted" : "released";
  return `forced to ${decision} by ${by}: ${done} ${legsText(legs)}`;
}

function ageText(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h`;
}
