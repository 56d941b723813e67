/** Where the player wants to go: keyboard on a desk, a thumb stick on a phone. */
export class Controls {
  private readonly held = new Set<string>();
  private stick = { x: 0, y: 0 };
  private dashing = false;

  constructor(stick: HTMLElement, dash: HTMLElement) {
    addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLInputElement) return;
      if (event.code.startsWith("Arrow") || event.code === "Space") event.preventDefault();
      this.held.add(event.code);
    });
    addEventListener("keyup", (event) => this.held.delete(event.code));
    addEventListener("blur", () => this.held.clear());
    const knob = stick.querySelector("i");
    const follow = (event: PointerEvent): void => {
      const box = stick.getBoundingClientRect();
      const reach = box.width / 2;
      const x = (event.clientX - box.left - reach) / reach;
      const y = (event.clientY - box.top - reach) / reach;
      const scale = 1 / Math.max(1, Math.hypot(x, y));
      this.stick = { x: x * scale, y: -y * scale };
      if (knob !== null) knob.style.translate = `${x * scale * 38}px ${y * scale * 38}px`;
    };
    stick.addEventListener("pointerdown", (event) => {
      stick.setPointerCapture(event.pointerId);
      follow(event);
    });
    stick.addEventListener("pointermove", (event) => {
      if (stick.hasPointerCapture(event.pointerId)) follow(event);
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      stick.addEventListener(end, () => {
        this.stick = { x: 0, y: 0 };
        if (knob !== null) knob.style.translate = "";
      });
    }
    dash.addEventListener("pointerdown", () => {
      this.dashing = true;
    });
    dash.addEventListener("pointerup", () => {
      this.dashing = false;
    });
  }

  /** Right and up are positive. On a phone held upright the field is turned, and so is the stick. */
  read(): { x: number; y: number; dash: boolean } {
    const key = (...codes: string[]): number => (codes.some((code) => this.held.has(code)) ? 1 : 0);
    const x = key("ArrowRight", "KeyD") - key("ArrowLeft", "KeyA") + this.stick.x;
    const y = key("ArrowUp", "KeyW") - key("ArrowDown", "KeyS") + this.stick.y;
    const upright = innerHeight > innerWidth * 1.2;
    return {
      x: upright ? y : x,
      y: upright ? -x : y,
      dash: this.dashing || this.held.has("Space"),
    };
  }
}
