/** One thing changed at a time, each of which has to be found by its own check. */

import { assertEquals } from "@std/assert";
import { encodeOrder } from "../../src/codec/order.ts";
import {
  decisionStatement,
  orderStatement,
  states,
  voteStatement,
} from "../../src/codec/statement.ts";
import { formatVersion } from "../../src/codec/values.ts";
import { decodeVoucher, encodeVoucher } from "../../src/keys/voucher.ts";
import type { Voucher } from "../../src/keys/voucher.ts";
import type { EntryContent } from "../../src/log/log.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { verifyLogs } from "../../src/verify/mod.ts";
import type { NodeName, Tamper } from "./scene.ts";
import { assertFound, orderOf, paymentId, replaced, Scene, signed } from "./scene.ts";

type RecordOf<T extends LogRecord["type"]> = Extract<LogRecord, { type: T }>;

const late = paymentId(4);
const p4 = `payment ${late}`;

/** Changes a node's record of payment 4, which comes after the checkpoints. */
function changing<T extends LogRecord["type"]>(
  node: NodeName,
  type: T,
  change: (record: RecordOf<T>) => LogRecord[],
): Tamper {
  return (name, content) => {
    if (name !== node) return content;
    const isIt = (record: LogRecord) => {
      if (record.type !== type) return false;
      if ("order" in record) return record.order.payment === late;
      return !("payment" in record) || record.payment === late;
    };
    return replaced(content, isIt, (record) => change(record as RecordOf<T>));
  };
}

/** Changes what else is in one entry of a node. */
function entryOf(
  node: NodeName,
  at: number,
  change: (content: EntryContent) => Partial<EntryContent>,
): Tamper {
  return (name, content, number) =>
    name === node && number === at ? { ...content, ...change(content) } : content;
}

const other = "1-000000000001-99" as TransactionId;
const zeros = new Uint8Array(32);

