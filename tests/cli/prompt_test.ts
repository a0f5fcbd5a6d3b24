import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import type { NodeEvent, PaymentAnswer, PaymentRequest } from "../../src/http/node_api.ts";
import { parsePromptLine } from "../../src/cli/prompt_command.ts";
import { type PromptNode, PromptSession } from "../../src/cli/prompt_session.ts";
import { plainStyle } from "../../src/cli/style.ts";

const understood: readonly [line: string, command: unknown][] = [
  ["", { type: "none" }],
  ["   ", { type: "none" }],
  ["pay bob 125.00", { type: "pay", to: "main@bob", amount: "125.00", currency: undefined }],
  ["  pay  a@bob 5 EUR ", { type: "pay", to: "a@bob", amount: "5", currency: "EUR" }],
  ["balance", { type: "balance" }],
  ["status", { type: "status" }],
  ["help", { type: "help" }],
  ["exit", { type: "exit" }],
];
for (const [line, command] of understood) {
  Deno.test(`the prompt understands "${line}"`, () => {
    assertEquals<unknown>(parsePromptLine(line), command);
  });
}

const refused: readonly [line: string, said: string][] = [
  ["pay", "pay bob 125.00"],
  ["pay bob", "how much"],
  ["pay bob 5 EUR now", 'unexpected "now"'],
  ["pay Bob 5", '"Bob"'],
  ["pay bob -5", '"-5" must be more than zero'],
  ["pay bob 0", "more than zero"],
  ["pay bob 5 eur", '"eur" is no currency'],
  ["balnce", "did you mean balance?"],
  ["quit", "unknown command quit: type help"],
  ["exit now", 'unexpected "now"'],
];
for (const [line, said] of refused) {
  Deno.test(`the prompt refuses "${line}" and says ${said}`, () => {
    assertThrows(() => parsePromptLine(line), UsageError, said);
  });
}

Deno.test("an outcome that comes after the wait is told once, by the event", async () => {
  await using scene = new Scene((id) => ({ state: "pending", id }));
  await scene.session.typed("pay bob 5");
  assertStringIncludes(scene.said.at(-1) ?? "", "outcome unknown so far");
  scene.tell("prepared");
  assertEquals(scene.said.length, 1);
  scene.tell("posted");
  scene.tell("ended");
  assertEquals(scene.said.length, 2);
  assertEquals(scene.said[1], `committed payment ${scene.id}`);
});

Deno.test("an outcome that comes just before the wait ends is told too", async () => {
  await using scene = new Scene((id) => {
    scene.tell("released", id);
    return { state: "pending", id };
  });
  await scene.session.typed("pay bob 5");
  assertEquals(scene.said.length, 1);
  assertStringIncludes(scene.said[0] ?? "", "vote_timeout");
});

Deno.test("a node that stops under a payment leaves its outcome unknown, and the prompt goes on", async () => {
  await using scene = new Scene(() => {
    throw new Error("the node stops");
  });
  assertEquals(await scene.session.typed("pay bob 5"), true);
  assertStringIncludes(scene.said[0] ?? "", "unknown: the node stops");
});

Deno.test("an aborted payment names the participant that is unknown", async () => {
  await using scene = new Scene((id) => {
    const about = { id, legs: [], originator: "alice", clock: new Map(), atMs: 0 };
    const payment = { ...about, state: "aborted", code: "participant_unknown" } as const;
    return { state: "aborted", replayed: false, payment };
  });
  await scene.session.typed("pay zoe 5");
  assertStringIncludes(scene.said[0] ?? "", '(no participant "zoe" is in the network)');
});

Deno.test("a payment to the paying account is not sent", async () => {
  await using scene = new Scene(() => {
    throw new Error("it was sent");
  });
  await scene.session.typed("pay alice 5");
  assertEquals(scene.said, ["nothing was paid: from and to are the same account, main@alice"]);
});

Deno.test("only what others pay into this node is told as received", async () => {
  await using scene = new Scene((id) => ({ state: "pending", id }));
  scene.tell("posted", "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e", "bob");
  scene.tell("committed", "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e", "bob");
  scene.tell("posted", "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5f", "alice");
  assertEquals(scene.said.map((line) => line.split(",")[0]), [
    "received 5.00 USD from main@alice to main@bob",
  ]);
});

Deno.test("a link that is lost and found is told once each", async () => {
  await using scene = new Scene((id) => ({ state: "pending", id }), 1);
  for (const isReady of [true, false, true]) {
    scene.isReady = isReady;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(scene.said, [
    "the coordinator is lost: no payments until it returns",
    "the coordinator is back: this node takes payments",
  ]);
});

Deno.test("a coordinator that was waited for is there, and not back, the first time", async () => {
  await using scene = new Scene((id) => ({ state: "pending", id }), 1);
  for (const isReady of [false, true, false, true]) {
    scene.isReady = isReady;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(scene.said, [
    "waiting for the coordinator: this node keeps trying",
    "the coordinator is there: this node takes payments",
    "the coordinator is lost: no payments until it returns",
    "the coordinator is back: this node takes payments",
  ]);
});

/** A session at a node that answers as it is told. */
class Scene implements AsyncDisposable {
  readonly said: string[] = [];
  readonly session: PromptSession;
  isReady = true;
  id = "";
  #listener: (event: NodeEvent) => void = () => {};

  constructor(answer: (id: NonNullable<PaymentRequest["id"]>) => PaymentAnswer, linkPollMs = 1e6) {
    const account = {
      account: "main",
      currency: "USD",
      posted: 0n,
      available: 0n,
      pendingDebits: 0n,
      pendingCredits: 0n,
    };
    const node: PromptNode = {
      name: "alice",
      isReady: () => this.isReady,
      status: () => Promise.reject(new Error("not asked for")),
      accounts: () => Promise.resolve([account]),
      account: (name) => Promise.resolve(name === "main" ? account : undefined),
      submit: async ({ id }) => {
        this.id = id ?? "";
        await Promise.resolve();
        return answer(id!);
      },
      subscribe: (listener) => {
        this.#listener = listener;
        return () => this.#listener = () => {};
      },
    };
    const say = (line: string) => this.said.push(line);
    this.session = new PromptSession({ node, style: plainStyle, say, linkPollMs });
  }

  tell(type: NodeEvent["type"], payment: string = this.id, originator = "alice"): void {
    const leg = { account: "main", currency: "USD" };
    this.#listener({
      id: "1.0",
      type,
      payment: payment as NodeEvent["payment"],
      code: type === "released" ? "vote_timeout" : undefined,
      legs: [
        { ...leg, participant: "alice", amount: -500n },
        { ...leg, participant: "bob", amount: 500n },
      ],
      originator,
      entry: 1,
      clock: new Map(),
      atMs: 0,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.session.close();
    return Promise.resolve();
  }
}
