import { type Body, FIELD, type Pose } from "../shared/codec.js";

const COLOURS = { 0: "#36d6e7", 1: "#ffb347", 2: "#7d8aa5" } as const;
/** Metres of floor shown around the field. */
const MARGIN = 1.2;

/** Draws the field and everything on it, scaled to fit whatever shape the window has. */
export class FieldPainter {
  private readonly context: CanvasRenderingContext2D;
  /** Pixels on the right that something else covers. */
  reserved = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser has no 2D canvas");
    this.context = context;
  }

  paint(bodies: ReadonlyMap<number, Body>, poses: ReadonlyMap<number, Pose>, me?: string): void {
    const { canvas, context } = this;
    const ratio = devicePixelRatio;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    // A phone held upright turns the field by a quarter.
    const upright = height > width * 1.2;
    const [across, along] = upright ? [FIELD.height, FIELD.width] : [FIELD.width, FIELD.height];
    const free = width - (upright ? 0 : this.reserved * ratio);
    const scale = Math.min(free / (across + MARGIN * 2), height / (along + MARGIN * 2));
    context.translate(free / 2, height / 2);
    if (upright) context.rotate(-Math.PI / 2);
    context.scale(scale, -scale);
    context.translate(-FIELD.width / 2, -FIELD.height / 2);

    this.floor();
    for (const [id, pose] of poses) {
      const body = bodies.get(id);
      if (body !== undefined) this.body(body, pose, body.name !== "" && body.name === me, upright);
    }
  }

  private floor(): void {
    const { context } = this;
    const { width, height, goal } = FIELD;
    context.fillStyle = "#111827";
    context.fillRect(0, 0, width, height);
    context.lineWidth = 0.06;
    context.strokeStyle = "rgb(140 165 210 / 14%)";
    context.beginPath();
    for (let x = 2; x < width; x += 2) {
      context.moveTo(x, 0);
      context.lineTo(x, height);
    }
    for (let y = 2; y < height; y += 2) {
      context.moveTo(0, y);
      context.lineTo(width, y);
    }
    context.stroke();
    context.strokeStyle = "rgb(200 215 245 / 40%)";
    context.lineWidth = 0.1;
    context.strokeRect(0, 0, width, height);
    context.beginPath();
    context.moveTo(width / 2, 0);
    context.lineTo(width / 2, height);
    context.moveTo(width / 2 + 2.6, height / 2);
    context.arc(width / 2, height / 2, 2.6, 0, 2 * Math.PI);
    context.stroke();
    for (const [x, colour] of [
      [-0.5, COLOURS[0]],
      [width, COLOURS[1]],
    ] as const) {
      context.fillStyle = colour;
      context.fillRect(x, (height - goal) / 2, 0.5, goal);
    }
  }

  private body(body: Body, pose: Pose, mine: boolean, upright: boolean): void {
    const { context } = this;
    context.save();
    context.translate(pose.x, pose.y);
    context.save();
    context.rotate(pose.angle);
    context.lineWidth = 0.09;
    switch (body.kind) {
      case "crate":
        context.fillStyle = "#2b3650";
        context.strokeStyle = "#55658a";
        context.fillRect(-body.size, -body.size, body.size * 2, body.size * 2);
        context.strokeRect(-body.size, -body.size, body.size * 2, body.size * 2);
        context.beginPath();
        context.moveTo(-body.size, -body.size);
        context.lineTo(body.size, body.size);
        context.stroke();
        break;
      case "barrel":
        this.disc(body.size, "#26324a", "#62749c");
        this.disc(body.size * 0.5, "#1c2538", "#62749c");
        break;
      case "ball":
        this.disc(body.size, "#f4f7ff", "#9fb0d0");
        context.strokeStyle = "#9fb0d0";
        context.beginPath();
        context.moveTo(-body.size, 0);
        context.lineTo(body.size, 0);
        context.moveTo(0, -body.size);
        context.lineTo(0, body.size);
        context.stroke();
        break;
      case "player":
        this.disc(body.size, COLOURS[body.team], mine ? "#ffffff" : "#0b0f17");
        break;
    }
    context.restore();
    if (body.kind === "player") this.label(body, mine, upright);
    context.restore();
  }

  private label(body: Body, mine: boolean, upright: boolean): void {
    const { context } = this;
    if (mine) {
      context.strokeStyle = "#ffffff";
      context.lineWidth = 0.07;
      context.beginPath();
      context.arc(0, 0, body.size + 0.25, 0, 2 * Math.PI);
      context.stroke();
    }
    context.scale(1, -1);
    if (upright) context.rotate(Math.PI / 2);
    context.fillStyle = "rgb(232 238 249 / 85%)";
    context.font = "600 0.55px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(body.name.replace(/-[0-9a-z]{4}$/, ""), 0, -body.size - 0.35);
  }

  private disc(radius: number, fill: string, stroke: string): void {
    const { context } = this;
    context.fillStyle = fill;
    context.strokeStyle = stroke;
    context.beginPath();
    context.arc(0, 0, radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}
