/** A priority queue: `pop` gives the entry of the smallest priority, of equal ones the first that was pushed. */
export class MinHeap<T> {
  readonly #entries: { readonly priority: number; readonly order: number; readonly value: T }[] = [];
  #pushed = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** The smallest priority; Infinity where there is none. */
  get least(): number {
    return this.#entries[0]?.priority ?? Number.POSITIVE_INFINITY;
  }

  push(priority: number, value: T): void {
    const entries = this.#entries;
    entries.push({ priority, order: this.#pushed++, value });
    for (let child = entries.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) break;
      this.#exchange(child, parent);
      child = parent;
    }
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const last = entries.length - 1;
    if (last < 0) return undefined;
    this.#exchange(0, last);
    const popped = entries.pop();
    for (let parent = 0; ; ) {
      let first = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < entries.length && this.#isBefore(child, first)) first = child;
      }
      if (first === parent) return popped?.value;
      this.#exchange(first, parent);
      parent = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#entries[a], this.#entries[b]];
    if (first === undefined || second === undefined) return false;
    return first.priority < second.priority || (first.priority === second.priority && first.order < second.order);
  }

  #exchange(a: number, b: number): void {
    const [first, second] = [this.#entries[a], this.#entries[b]];
    if (first === undefined || second === undefined) return;
    this.#entries[a] = second;
    this.#entries[b] = first;
  }
}
