/** One line that says what runs, how far it is and how long it will take. On a terminal it stays one line. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #expected: number;
  readonly #began = Date.now();
  #passed = 0;
  #open = false;
  #shown = 0;

  /** @param expected seconds of work */
  constructor(stream: NodeJS.WriteStream, expected: number) {
    this.#stream = stream;
    this.#expected = expected;
  }

  /** So many seconds of the work that was expected are over. */
  pass(seconds: number): void {
    this.#passed += seconds;
  }

  doing(what: string): void {
    const share = Math.min(1, this.#passed / this.#expected);
    const elapsed = (Date.now() - this.#began) / 1000;
    // What was guessed counts less, the more has been seen.
    const pace = (elapsed + 10) / (this.#passed + 10);
    const left = Math.ceil(((this.#expected - this.#passed) * pace) / 5) * 5;
    const line = `${String(Math.floor(share * 100)).padStart(3)} %, ${duration(left)} left: ${what}`;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${line}`);
      this.#open = true;
    } else if (Date.now() - this.#shown > 10_000) {
      this.#shown = Date.now();
      this.#stream.write(`${line}\n`);
    }
  }

  /** A line that stays. */
  say(text: string): void {
    if (this.#open) this.#stream.write("\r\u001b[K");
    this.#open = false;
    this.#stream.write(`${text}\n`);
  }
}

function duration(seconds: number): string {
  const whole = Math.max(0, seconds);
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}
