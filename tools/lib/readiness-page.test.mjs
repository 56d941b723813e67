import { describe, expect, it } from "vitest";
import { judge, judgeProof, readinessPage } from "./readiness-page.mjs";

const results = {
  cpp: {
    ok: false,
    passed: 2,
    failed: 1,
    skipped: 0,
    reason: "1 failed",
    outcomes: [
      ["T1_Burst.Arrives", true],
      ["T1_Burst.Again", true],
      ["T2_GroupOrder.Stays", false],
    ],
  },
  lint: { ok: true, passed: 0, failed: 0, skipped: 0, outcomes: [] },
  tsan: { ok: true, passed: 0, failed: 0, skipped: 1, why: "no nightly", outcomes: [] },
};

describe("judgeProof", () => {
  const state = (proof) => judgeProof(proof, results).state;
  it("takes tests by name, by beginning, and whole steps", () => {
    expect(state("cpp/T1_Burst.*")).toBe("proved");
    expect(state("cpp/T1_Burst.Arrives")).toBe("proved");
    expect(state("lint")).toBe("proved");
    expect(state("cpp/T2_GroupOrder.*")).toBe("failed");
    expect(state("cpp")).toBe("failed");
  });
  it("leaves open what did not run", () => {
    expect(state("cpp/T3_Datagrams.*")).toBe("open");
    expect(state("cpp/T1_Burst")).toBe("open");
    expect(state("coverage")).toBe("open");
    expect(state("tsan")).toBe("open");
    expect(judgeProof("tsan/T9_Destroy.*", results)).toEqual({
      state: "open",
      note: "tsan/T9_Destroy.*: no nightly",
    });
  });
});

describe("judge", () => {
  const claims = (proof) =>
    judge([{ area: "A", claims: [{ claim: "c", proof }] }], results)[0].claims;
  it("needs every proof", () => {
    expect(claims(["cpp/T1_Burst.*", "lint"])[0].state).toBe("proved");
    expect(claims(["cpp/T1_Burst.*", "tsan"])[0].state).toBe("open");
    expect(claims(["cpp/T1_Burst.*", "cpp/T2_GroupOrder.*"])[0].state).toBe("failed");
    expect(claims([])[0].state).toBe("open");
  });
});

it("the page counts and shows them", () => {
  const areas = judge(
    [
      {
        area: "Delivery",
        claims: [
          { id: "T1", claim: "A burst arrives", proof: ["cpp/T1_Burst.*"] },
          { claim: "Audited", proof: [], open: "Needs people outside." },
        ],
      },
    ],
    results,
  );
  const page = readinessPage(areas, results);
  expect(page).toContain("1 proved, 1 open, 0 failed");
  expect(page).toContain("| T1 | A burst arrives | proved | `cpp/T1_Burst.* (2 tests)` |");
  expect(page).toContain("| Audited | *open* | Needs people outside. |");
});
