/** What the checks find, without drowning the reader: many of a kind become a few and a number. */

/** Lines of one kind that are told one by one. */
export const linesOfKindMax = 20;

export interface Report {
  /** SHA-256 of the CA's certificate, hexadecimal, as the first log has it; nothing where none has. */
  readonly network?: string;
  /** What breaks a promise, each in one line that names node, entry or payment. */
  readonly violations: string[];
  /** What would have needed a log that was not given, or that can't be read. */
  readonly notChecked: string[];
  /** One line a node, one a currency. */
  readonly summary: string[];
}

export class Findings {
  readonly #violations = new Map<string, { lines: string[]; count: number }>();
  readonly #notChecked = new Map<string, { unit: string; count: number }>();
  readonly summary: string[] = [];

  /**
   * @param kind the check that failed
   * @param linesMax lines of the kind that are told one by one
   */
  violation(kind: string, line: string, linesMax = linesOfKindMax): void {
    const known = this.#violations.get(kind) ?? { lines: [], count: 0 };
    this.#violations.set(kind, known);
    known.count++;
    if (known.lines.length < linesMax) known.lines.push(line);
  }

  /** The same `line` again only adds to its number of `unit`. */
  notChecked(line: string, unit = ""): void {
    const known = this.#notChecked.get(line) ?? { unit, count: 0 };
    this.#notChecked.set(line, known);
    known.count++;
  }

  report(network?: string): Report {
    const violations: string[] = [];
    for (const [kind, { lines, count }] of this.#violations) {
      violations.push(...lines);
      if (count > lines.length) violations.push(`… and ${count - lines.length} more (${kind})`);
    }
    const notChecked: string[] = [];
    for (const [line, { unit, count }] of this.#notChecked) {
      notChecked.push(unit ? `${line} (${plural(count, unit)})` : line);
    }
    return { network, violations, notChecked, summary: this.summary };
  }
}

export function plural(count: number, unit: string): string {
  const few = unit.endsWith("y") ? `${unit.slice(0, -1)}ies` : `${unit}s`;
  return `${count} ${count === 1 ? unit : few}`;
}
