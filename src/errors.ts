/** The errors that callers tell apart by class; everything else is the closest built-in one. */

/** What a person typed, or a file a person wrote, is wrong. The command line exits 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A data folder, log or peer does not hold what it must, so the node stops and writes nothing. */
export class IntegrityError extends Error {
  override name = "IntegrityError";
}

/** Bytes that are not what their format says. `RangeError`s of reading past the end count too. */
export class FormatError extends Error {
  override name = "FormatError";
}

/** Thrown when an invariant of the program itself does not hold: a bug, never bad input. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Throws {@linkcode InvariantError} unless `holds`. For what can't be; it stays in the release. */
export function invariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new InvariantError(message);
}

/** What somebody gave, as an error repeats it: of a long text only how it begins. */
export function shortened(text: string): string {
  return text.length <= shownLengthMax ? text : `${text.slice(0, shownLengthMax)}…`;
}

const shownLengthMax = 64;

/** What somebody else wrote, made fit for one line of a log or terminal: nothing in it moves or hides. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
