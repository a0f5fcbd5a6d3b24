/** What the process tells whoever called it. */
export const exitCode = {
  /** For `pay`: committed. */
  done: 0,
  failed: 1,
  usage: 2,
  /** Aborted, definitely. */
  aborted: 3,
  /** The outcome is unknown: it may have happened. */
  unknown: 4,
  violation: 5,
} as const;
