/**
 * A map in two generations. What is settled is kept until it is in the log's index: a checkpoint
 * begins with `rotate`, and when its index is durable, `dropOlder` forgets what it holds. So memory is
 * bounded by the time between checkpoints, and forgetting costs one assignment.
 */
export class Generations<K, V> {
  #younger = new Map<K, V>();
  #older = new Map<K, V>();

  get(key: K): V | undefined {
    return this.#younger.get(key) ?? this.#older.get(key);
  }

  set(key: K, value: V): void {
    this.#younger.set(key, value);
  }

  delete(key: K): void {
    this.#younger.delete(key);
    this.#older.delete(key);
  }

  get size(): number {
    return this.#younger.size + this.#older.size;
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
