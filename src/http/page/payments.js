// Payments on their way, and one payment's page.

import {
  byId,
  element,
  fillRows,
  fullTimeOf,
  grouped,
  setText,
  shortId,
  timeOf,
  today,
} from "./elements.js";
import { tokenHeaders } from "./feed.js";

const stepsOf = {
  coordinator: ["prepare", "votes", "decision", "acks"],
  participant: ["ordered", "prepared", "decision", "posted"],
};
const announceMs = 3_000;
const rowsShown = 10;
const idLength = 36;

let announced = new Set();
let announceAt = 0;

let isWhole = false;
let latest = [];

export function showPayments(all, role) {
  latest = all;
  const payments = isWhole ? all : all.slice(0, rowsShown);
  byId("more").hidden = all.length <= rowsShown;
  // The node has many more, and follows only the latest.
  setText(byId("more"), isWhole ? "Show fewer" : `Show the latest ${all.length}`);
  byId("nopayments").hidden = payments.length > 0;
  const day = today();
  fillRows(byId("payments"), payments.map((payment) => ({ id: payment.id, payment, role, day })), {
    make: ({ id }) =>
      element("li", {}, element("a", { href: `#/payments/${id}`, class: "payment" })),
    show: (row, { payment, role }) =>
      row.firstElementChild.replaceChildren(...summary(payment, role)),
    heading: byId("payments-title"),
  });
  announce(all);
}

export const latestIds = () => latest.map(({ id }) => id);

export function toggleWhole(role) {
  isWhole = !isWhole;
  byId("more").setAttribute("aria-expanded", String(isWhole));
  showPayments(latest, role);
}

function summary(payment, role) {
  const why = isForcedOpenly(payment)
    ? undefined
    : payment.code
    ? element("span", { class: "mono quiet" }, ...breakable(payment.code))
    : isLost(payment)
    ? element("span", { class: "quiet small" }, lostText)
    : undefined;
  return [
    element("span", { class: "when quiet" }, timeOf(payment.at)),
    element("span", { class: "path" }, pathOf(payment.legs)),
    element("span", { class: "amount" }, amountOf(payment.legs)),
    stepper(payment, role),
    element(
      "span",
      { class: "outcome" },
      badge(payment),
      ...why ? [comma(), why] : [],
      comma(),
      element("span", { class: "mono quiet id" }, shortId(payment.id)),
    ),
  ];
}

const comma = () => element("span", { class: "hidden" }, ", ");

/** Only an attempt was aborted: of the payment itself nothing is decided. */
const isLost = ({ stage }) => stage === "lost";
const lostState = "attempt lost";
const lostText = "may come again";

/** What an operator forced stands in this node's books, whatever was decided, or is not known to be. */
const isForcedOpenly = ({ forced }) => forced !== undefined && forced.decided !== forced.decision;
const doneBy = { commit: "posted", abort: "released" };

function stateOf(payment) {
  if (!isForcedOpenly(payment)) return isLost(payment) ? lostState : payment.state;
  const { decision, decided } = payment.forced;
  const what = decided ? `decided: ${decided}` : "decision unknown";
  return `forced: ${doneBy[decision]} here, ${what}`;
}

function pathOf(legs) {
  const from = legs.filter(({ amount }) => amount.startsWith("-"));
  const to = legs.filter(({ amount }) => !amount.startsWith("-"));
  return `${namesOf(from)} → ${namesOf(to)}`;
}

function namesOf(legs) {
  if (legs.length === 0) return "nobody";
  return legs.length === 1 ? legs[0].account : `${legs[0].account} and ${legs.length - 1} more`;
}

function amountOf(legs) {
  const credit = legs.filter(({ amount }) => !amount.startsWith("-"));
  if (credit.length === 0) return "";
  return credit.length === 1
    ? `${grouped(credit[0].decimal)} ${credit[0].currency}`
    : `${legs.length} legs`;
}

function badge(payment) {
  const kind = isForcedOpenly(payment)
    ? (payment.forced.decided ? "bad" : "warn")
    : { committed: "good", aborted: "bad" }[payment.state] ?? "moving";
  return element("span", { class: `badge ${kind}` }, stateOf(payment));
}

function stepper(payment, role) {
  if (isForcedOpenly(payment)) return forcedStepper(payment.forced);
  const steps = stepsOf[role] ?? stepsOf.participant;
  const names = payment.state === "aborted" && role === "participant"
    ? steps.with(3, "released")
    : steps;
  const at = payment.stage === "done" ? steps.length : Math.max(0, steps.indexOf(payment.stage));
  const isAborted = payment.state === "aborted";
  const marks = names.map((name, index) => {
    const kind = isLost(payment)
      ? "ahead"
      : isAborted
      ? abortedKind(name, payment, role)
      : index < at
      ? "done"
      : index === at
      ? "now"
      : "ahead";
    return element("span", { class: `step ${kind}` }, detailOf(name, payment, role));
  });
  const words = isLost(payment)
    ? ""
    : isAborted
    ? `failed at ${failedStep(payment, role)}, `
    : payment.stage === "done"
    ? "finished, "
    : `step ${at + 1} of ${steps.length}, ${names[at]}, `;
  return way(marks, words);
}

