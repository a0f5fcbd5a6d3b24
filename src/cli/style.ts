/** How results look: colours and aligned columns are for people at a terminal. */

import { stripVTControlCharacters, styleText } from "node:util";

export type Tone = "good" | "bad" | "warning" | "quiet" | "strong";

export interface Style {
  /** The first row is the heading unless there is none. */
  table(rows: readonly (readonly string[])[], hasHeading?: boolean): string[];
  paint(tone: Tone, text: string): string;
}

/** For programs and files: cells separated by a tab, so that `cut` finds them. */
export const plainStyle: Style = {
  table: (rows) => rows.map((row) => row.join("\t")),
  paint: (_tone, text) => text,
};

export function terminalStyle(hasColour: boolean): Style {
  const paint = hasColour ? coloured : plainStyle.paint;
  return {
    paint,
    table: (rows, hasHeading = true) =>
      alignedLines(rows, hasHeading).map((line, index) =>
        hasHeading && index === 0 ? paint("strong", line) : line
      ),
  };
}

const formats = {
  good: "green",
  bad: "red",
  warning: "yellow",
  quiet: "gray",
  strong: "bold",
} as const satisfies Record<Tone, string>;

function coloured(tone: Tone, text: string): string {
  // Whether the stream takes colours has been decided already.
  return styleText(formats[tone], text, { validateStream: false });
}

/** Columns as wide as their widest cell; those of numbers and amounts are set to the right. */
function alignedLines(rows: readonly (readonly string[])[], hasHeading: boolean): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const body = hasHeading ? rows.slice(1) : rows;
  const widths: number[] = [];
  const isNumeric: boolean[] = [];
  for (let column = 0; column < columns; column++) {
    widths.push(Math.max(...rows.map((row) => visible(row[column]).length)));
    isNumeric.push(body.every((row) => /^(-?[\d.,]+( [A-Z]{3})?)?$/.test(visible(row[column]))));
  }
  return rows.map((row) =>
    row.map((cell, column) => {
      const padding = " ".repeat((widths[column] ?? 0) - visible(cell).length);
      return isNumeric[column] === true ? padding + cell : cell + padding;
    }).join("  ").trimEnd()
  );
}

function visible(cell = ""): string {
  return stripVTControlCharacters(cell);
}
