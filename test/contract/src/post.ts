/** How the two roles of a case agree on turns when both can reach this object. */
export class Post {
  private readonly letters = new Map<
    string,
    { value: Promise<unknown>; tell: (value: unknown) => void }
  >();
  private failed: Error | undefined;

  tell(name: string, value?: unknown): void {
    this.letter(name).tell(value);
  }

  told(name: string): Promise<unknown> {
    return this.failed === undefined ? this.letter(name).value : Promise.reject(this.failed);
  }

  /** One side failed: the other must not wait for it. */
  fail(error: Error): void {
    this.failed = error;
    for (const letter of this.letters.values()) letter.tell(Promise.reject(error));
  }

  private letter(name: string): { value: Promise<unknown>; tell: (value: unknown) => void } {
    let letter = this.letters.get(name);
    if (letter === undefined) {
      let tell: (value: unknown) => void = () => undefined;
      const value = new Promise<unknown>((resolve) => {
        tell = resolve;
      });
      // A letter that nobody waits for is no unhandled rejection.
      value.catch(() => undefined);
      letter = { value, tell };
      this.letters.set(name, letter);
    }
    return letter;
  }
}