const tampered: [claim: string, tamper: Tamper, named: RegExp][] = [
  [
    "a posted leg changed",
    changing("bob", "prepared", (record) => {
      const legs = record.order.legs.map((leg) => ({ ...leg, amount: leg.amount * 2n }));
      return [{ ...record, order: encodeOrder({ ...record.order, legs }) }];
    }),
    /USD is not conserved: settlement accounts -3\.00 USD, .*, in all -3\.00 USD/,
  ],
  [
    "an order changed at one node",
    changing("bob", "prepared", (record) => [
      { ...record, order: encodeOrder({ ...record.order, detailsHash: zeros }) },
    ]),
    RegExp(`${p4}: the order at bob is another than where coordinator committed`),
  ],
  [
    "an order changed at its originator",
    changing("alice", "prepared", (record) => [
      { ...record, order: encodeOrder({ ...record.order, detailsHash: zeros }) },
    ]),
    RegExp(`${p4}: the order at alice is another`),
  ],
  [
    "a committed record missing while it is posted",
    changing("coordinator", "committed", () => []),
    RegExp(`${p4}: bob has posted it, but coordinator has not committed it`),
  ],
  [
    "a payment ended that was not committed",
    changing("coordinator", "committed", () => []),
    RegExp(`coordinator: entry \\d+ ends transaction .* of ${late}, which is not committed`),
  ],
  [
    "a payment aborted at the coordinator and posted",
    changing("coordinator", "committed", ({ order }) => [
      { type: "aborted", order, code: "vote_timeout" },
    ]),
    RegExp(`${p4}: alice has posted it, but coordinator has aborted it \\(vote_timeout\\)`),
  ],
  [
    "a payment committed twice",
    changing("coordinator", "committed", (record) => [record, { ...record, transaction: other }]),
    RegExp(`holds ${p4} as committed, which entry \\d+ holds as committed`),
  ],
  [
    "a payment committed and aborted",
    changing("coordinator", "committed", (record) => [
      record,
      { type: "aborted", order: record.order, code: "vote_timeout" },
    ]),
    RegExp(`holds ${p4} as aborted, which entry \\d+ holds as committed`),
  ],
  [
    "a transaction committed for two payments",
    changing("coordinator", "committed", (record) => [
      record,
      { ...record, order: encodeOrder({ ...record.order, payment: paymentId(77) }) },
    ]),
    /commits transaction \S+ a second time/,
  ],
  [
    "an epoch started twice",
    changing("coordinator", "started", (record) => [record, record]),
    /starts epoch 1-\w+ a second time/,
  ],
  [
    "a transaction of an epoch never started",
    changing("coordinator", "committed", (record) => [
      { ...record, transaction: "7-000000000007-1" as TransactionId },
    ]),
    /commits transaction 7-000000000007-1 of an epoch never started/,
  ],
  [
    "a payment committed in another transaction than it was prepared for",
    changing("coordinator", "committed", (record) => [{ ...record, transaction: other }]),
    RegExp(`${p4}: .* transaction ${other}, but bob has only transaction`),
  ],
  [
    "a payment committed that was never prepared",
    changing("bob", "prepared", () => []),
    RegExp(`${p4}: .* but bob has never prepared it`),
  ],
  [
    "a payment posted that was never prepared",
    changing("bob", "prepared", () => []),
    RegExp(`bob: entry \\d+ posts transaction .* of ${late}, which is not prepared`),
  ],
  [
    "a payment posted twice",
    changing("bob", "posted", (record) => [record, record]),
    RegExp(`bob: entry \\d+ posts transaction .* of ${late}, which is posted already`),
  ],
  [
    "a payment posted and released",
    changing("bob", "posted", (record) => [record, { ...record, type: "released" }]),
    RegExp(`bob: entry \\d+ releases transaction .* of ${late}, which is posted already`),
  ],
  [
    "a payment prepared after it was posted",
    changing("bob", "posted", (record) => [
      record,
      { type: "prepared", transaction: other, order: orderOf(4, "alice", "bob", 300n) },
    ]),
    RegExp(`bob: entry \\d+ prepares transaction ${other} of ${late}, which follows .* posted`),
  ],
  [
    "a transaction prepared again after it was posted",
    changing("bob", "posted", (record) => [
      record,
      { ...record, type: "prepared", order: orderOf(4, "alice", "bob", 300n) },
    ]),
    RegExp(`bob: entry \\d+ prepares transaction \\S+ of ${late}, which is posted$`),
  ],
  [
    "a transaction refused that was voted for",
    changing(
      "bob",
      "prepared",
      (record) => [record, { ...record, type: "refused", payment: late }],
    ),
    RegExp(`bob: entry \\d+ refuses transaction \\S+ of ${late}, which is prepared$`),
  ],
  [
    "a transaction forced after it was posted",
    changing("bob", "posted", (record) => [
      record,
      { ...record, type: "forced", order: orderOf(4, "alice", "bob", 300n), commit: true, by: "x" },
    ]),
    RegExp(`bob: entry \\d+ forces transaction \\S+ of ${late}, which is not prepared$`),
  ],
  [
    "a transaction forced with another order",
    changing("bob", "prepared", (record) => [
      record,
      { ...record, type: "forced", order: orderOf(4, "alice", "bob", 1n), commit: true, by: "x" },
    ]),
    RegExp(`bob: entry \\d+ forces transaction \\S+ of ${late}, which was of another order$`),
  ],
  [
    "a comparison with no forced decision",
    changing("bob", "posted", (record) => [{ ...record, type: "mismatch", commit: true }]),
    RegExp(`bob: entry \\d+ compares transaction \\S+ of ${late}, which is not forced$`),
  ],
  [
    "a payment aborted that was posted there",
    changing("bob", "posted", (record) => [
      record,
      { type: "aborted", order: orderOf(4, "alice", "bob", 300n), code: "vote_timeout" },
    ]),
    RegExp(`bob: entry \\d+ holds ${p4} as aborted, which is posted$`),
  ],
  [
    "a payment posted that a peer has released",
    changing("bob", "posted", (record) => [{ ...record, type: "released" }]),
    RegExp(`${p4}: .* but bob has released transaction`),
  ],
  [
    "a payment ended that a participant has not posted",
    changing("bob", "posted", () => []),
    RegExp(`${p4}: .* and ended it, but bob has not posted it`),
  ],
  [
    "an abort that the coordinator never decided",
    entryOf("alice", 9, ({ records }) => ({
      records: [
        ...records,
        { type: "aborted", order: orderOf(50, "alice", "bob", 1n), code: "vote_timeout" },
      ],
    })),
    /alice has it as aborted \(vote_timeout\), but at coordinator it is not decided/,
  ],
  [
    "an abort told with another code than was decided",
    (node, content) =>
      node !== "coordinator" ? content : replaced(
        content,
        ({ type }) => type === "aborted",
        (record) => [{ ...record as RecordOf<"aborted">, code: "vote_timeout" }],
      ),
    RegExp(`${paymentId(3)}: alice has it as aborted \\(insufficient_funds\\), but at coord`),
  ],
  [
    "a payment posted where it has no leg",
    changing("coordinator", "committed", (record) => {
      const legs = record.order.legs.map((leg) =>
        leg.participant === "bob" ? { ...leg, participant: "carol" } : leg
      );
      return [{ ...record, order: encodeOrder({ ...record.order, legs }) }];
    }),
    RegExp(`${p4}: bob has posted it, but has no leg in what coordinator committed`),
  ],
  [
    "a decision named in another entry",
    changing("bob", "posted", (record) => [
      { ...record, decided: { ...record.decided, number: 1 } },
    ]),
    RegExp(`${p4}: bob has it decided in entry 1 of coordinator, which committed it in entry`),
  ],
  [
    "a decision with another clock",
    changing("bob", "posted", (record) => [
      { ...record, decided: { ...record.decided, clock: new Map([["coordinator", 3]]) } },
    ]),
    /bob: entry \d+ has .* with another clock or time than coordinator has there/,
  ],
  [
    "a decision at another time",
    changing("bob", "posted", (record) => [
      { ...record, decided: { ...record.decided, atMs: record.decided.atMs + 1 } },
    ]),
    /bob: entry \d+ has .* with another clock or time than coordinator has there/,
  ],
  [
    "an abort named in another entry",
    (name, content) =>
      name === "alice"
        ? replaced(content, ({ type }) => type === "aborted", (record) => {
          const { decided, ...rest } = record as RecordOf<"aborted">;
          return [{ ...rest, decided: { ...decided!, number: 1 } }];
        })
        : content,
    /alice: entry \d+ has .* decided in entry 1, with another clock or time than coordinator has/,
  ],
  [
    "a balance in an entry",
    entryOf("bob", 5, ({ records }) => ({
      records: [...records, { type: "balance", account: "more", currency: "USD", posted: 5n }],
    })),
    /bob: entry 5 holds "balance", which only checkpoints do/,
  ],
  [
    "a mismatch without a decision in an entry",
    changing("bob", "posted", (record) => [
      record,
      { ...record, type: "unacknowledged", commit: true, by: "ann" },
    ]),
    /bob: entry \d+ holds "unacknowledged", which only checkpoints do/,
  ],
  [
    "an acknowledgement of what is no mismatch",
    changing("bob", "posted", (record) => [record, { ...record, type: "acknowledged", by: "ann" }]),
    RegExp(`bob: entry \\d+ acknowledges transaction .* of ${late}, which is no mismatch`),
  ],
  [
    "books that do not add up",
    entryOf("bob", 15, ({ records }) => ({
      records: [...records, {
        type: "balance",
        account: "settlement",
        currency: "USD",
        posted: 5n,
      }],
    })),
    /bob: the books in USD do not add up to zero/,
  ],
  [
    "more spent than there is",
    entryOf("alice", 2, ({ records }) => ({
      records: records.map((record) => ({ ...record, opening: 1n } as LogRecord)),
    })),
    /alice: entry \d+: account main has less than is held of it/,
  ],
  [
    "a checkpoint of another state",
    (_, content) =>
      replaced(
        content,
        ({ type }) => type === "checkpointed",
        (record) => [{ ...record as RecordOf<"checkpointed">, hash: "cd".repeat(32) }],
      ),
    /bob: the checkpoint at entry \d+ is not what the entries up to there make/,
  ],
  [
    "a checkpoint ahead of its entry",
    entryOf("bob", 4, ({ records }) => ({
      records: [...records, {
        type: "checkpointed",
        number: 4,
        on: 0,
        hash: "cd".repeat(32),
      }],
    })),
    /bob: entry 4 confirms a checkpoint at entry 4/,
  ],
  [
    "a clock that skips an entry",
    entryOf("bob", 6, ({ clock }) => ({ clock: new Map(clock).set("bob", 7) })),
    /bob: entry 6 has 7 as its own component of the clock/,
  ],
  [
    "a clock that goes back",
    entryOf("bob", 8, ({ clock }) => ({ clock: new Map(clock).set("alice", 1) })),
    /bob: entry 8 knows 1 entries of alice, but the entry before knew/,
  ],
  [
    "a clock behind what was seen",
    entryOf("bob", 8, ({ clock }) => ({ clock: new Map(clock).set("coordinator", 1) })),
    /bob: entry 8 has seen entry \d+ of coordinator, but its clock knows 1/,
  ],
  [
    "a clock that knows entries that there are not",
    entryOf("bob", 15, ({ clock }) => ({ clock: new Map(clock).set("alice", 99) })),
    /bob: its clock knows 99 entries of alice, whose log ends at entry/,
  ],
  [
    "an entry seen whose past is not known",
    entryOf("coordinator", 8, ({ clock }) => ({ clock: new Map(clock).set("bob", 50) })),
    /bob: entry \d+ has seen entry 8 of coordinator, whose clock is not in its past/,
  ],
  [
    "an entry seen with another hash",
    entryOf("alice", 9, ({ witnesses }) => {
      const { number } = witnesses.get("coordinator")!;
      return { witnesses: new Map([["coordinator", { number, hash: zeros }]]) };
    }),
    /alice: entry 9 has seen entry \d+ of coordinator, of another hash: amnesia or tampering/,
  ],
  [
    "what was seen going back",
    entryOf("alice", 9, () => ({ witnesses: new Map() })),
    /alice: entry 9 has seen nothing of coordinator, after entry \d+ before/,
  ],
  [
    "what was seen changing",
    (node, content) => {
      if (node !== "alice") return content;
      const witnesses = new Map(content.witnesses);
      const seen = witnesses.get("coordinator");
      if (seen) witnesses.set("coordinator", { number: 1, hash: seen.hash });
      return { ...content, witnesses };
    },
    /alice: entry \d+ has seen entry 1 of coordinator, after entry 1 of another hash before/,
  ],
  [
    "a genesis of another network",
    (node, content) =>
      node !== "bob" ? content : replaced(
        content,
        ({ type }) => type === "genesis",
        (record) => [{ ...record as RecordOf<"genesis">, network: "cd".repeat(32) }],
      ),
    /bob is of another network than coordinator/,
  ],
  [
    "a second coordinator",
    (node, content) =>
      node !== "bob" ? content : replaced(
        content,
        ({ type }) => type === "genesis",
        (record) => [{ ...record as RecordOf<"genesis">, role: "coordinator" }],
      ),
    /coordinator and bob are both coordinators/,
  ],
  [
    "a genesis of another format",
    (node, content) =>
      node !== "bob" ? content : replaced(
        content,
        ({ type }) => type === "genesis",
        (record) => [{ ...record as RecordOf<"genesis">, version: 9 }],
      ),
    RegExp(`bob: entry 1 is of format 9, not ${formatVersion}$`),
  ],
  [
    "a log that does not begin with its genesis",
    entryOf("bob", 1, ({ records }) => ({ records: records.toReversed() })),
    /bob" does not begin with its genesis/,
  ],
  [
    "a second genesis",
    entryOf("bob", 5, ({ records }) => ({
      records: [
        ...records,
        { type: "genesis", network: "ab".repeat(32), name: "bob", role: "participant", version: 1 },
      ],
    })),
    /bob: entry 5 holds a second genesis/,
  ],
  [
    "a start left out",
    entryOf("bob", 5, ({ records }) => ({
      records: [...records, { type: "started", epoch: { counter: 3, nonce: "000000000003" } }],
    })),
    /bob: entry 5 is start 3, but the one before was start 1/,
  ],
  [
    "a log without a start",
    entryOf("bob", 1, ({ records }) => ({ records: records.slice(0, 1) })),
    /bob: entry 1 does not begin with a start/,
  ],
];

