/** Every bound of Handfast, with its unit; how they depend on each other is asserted below. */

import { invariant } from "./errors.ts";

// Payments

export const legsMax = 64;
/** Minor units, of one leg. */
export const amountMax = 10n ** 15n;
export const amountMin = -amountMax;
/** The last moment that a date can have (ECMA-262). */
export const dateMsMax = 8.64e15;
/** How far a payment id's time, or the beginning of a statement, may lie ahead of a node's clock. */
export const paymentIdAheadMsMax = 5 * 60_000;
/** Payments that one participant has under way for its users; past it: `overloaded`. */
export const ownOrdersMax = 20_000;
/** Payments that a participant remembers as lost from its log, the latest. */
export const lostPaymentsMax = 10_000;
/** Transactions open at the coordinator; past it: `overloaded`. */
export const openTransactionsMax = 50_000;
/** Of them those that wait for one participant's vote; past it, orders that need it: `overloaded`. */
export const unvotedMax = 10_000;
/** From a user's order until the coordinator has begun it, beyond what it takes where none is before
 * it: a participant that measures more takes on less. */
export const orderDelayMsMax = 200;
/** Orders on their way to the coordinator: before anything is measured, and however long they take. */
export const ordersOutAtFirst = 2_048;
export const ordersOutMin = 64;
/** How long orders may wait in the coordinator's queue. Once each of them has waited longer for so
 * long, new ones get `overloaded`: less is a pause. */
export const orderWaitMsMax = 250;
export const orderWaitStandsMs = 500;

// Cards

/** Of a card's number (ISO/IEC 7812-1 has at most 19). */
export const cardDigitsMin = 12;
export const cardDigitsMax = 19;
/** Failures of one card, or of one merchant's charges, after which an issuer looks at no more of them
 * until so long after the first of these. A merchant takes cards of many. */
export const cardFailuresMax = 5;
export const merchantFailuresMax = 20;
export const cardFailuresMs = 10 * 60_000;
/** Declined charges that an issuer remembers the reason of. */
export const declinesKept = 100;

// Time

export const tickIntervalMs = 100;
/** How long an entry may be on its way to the disk before the node says that it takes no payments. */
export const diskWaitMsMax = 3_000;
/** A participant whose clock is farther from its coordinator's says so, at most once in so long. */
export const clockOffsetMsMax = 60_000;
export const clockWarningMs = 60 * 60_000;
/** From a transaction's start until the coordinator aborts it for want of votes. */
export const voteTimeoutMs = 3_000;
/** Between two inquiries of a participant in doubt. */
export const inquiryIntervalMs = 1_000;
/** How long a linked coordinator may say nothing about a transaction in doubt before peers are asked, too. */
export const inquiryAnswerMsMax = 5_000;
/** From a coordinator's start until it presumes aborts of what was begun before, though not all participants
 * have linked: all that run have dialled by then. */
export const presumptionMs = 9_000;
/** Between two sends of a message that has not been answered. */
export const resendIntervalMs = 1_000;
/** How long a request waits for its outcome unless it says otherwise. */
export const waitMsDefault = 10_000;
export const waitMsMax = 60_000;
/** How long an order waits for the introduction of whom it tells something: it may have just come. */
export const introductionMsMax = 1_000;
/** How long an originator remembers an order for which no user waits any more. */
export const orderMemoryMs = 30_000;
/** Orders that are sent again in one turn: with all that they tell, some megabytes. */
export const ordersRepeatedMax = 1_000;
/** From SIGTERM until what is still open is left to recovery. */
export const drainMs = 4_500;

// Status page

/** Every payment is in doubt for a moment: the page warns of those that stay so. */
export const doubtShownAfterMs = 4_000;
/** Of payments in doubt on the page: the command lists all. */
export const doubtsShownMax = 20;

// Operators

/** Every commit waits for its acks for a moment: a status tells of those that wait longer. */
export const acksToldAfterMs = 4_000;

/** Of the name by which an operator is recorded, in UTF-16 units. */
export const operatorLengthMax = 64;

// Details

