/**
 * A map in two generations. What is settled is kept until it is in the log's index: a checkpoint
 * begins with `rotate`, and when its index is durable, `dropOlder` forgets what it holds. So memory is
 * bounded by the time between checkpoints, and forgetting costs one assignment.
 */
export class Generations<K extends string, V> {
  #younger = new Map<K, V>();
  #older = new Map<K, V>();
  /** The highest key that was ever set. */
  #highest = "";

  get(key: K): V | undefined {
    // Most that are asked for are payments that have just begun, so their ids are higher than all that is
    // here: no cache of the processor's holds maps of this size, and a look into one takes longer.
    if (key > this.#highest) return undefined;
    return this.#younger.get(key) ?? this.#older.get(key);
  }

  set(key: K, value: V): void {
    if (key > this.#highest) this.#highest = key;
    this.#younger.set(key, value);
  }

  rotate(): void {
    // A checkpoint that failed leaves an older generation behind; it must stay.
    for (const [key, value] of this.#older) {
      if (!this.#younger.has(key)) this.#younger.set(key, value);
    }
    this.#older = this.#younger;
    this.#younger = new Map();
  }

  dropOlder(): void {
    this.#older = new Map();
  }
}