for (const [claim, tamper, named] of tampered) {
  Deno.test(`verifyLogs() finds ${claim}`, async () => {
    await using scene = await Scene.play(tamper);
    scene.stop();
    assertFound((await verifyLogs(scene.dirs)).violations, named);
  });
}

/** The proofs of what the coordinator commits, with those that one node has signed changed. */
function resigned(
  signer: NodeName,
  change: (proof: Proof, record: RecordOf<"committed">) => Proof[],
) {
  return changing("coordinator", "committed", (record) => [{
    ...record,
    proofs: record.proofs.flatMap((proof) =>
      proof.batch.signer === signer ? change(proof, record) : [proof]
    ),
  }]);
}

/** Whether a proof is of one statement, and not of another by the same node. */
function isVote(proof: Proof, { transaction, order }: RecordOf<"committed">): boolean {
  return states(proof, voteStatement({ transaction, orderHash: order.hash, yes: true }));
}

function withBitChanged({ batch, index }: Proof, part: "list" | "signature"): Proof {
  const bytes = batch[part].slice();
  bytes[bytes.length - 1]! ^= 1;
  return { batch: { ...batch, [part]: bytes }, index };
}

/** What bob has of alice, in the voucher that he was introduced to her by. */
function introducing(change: Partial<Voucher>): Tamper {
  return (node, content) =>
    node !== "bob" ? content : replaced(
      content,
      (record) => record.type === "introduced" && record.name === "alice",
      (record) => {
        const { introduction, ...rest } = record as RecordOf<"introduced">;
        const { certificate, voucher } = introduction!;
        const changed = encodeVoucher({ ...decodeVoucher(voucher), ...change });
        return [{ ...rest, introduction: { certificate, voucher: changed } }];
      },
    );
}

