/** What a coordinator does at every event in every state of {@linkcode states}. */

import type { Row } from "./in_words.ts";

export const coordinatorTable: readonly Row[] = [
  {
    event: "order",
    rule:
      "The idempotency key is the payment's id; AC2: the first recorded outcome is its outcome for ever",
    does: {
      "new": "> bob prepare T1 > alice prepare T1",
      "looking up, voting, one yes": "",
      "committing, one ack, committed": "> alice outcome committed @then replayed",
      "aborted": "> alice outcome aborted account_not_found @then replayed",
      "indexed": "?",
    },
  },
  {
    event: "order of other legs",
    rule: "id_reused: same id, other payment",
    does: {
      "new": "> bob prepare T1 > alice prepare T1",
      "looking up": "",
      "indexed": "?",
      "otherwise": "> alice outcome rejected id_reused",
    },
  },
  {
    event: "order of another originator",
    rule: "409 while the id is running for another originator, else id_reused",
    does: {
      "new": "> alice prepare T1 > bob prepare T1",
      "looking up": "",
      "voting, one yes": "> bob outcome rejected id_in_use",
      "committing, one ack, committed, aborted": "> bob outcome rejected id_reused",
      "indexed": "?",
    },
  },
  {
    event: "order in another's name",
    rule: "Closed: only as who it is",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "yes of alice",
    rule: "AC1, AC3: commit needs every vote; nothing is told before `committed` is durable",
    does: {
      "new": "> alice abort T1",
      "looking up, voting": "",
      "one yes": "committed T1, sync > alice commit T1 @now > bob commit T1 @now",
      "committing, one ack, committed": "> alice commit T1 @then",
      "aborted": "> alice abort T1 account_not_found @then",
      "indexed": "?",
    },
  },
  {
    event: "yes of bob",
    rule: "A late yes is answered as an inquiry: presumed abort if neither open nor logged",
    does: {
      "new": "> bob abort T1",
      "looking up, voting, one yes": "",
      "committing, one ack, committed": "> bob commit T1 @then",
      "aborted": "> bob abort T1 account_not_found @then",
      "indexed": "?",
    },
  },
  {
    event: "yes of a stranger",
    rule: "Closed: only who has a leg votes",
    does: {
      "new": "> carol abort T1",
      "looking up": "",
      // The order that was aborted may be another's of the same id: nothing is said of it.
      "aborted": "> carol abort T1",
      "indexed": "?",
      "otherwise": "!",
    },
  },
  {
    event: "yes on an older transaction",
    rule: "A transaction lost to presumed abort says nothing about its payment",
    does: {
      "looking up": "",
      "aborted": "> bob abort T0 account_not_found @then",
      "indexed": "?",
      "otherwise": "> bob abort T0",
    },
  },
  {
    event: "yes of a stranger on an older transaction",
    rule: "Whoever voted yes is told, also of an attempt whose id another's order has taken since",
    does: {
      "looking up": "",
      "indexed": "?",
      // No code either: the order that was aborted is another's of the same id.
      "otherwise": "> carol abort T0",
    },
  },
  {
    event: "yes to another order",
    rule: "A vote counts for the order that it names: for another it changes nothing and is raised",
    does: {
      "new": "> bob abort T1",
      "voting, one yes": "!",
      "looking up": "",
      // A late yes is an inquiry, whatever it was to.
      "committing, one ack, committed": "> bob commit T1 @then",
      "aborted": "> bob abort T1 account_not_found @then",
      "indexed": "?",
    },
  },
  {
    event: "no with a code",
    rule: "AC3: one no aborts; `aborted` is durable before it is told under the payment's id",
    does: {
      "voting, one yes":
        "aborted account_not_found, sync > alice abort T1 account_not_found @now > bob abort T1 account_not_found @now",
      "otherwise": "",
    },
  },
  {
    event: "no without a code",
    rule: "Only this attempt is lost: no outcome is recorded",
    does: {
      "voting, one yes": "> alice abort T1 > bob abort T1",
      "otherwise": "",
    },
  },
  {
    event: "no to another order",
    rule: "A vote counts for the order that it names: for another it changes nothing and is raised",
    does: {
      "voting, one yes": "!",
      "otherwise": "",
    },
  },
  {
    event: "no of a stranger",
    rule: "Closed: only who has a leg votes",
    does: {
      "voting, one yes": "!",
      "otherwise": "",
    },
  },
  {
    event: "no on an older transaction",
    rule: "Whoever voted no holds nothing",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "inquiry",
    rule: "Open: undecided; logged: the decision; neither: abort",
    does: {
      "new": "> bob abort T1",
      "looking up": "",
      "voting, one yes": "> bob undecided T1 voting",
      "committing, one ack, committed": "> bob commit T1 @then",
      "aborted": "> bob abort T1 account_not_found @then",
      "indexed": "?",
    },
  },
  {
    event: "inquiry of a stranger",
    rule: "Closed: only who has a leg is told",
    does: {
      "new": "> carol abort T1",
      "looking up": "",
      // The order that was aborted may be another's of the same id: nothing is said of it.
      "aborted": "> carol abort T1",
      "indexed": "?",
      "otherwise": "!",
    },
  },
  {
    event: "inquiry about an older transaction",
    rule: "Of a known epoch, neither open nor logged: presumed abort",
    does: {
      "looking up": "",
      "aborted": "> bob abort T0 account_not_found @then",
      "indexed": "?",
      "otherwise": "> bob abort T0",
    },
  },
  {
    event: "inquiry of a stranger about an older transaction",
    rule:
      "Neither open nor logged: presumed abort, whatever the payment came to by another's order",
    does: {
      "looking up": "",
      "indexed": "?",
      // No code either: the order that was aborted is another's of the same id.
      "otherwise": "> carol abort T0",
    },
  },
  {
    event: "inquiry about the epoch before",
    rule: "Of a known epoch, neither open nor logged: presumed abort",
    does: {
      "looking up": "",
      "aborted": "> bob abort Tbefore account_not_found @then",
      "indexed": "?",
      "otherwise": "> bob abort Tbefore",
    },
  },
  {
    event: "inquiry about an epoch not in the log",
    rule: "Of an epoch it does not know: no answer, amnesia raised",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "ack of alice",
    rule: "`ended` once all acks are in, lazily",
    does: {
      "one ack": "ended T1",
      "otherwise": "",
    },
  },
  {
    event: "ack of bob",
    rule: "An ack twice counts once",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "ack of a stranger",
    rule: "Only a participant's ack counts",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "ack of an older transaction",
    rule: "Only an ack of this transaction counts",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "link up",
    rule: "Commit is sent again until acked, prepare until voted on (AC5)",
    does: {
      "voting": "> bob directory alice+bob > bob prepare T1",
      "committing": "> bob directory alice+bob > bob commit T1 @then",
      "otherwise": "> bob directory alice+bob",
    },
  },
  {
    event: "link up from elsewhere",
    rule: "The coordinator hands names and addresses to all",
    does: {
      "voting":
        "introduced bob, sync > alice directory bob > bob directory alice+bob > bob prepare T1",
      "committing":
        "introduced bob, sync > alice directory bob > bob directory alice+bob > bob commit T1 @then",
      "otherwise": "introduced bob, sync > alice directory bob > bob directory alice+bob",
    },
  },
  {
    event: "bob is readmitted",
    rule: "What he had promised is lost with his log, and what he had refused to others",
    does: {
      "voting, one yes": "readmitted, sync > alice abort T1 > bob abort T1",
      "otherwise": "readmitted, sync",
    },
  },
  {
    event: "a stranger is readmitted",
    rule: "Only votes that are lost end what is voted on",
    does: {
      "otherwise": "readmitted, sync",
    },
  },
  {
    event: "link down",
    rule: "Transport failures are retried until the vote timeout",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "tick",
    rule: "A message is sent again only when it is due",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "tick when a resend is due",
    rule: "Commit is sent again until acked, prepare until voted on (AC5)",
    does: {
      "voting": "> alice prepare T1 > bob prepare T1",
      "one yes": "> alice prepare T1",
      "committing": "> alice commit T1 @then > bob commit T1 @then",
      "one ack": "> alice commit T1 @then",
      "otherwise": "",
    },
  },
  {
    event: "tick at the vote timeout",
    rule: "The payment is aborted, durably; what is committed never is (AC2)",
    does: {
      "voting, one yes":
        "aborted vote_timeout, sync > alice abort T1 vote_timeout @now > bob abort T1 vote_timeout @now",
      "committing": "> alice commit T1 @then > bob commit T1 @then",
      "one ack": "> alice commit T1 @then",
      "otherwise": "",
    },
  },
  {
    event: "index has nothing",
    rule: "An id is reserved while the shell looks it up",
    does: {
      "looking up": "> bob prepare T1 > alice prepare T1",
      "otherwise": "",
    },
  },
  {
    event: "index has a commit",
    rule: "AC2: the first recorded outcome is its outcome for ever",
    does: {
      "looking up": "> alice outcome committed @then replayed",
      "otherwise": "",
    },
  },
  {
    event: "index has an abort",
    rule: "AC2: the first recorded outcome is its outcome for ever",
    does: {
      "looking up": "> alice outcome aborted vote_timeout @then replayed",
      "otherwise": "",
    },
  },
  {
    event: "decision",
    rule: "Only a coordinator or a peer that knows decides",
    does: {
      "otherwise": "!",
    },
  },
];
