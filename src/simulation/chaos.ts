/**
 * What goes wrong in a run. Every seed has its own mixture, with some faults left out altogether: what
 * goes wrong all the time hides what goes wrong seldom (swarm testing, Groce and others 2012).
 */

import type { Random } from "./random.ts";

type Range = readonly [number, number];

/** Rates are of each occasion; times in milliseconds; `everyMs` is a mean, 0 for never. */
export interface Chaos {
  readonly participants: number;
  readonly clientsEach: number;
  /** From the start until all faults end. */
  readonly faultyMs: number;
  readonly thinkMs: Range;
  readonly latencyMs: Range;
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** Frames of one link may overtake each other. */
  readonly isReordering: boolean;
  readonly diskMs: Range;
  readonly slowDiskRate: number;
  readonly slowDiskMs: Range;
  /** A disk falls behind for a while, as under more load than it can bear. */
  readonly crawlEveryMs: number;
  readonly failedWriteRate: number;
  readonly checkpointRecords: number;
  readonly crashEveryMs: number;
  /** Of writes and sends, at which the power fails in just that moment. */
  readonly crashAtRate: number;
  /** Of first meetings of two nodes, which the disk of one has not kept when its power fails. */
  readonly crashAtMeetingRate: number;
  readonly downMs: Range;
  /** Of a node that stays away for long. */
  readonly awayRate: number;
  readonly partitionEveryMs: number;
  readonly partitionMs: Range;
  readonly linkBreakEveryMs: number;
  readonly clockJumpEveryMs: number;
  readonly putBackEveryMs: number;
  /** Operators look at what is in doubt, and lose their patience with it. */
  readonly operatorEveryMs: number;
  /** They guess, where else they know the real decision by other ways. */
  readonly areGuessing: boolean;
  /** Participants keep their address over restarts. */
  readonly hasFixedAddresses: boolean;
  /** Nothing goes wrong at all: then every payment in order must commit. */
  readonly isCalm: boolean;
}

const calmRate = 0.05;
const participantsDefault: Range = [2, 4];

export function chaosOf(random: Random, participants: number | undefined): Chaos {
  const isCalm = random.chance(calmRate);
  const faulty = <T>(rate: number, value: () => T, none: T): T => {
    const isOn = random.chance(rate);
    const drawn = value();
    return isOn && !isCalm ? drawn : none;
  };
  const rate = (most: number) => random.next() * most;
  const isBusy = random.chance(0.5);
  return {
    participants: participants ?? random.between(participantsDefault),
    clientsEach: random.between([1, 3]),
    faultyMs: random.between([10_000, 40_000]),
    thinkMs: isBusy ? [0, 500] : [0, 3_000],
    latencyMs: faulty(0.3, () => [0, 400], [0, 20]),
    lossRate: faulty(0.5, () => rate(0.2), 0),
    duplicateRate: faulty(0.5, () => rate(0.2), 0),
    isReordering: faulty(0.5, () => true, false),
    diskMs: faulty(0.3, () => [0, 60], [0, 4]),
    slowDiskRate: faulty(0.3, () => rate(0.02), 0),
    slowDiskMs: [100, 3_000],
    failedWriteRate: faulty(0.3, () => rate(0.01), 0),
    checkpointRecords: random.pick([5, 15, 40, 150]),
    crashEveryMs: faulty(0.7, () => random.between([1_000, 10_000]), 0),
    crashAtRate: faulty(0.4, () => rate(0.01), 0),
    downMs: random.chance(0.5) ? [0, 200] : [0, 5_000],
    awayRate: faulty(0.3, () => 0.2, 0),
    partitionEveryMs: faulty(0.6, () => random.between([1_000, 8_000]), 0),
    partitionMs: [100, 12_000],
    linkBreakEveryMs: faulty(0.5, () => random.between([500, 5_000]), 0),
    clockJumpEveryMs: faulty(0.4, () => random.between([1_000, 8_000]), 0),
    putBackEveryMs: faulty(0.2, () => random.between([4_000, 12_000]), 0),
    operatorEveryMs: faulty(0.3, () => random.between([300, 3_000]), 0),
    areGuessing: random.chance(0.3),
    hasFixedAddresses: random.chance(0.5),
    crawlEveryMs: faulty(0.3, () => random.between([3_000, 12_000]), 0),
    crashAtMeetingRate: faulty(0.4, () => rate(0.6), 0),
    isCalm,
  };
}

/** What is left of it when the faults end: a good network and good disks. */
export function healed(chaos: Chaos): Chaos {
  return {
    ...chaos,
    latencyMs: [0, 20],
    lossRate: 0,
    duplicateRate: 0,
    isReordering: false,
    diskMs: [0, 4],
    slowDiskRate: 0,
    failedWriteRate: 0,
    crashAtRate: 0,
    crashAtMeetingRate: 0,
  };
}