function way(marks, words) {
  return element(
    "span",
    { class: "way" },
    element("span", { class: "steps", "aria-hidden": "true" }, ...marks),
    element("span", { class: "hidden" }, words),
  );
}

function forcedStepper({ decision, by, decided }) {
  const forced = `forced to ${decision} by ${by}`;
  const last = decided ? `decided otherwise: ${decided}` : "decision";
  const steps = [["ordered", "done"], ["prepared", "done"], [forced, "done"]];
  const marks = [...steps, [last, decided ? "bad" : "now"]].map(([name, kind]) =>
    element("span", { class: `step ${kind}` }, name)
  );
  return way(marks, `${forced}, `);
}

/** Where an aborted payment failed, as far as this node can tell. */
function failedStep({ asked, prepared }, role) {
  if (!asked) return "decision";
  if (role === "coordinator") return "votes";
  return prepared ? "decision" : "prepared";
}

/** One step failed; of those after it only the release took place, where something was held. */
function abortedKind(name, payment, role) {
  if (name === failedStep(payment, role)) return "bad";
  switch (name) {
    case "ordered":
      return "done";
    case "prepare":
      return payment.asked ? "done" : "ahead";
    case "prepared":
    case "released":
      return payment.prepared ? "done" : "ahead";
    case "acks":
      // Presumed abort needs none.
      return "skipped";
    default:
      return "ahead";
  }
}

/** Votes and acks with how many there are of how many, while they come in. */
function detailOf(name, { votes, stage }, role) {
  if (role !== "coordinator" || votes.length === 0 || stage === "done") return name;
  const cast = votes.filter(({ vote }) => vote !== "none").length;
  const acked = votes.filter((vote) => vote.acked).length;
  if (name === "votes") return `votes ${cast}/${votes.length}`;
  return name === "acks" ? `acks ${acked}/${votes.length}` : name;
}

/** Says now and then what became of the newest payment that has ended. */
function announce(payments) {
  const isFirst = announced.size === 0;
  const ended = payments.filter(({ stage }) => stage === "done");
  const fresh = ended.find(({ id }) => !announced.has(id));
  announced = new Set(ended.map(({ id }) => id));
  if (isFirst || !fresh || Date.now() < announceAt) return;
  announceAt = Date.now() + announceMs;
  const { code, legs } = fresh;
  const why = code && !isForcedOpenly(fresh) ? `, ${code}` : "";
  const what = `${pathOf(legs)}, ${amountOf(legs)}: ${stateOf(fresh)}${why}`;
  setText(byId("announce"), what);
}

// One payment

let shown = { id: undefined, text: "" };

/** Fetches one payment and shows it; called again it shows what changed. */
export async function showDetail(id, { role, name }) {
  const response = await fetch(`/page/payments/${encodeURIComponent(id)}`, {
    headers: tokenHeaders(),
  });
  const text = await response.text();
  if (shown.id === id && shown.text === text) return;
  const isNew = shown.id !== id;
  shown = { id, text };
  const view = byId("detail");
  const hadFocus = view.contains(document.activeElement);
  view.replaceChildren(
    ...(response.ok
      ? detail(JSON.parse(text), role)
      : response.status === 404
      ? unknownPayment(id, name)
      : unreadPayment(id)),
  );
  if (isNew || hadFocus) byId("detail-title").focus({ preventScroll: !isNew });
}

export function forgetDetail() {
  shown = { id: undefined, text: "" };
  byId("detail").replaceChildren();
}

/** For an address that names nothing. */
export function showNothing(address) {
  byId("detail").replaceChildren(
    back(),
    title("Nothing is here"),
    element("p", {}, "This page knows no ", element("span", { class: "mono" }, address), "."),
  );
  byId("detail-title").focus();
}

const back = () => element("p", {}, element("a", { href: "#/" }, "← All payments"));
const title = (text) => element("h2", { id: "detail-title", tabindex: "-1" }, text);

function unreadPayment(id) {
  return [
    back(),
    title("Payment not shown"),
    element("p", { class: "mono" }, id),
    element("p", {}, "It could not be read just now. It is asked for again."),
  ];
}

function unknownPayment(id, name) {
  const what = id.length === idLength
    ? `${name} knows no payment of this id.`
    : `An id has ${idLength} characters. The last 8 are enough for a payment that is listed.`;
  return [
    back(),
    title("Payment not known"),
    element("p", { class: "mono" }, id),
    element("p", {}, what),
  ];
}

