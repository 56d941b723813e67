/**
 * Bar charts as SVG, made here: a chart library would draw more than bars and read the page's theme less well. Colours
 * are readable on light and dark ground; text takes the reader's side through prefers-color-scheme.
 */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What stands beside it. */
  readonly text: string;
  readonly ours: boolean;
}

export interface Chart {
  readonly title: string;
  /** Under the title: what is shown, and which way is better. */
  readonly note: string;
  readonly groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
  /** Values span decades. */
  readonly logarithmic?: boolean;
}

const WIDTH = 760;
const LABELS = 250;
const ROW = 22;
const STYLE = `text{font:13px -apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.t{font-size:16px;font-weight:600}.n{fill:#59636e}.g{font-weight:600}
.ours{fill:#2f81f7}.other{fill:#9198a1}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}.other{fill:#656c76}}`;

function xml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("`", "");
}

export function barChart(chart: Chart): string {
  const bars = chart.groups.flatMap((group) => group.bars);
  const most = Math.max(...bars.map((bar) => bar.value), Number.MIN_VALUE);
  const least = Math.min(...bars.map((bar) => bar.value).filter((value) => value > 0), most) / 2;
  const room = WIDTH - LABELS - 90;
  const length = (value: number): number => {
    if (value <= 0) return 1;
    const share = chart.logarithmic
      ? Math.log(value / least) / Math.log(most / least)
      : value / most;
    return Math.max(1, Math.round(share * room));
  };
  const body: string[] = [];
  let y = 58;
  for (const { name, bars: own } of chart.groups) {
    if (name !== "") {
      y += 12;
      body.push(`<text class="g" x="8" y="${y}">${xml(name)}</text>`);
      y += 8;
    }
    for (const bar of own) {
      const long = length(bar.value);
      const middle = y + 15;
      body.push(
        `<text x="${LABELS - 8}" y="${middle}" text-anchor="end">${xml(bar.label)}</text>`,
        `<rect class="${bar.ours ? "ours" : "other"}" x="${LABELS}" y="${y + 3}" width="${long}" height="${ROW - 6}" rx="2"/>`,
        `<text x="${LABELS + long + 6}" y="${middle}">${xml(bar.text)}</text>`,
      );
      y += ROW;
    }
  }
  const height = y + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${xml(chart.title)}">
<style>${STYLE}</style>
<text class="t" x="8" y="22">${xml(chart.title)}</text>
<text class="n" x="8" y="42">${xml(chart.note)}</text>
${body.join("\n")}
</svg>
`;
}
