/** A person at a participant's prompt: what is typed is done, and what happens is told. */

import { messageOf } from "../errors.ts";
import type { NodeEvent, PaymentAnswer } from "../http/node_api.ts";
import { outcomeReason } from "../http/outcome_reason.ts";
import { statusJson } from "../http/status.ts";
import { waitMsDefault } from "../limits.ts";
import type { ParticipantNode } from "../node/participant_node.ts";
import type { PaymentId } from "../protocol/id.ts";
import { addressOf, isCardLeg } from "../protocol/order.ts";
import { balanceLines } from "./balance.ts";
import { legsText } from "./legs.ts";
import { newId } from "./new_id.ts";
import { parsePromptLine, promptHelp } from "./prompt_command.ts";
import type { PromptCommand } from "./prompt_command.ts";
import { statusLines } from "./status.ts";
import type { Style } from "./style.ts";
import { parsePositive } from "./values.ts";

export type PromptNode = Pick<
  ParticipantNode,
  "name" | "isReady" | "status" | "accounts" | "account" | "submit" | "subscribe"
>;

export interface PromptSessionOptions {
  readonly node: PromptNode;
  readonly style: Style;
  /** Shows a line without disturbing what is being typed. */
  readonly say: (line: string) => void;
  /** How long a payment's outcome may take before it says that it waits. */
  readonly noteMs?: number;
  readonly linkPollMs?: number;
}

const noteMsDefault = 1_000;
const linkPollMsDefault = 200;
const account = "main";

interface Outcome {
  readonly isCommitted: boolean;
  readonly code?: string;
}

export class PromptSession {
  readonly #options: PromptSessionOptions;
  readonly #unsubscribe: () => void;
  readonly #linkTimer: ReturnType<typeof setInterval>;
  /** Payments ordered here whose outcome has not been told. */
  readonly #waiting = new Map<PaymentId, { isAnswered: boolean; outcome?: Outcome }>();
  /** Nothing until it has been told. */
  #isLinked: boolean | undefined;
  /** Since this session began. */
  #wasLinked = false;

  constructor(options: PromptSessionOptions) {
    this.#options = options;
    const { node, linkPollMs = linkPollMsDefault } = options;
    this.#unsubscribe = node.subscribe((event) => this.#heard(event));
    this.#linkTimer = setInterval(() => this.#watchLink(), linkPollMs);
  }

  /** Resolves to whether the person goes on; never rejects. */
  async typed(line: string): Promise<boolean> {
    try {
      return await this.#run(parsePromptLine(line));
    } catch (thrown) {
      this.#say(this.#options.style.paint("bad", messageOf(thrown)));
      return true;
    }
  }