/** Of a memo, in UTF-16 units: as much as ISO 20022 has for what a payment is about. */
export const memoLengthMax = 140;
/** Of a reference, likewise: an end-to-end identification of ISO 20022. */
export const referenceLengthMax = 35;
/** Details have a multiple of it, by padding, so that their length tells little. */
export const detailsPadBytes = 256;
/** Of what one recipient is told, padded. */
export const detailsBytesMax = 3 * detailsPadBytes;
/** As sealed. */
export const sealedDetailsBytesMax = detailsBytesMax + 48;
/** Recipients of details in one payment: what all of them are told travels in one order. */
export const detailsRecipientsMax = 4;
/** Counted of a turn for each value that its details write, beside what is sealed: few are left then. */
export const detailsValueBytes = 512;

// Links

/** A whole frame. One this small is acted on alone: the acceptor can't turn Nagle's algorithm off. */
export const frameBytesMax = 16 * 1024;
/** Of a frame what the codec may fill: links put their own few bytes before it. */
export const framePayloadBytesMax = frameBytesMax - 64;
/** Of the statements under one signature, a hundred of most kinds: the list comes along with each of
 * them that is passed on. */
export const statementListBytesMax = 4_608;
/** Of one of them with its length: its kind, a transaction, an entry's number and place, and a hash. */
export const statementBytesMax = 72;
/** Of a batch in a frame or an entry: the list of its statements, who signed it, and its signature. */
export const batchBytesMax = statementListBytesMax + 128;
/** A frame of the handshake: it carries one certificate and a signature. */
export const handshakeFrameBytesMax = 8 * 1024;
export const handshakeTimeoutMs = 3_000;
/** Connections that have not yet proven who they are. */
export const handshakesMax = 64;
/** Connections on which TLS does not stand, whose sockets can't be freed; 36 KiB each. */
export const unsecuredMax = 2_048;
export const heartbeatIntervalMs = 1_000;
/** A peer silent for longer than this is taken for gone. */
export const silenceMsMax = 4_000;
/** How long the holder of a name has to answer a ping when another node claims the name. */
export const holderAnswerMsMax = 1_000;
export const reconnectMsMin = 100;
export const reconnectMsMax = 5_000;
/** From the first peer that refuses a coordinator for amnesia until it ends: all others have dialled by then. */
export const refusalsMs = 6_000;
/** Messages that wait while whoever stated them is introduced; past it they are lost, and sent again. */
export const strangersMax = 4_096;
/** Bytes queued for one peer; past it the link is closed, and what was queued is sent again later. */
export const linkQueueBytesMax = 32 * 1024 * 1024;
/** Nodes in a network: clocks, which name them all, must fit a frame together with an order. */
export const peersMax = 128;
/** `HOST:PORT` as told to peers, in characters. */
export const addressLengthMax = 300;
/** Nodes in one message that tells where they are. */
export const directoryNodesMax = 5;
/** Certificate and voucher together. */
export const introductionBytesMax = 1_800;
/** How long a connection that is closed has to take what was written and to close its own side. */
export const lingerMsMax = 500;

// Certificates

export const caValidityDays = 3_650;
/** 825 days: what browsers accept of a CA that was installed by hand. */
export const nodeValidityDays = 825;
/** A certificate that ends sooner is to be renewed now. */
export const renewalDays = 30;
/** How often a node looks whether the CA has revoked more. */
export const revocationsReadMs = 5_000;
/** How far before its making a certificate begins, for peers whose clocks are behind. */
export const certificateBackdateMs = 60 * 60_000;

// Log. The first three are Deno KV's own, as measured on 2.7.11 and 2.9.6.

export const kvValueBytesMax = 65_536;
export const kvCommitBytesMax = 819_200;
export const kvCommitMutationsMax = 1_000;
/** Of an entry in one value; what is longer is split. Leaves room for the value's own encoding. */
export const entryPartBytesMax = 60_000;
/** What encryption adds to a value. */
export const sealedOverheadBytes = 35;
/** The certificate of a payment, with the entry that holds it. */
export const proofBytesMax = 2 * 1024 * 1024;
/** Encoded records of one turn, which ends with the event that passes it. */
export const turnBytesMax = 450_000;
/** Events of one turn: keeps a turn, and so every answer that waits for it, short. */
export const turnEventsMax = 4_096;
/** Events queued for a node's loop; past it new payments get `overloaded`. */
export const queueEventsMax = 100_000;
/** Entries of the log that were read again, kept in memory: a payment is spread over a few, which lie near
 * those of its neighbours. */
