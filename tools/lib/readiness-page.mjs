// Claims against results: which are proved, which failed, which are open; and docs/readiness.md.

/**
 * Results of a proof: "STEP" is the step as a whole, "STEP/NAME" one of its tests, "STEP/NAME*" all that begin so.
 * @returns {{ state: "proved" | "failed" | "open", note: string }}
 */
export function judgeProof(proof, results) {
  const slash = proof.indexOf("/");
  const [name, pattern] = slash < 0 ? [proof] : [proof.slice(0, slash), proof.slice(slash + 1)];
  const step = results[name];
  if (step === undefined)
    return { state: "open", note: `${proof}: not run; npm run readiness -- ${name}` };
  if (pattern === undefined) {
    if (!step.ok) return { state: "failed", note: `${name}: ${step.reason}` };
    if (step.passed === 0 && step.skipped > 0)
      return { state: "open", note: `${name}: ${step.why}` };
    return { state: "proved", note: stepNote(name, step) };
  }
  const matches = (test) =>
    pattern.endsWith("*") ? test.startsWith(pattern.slice(0, -1)) : test === pattern;
  const found = step.outcomes.filter(([test]) => matches(test));
  const broken = found.filter(([, ok]) => !ok).map(([test]) => test);
  if (broken.length > 0) return { state: "failed", note: `${name}: ${broken.join(", ")}` };
  if (found.length === 0) {
    return { state: "open", note: `${proof}: ${step.why ?? "no such test passed here"}` };
  }
  const count = found.length === 1 ? "" : ` (${found.length} tests)`;
  return { state: "proved", note: `${proof}${count}` };
}

function stepNote(name, { passed, facts }) {
  if (facts !== undefined) return `${name}: ${facts.join(", ")}`;
  return passed > 0 ? `${name} (${passed} tests)` : name;
}

/** Each claim with its state and what led to it. One failed proof fails it; without a proof it is open, and says why. */
export function judge(areas, results) {
  return areas.map(({ area, claims }) => ({
    area,
    claims: claims.map(({ id, claim, proof, open }) => {
      const judged = proof.map((one) => judgeProof(one, results));
      const has = (state) => judged.some((one) => one.state === state);
      const state = has("failed")
        ? "failed"
        : has("open") || proof.length === 0
          ? "open"
          : "proved";
      return { id, claim, state, notes: judged.map(({ note }) => note), open };
    }),
  }));
}

const MARKS = { proved: "proved", failed: "**failed**", open: "*open*" };

export function readinessPage(areas, results) {
  const claims = areas.flatMap(({ claims }) => claims);
  const count = (state) => claims.filter((claim) => claim.state === state).length;
  const cell = (text) => text.replaceAll("|", "\\|");
  const sections = areas.map(({ area, claims }) =>
    [
      `## ${area}\n`,
      "| | claim | result | proof |",
      "|---|---|---|---|",
      ...claims.map(({ id, claim, state, notes, open }) => {
        const proofs = open ?? notes.map((note) => `\`${cell(note)}\``).join("<br>");
        return `| ${id ?? ""} | ${cell(claim)} | ${MARKS[state]} | ${proofs} |`;
      }),
    ].join("\n"),
  );
  const steps = Object.entries(results).map(([name, { ok, passed, failed, skipped }]) => {
    const tests = passed + failed + skipped === 0 ? "" : `${passed} / ${failed} / ${skipped}`;
    return `| \`${name}\` | ${ok ? "passed" : "**failed**"} | ${tests} |`;
  });
  return `# Readiness of the native library

Written by \`npm run readiness\` after it ran everything below; do not edit. The claims are \`docs/readiness.json\`: what a
reader of moq-ffi may expect, and what reviews of its predecessor claimed or missed. A proof is a step of \`npm test\` or
\`npm run test:deep\`, or tests in it by name (\`npm test -- cpp\`). A claim without a passing test is open; where none can
prove it here, the reason stands in place of a proof.

${count("proved")} proved, ${count("open")} open, ${count("failed")} failed.

${sections.join("\n\n")}

## Steps

| step | result | tests passed / failed / skipped |
|---|---|---|
${steps.join("\n")}
`;
}