const [hashBefore, orderOther] = [
  orderOf(1, "alice", "bob", 2_500n).hash,
  orderOf(4, "alice", "bob", 1n),
];
const noYesOfBob = RegExp(
  `^coordinator: entry \\d+ commits ${late} without the signed yes of bob$`,
);
const notOrdered = RegExp(
  `^coordinator: entry \\d+ commits ${late} without alice's signature on it$`,
);
const notOrderedAtBob = RegExp(
  `^bob: entry \\d+ prepares ${late} without alice's signature on it$`,
);
const notDecided = RegExp(
  `^bob: entry \\d+ posts ${late} without the coordinator's signature on its decision$`,
);

/** Nothing is wrong with the logs but what was signed, or was not. */
const forged: [claim: string, tamper: Tamper, named: RegExp][] = [
  ["a commit without a participant's signed yes", resigned("bob", () => []), noYesOfBob],
  [
    "a commit with a yes to another order",
    resigned("bob", (_, { transaction }) => [
      signed("bob", voteStatement({ transaction, orderHash: hashBefore, yes: true })),
    ]),
    noYesOfBob,
  ],
  [
    "a commit with a vote in another transaction",
    resigned("bob", (_, { order: { hash: orderHash } }) => [
      signed("bob", voteStatement({ transaction: other, orderHash, yes: true })),
    ]),
    noYesOfBob,
  ],
  [
    "a commit with a no",
    resigned("bob", (_, { transaction, order: { hash: orderHash } }) => [
      signed("bob", voteStatement({ transaction, orderHash, yes: false })),
    ]),
    noYesOfBob,
  ],
  [
    "a commit with a yes that another has signed",
    resigned("bob", (_, { transaction, order: { hash: orderHash } }) => {
      const { batch, index } = signed(
        "coordinator",
        voteStatement({ transaction, orderHash, yes: true }),
      );
      return [{ batch: { ...batch, signer: "bob" }, index }];
    }),
    noYesOfBob,
  ],
  [
    "a commit with a yes whose list is changed by one bit",
    resigned("bob", (proof) => [withBitChanged(proof, "list")]),
    noYesOfBob,
  ],
  [
    "a commit with a yes whose signature is changed by one bit",
    resigned("bob", (proof) => [withBitChanged(proof, "signature")]),
    noYesOfBob,
  ],
  [
    "a commit with a yes that is not in its list",
    resigned("bob", ({ batch, index }) => [{ batch, index: index + 1 }]),
    noYesOfBob,
  ],
  [
    "a commit of an order that its originator has not signed",
    resigned("alice", (proof, record) => isVote(proof, record) ? [proof] : []),
    notOrdered,
  ],
  [
    "a commit of an order of which its originator has signed another",
    resigned(
      "alice",
      (proof, record) =>
        isVote(proof, record) ? [proof] : [signed("alice", orderStatement(orderOther))],
    ),
    notOrdered,
  ],
  [
    "a promise for an order that its originator has not signed",
    changing("bob", "prepared", (record) => [{ ...record, proof: undefined }]),
    notOrderedAtBob,
  ],
  [
    "a promise for an order that another has signed for its originator",
    changing("bob", "prepared", (record) => [
      { ...record, proof: signed("bob", orderStatement(record.order)) },
    ]),
    notOrderedAtBob,
  ],
  [
    "a post by a decision that the coordinator has not signed",
    changing("bob", "posted", (record) => [{ ...record, proof: undefined }]),
    notDecided,
  ],
  [
    "a post by a decision that a participant has signed",
    changing("bob", "posted", (record) => {
      const { transaction, payment, decided } = record;
      const orderHash = orderOf(4, "alice", "bob", 300n).hash;
      const statement = decisionStatement({
        transaction,
        payment,
        commit: true,
        orderHash,
        decided,
      });
      return [{ ...record, proof: signed("alice", statement) }];
    }),
    notDecided,
  ],
  [
    "a post by a decision of another order",
    changing("bob", "posted", (record) => {
      const { transaction, payment, decided } = record;
      const orderHash = orderOther.hash;
      const statement = decisionStatement({
        transaction,
        payment,
        commit: true,
        orderHash,
        decided,
      });
      return [{ ...record, proof: signed("coordinator", statement) }];
    }),
    notDecided,
  ],
  [
    "a post by a decision changed by one bit",
    changing("bob", "posted", (record) => [
      { ...record, proof: withBitChanged(record.proof!, "signature") },
    ]),
    notDecided,
  ],
];

