/** Whether what came was stated by who is said to have stated it. */

import { decisionStatement, signedBytes, states, statesOrder } from "../codec/statement.ts";
import { FormatError, messageOf } from "../errors.ts";
import { sameIntroduction } from "../protocol/membership.ts";
import type { Address, Directory, Introduction, Message } from "../protocol/message.ts";
import type { Order } from "../protocol/order.ts";
import { sameBytes } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";

/** A node's own key, and what it takes to believe others'. */
export interface Trust {
  /** Of this node, to be shown to those who know the CA alone. */
  readonly introduction: Introduction;
  /** Signs with this node's key; 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
  /** Whether the node of an introduction that has been checked has signed exactly this. */
  hasSigned(by: Introduction, bytes: Uint8Array, signature: Uint8Array): boolean;
  /**
   * Resolves to whether it is that of a node of this name in this network, today; false where it was
   * until its certificate expired or was revoked. Rejects with what is wrong with any other.
   */
  check(name: string, introduction: Introduction): Promise<boolean>;
  /** Whether the CA has revoked the certificate of an introduction that has been checked. */
  isRevoked(introduction: Introduction): boolean;
}

export interface StatementsOptions {
  readonly name: string;
  /** SHA-256 of the CA's certificate, hexadecimal. */
  readonly network: string;
  readonly trust: Trust;
  readonly introductionOf: (name: string) => Introduction | undefined;
  /** Of one that has no introduction: whether it had one, which the CA has revoked. */
  readonly isRevoked: (name: string) => boolean;
  readonly alarm: (text: string) => void;
}

/** What becomes of the messages of a frame. Those that are in neither list are false. */
export interface Heard {
  readonly believed: readonly Message[];
  /** Stated by somebody whom nobody has introduced yet. */
  readonly strangers: readonly Message[];
}

export class Statements {
  readonly #options: StatementsOptions;
  /** Batches come with every statement of theirs, and are checked once. */
  readonly #checked = new WeakMap<Batch, boolean>();
  /** What was signed last. */
  #last: { readonly list: Uint8Array; readonly signature: Uint8Array } | undefined;

  constructor(options: StatementsOptions) {
    this.#options = options;
  }

  /** Signs what this node states in a frame. Two participants are mostly told the same. */
  readonly sign = (list: Uint8Array): Uint8Array => {
    const { name, network, trust } = this.#options;
    if (this.#last && sameBytes(this.#last.list, list)) return this.#last.signature;
    const signature = trust.sign(signedBytes(network, { signer: name, list }));
    this.#last = { list, signature };
    return signature;
  };

  /**
   * The messages of a frame that may be believed to be from whom they say they are.
   *
   * @throws {FormatError} if the sender has not signed what it states
   */
  believed(
    from: string,
    messages: readonly Message[],
    batch: Batch | undefined,
  ): Heard {
    if (batch && !this.#holds(batch)) {
      throw new FormatError(`statements that ${from} has not signed`);
    }
    const strangers: Message[] = [];
    const isBelieved = (message: Message) => this.#isBelieved(from, message, batch, strangers);
    const first = messages.findIndex((message) => !isBelieved(message));
    if (first === -1) return { believed: messages, strangers };
    const rest = messages.slice(first + 1).filter(isBelieved);
    return { believed: messages.slice(0, first).concat(rest), strangers };
  }

  /** The nodes of a directory whose introductions hold. */
  async introduced(from: string, { nodes }: Directory): Promise<Directory> {
    const { trust, alarm, introductionOf } = this.#options;
    const believed: Address[] = [];
    for (const node of nodes) {
      const { name, address, introduction } = node;
      try {
        const isKnown = !introduction || sameIntroduction(introductionOf(name), introduction);
        const isValid = isKnown || await trust.check(name, introduction);
        // Of one that has ended the name is still known, as the clocks of others name it.
        believed.push(isValid ? node : { name, address });
      } catch (error) {
        alarm(`${from} introduces "${name}" falsely: ${messageOf(error)}`);
      }
    }
    return { type: "directory", nodes: believed };
  }

  #isBelieved(
    from: string,
    message: Message,
    batch: Batch | undefined,
    strangers: Message[],
  ): boolean {
    const { name, alarm } = this.#options;
    switch (message.type) {
      case "prepare": {
        const { order, proof } = message;
        // Its own order a node knows, or has forgotten: then it will not debit for it.
        if (order.originator === name) return true;
        const isTheirs = proof?.batch.signer === order.originator;
        if (isTheirs && this.#holds(proof.batch) && isOfOrder(proof, order)) return true;
        if (this.#isRevoked(order.originator)) {
          const what = `asks to prepare ${order.payment}, which ${order.originator} has ordered`;
          alarm(`${from} ${what} by a key that is revoked`);
          return false;
        }
        if (this.#isStranger(order.originator)) {
          strangers.push(message);
          return false;
        }
        alarm(`${from} asks to prepare ${order.payment}, which ${order.originator} has not signed`);
        return false;
      }
      case "decision": {
        const { proof, transaction } = message;
        if (!proof || proof.batch === batch) return true;
        if (isOf(proof, decisionStatement(message)) && this.#holds(proof.batch)) {
          return true;
        }
        const { signer } = proof.batch;
        if (this.#isRevoked(signer)) {
          alarm(
            `${from} passes on a decision of ${transaction} by a key of ${signer} that is revoked`,
          );
          return false;
        }
        if (this.#isStranger(signer)) {
          strangers.push(message);
          return false;
        }
        alarm(`${from} passes on a decision of ${transaction} that ${signer} has not signed`);
        return false;
      }
      default:
        return true;
    }
  }

  /** Whether nobody has introduced a node yet. */
  #isStranger(name: string): boolean {
    return this.#options.introductionOf(name) === undefined;
  }

  #isRevoked(name: string): boolean {
    return this.#isStranger(name) && this.#options.isRevoked(name);
  }

  #holds(batch: Batch): boolean {
    const known = this.#checked.get(batch);
    if (known !== undefined) return known;
    const { network, trust, introductionOf } = this.#options;
    const introduction = introductionOf(batch.signer);
    // It may come later.
    if (!introduction) return false;
    const holds = trust.hasSigned(introduction, signedBytes(network, batch), batch.signature);
    this.#checked.set(batch, holds);
    return holds;
  }
}

/** What does not hold together states nothing. */
function isOfOrder(proof: Proof, order: Order): boolean {
  try {
    return statesOrder(proof, order);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

function isOf(proof: Proof, statement: Uint8Array): boolean {
  try {
    return states(proof, statement);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
