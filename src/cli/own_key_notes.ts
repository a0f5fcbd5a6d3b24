/** What the help of the commands that make keys says of a node's signing and sealing keys. */
export const ownKeyNotes: readonly string[] = [
  "A node's NAME.signing.key and NAME.sealing.key are made where they are missing and never replaced,",
  "also not with --force: without its sealing key a node can't read details that were sealed to it.",
  "For other keys move the files away first: payments with a memo that were sent before, by this node",
  "or to it, can then be asked for by their ids, but not sent again.",
];
