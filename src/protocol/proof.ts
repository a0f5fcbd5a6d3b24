/** Statements that nodes have signed, as far as the protocol carries and keeps them: what they say and whether
 * they hold is for the codec and the keys. */

/** All that a node stated in one frame, under one signature. */
export interface Batch {
  /** The node's name. */
  readonly signer: string;
  /** The statements, each with its length before it. */
  readonly list: Uint8Array;
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array;
}

/** One of a batch's statements. */
export interface Proof {
  readonly batch: Batch;
  /** From 0. */
  readonly index: number;
}
