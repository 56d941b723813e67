/** The bar that rewinds: how far behind the live match, and the way back. */
export class Timeline {
  private held = false;

  /**
   * @param rewind asked for some whole seconds behind live; 0 is live
   */
  constructor(
    private readonly seek: HTMLInputElement,
    private readonly label: HTMLOutputElement,
    private readonly live: HTMLButtonElement,
    rewind: (seconds: number) => void,
  ) {
    seek.addEventListener("input", () => {
      this.held = true;
      this.tell(-seek.valueAsNumber);
    });
    // Where it is let go: each step on the way would be a question to the relay.
    seek.addEventListener("change", () => {
      this.held = false;
      rewind(-seek.valueAsNumber);
    });
    live.addEventListener("click", () => rewind(0));
  }

  /** Shows where the page is: seconds behind live, of so many on offer. */
  show(behind: number, reach: number): void {
    this.seek.disabled = reach < 1;
    this.live.hidden = behind === 0;
    if (this.held) return;
    this.seek.min = String(-Math.floor(reach));
    this.seek.value = String(-Math.round(behind));
    this.tell(behind);
  }

  private tell(behind: number): void {
    const text = behind < 1 ? "now" : `−${Math.round(behind)} s`;
    if (this.label.textContent !== text) this.label.textContent = text;
    this.seek.setAttribute("aria-valuetext", behind < 1 ? "live" : `${Math.round(behind)} s ago`);
  }
}