for (const [claim, tamper, named] of forged) {
  Deno.test(`verifyLogs() finds ${claim}, and nothing else`, async () => {
    await using scene = await Scene.play(tamper);
    scene.stop();
    const { violations } = await verifyLogs(scene.dirs);
    assertEquals(violations.length, 1, violations.join("\n"));
    assertFound(violations, named);
  });
}

for (
  const [what, change] of [
    ["name", { name: "carol" }],
    ["network", { network: "cd".repeat(32) }],
  ] as const
) {
  Deno.test(`verifyLogs() finds a voucher of another ${what}, and believes nothing by it`, async () => {
    await using scene = await Scene.begin(introducing(change));
    await scene.pay(4, "alice", "bob", 300n);
    scene.stop();
    const { violations } = await verifyLogs(scene.dirs);
    assertFound(violations, /^bob: entry \d+ introduces alice by a voucher that is not its own$/);
    assertFound(violations, notOrderedAtBob);
    assertEquals(violations.length, 2, violations.join("\n"));
  });
}

/** Bob has payment 4 as aborted, by a decision with this proof. */
function releasing(proofOf: (aborted: Uint8Array) => Proof | undefined): Tamper {
  return changing("bob", "posted", ({ payment, transaction }) => {
    const proof = proofOf(decisionStatement({ transaction, payment, commit: false }));
    return [{ type: "released", payment, transaction, proof }];
  });
}

