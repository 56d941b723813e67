interface Letter {
  readonly value: Promise<unknown>;
  arrive(value: unknown): void;
  fail(error: Error): void;
}

/** What the side is told that waits for one that failed. */
export const OTHER_FAILED = "the other side failed";

/** How the two roles of a case agree on turns when both can reach this object. */
export class Post {
  private readonly letters = new Map<string, Letter>();
  private failed: Error | undefined;

  /** `failing` is called at the first failure, while both sides' clients are still there. */
  constructor(
    private readonly failing: () => void,
    /** Loses the connections of both sides. */
    readonly cut: () => Promise<void> = () => Promise.reject(new Error("nothing can be cut here")),
  ) {}

  tell(name: string, value?: unknown): void {
    this.letter(name).arrive(value);
  }

  told(name: string): Promise<unknown> {
    return this.letter(name).value;
  }

  /** One side failed: the other must not wait for it. */
  fail(): void {
    if (this.failed !== undefined) return;
    this.failing();
    const error = new Error(OTHER_FAILED);
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
