interface Letter {
  readonly value: Promise<unknown>;
  arrive(value: unknown): void;
  fail(error: Error): void;
}

/** How the two roles of a case agree on turns when both can reach this object. */
export class Post {
  private readonly letters = new Map<string, Letter>();
  private failed: Error | undefined;

  tell(name: string, value?: unknown): void {
    this.letter(name).arrive(value);
  }

  told(name: string): Promise<unknown> {
    return this.letter(name).value;
  }

  /** One side failed: the other must not wait for it. */
  fail(error: Error): void {
    this.failed = error;
    for (const letter of this.letters.values()) letter.fail(error);
  }

  private letter(name: string): Letter {
    const known = this.letters.get(name);
    if (known !== undefined) return known;
    let arrive: (value: unknown) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const value = new Promise<unknown>((resolve, reject) => {
      arrive = resolve;
      fail = reject;
    });
    // A letter that nobody waits for is no unhandled rejection.
    value.catch(() => undefined);
    const letter: Letter = { value, arrive, fail };
    this.letters.set(name, letter);
    if (this.failed !== undefined) fail(this.failed);
    return letter;
  }
}