Deno.test("verifyLogs() names who has signed a commit and an abort of the same transaction", async () => {
  await using scene = await Scene.play(releasing((aborted) => signed("coordinator", aborted)));
  scene.stop();
  const told =
    `transaction \\S+: coordinator signed both; alice and it can prove that \\(handfast proof ${late}\\)$`;
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(
    violations,
    RegExp(`${p4}: coordinator committed in .*, but bob has released ${told}`),
  );
  // The coordinator's own log is not needed for it.
  const without = await verifyLogs([scene.dir("alice"), scene.dir("bob")]);
  assertFound(without.violations, RegExp(`${p4}: alice has posted, but bob has released ${told}`));
});

const innocent: [claim: string, proofOf: (aborted: Uint8Array) => Proof | undefined][] = [
  ["it has signed neither", () => undefined],
  ["a participant has signed the abort", (aborted) => signed("alice", aborted)],
  [
    "its signature on the abort is forged",
    (aborted) => {
      const { batch, index } = signed("bob", aborted);
      return { batch: { ...batch, signer: "coordinator" }, index };
    },
  ],
];

for (const [claim, proofOf] of innocent) {
  Deno.test(`verifyLogs() does not say that the coordinator signed both where ${claim}`, async () => {
    await using scene = await Scene.play(releasing(proofOf));
    scene.stop();
    const { violations } = await verifyLogs(scene.dirs);
    assertFound(violations, RegExp(`${p4}: .* but bob has released transaction \\S+$`));
    assertEquals(violations.filter((line) => line.includes("signed both")), []);
  });
}