export const entriesKept = 12;
/** Of a checkpoint's writes that are committed together; a whole piece of state is one. */
export const checkpointCommitBytes = 160_000;
export const checkpointCommitWrites = 50;
/** Records after which a checkpoint is due. */
export const checkpointRecordsDefault = 100_000;
/** Checkpoints, one on the other, that a replay reads at most. */
export const checkpointLayersMax = 64;
/** Of what is not read any more: keys deleted with one checkpoint, which seldom writes as many, and of
 * these with one commit. */
export const unusedKeysMax = 5_000;
export const unusedKeysPerCommit = 500;
/** Index items in one page: one read of a few KiB finds an id. */
export const indexPageItems = 256;
/** Runs of what comes in no order, merged as often, that are merged into one. */
export const runsMerged = 3;
/** Pages that a checkpoint writes of each merge: at least, and for each new page of its kind. */
export const mergePagesMin = 64;
export const mergePagesPerPage = 2;
/** Runs of payments with ids ahead of their time, the last, each with a filter in memory: of the others none
 * has an id of now. */
export const filteredRunsMax = 64;
/** Six payments in a thousand pass a filter that does not have them. */
export const filterBitsPerItem = 12;
export const filterProbes = 4;
/** Keys that the index is asked for at once; each may take pages of several runs into memory. */
export const lookUpsMax = 64;
/** Ids that are reserved for it, past which nothing is looked up for what a peer asks about: it asks again. */
export const askedLookUpsMax = 1_024;
/** A log that is longer is cleared of what was erased when its node starts next, not when it stops:
 * that takes 11 to 14 s a GB. */
export const wipedAtCloseBytesMax = 128 * 1024 * 1024;

// HTTP

export const requestBytesMax = 64 * 1024;
/** Of a batch of payments: lines, and bytes of all of them. */
export const paymentBatchLinesMax = 10_000;
export const paymentBatchBytesMax = 8 * 1024 * 1024;
/** Payments that a participant is given back in one request. */
export const restoredAtOnceMax = 1_000;
/** Payments of one batch that are under way at a time: more pay no faster. */
export const paymentBatchUnderWayMax = 1_024;
/** Until a payment of a batch is tried again that found too much under way. */
export const paymentBatchRetryMs = 100;
/** Batches under way at one participant; past it: `overloaded`. */
export const paymentBatchesMax = 8;
export const idempotencyKeyLengthMax = 255;
/** Accounts in one page. */
export const accountsLimit = 1_000;
export const listLimitDefault = 50;
export const listLimitMax = 500;
/** Payments that the command line lists at once, from as many pages as that takes. */
export const listedPaymentsMax = 10_000;
/** Records that are read for one list before it ends early, but for the rest of an entry. */
export const listRecordsMax = 20_000;
/** Streams of events open at once, of all clients. */
export const streamsMax = 64;
/** Bytes that may wait for one client; what is sent past it closes the stream, and it resumes. */
export const streamBytesMax = 256 * 1024;
/** Live events that may wait for one client. */
export const streamEventsMax = 5_000;
/** Between two comments that show that a stream lives. */
export const streamHeartbeatMs = 5_000;
/** How many of those may find no room before the stream is closed. */
export const streamMissedBeatsMax = 12;
/** Records of a statement that are gone through at once, but for the rest of an entry. */
export const statementTurnRecords = 500;
/** How often a statement tells how far it has read. */
export const statementReadingMs = 1_000;
/** How much of a statement is gathered before it is sent, in characters. */
export const statementPieceLength = 16_384;