function detail(payment, role) {
  const { id, legs, code, transaction, originator } = payment;
  const why = isForcedOpenly(payment)
    ? ""
    : code
    ? ` ${codeText(payment)}`
    : isLost(payment)
    ? ` ${lostText}`
    : "";
  return [
    back(),
    element(
      "section",
      { class: "card" },
      element("div", { class: "card-head" }, title(`${amountOf(legs)}, ${pathOf(legs)}`)),
      element("p", { class: "outcome" }, badge(payment), why),
      stepper(payment, role),
      facts([
        ["Payment", element("span", { class: "mono" }, id)],
        ["Transaction", element("span", { class: "mono" }, transaction ?? "none")],
        ["Originator", originator],
        ...timeFacts(payment),
      ]),
    ),
    element(
      "div",
      { class: "columns even" },
      card("Legs", legsTable(legs)),
      role === "coordinator" ? card("Votes and acks", votesTable(payment)) : votesNote(payment),
    ),
    element(
      "div",
      { class: "columns even" },
      card("Timeline, UTC", timeline(payment.steps)),
      card("Vector clock", clockTable(payment.clock)),
    ),
  ];
}

function timeFacts(payment) {
  const { forced, at } = payment;
  const state = isLost(payment) ? lostState : payment.state;
  // This node may have learnt of the decision long after it was made.
  const isOtherwise = isForcedOpenly(payment) && forced.decided;
  const name = isOtherwise ? "Known since" : `${state[0].toUpperCase()}${state.slice(1)} at`;
  const by = ({ by, at }) => element("span", {}, `by ${by}, `, fullTimeOf(at));
  return [
    ...forced ? [[`Forced to ${forced.decision}`, by(forced)]] : [],
    [name, fullTimeOf(at)],
    ...forced?.acknowledged ? [["Acknowledged", by(forced.acknowledged)]] : [],
  ];
}

/** `insufficient_funds: the account has less available` */
function codeText({ code, reason }) {
  return reason ? `${code}: ${reason}` : code;
}

/** A long code would push the column after it out of a narrow screen. */
function breakable(text) {
  return text.split(/(?<=_)/).flatMap((part) => [part, element("wbr")]);
}

function card(name, ...content) {
  const id = `card-${name.split(/\W/)[0].toLowerCase()}`;
  return element(
    "section",
    { class: "card", "aria-labelledby": id },
    element("h3", { id }, name),
    ...content,
  );
}

function facts(pairs) {
  return element(
    "dl",
    { class: "facts" },
    ...pairs.flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, value)]),
  );
}

function table(name, heads, rows) {
  const head = heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text));
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": name },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}

function legsTable(legs) {
  return table(
    "Legs",
    [["Account"], ["Amount", "amount"]],
    legs.map((leg) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, leg.account),
        element("td", { class: "amount" }, `${grouped(leg.decimal)} ${leg.currency}`),
      )
    ),
  );
}

function votesTable({ votes, state, asked }) {
  const unknown = state !== "aborted" ? "awaited" : asked ? "not known" : "not asked";
  const heads = [["Participant"], ["Vote"], ["Reason"], ["Ack"]];
  return table(
    "Votes and acks",
    heads,
    votes.map(({ participant, vote, code, reason, acked }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, participant),
        element("td", {}, vote === "none" ? unknown : vote),
        element("td", {}, ...code ? breakable(codeText({ code, reason })) : ["–"]),
        element("td", {}, acked ? "yes" : state === "aborted" ? "not needed" : "awaited"),
      )
    ),
  );
}

function votesNote(payment) {
  const { state, code, asked, prepared } = payment;
  const here = prepared
    ? "This participant voted yes: its legs were prepared before the vote left."
    : "This participant prepared nothing for it.";
  const all = isForcedOpenly(payment)
    ? forcedNote(payment.forced)
    : isLost(payment)
    ? "Only this attempt at it was aborted: the payment may commit when it is sent again."
    : state === "committed"
    ? "The payment committed, so every participant voted yes."
    : state === "aborted"
    ? `It was aborted: ${code ? codeText(payment) : "no reason was told"}. ` +
      (asked ? "The coordinator knows who voted what." : "Nobody was asked to vote.")
    : "The coordinator gathers the votes and decides.";
  return card("Votes", element("p", {}, here), element("p", {}, all));
}

function forcedNote({ decision, by, decided, acknowledged }) {
  const here = `An operator, ${by}, has forced it to ${decision}: this node's books have it ` +
    `${doneBy[decision]}. `;
  if (!decided) return `${here}What was decided is not known here yet.`;
  const until = acknowledged
    ? `as ${acknowledged.by} has acknowledged`
    : "until people put it right";
  return `${here}It was decided to ${decided}, so they differ from the others, ${until}.`;
}

function timeline(steps) {
  if (steps.length === 0) return element("p", { class: "quiet" }, "Nothing is known.");
  return element(
    "ol",
    { class: "timeline" },
    ...steps.map(({ what, at, entry }) =>
      element(
        "li",
        { class: entry === undefined ? "message" : "record" },
        element("span", { class: "quiet" }, timeOf(at, { precise: true })),
        element("span", {}, what),
        element("span", { class: "quiet" }, entry === undefined ? "" : `durable in entry ${entry}`),
      )
    ),
  );
}

function clockTable(clock) {
  const rows = Object.entries(clock);
  if (rows.length === 0) return element("p", { class: "quiet" }, "No entry holds it yet.");
  return table(
    "Vector clock",
    [["Node"], ["Entries known", "amount"]],
    rows.map(([node, number]) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, node),
        element("td", { class: "amount" }, String(number)),
      )
    ),
  );
}
