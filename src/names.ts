/** How nodes and accounts are named, and what a node can be. */

export type Role = "coordinator" | "participant";

/** Whether `text` can name a node or an account: `[a-z][a-z0-9-]{0,30}`. */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

const namePattern = /^[a-z][a-z0-9-]{0,30}$/;
