import { expect, it } from "vitest";
import { posesPage } from "./poses-page.mjs";

it("has a table for each loss, with what was not delivered as a share", () => {
  const track = { delivery: "latest", bytes: 17_000, published: 200, refused: 1, delivered: 199 };
  const times = { p50: 21.04, p99: 60.5, max: 120.4 };
  const page = posesPage(
    {
      open: { count: 500, p50us: 12.3, maxUs: 812 },
      runs: [{ loss: 2, seconds: 120, delayMs: 10, tracks: [{ ...track, ...times }] }],
    },
    "2 processors",
  );
  expect(page).toContain("## 2 % loss, 120 s");
  expect(page).toContain("| `latest` | pose, 17 kB | 200 | 1 | 0.50 % | 21.0 | 60.5 | 120 |");
  expect(page).toContain("within 0.012 ms in half of 500 calls");
});