invariant(tickIntervalMs < inquiryIntervalMs, "time-outs are noticed on ticks");
invariant(inquiryIntervalMs < voteTimeoutMs, "a lost vote is found before the vote timeout");
invariant(
  3 * inquiryIntervalMs < inquiryAnswerMsMax,
  "a few inquiries may be lost before peers are asked while the coordinator is linked",
);
invariant(voteTimeoutMs < inquiryAnswerMsMax, "no peer refuses what is still voted on");
invariant(resendIntervalMs < voteTimeoutMs, "a lost prepare is sent again before the vote timeout");
invariant(voteTimeoutMs < clockOffsetMsMax, "how long a vote takes is no fault of a clock");
invariant(voteTimeoutMs < waitMsDefault, "a user who waits learns of an abort by timeout");
invariant(voteTimeoutMs < doubtShownAfterMs, "what waits for another's vote is nothing to warn of");
invariant(introductionMsMax < waitMsDefault, "who waits for an introduction waits for the outcome");
invariant(
  orderMemoryMs > voteTimeoutMs,
  "an order is remembered while its transaction may be open",
);
invariant(
  paymentBatchesMax * paymentBatchUnderWayMax < ownOrdersMax,
  "no payment of a batch is too many, and others have room beside them",
);
invariant(ownOrdersMax < queueEventsMax, "what users have under way may be queued");
invariant(
  paymentBatchesMax * paymentBatchUnderWayMax < unvotedMax,
  "one participant may be paid by all batches of another at once",
);
invariant(
  2 * unvotedMax <= ownOrdersMax && 2 * unvotedMax <= openTransactionsMax,
  "a participant that does not vote leaves room to payments that do not need it",
);
invariant(
  ordersOutMin < ordersOutAtFirst && ordersOutAtFirst < ownOrdersMax,
  "orders on their way are orders under way",
);
invariant(
  orderDelayMsMax < orderWaitMsMax,
  "participants take on less before the coordinator has to reject",
);
invariant(
  orderWaitMsMax + orderWaitStandsMs < voteTimeoutMs,
  "votes do not wait in the same queue until their transactions are aborted",
);
invariant(
  2 * orderDelayMsMax < resendIntervalMs,
  "an order is known to be late before it is sent again",
);
invariant(
  unusedKeysPerCommit <= kvCommitMutationsMax,
  "what is not read any more is deleted in commits that the storage takes",
);
invariant(heartbeatIntervalMs * 2 < silenceMsMax, "one lost heartbeat is no silence");
invariant(
  reconnectMsMax < refusalsMs,
  "whoever runs has dialled before a refused coordinator ends",
);
invariant(
  handshakeTimeoutMs + reconnectMsMax < presumptionMs,
  "whoever runs has dialled before aborts are presumed without those who do not",
);
invariant(
  holderAnswerMsMax < handshakeTimeoutMs,
  "the holder of a name is asked within a handshake",
);
invariant(
  directoryNodesMax * (addressLengthMax + introductionBytesMax + 48) + (peersMax + 1) * 40 <
    framePayloadBytesMax,
  "a directory message fits a frame together with a clock",
);
invariant(
  (peersMax + 1) * 40 + legsMax * 80 + batchBytesMax < framePayloadBytesMax,
  "an order fits a frame together with a clock and the list that it was signed in",
);
invariant(
  3 * memoLengthMax + 3 * referenceLengthMax + 128 < detailsBytesMax,
  "what may be said fits the details, whatever its characters",
);
invariant(
  (peersMax + 1) * 40 + legsMax * 80 + detailsRecipientsMax * (sealedDetailsBytesMax + 48) <
    framePayloadBytesMax,
  "an order fits a frame together with a clock and what it tells its recipients",
);
invariant(
  (peersMax + 1) * 40 + legsMax * 80 + batchBytesMax + sealedDetailsBytesMax + 48 +
      detailsRecipientsMax * 80 < framePayloadBytesMax,
  "a prepare fits a frame together with a clock, a list of statements and what a recipient is told",
);
invariant(
  2 * (peersMax + 1) * 40 + batchBytesMax < framePayloadBytesMax,
  "a decision fits a frame together with two clocks and the list that it was signed in",
);
invariant(
  frameBytesMax + kvCommitBytesMax + (legsMax + 2) * (introductionBytesMax + batchBytesMax + 256) <
    proofBytesMax,
  "a proof has an order, an entry, and what each signer has signed",
);
invariant(handshakeFrameBytesMax <= frameBytesMax, "a handshake fits the frames");
invariant(
  entryPartBytesMax + sealedOverheadBytes < kvValueBytesMax,
  "a part of an entry fits a value, encrypted too",
);
invariant(
  turnBytesMax / detailsValueBytes + 2 + Math.ceil(kvCommitBytesMax / entryPartBytesMax) + 1 <
    kvCommitMutationsMax,
  "a turn has no more values than a commit takes: its head, its entry's parts, its details",
);
invariant(
  turnBytesMax + legsMax * 80 + (legsMax + 1) * batchBytesMax + (peersMax + 1) * 120 +
      sealedOverheadBytes * Math.ceil(kvCommitBytesMax / entryPartBytesMax) < kvCommitBytesMax,
  "a turn fits one atomic commit, encrypted too, also with a commit at its end whose proofs have a " +
    "batch each",
);
