import { listedPaymentsMax } from "../limits.ts";
import { memoryAnswer, readmitAnswer } from "./answers.ts";
import type { MemoryAnswer } from "./answers.ts";
import { answerOf, lookUp, show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { nodeText } from "./mismatches.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { isAgreed, operatorFlags, operatorIn } from "./operator.ts";
import { timeText } from "./times.ts";
import { parseName } from "./values.ts";

export const readmit: Command = {
  name: "readmit",
  summary: "take back a peer refused for amnesia",
  usage: ["readmit NAME --yes [--by NAME]"],
  positionals: ["NAME"],
  flags: [...operatorFlags, ...nodeFlags, jsonFlag],
  notes: [
    "Its books lack what was done since its log was copied or lost: its owner restores them before, by",
    'what "handfast proof NAME" writes at the coordinator; see "A lost data folder" in the README.',
  ],
  run: async (args, io) => {
    const peer = parseName(args.positional("NAME"), "NAME");
    const by = operatorIn(args);
    const risk = `readmitting "${peer}" gives up what its lost log could prove`;
    const ask = async () => {
      const node = await findNode(args);
      const reply = await lookUp(node, { method: "GET", path: `/v1/peers/${peer}` });
      const memory = answerOf(node, reply, memoryAnswer);
      memoryLines(peer, memory, nodeText(args)).forEach((line) => io.err(line));
      return `Take back "${peer}", giving up what its lost log could prove?`;
    };
    if (!await isAgreed(args, io, risk, ask)) return exitCode.failed;
    const request = { method: "POST", path: `/v1/peers/${peer}/readmit`, body: { by } } as const;
    return await show(args, io, request, readmitAnswer, (answer) => [
      `readmitted ${answer.readmitted}; recorded`,
      ...memoryLines(peer, answer, nodeText(args)),
    ]);
  },
};

/** What a peer lacks, as far as the node asked knows; `node` as of {@linkcode nodeText}. */
function memoryLines(peer: string, { seen, forgotten }: MemoryAnswer, node: string): string[] {
  if (seen === undefined) return [];
  const was = `${peer} was seen up to entry ${seen} of its log`;
  if (forgotten === undefined) {
    return [`${was}; what it has come back with is known once it has been refused here`];
  }
  const { ends, payments } = forgotten;
  const is = ends < seen ? `which now ends at entry ${ends}` : `but now has another entry ${seen}`;
  return [
    `${was}, ${is}: it lacks what it did since, less what was restored`,
    ...payments ? [paymentsLine(peer, payments, node)] : [],
  ];
}

type Payments = NonNullable<NonNullable<MemoryAnswer["forgotten"]>["payments"]>;

function paymentsLine(peer: string, { count, all, since, among }: Payments, node: string): string {
  // What the peer knows of, it may have heard from others since it lost its log.
  if (count === 0 || since === undefined) {
    return `no payment that ${peer} may lack was found by what it tells of itself, which need not be all: ` +
      'compare the logs with "handfast verify"';
  }
  const many = `${all ? "" : "at least "}${count} ${count === 1 ? "payment" : "payments"}`;
  const were = count === 1 ? "was" : "were";
  const what = `since ${
    timeText(since)
  }, ${many} of ${peer} ${were} committed here that it may lack`;
  const list = `handfast payments --limit ${Math.min(among, listedPaymentsMax)}${node}`;
  return `${what}, listed among others by: ${list}`;
}