/** Changes to a stopped node's file. */
const damaged: [claim: string, damage: (kv: Deno.Kv) => Promise<unknown>, named: RegExp][] = [
  [
    "an entry removed in the middle",
    (kv) => kv.delete(["entry", 6, 0]),
    /bob: Entry 6 of the log is missing/,
  ],
  [
    "an entry's bytes changed",
    async (kv) => {
      const { value } = await kv.get<Uint8Array>(["entry", 6, 0]);
      value![100]! ^= 1;
      await kv.set(["entry", 6, 0], value);
    },
    /bob: Entry 6 of the log is not what was written/,
  ],
  [
    "two entries exchanged",
    async (kv) => {
      const five = await kv.get(["entry", 5, 0]);
      const six = await kv.get(["entry", 6, 0]);
      await kv.set(["entry", 5, 0], six.value);
      await kv.set(["entry", 6, 0], five.value);
    },
    /bob: Entry 5 of the log does not follow the one before/,
  ],
  [
    "the last entry removed",
    (kv) => kv.delete(["entry", 15, 0]),
    /bob: the log ends at entry 14, but its head is entry 15/,
  ],
  [
    "the head changed",
    async (kv) => {
      const { value } = await kv.get<Uint8Array>(["head"]);
      value![20]! ^= 1;
      await kv.set(["head"], value);
    },
    /bob: entry 15 is another than the log's head names/,
  ],
  [
    "the head damaged",
    (kv) => kv.set(["head"], new Uint8Array(3)),
    /bob": The log's head or checkpoint can't be read/,
  ],
  [
    "a piece of the checkpoint changed",
    async (kv) => {
      for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["state"] })) {
        value[value.length - 1]! ^= 1;
        await kv.set(key, value);
      }
    },
    /bob: The checkpoint at entry \d+ is not what was written/,
  ],
  [
    "a piece of the checkpoint missing",
    async (kv) => {
      for await (const { key } of kv.list({ prefix: ["state"] })) await kv.delete(key);
    },
    /bob: The checkpoint at entry \d+ lacks its piece 0/,
  ],
  [
    "a page of the index missing",
    async (kv) => {
      for await (const { key } of kv.list({ prefix: ["page"] })) await kv.delete(key);
    },
    /bob: the look-up index lacks a page of its run up to entry \d+/,
  ],
  [
    "a page of the index damaged",
    async (kv) => {
      for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["page"] })) {
        value[0]! ^= 1;
        await kv.set(key, value);
      }
    },
    /bob: the look-up index can't be read: a page of the look-up index is damaged/,
  ],
  [
    "a page of the index where it is not looked for",
    async (kv) => {
      for await (const { key, value } of kv.list({ prefix: ["page"] })) {
        await kv.delete(key);
        await kv.set([...key.slice(0, 4), 1], value);
      }
    },
    /bob: the look-up index lacks a page of its run up to entry \d+/,
  ],
  [
    "a run of the index missing",
    async (kv) => {
      for await (const { key } of kv.list({ prefix: ["run"] })) await kv.delete(key);
    },
    /bob: run \d+ of the look-up index is missing/,
  ],
];

