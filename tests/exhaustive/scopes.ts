/** What is explored: by the tests, and by `deno task explore`. */

import { orderOf, payment } from "../protocol/example.ts";
import type { Scope } from "./scope.ts";
import { coordinator } from "./scope.ts";

const order = orderOf("alice", ["-100 USD main@alice", "100 USD main@bob"]);

const small = {
  participants: ["alice", "bob"],
  orders: [order],
  opening: 100n,
  asksMax: 1,
  crashesMax: 0,
  attemptsMax: 1,
} as const;

/** About a minute together. */
export const scopes: readonly Scope[] = [
  { ...small, name: "messages and links are lost, two attempts", attemptsMax: 2 },
  { ...small, name: "one crash", crashesMax: 1 },
  { ...small, name: "its user asks twice", asksMax: 2 },
  {
    ...small,
    name: "bob refuses, one crash",
    orders: [orderOf("alice", ["-100 USD main@alice", "100 USD nobody@bob"])],
    crashesMax: 1,
  },
  {
    ...small,
    name: "alice has too little, one crash",
    orders: [orderOf("alice", ["-101 USD main@alice", "101 USD main@bob"])],
    crashesMax: 1,
  },
  {
    ...small,
    name: "alice would debit bob, one crash",
    orders: [orderOf("alice", ["-100 USD main@bob", "100 USD main@alice"])],
    crashesMax: 1,
  },
  {
    ...small,
    name: "two orders of one id",
    orders: [order, orderOf("bob", ["-50 USD main@bob", "50 USD main@alice"], payment)],
  },
  { ...small, name: "operators decide by hand", areForced: true },
  { ...small, name: "what is over leaves memory", areForgotten: true },
  {
    ...small,
    name: "three participants",
    participants: ["alice", "bob", "carol"],
    orders: [orderOf("alice", ["-100 USD main@alice", "60 USD main@bob", "40 USD main@carol"])],
  },
  {
    ...small,
    name: "what is committed is given back, by hand",
    areRestored: true,
    areForced: true,
  },
  {
    ...small,
    name: "what is committed is given back, twice",
    attemptsMax: 2,
    areRestored: true,
  },
  { ...small, name: "the payer loses its log", loser: "alice" },
  { ...small, name: "the payee loses its log", loser: "bob" },
  {
    ...small,
    name: "the coordinator loses its log, and the payee may crash",
    loser: coordinator,
    crashesMax: 1,
    crasher: "bob",
  },
  {
    ...small,
    name: "the coordinator's folder is lost",
    loser: coordinator,
    isFolderLost: true,
  },
];
