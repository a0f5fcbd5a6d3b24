/** A card as a person or a program gives it: asked for without echo, or read from stdin. */

import { z } from "zod";
import { UsageError } from "../errors.ts";
import { cardDigitsMax, cardDigitsMin } from "../limits.ts";
import { expiryText, isCvv, parseCardDigits, parseExpiry } from "../protocol/card.ts";
import type { Hidden } from "./command.ts";
import type { Io } from "./io.ts";

export interface CardInput {
  /** Digits. */
  readonly number: string;
  /** `MM/YY` */
  readonly expiry: string;
  readonly cvv?: string;
}

type Part = keyof CardInput;

const questions: Readonly<Record<Part, string>> = {
  number: "card number",
  expiry: "expiry, MM/YY",
  cvv: "CVV, or Enter for none",
};

/** An argument stands in the list of processes and in the shell's history. */
export const hiddenCard: Hidden = {
  flags: ["number", "card", "card-number", "pan", "expiry", "expires", "cvv", "cvc", "csc"],
  refusal: "a card is never given as an argument, where others on this machine can see it: it is " +
    "asked for, or read from stdin, one line each for number, expiry and CVV, or as JSON",
};

export const cardNotes: readonly string[] = [
  "The card is asked for without echo, or read from stdin: number, expiry (MM/YY) and CVV, one line",
  'each, or {"number":"…","expiry":"MM/YY","cvv":"…"}. It is never an argument.',
];

/**
 * Reads the parts of a card that are wanted; no error repeats any of them.
 *
 * @throws {UsageError} for what is missing or can't be part of a card
 */
export async function readCard<P extends Part>(
  io: Io,
  wanted: readonly P[],
): Promise<Pick<CardInput, P>> {
  const given = io.isTerminal ? await askedFor(io, wanted) : partsIn(await io.input());
  const parts = wanted.map((part) => [part, parse[part](given[part]?.trim() ?? "")]);
  return Object.fromEntries(parts) as Pick<CardInput, P>;
}

async function askedFor(io: Io, wanted: readonly Part[]): Promise<Partial<Record<Part, string>>> {
  const given: Partial<Record<Part, string>> = {};
  for (const part of wanted) given[part] = await io.askSecret(questions[part]);
  return given;
}

const parse: Readonly<Record<Part, (text: string) => string | undefined>> = {
  number: (text) => {
    const digits = parseCardDigits(text);
    if (digits !== undefined) return digits;
    throw new UsageError(
      `the card number must be ${cardDigitsMin} to ${cardDigitsMax} digits, with spaces or dashes ` +
        "between them or none",
    );
  },
  expiry: (text) => {
    const expiry = parseExpiry(text);
    if (expiry) return expiryText(expiry);
    throw new UsageError("the expiry must be MM/YY, as it stands on the card");
  },
  cvv: (text) => {
    if (text === "") return undefined;
    if (isCvv(text)) return text;
    throw new UsageError("the CVV must be 3 or 4 digits");
  },
};

const inputSchema = z.object({
  number: z.string(),
  expiry: z.string().optional(),
  cvv: z.string().optional(),
});

function partsIn(text: string): Partial<Record<Part, string>> {
  if (!text.trimStart().startsWith("{")) {
    const [number, expiry, cvv] = text.split("\n");
    return { number, expiry, cvv };
  }
  const { data } = inputSchema.safeParse(jsonIn(text));
  if (data) return data;
  throw new UsageError('the JSON on stdin is not {"number":"…","expiry":"MM/YY","cvv":"…"}');
}

/** Nothing where it is none: what the parser says of it repeats some of it. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
