/** Rules: AC1 to AC5 of Bernstein, Hadzilacos and Goodman (ch. 7), presumed abort of Mohan, Lindsay and
 * Obermarck (1986), or the design's own, as the rows of the table cite them. */

import { assertEquals, assertMatch } from "@std/assert";
import { inquiryIntervalMs } from "../../src/limits.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import { entryNow, genesisOf, snapshotOf, turnOf } from "./example.ts";
import { expectedIn, inWords } from "./in_words.ts";
import { Bench, events, states } from "./participant_example.ts";
import { participantTable } from "./participant_table.ts";

for (const row of participantTable) {
  Deno.test(`stepParticipant() at "${row.event}": ${row.rule}`, () => {
    for (const state of Object.keys(states)) {
      const out = Bench.in(state).step(events[row.event]!, entryNow);
      assertEquals(inWords(out), expectedIn(state, row), state);
    }
  });
}

Deno.test("the table has every event, and names only states that there are", () => {
  assertEquals(participantTable.map(({ event }) => event), Object.keys(events));
  for (const { does } of participantTable) {
    const named = Object.keys(does).flatMap((names) => names.split(", "));
    assertEquals(named.filter((name) => name !== "otherwise" && !(name in states)), []);
    assertEquals(new Set(named).size, named.length);
  }
});

const snapshot = (state: ParticipantState) => snapshotOf(state, turnOf("alice", 0));

Deno.test("apply() of the snapshot gives the state of every step again, and so do its records", () => {
  for (const state of Object.keys(states)) {
    for (const event of Object.values(events)) {
      const bench = Bench.in(state);
      const before = bench.participant.state;
      const folded = new ParticipantState("alice", "coordinator");
      for (const [context, record] of snapshot(before)) {
        folded.apply(record, context);
      }
      assertEquals(snapshot(folded), snapshot(before));
      assertEquals([...folded.ledger.books()], [...before.ledger.books()]);
      for (const record of bench.step(event, entryNow).records) {
        folded.apply(record, turnOf("alice", entryNow, event.afterMs));
      }
      assertEquals(snapshot(folded), snapshot(bench.participant.state));
      assertEquals(balancesOf(folded), balancesOf(before));
    }
  }
});

function balancesOf({ ledger }: ParticipantState) {
  return [...ledger.accounts()].map((
    { name, currency, posted, pendingDebits, pendingCredits },
  ) => [name, currency, posted, pendingDebits, pendingCredits]);
}

Deno.test("books add up to zero after every event in every state", () => {
  for (const state of Object.keys(states)) {
    for (const event of Object.values(events)) {
      const bench = Bench.in(state);
      bench.step(event, entryNow);
      for (const { accounts, settlement, equity } of bench.participant.state.ledger.books()) {
        assertEquals(accounts + settlement + equity, 0n);
      }
    }
  }
});

Deno.test("a mismatch is raised when it is found, and at every start until it is acknowledged", () => {
  const start = {
    type: "start",
    genesis: genesisOf("alice", "participant"),
    nonce: "ffffffffffff",
  } as const;
  const found = Bench.in("forced to abort").step(events["commit"]!).alarms;
  assertMatch(
    found.map(({ text }) => text).join(),
    /forced to abort by ann, but .* decided to commit: .* is not atomic/,
  );
  const bench = Bench.in("released against the decision");
  for (let i = 0; i < 2; i++) {
    // Also where what was settled is in the index, and no longer in memory.
    if (i > 0) bench.checkpoint();
    bench.restart();
    assertEquals(bench.step(start).alarms, found);
  }
  bench.step(events["acknowledge"]!);
  bench.restart();
  assertEquals(bench.step(start).alarms, []);
});

Deno.test("a tick after everything was asked about asks again only when it is due", () => {
  const bench = Bench.in("prepared");
  const afterMs = inquiryIntervalMs - 1;
  const inquire = { ...events["inquire"]!, afterMs };
  assertEquals(inWords(bench.step(inquire)), "> coordinator inquiry T1 = 9 inquired 1");
  assertEquals(inWords(bench.step({ type: "tick", afterMs: afterMs + 1 })), "");
});
