import { clockOffsetMsMax, renewalDays } from "../limits.ts";
import { statusAnswer } from "./answers.ts";
import type { StatusAnswer } from "./answers.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { mismatchLines, nodeText } from "./mismatches.ts";
import { nodeFlags } from "./node_address.ts";
import type { Style } from "./style.ts";
import { durationText, timeText } from "./times.ts";

const dayMs = 24 * 60 * 60_000;

export const status: Command = {
  name: "status",
  summary: "a node, its peers and its payments under way",
  usage: ["status"],
  flags: [...nodeFlags, jsonFlag],
  run: (args, io) =>
    show(
      args,
      io,
      { method: "GET", path: "/v1/status" },
      statusAnswer,
      (found, style) => statusLines(found, style, nodeText(args)),
    ),
};

/** `node` as of {@linkcode nodeText}. */
export function statusLines(found: StatusAnswer, style: Style, node = ""): string[] {
  const clock = Object.entries(found.clock).map(([name, count]) => `${name} ${count}`).join(", ");
  return [
    `${found.name}, ${found.role}, epoch ${found.epoch}`,
    ...found.notReady === undefined
      ? []
      : [style.paint("warning", `takes no payments: ${found.notReady}`)],
    ...isClockOff(found) ? [style.paint("warning", clockText(found))] : [],
    ...mismatchLines(found.mismatches, style, node),
    ...unacknowledgedLines(found, style, node),
    `clock: ${clock}`,
    `payments: ${found.open} open, ${found.inDoubt} of them in doubt${longestText(found)}` +
    `${forcedText(found)}; ` +
    `since it started ${found.committed} committed, ${found.aborted} aborted`,
    `${found.throughput} a second; p50 ${msText(found.latency.p50ms)}, ` +
    `p99 ${msText(found.latency.p99ms)}`,
    ...style.table(
      found.peers.map(({ name, address, link }) => [
        `peer ${name}`,
        link === "not_needed"
          ? style.paint("quiet", "no link needed")
          : style.paint(link === "up" ? "good" : "bad", `link ${link}`),
        address,
      ]),
      false,
    ),
    ...certificateLines(found, style),
    ...found.revocationList === undefined
      ? []
      : [`revoked certificates: by the CA's list ${found.revocationList}`],
    ...found.alarms.map((alarm) => style.paint("bad", `alarm: ${alarm}`)),
  ];
}

/** Whether a participant's clock is so far from its coordinator's that it books into wrong minutes. */
export function isClockOff({ clockOffset = 0 }: StatusAnswer): boolean {
  return Math.abs(clockOffset) * 1_000 > clockOffsetMsMax;
}

export function clockText({ clockOffset = 0 }: StatusAnswer): string {
  const side = clockOffset > 0 ? "ahead of" : "behind";
  return `its clock was ${
    durationText(Math.abs(clockOffset))
  } ${side} its coordinator's at the last ` +
    "decision: set both by NTP, as what is posted here is booked by this one";
}

/** One that has left for good never acknowledges what it was last told. */
function unacknowledgedLines(
  { unacknowledged = [] }: StatusAnswer,
  style: Style,
  node: string,
): string[] {
  return unacknowledged.map(({ participant, payments, longest }) =>
    style.paint(
      "warning",
      `${participant} has not acknowledged ${payments} committed, the first for ` +
        `${durationText(longest)}: see handfast payments --open${node}`,
    )
  );
}

function certificateLines({ certificateNotAfter }: StatusAnswer, style: Style): string[] {
  if (certificateNotAfter === undefined) return [];
  const leftMs = Date.parse(certificateNotAfter) - Date.now();
  const text = `certificate ${leftMs < 0 ? "expired" : "valid until"} ${
    timeText(certificateNotAfter)
  }`;
  return [
    leftMs < renewalDays * dayMs ? style.paint("bad", `${text}: have it signed again`) : text,
  ];
}

/** What is so for a moment only is every payment on its way. */
function longestText({ longestDoubt = 0 }: StatusAnswer): string {
  return longestDoubt === 0 ? "" : `, the longest for ${durationText(longestDoubt)}`;
}

/** Until the real decision is known. */
function forcedText({ forced = 0 }: StatusAnswer): string {
  return forced === 0 ? "" : `, ${forced} forced and not confirmed`;
}

function msText(ms: number | null): string {
  return ms === null ? "not measured" : `${ms.toFixed(1)} ms`;
}
