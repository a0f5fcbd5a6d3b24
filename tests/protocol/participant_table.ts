/** What a participant does at every event in every state of {@linkcode states}. */

import type { Row } from "./in_words.ts";

export const participantTable: readonly Row[] = [
  {
    event: "submit",
    rule: "The payment's id pays once; a second send joins the first",
    does: {
      "none, amnesiac, refused, released against the decision, posted against the decision, acknowledged":
        "> coordinator order",
      "posted": "= 2 committed T1 @then replayed",
      "released": "= 2 aborted vote_timeout @then replayed",
      "aborted, aborted meanwhile": "= 2 aborted account_not_found @then replayed",
      "indexed": "?",
      "otherwise": "",
    },
  },
  {
    event: "submit of other legs",
    rule: "id_reused: same id, other payment",
    does: {
      "none, amnesiac, refused, released against the decision, posted against the decision, acknowledged":
        "> coordinator order of other legs",
      "looking up": "",
      "indexed": "?",
      "otherwise": "= 2 rejected id_reused",
    },
  },
  {
    event: "submit of another's",
    rule: "id_reused: same id, other payment",
    does: {
      "none, amnesiac, refused, released against the decision, posted against the decision, acknowledged":
        "> coordinator order bob",
      "looking up": "",
      "indexed": "?",
      "otherwise": "= 2 rejected id_reused",
    },
  },
  {
    event: "prepare",
    rule: "`prepared` is durable before the yes leaves; a second prepare has the same answer (AC2)",
    does: {
      "own": "prepared T1, sync > coordinator yes T1",
      "prepared, restarted": "> coordinator yes T1",
      "forced to commit, forced to abort, looking up, forced and restarted, prepare waits": "",
      "posted": "~ coordinator ack T1",
      "posted against the decision, acknowledged, released against the decision":
        "> coordinator no T1 forced_otherwise",
      "released": "> coordinator no T1 vote_timeout",
      "aborted, aborted meanwhile": "> coordinator no T1 account_not_found",
      "indexed": "?",
      "overtaken": "!",
      "otherwise": "> coordinator no T1",
    },
  },
  {
    event: "prepare older",
    rule: "Behind the newer attempt, so long given up by the coordinator",
    does: {
      "own": "prepared T0, sync > coordinator yes T0",
      "posted against the decision, acknowledged, released against the decision":
        "> coordinator no T0 forced_otherwise",
      "released": "> coordinator no T0 vote_timeout",
      "aborted, aborted meanwhile": "> coordinator no T0 account_not_found",
      "looking up, prepare waits": "",
      "indexed": "?",
      "overtaken": "!",
      "otherwise": "> coordinator no T0",
    },
  },
  {
    event: "prepare newer",
    rule: "One payment has one attempt at a time, and is paid once",
    does: {
      "own, own and refused, attempt lost": "prepared T2, sync > coordinator yes T2",
      "prepared": "released T1, prepared T2, sync > coordinator yes T2",
      "restarted": "released T1, sync > coordinator no T2",
      "posted": "> coordinator no T2 !",
      "posted against the decision, acknowledged, released against the decision":
        "> coordinator no T2 forced_otherwise",
      "released": "> coordinator no T2 vote_timeout",
      "aborted, aborted meanwhile": "> coordinator no T2 account_not_found",
      "looking up, prepare waits": "",
      "indexed": "?",
      "overtaken": "!",
      "otherwise": "> coordinator no T2",
    },
  },
  {
    event: "prepare changed",
    rule: "It votes yes to its own debit only for the order it sent, compared byte for byte",
    does: {
      "own, own and refused, attempt lost": "> coordinator no T2 debit_not_authorized",
      // For what may be another's order nothing is released.
      "prepared, restarted": "> coordinator no T2",
      "posted": "> coordinator no T2 !",
      "posted against the decision, acknowledged, released against the decision":
        "> coordinator no T2 forced_otherwise",
      "released": "> coordinator no T2 vote_timeout",
      "aborted, aborted meanwhile": "> coordinator no T2 account_not_found",
      "looking up, prepare waits": "",
      "indexed": "?",
      "overtaken": "!",
      "otherwise": "> coordinator no T2",
    },
  },
  {
    event: "prepare of the epoch before",
    rule: "Participants keep the highest epoch durably and refuse a lower one",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "prepare of a copy's epoch",
    rule: "Participants refuse a twin",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "prepare of the next epoch",
    rule: "The highest epoch is kept durably",
    does: {
      "own, own and refused, attempt lost":
        "joined 3, prepared Tnext, sync > coordinator yes Tnext",
      "prepared": "joined 3, released T1, prepared Tnext, sync > coordinator yes Tnext",
      "restarted": "joined 3, released T1, sync > coordinator no Tnext",
      "posted": "joined 3, sync > coordinator no Tnext !",
      "posted against the decision, acknowledged, released against the decision":
        "joined 3, sync > coordinator no Tnext forced_otherwise",
      "released": "joined 3, sync > coordinator no Tnext vote_timeout",
      "aborted, aborted meanwhile": "joined 3, sync > coordinator no Tnext account_not_found",
      "looking up, prepare waits": "joined 3, sync",
      "indexed": "joined 3, sync ?",
      "overtaken": "",
      "otherwise": "joined 3, sync > coordinator no Tnext",
    },
  },
  {
    event: "commit",
    rule: "Ack only after `posted` is durable; a commit for something released is raised loudly",
    does: {
      "prepared, forced to commit":
        "posted T1 @then ~ coordinator ack T1 =early 1 committed T1 @then",
      "restarted, forced and restarted": "posted T1 @then ~ coordinator ack T1",
      "forced to abort":
        "mismatch T1 commit, sync ~ coordinator ack T1 =early 1 committed T1 @then !",
      "posted, posted against the decision, acknowledged, released against the decision":
        "~ coordinator ack T1",
      "looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "otherwise": "!",
    },
  },
  {
    event: "commit from a peer",
    rule: "One that knows the decision tells it, to those the coordinator can't reach",
    does: {
      "restarted, forced and restarted": "posted T1 @then ~ coordinator ack T1",
      "otherwise": "",
    },
  },
  {
    event: "commit from a peer on its own word",
    rule: "That something is committed is the coordinator's to say: a peer shows that it said so",
    does: {
      "restarted, forced and restarted": "!",
      "otherwise": "",
    },
  },
  {
    event: "commit of another order",
    rule: "A commit of another order than was prepared changes nothing and is raised",
    does: {
      "looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "otherwise": "!",
    },
  },
  {
    event: "commit of another order from a peer",
    rule: "A commit of another order than is prepared changes nothing and is raised",
    does: {
      "restarted, forced and restarted": "!",
      "otherwise": "",
    },
  },
  {
    event: "commit that another has signed",
    rule: "What the coordinator decides it signs itself, so that it can be shown to have said so",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "commit of an older from a peer",
    rule: "An answer to what was asked before this attempt began: late, and no alarm",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "commit of another transaction",
    rule: "A commit of what is not prepared changes nothing and is raised",
    does: {
      "looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "otherwise": "!",
    },
  },
  {
    event: "abort",
    rule:
      "`released`, lazily; a lost attempt says nothing about its payment: a tick sends it again, but not " +
      "what an operator has ended",
    does: {
      "prepared, restarted": "released T1",
      "forced to abort": "released T1 = 1 pending",
      "forced to commit": "mismatch T1 abort, sync = 1 pending !",
      "forced and restarted": "mismatch T1 abort, sync !",
      "posted": "!",
      "otherwise": "",
    },
  },
  {
    event: "abort from a peer",
    rule: "One that knows the decision tells it, to those the coordinator can't reach",
    does: {
      "restarted": "released T1",
      "otherwise": "",
    },
  },
  {
    event: "abort from a peer that another has signed",
    rule: '"I have refused" is a participant\'s to say, of a payment in which it has a leg',
    does: {
      "restarted, forced and restarted": "!",
      "otherwise": "",
    },
  },
  {
    event: "abort of an older from a peer",
    rule: "An answer to what was asked before this attempt began: late, and no alarm",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "abort with a code from a peer",
    rule: "That the payment is aborted is the coordinator's to say: a peer shows that it said so",
    does: {
      "restarted": "released T1 vote_timeout @then",
      "forced and restarted": "mismatch T1 abort, sync !",
      "otherwise": "",
    },
  },
  {
    event: "abort with a code from a peer on its own word",
    rule: "That the payment is aborted is the coordinator's to say: a peer shows that it said so",
    does: {
      "restarted, forced and restarted": "!",
      "otherwise": "",
    },
  },
  {
    event: "abort with a code",
    rule: '"Aborted" is told for a payment only when recorded under its id',
    does: {
      "own, own and refused, attempt lost, prepare waits, overtaken":
        "aborted vote_timeout @then =early 1 aborted vote_timeout @then",
      "prepared, forced to abort":
        "released T1 vote_timeout @then =early 1 aborted vote_timeout @then",
      "restarted": "released T1 vote_timeout @then",
      "forced to commit": "mismatch T1 abort, sync =early 1 aborted vote_timeout @then !",
      "posted": "!",
      "forced and restarted": "mismatch T1 abort, sync !",
      "otherwise": "",
    },
  },
  {
    event: "abort of another transaction",
    rule: "An abort of another attempt releases nothing",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "inquiry",
    rule:
      '"I never voted yes" only when durably so; a heuristic decision is never told as a decision',
    does: {
      "none, own": "refused T1, sync > bob abort T1",
      "prepared, restarted": "> bob undecided T1 in_doubt",
      "forced to commit, forced to abort, posted against the decision, acknowledged, released against the decision, forced and restarted":
        "> bob undecided T1 forced",
      // What became of the payment can be shown only where its coordinator said so of this attempt.
      "refused, own and refused, attempt lost": "> bob abort T1",
      "aborted, aborted meanwhile": "~ bob abort T1",
      "posted": "> bob commit T1 @then",
      "released": "> bob abort T1 vote_timeout @then",
      "amnesiac, looking up, prepare waits, overtaken": "",
      "indexed": "?",
    },
  },
  {
    event: "inquiry about an older",
    rule: "An older attempt was not voted for, or was given up",
    does: {
      "none, own, attempt lost, released against the decision": "refused T0, sync > bob abort T0",
      "amnesiac, looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "posted, posted against the decision, acknowledged, released, aborted, aborted meanwhile":
        "~ bob abort T0",
      "otherwise": "> bob abort T0",
    },
  },
  {
    event: "inquiry about a newer",
    rule: "It refuses durably what it never voted for; while in doubt it says nothing",
    does: {
      "amnesiac, prepared, restarted, forced to commit, forced to abort, looking up, forced and restarted, prepare waits, overtaken":
        "",
      "posted, posted against the decision, acknowledged, released, aborted, aborted meanwhile":
        "~ bob abort T2",
      "indexed": "?",
      "otherwise": "refused T2, sync > bob abort T2",
    },
  },
  {
    event: "inquiry of a stranger",
    rule: "Closed: only who has a leg is told what became of it",
    does: {
      "none, own": "refused T1, sync > carol abort T1",
      "refused, own and refused": "> carol abort T1",
      "aborted, aborted meanwhile": "~ carol abort T1",
      "amnesiac, looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "otherwise": "!",
    },
  },
  {
    event: "inquiry of a stranger about an older",
    rule: "Another's order has taken the id since: the older attempt is over, and no code is told",
    does: {
      "none, own, attempt lost, released against the decision": "refused T0, sync > carol abort T0",
      "amnesiac, looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "posted, posted against the decision, acknowledged, released, aborted, aborted meanwhile":
        "~ carol abort T0",
      "otherwise": "> carol abort T0",
    },
  },
  {
    event: "outcome committed",
    rule: "The payer may be told what is durable at the coordinator before the local append",
    does: {
      "prepared, forced to commit, forced to abort": "=early 1 committed T1 @then replayed",
      // It has not posted what it must have voted for: its log has lost that.
      "own, own and refused, attempt lost": "=early 1 committed T1 @then replayed !",
      // The index has to tell first.
      "prepare waits, overtaken": "",
      "otherwise": "",
    },
  },
  {
    event: "outcome aborted",
    rule: '"Aborted" is told for a payment only when recorded under its id',
    does: {
      "own, own and refused, attempt lost, prepare waits, overtaken":
        "aborted vote_timeout @then =early 1 aborted vote_timeout @then replayed",
      "prepared, forced to commit, forced to abort": "=early 1 aborted vote_timeout @then replayed",
      "otherwise": "",
    },
  },
  {
    event: "outcome rejected",
    rule: "A definite failure is never reported under doubt",
    does: {
      "own, own and refused, attempt lost, prepare waits": "= 1 rejected overloaded",
      "otherwise": "",
    },
  },
  {
    event: "resolve commit",
    rule: "A heuristic decision is recorded, of what is in doubt only, and once",
    does: {
      "prepared, restarted": "forced T1 commit by ann, sync = 9 resolved forced commit by ann !",
      "forced to commit, forced and restarted": "= 9 resolved was_forced commit by ann",
      "forced to abort": "= 9 resolved was_forced abort by ann",
      "otherwise": "= 9 resolved not_in_doubt",
    },
  },
  {
    event: "resolve abort",
    rule: "A heuristic decision is recorded, of what is in doubt only, and once",
    does: {
      "prepared, restarted": "forced T1 abort by ann, sync = 9 resolved forced abort by ann !",
      "forced to commit, forced and restarted": "= 9 resolved was_forced commit by ann",
      "forced to abort": "= 9 resolved was_forced abort by ann",
      "otherwise": "= 9 resolved not_in_doubt",
    },
  },
  {
    event: "resolve of another transaction",
    rule: "A heuristic decision is of one transaction, not of its payment",
    does: {
      "otherwise": "= 9 resolved not_in_doubt",
    },
  },
  {
    event: "acknowledge",
    rule: "Only a mismatch is acknowledged, once; it ends no other way",
    does: {
      "posted against the decision, released against the decision":
        "acknowledged T1 by ben, sync = 9 acknowledged mismatch",
      "otherwise": "= 9 acknowledged nothing",
    },
  },
  {
    event: "restore",
    rule: "Only what the log lacks is restored: no reversal (AC2), and no second time",
    does: {
      "none, own, amnesiac": "prepared T1, posted T1 @then, sync = 9 restoration restored",
      // Its own yes, and the coordinator's commit: nothing else has to be waited for.
      "prepared, restarted": "posted T1 @then, sync = 9 restoration restored",
      "forced to commit, forced and restarted, forced to abort": "= 9 restoration forced",
      "posted": "= 9 restoration known",
      "looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "otherwise": "= 9 restoration decided_otherwise",
    },
  },
  {
    event: "restore of another transaction",
    rule: "An attempt that was lost says nothing about its payment; one that was paid does",
    does: {
      "none, own, amnesiac, refused, own and refused, attempt lost":
        "prepared T2, posted T2 @then, sync = 9 restoration restored",
      "prepared, restarted":
        "released T1, prepared T2, posted T2 @then, sync = 9 restoration restored",
      "forced to commit, forced and restarted, forced to abort": "= 9 restoration forced",
      "looking up, prepare waits, overtaken": "",
      "indexed": "?",
      "otherwise": "= 9 restoration decided_otherwise",
    },
  },
  {
    event: "inquire",
    rule: "An operator has everything asked about that is in doubt, forced or not",
    does: {
      "prepared, forced to commit, forced to abort": "> coordinator inquiry T1 = 9 inquired 1",
      "restarted, forced and restarted": "> bob inquiry T1 = 9 inquired 1",
      "otherwise": "= 9 inquired 0",
    },
  },
  {
    event: "erase",
    rule: "Only of what is over: until then an attempt may bring the details again",
    does: {
      "prepared, restarted, forced to commit, forced to abort, forced and restarted":
        "= 9 erased nothing: under way",
      "otherwise": "erased by ann, sync = 9 erased",
    },
  },
  {
    event: "link up",
    rule:
      "`prepared` without a decision: inquire; the order goes again while its client waits (AC5)",
    does: {
      "own, own and refused, attempt lost, prepare waits": "> coordinator order",
      "prepared, restarted, forced to commit, forced to abort, forced and restarted":
        "> coordinator inquiry T1",
      "overtaken": "!",
      "otherwise": "",
    },
  },
  {
    event: "link up in the next epoch",
    rule: "The highest epoch is kept durably, before anything is sent",
    does: {
      "own, own and refused, attempt lost, prepare waits": "joined 3, sync > coordinator order",
      "prepared, restarted, forced to commit, forced to abort, forced and restarted":
        "joined 3, sync > coordinator inquiry T1",
      "overtaken": "> coordinator order",
      "otherwise": "joined 3, sync",
    },
  },
  {
    event: "link up in the epoch before",
    rule: "Participants refuse a lower epoch: nothing is ordered or asked of it",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "link up of a copy",
    rule: "Participants refuse a twin: nothing is ordered or asked of it",
    does: {
      "otherwise": "!",
    },
  },
  {
    event: "link up of a peer",
    rule: "Cooperative termination: a peer is asked while the coordinator can't be",
    does: {
      "restarted, forced and restarted": "> bob inquiry T1",
      "otherwise": "",
    },
  },
  {
    event: "link up of a stranger",
    rule: "Only who has a leg is asked",
    does: {
      "otherwise": "introduced carol",
    },
  },
  {
    event: "tick",
    rule: "Nothing is sent before it is due",
    does: {
      "otherwise": "",
    },
  },
  {
    event: "tick when an answer is due",
    rule: "A prepared participant never times out; it asks, its peers if need be",
    does: {
      "own, own and refused, attempt lost, prepare waits, overtaken": "> coordinator order",
      "prepared, forced to commit, forced to abort": "> coordinator inquiry T1",
      "restarted, forced and restarted": "> bob inquiry T1",
      "otherwise": "",
    },
  },
  {
    event: "tick when the wait ends",
    rule: "No caller waits for ever; funds in doubt do wait",
    does: {
      "own, own and refused, prepare waits": "= 1 pending",
      "attempt lost, overtaken": "> coordinator order = 1 pending",
      "prepared, forced to commit, forced to abort": "> coordinator inquiry T1 = 1 pending",
      "restarted, forced and restarted": "> bob inquiry T1",
      "otherwise": "",
    },
  },
  {
    event: "index has nothing",
    rule: "An id is reserved while the shell looks it up; what came meanwhile is newer",
    does: {
      "looking up": "> coordinator order",
      "prepare waits": "prepared T1, sync > coordinator yes T1",
      "aborted meanwhile": "> coordinator no T1 account_not_found",
      "otherwise": "",
    },
  },
  {
    event: "index has a post",
    rule: "AC2: the first recorded outcome is its outcome for ever",
    does: {
      "looking up": "= 1 committed T1 @then replayed",
      "prepare waits": "~ coordinator ack T1",
      "aborted meanwhile": "> coordinator no T1 account_not_found",
      "otherwise": "",
    },
  },
  {
    event: "index has a lost attempt",
    rule: "A lost attempt says nothing about its payment; what came meanwhile is newer",
    does: {
      "looking up": "> coordinator order",
      "prepare waits": "prepared T1, sync > coordinator yes T1",
      "aborted meanwhile": "> coordinator no T1 account_not_found",
      "otherwise": "",
    },
  },
];