  close(): void {
    this.#unsubscribe();
    clearInterval(this.#linkTimer);
  }

  async #run(command: PromptCommand): Promise<boolean> {
    const { node, style } = this.#options;
    switch (command.type) {
      case "none":
        return true;
      case "exit":
        return false;
      case "help":
        promptHelp.forEach((line) => this.#say(line));
        return true;
      case "balance":
        balanceLines(await node.accounts(), style).forEach((line) => this.#say(line));
        return true;
      case "status":
        statusLines(statusJson(await node.status()), style).forEach((line) => this.#say(line));
        return true;
      case "pay":
        await this.#pay(command);
        return true;
      default:
        return command satisfies never;
    }
  }

  async #pay(wanted: PromptCommand & { type: "pay" }): Promise<void> {
    const { node, style, noteMs = noteMsDefault } = this.#options;
    const own = await node.account(account);
    if (own === undefined) {
      throw new Error(
        `nothing was paid: there is no account "${account}" here; ` +
          `start this node again with --open ${account}=1000.00:USD`,
      );
    }
    const currency = wanted.currency ?? own.currency;
    const amount = parsePositive(wanted.amount, currency, "amount");
    const [payee = "", participant = ""] = wanted.to.split("@");
    if (payee === account && participant === node.name) {
      throw new Error(`nothing was paid: from and to are the same account, ${wanted.to}`);
    }
    const id = newId();
    this.#waiting.set(id, { isAnswered: false });
    const note = setTimeout(() => {
      this.#say(style.paint("quiet", `waiting for the outcome of payment ${id} …`));
    }, noteMs);
    const legs = [
      { account, participant: node.name, amount: -amount, currency },
      { account: payee, participant, amount, currency },
    ];
    const texts = legs.map((leg) => ({ ...leg, account: addressOf(leg) }));
    try {
      const answer = await node.submit({ id, legs, waitMs: waitMsDefault });
      this.#answered(answer, `payment ${id} (${legsText(texts)})`, participant);
    } catch (thrown) {
      this.#waiting.delete(id);
      throw new Error(`outcome of payment ${id} unknown: ${messageOf(thrown)}`);
    } finally {
      clearTimeout(note);
    }
  }

  #answered(answer: PaymentAnswer, what: string, other: string): void {
    const { style } = this.#options;
    switch (answer.state) {
      case "committed":
        this.#waiting.delete(answer.payment.id);
        return this.#outcome(what, { isCommitted: true });
      case "aborted": {
        this.#waiting.delete(answer.payment.id);
        return this.#outcome(what, { isCommitted: false, code: answer.payment.code }, other);
      }
      case "pending": {
        const outcome = this.#waiting.get(answer.id)?.outcome;
        if (outcome !== undefined) {
          this.#waiting.delete(answer.id);
          return this.#outcome(what, outcome);
        }
        this.#waiting.set(answer.id, { isAnswered: true });
        return this.#say(
          style.paint("warning", `${what}: outcome unknown so far; it is told here once known`),
        );
      }
      case "rejected":
        this.#waiting.delete(answer.id);
        return this.#say(
          style.paint("bad", `${what} was not sent: ${rejections[answer.code] ?? answer.code}`),
        );
      default:
        return answer satisfies never;
    }
  }

  #outcome(what: string, { isCommitted, code }: Outcome, other?: string): void {
    const { style } = this.#options;
    if (isCommitted) return this.#say(`${style.paint("good", "committed")} ${what}`);
    const reason = `${code ?? "no code"} (${outcomeReason(code, other)})`;
    this.#say(`${style.paint("bad", "aborted")} ${what}: ${reason}; nothing was paid`);
  }

  #heard(event: NodeEvent): void {
    const { node, style } = this.#options;
    const waiting = this.#waiting.get(event.payment);
    const outcome = waiting && outcomeIn(event);
    if (waiting && outcome) {
      if (waiting.isAnswered) {
        this.#waiting.delete(event.payment);
        this.#outcome(`payment ${event.payment}`, outcome);
      } else waiting.outcome = outcome;
    }
    if (event.type !== "posted" || event.originator === node.name) return;
    const legs = event.legs.map((leg) => ({ ...leg, account: addressOf(leg) }));
    const isCharged = event.legs.some((leg) => isCardLeg(leg) && leg.participant === node.name);
    const what = style.paint("good", isCharged ? "charged" : "received");
    this.#say(`${what} ${legsText(legs)}, payment ${event.payment}`);
  }

  #watchLink(): void {
    const { node, style } = this.#options;
    const isLinked = node.isReady();
    if (isLinked === this.#isLinked) return;
    const hasWaited = this.#isLinked === false;
    this.#isLinked = isLinked;
    if (!isLinked) {
      const text = this.#wasLinked
        ? "the coordinator is lost: no payments until it returns"
        : "waiting for the coordinator: this node keeps trying";
      return this.#say(style.paint("warning", text));
    }
    if (hasWaited) {
      const where = this.#wasLinked ? "back" : "there";
      this.#say(style.paint("good", `the coordinator is ${where}: this node takes payments`));
    }
    this.#wasLinked = true;
  }

  #say(line: string): void {
    this.#options.say(line);
  }
}

/** What an event in this node's log means for a payment that it ordered. */
function outcomeIn({ type, code }: NodeEvent): Outcome | undefined {
  if (type === "posted" || type === "committed") return { isCommitted: true };
  // Released without a code, only an attempt has failed.
  if (type === "aborted" || (type === "released" && code !== undefined)) {
    return { isCommitted: false, code };
  }
  return undefined;
}

const rejections: Readonly<Record<string, string>> = {
  coordinator_unreachable: "the coordinator cannot be reached; nothing was paid, try again later",
  overloaded: "too many payments are under way; nothing was paid, try again later",
};
