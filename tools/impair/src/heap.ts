/** Something that is due at a time in ms. */
export interface Due {
  readonly at: number;
}

/** Earliest first; of equal times, in the order of pushing. */
export class Heap<T extends Due> {
  readonly #items: { readonly item: T; readonly order: number }[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0]?.item;
  }

  push(item: T): void {
    const items = this.#items;
    items.push({ item, order: this.#order++ });
    let at = items.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first?.item;
    items[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && this.#before(child, least)) least = child;
      }
      if (least === at) return first.item;
      this.#swap(at, least);
      at = least;
    }
  }

  clear(): void {
    this.#items.length = 0;
  }

  #before(i: number, j: number): boolean {
    const a = this.#items[i];
    const b = this.#items[j];
    if (a === undefined || b === undefined) return false;
    return a.item.at < b.item.at || (a.item.at === b.item.at && a.order < b.order);
  }

  #swap(i: number, j: number): void {
    const a = this.#items[i];
    const b = this.#items[j];
    if (a === undefined || b === undefined) return;
    this.#items[i] = b;
    this.#items[j] = a;
  }
}