for (const [claim, damage, named] of damaged) {
  Deno.test(`verifyLogs() finds ${claim}`, async () => {
    await using scene = await Scene.play();
    scene.stop();
    const kv = await Deno.openKv(`${scene.dir("bob")}/log.kv`);
    await damage(kv);
    kv.close();
    const { violations, notChecked } = await verifyLogs(scene.dirs);
    assertFound(violations, named);
    // The others' logs are not blamed for it.
    assertEquals(violations.filter((line) => !line.includes("bob")), [], notChecked.join("\n"));
  });
}

Deno.test("verifyLogs() finds a log that is shorter than what its peers have seen", async () => {
  await using scene = await Scene.play();
  scene.stop();
  // As an old copy of the folder would be: it holds together by itself.
  const dir = `${scene.path}/older`;
  await Deno.mkdir(dir);
  const whole = await Log.open(await KvStorage.open(`${scene.dir("bob")}/log.kv`));
  const older = await Log.open(await KvStorage.open(`${dir}/log.kv`));
  await older.replay(() => {});
  for await (const { entry } of whole.entries()) if (entry.number <= 7) await older.append(entry);
  whole.close();
  older.close();
  assertEquals((await verifyLogs([dir])).violations, []);
  const { violations } = await verifyLogs([scene.dir("coordinator"), scene.dir("alice"), dir]);
  const named =
    /coordinator: entry \d+ has seen entry 8 of bob, whose log ends at entry 7: amnesia/;
  assertFound(violations, named);
});

Deno.test("verifyLogs() finds a file that is no database, and leaves it as it is", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const path = `${scene.dir("bob")}/log.kv`;
  const garbage = crypto.getRandomValues(new Uint8Array(20_000));
  await Deno.writeFile(path, garbage);
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(violations, /bob\/log\.kv" is damaged/);
  assertEquals(await Deno.readFile(path), garbage);
});
