/** The page's own instruments: a table of facts and three small plots, refreshed once a second. */

/** One minute of seconds. */
const SPAN = 60;

/** A line of the last minute, with its latest value printed. */
export class Plot {
  private readonly values: number[] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly colour: string,
  ) {}

  add(value: number): void {
    this.values.push(value);
    if (this.values.length > SPAN) this.values.shift();
    this.paint();
  }

  private paint(): void {
    const context = this.canvas.getContext("2d");
    if (context === null || this.canvas.clientWidth === 0) return;
    const width = Math.round(this.canvas.clientWidth * devicePixelRatio);
    const height = Math.round(this.canvas.clientHeight * devicePixelRatio);
    this.canvas.width = width;
    this.canvas.height = height;
    const top = Math.max(...this.values, 1) * 1.15;
    const line = new Path2D();
    this.values.forEach((value, i) => {
      line.lineTo((i / (SPAN - 1)) * width, height - (value / top) * (height - 2) - 1);
    });
    context.strokeStyle = this.colour;
    context.lineWidth = 1.5 * devicePixelRatio;
    context.stroke(line);
    context.fillStyle = this.colour;
    context.font = `600 ${11 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "right";
    const last = this.values.at(-1) ?? 0;
    context.fillText(last < 10 ? last.toFixed(1) : last.toFixed(0), width, 11 * devicePixelRatio);
  }
}

/** A list of named values; what is not as it should be is marked. */
export class Facts {
  private readonly cells = new Map<string, HTMLElement>();

  constructor(private readonly list: HTMLElement) {}

  set(name: string, value: string, bad = false): void {
    let cell = this.cells.get(name);
    if (cell === undefined) {
      const term = document.createElement("dt");
      term.textContent = name;
      cell = document.createElement("dd");
      cell.dataset.fact = name;
      this.list.append(term, cell);
      this.cells.set(name, cell);
    }
    if (cell.textContent !== value) cell.textContent = value;
    cell.classList.toggle("bad", bad);
  }
}
