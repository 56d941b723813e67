// docs/performance/poses.md, from what moq_ffi_poses measured.

const NAMES = { 17000: "pose, 17 kB", 100: "update, 100 B" };

function ms(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function row({ delivery, bytes, published, refused, delivered, p50, p99, max }) {
  const missing = published === 0 ? 0 : ((published - delivered) / published) * 100;
  const cells = [
    `\`${delivery}\``,
    NAMES[bytes] ?? `${bytes} B`,
    published,
    refused,
    `${missing.toFixed(2)} %`,
    ms(p50),
    ms(p99),
    ms(max),
  ];
  return `| ${cells.join(" | ")} |`;
}

/**
 * @param {{ open: object, runs: object[] }} measured the JSON of moq_ffi_poses
 * @param {string} machine for people
 */
export function posesPage({ open, runs }, machine) {
  const sections = runs.map(({ loss, seconds, delayMs, tracks }) =>
    [
      `## ${loss} % loss, ${seconds} s\n`,
      `Each hop also delays by ${delayMs} ms, so nothing can be younger than ${2 * delayMs} ms.\n`,
      "| class | object | published | refused | not delivered | p50 age, ms | p99 | oldest |",
      "|---|---|---|---|---|---|---|---|",
      ...tracks.map(row),
    ].join("\n"),
  );
  return `# Poses and updates at 60 Hz over a lossy network

Written by \`npm run poses\`; do not edit. Through the C ABI of the release build: for each delivery class one publisher
and one subscriber with connections of their own, all at once, through the embedded relay. Both hops pass the seeded
proxy of \`tools/impair\`, which loses packets in both directions of each. Age is the time between \`moq_publish\` and the
object in the hands of a reader that polls every millisecond. A group is a second. A pose does not fit into a datagram.
\`refused\` counts updates that back-pressure kept out; \`latest\` and \`datagram\` skip what is old on purpose.

Machine: ${machine}.

${sections.join("\n\n")}

## Opening while the peer is silent

\`moq_client_open\` returned within ${(open.p50us / 1000).toFixed(3)} ms in half of ${open.count} calls, and within
${(open.maxUs / 1000).toFixed(3)} ms in all of them; the first call starts the I/O thread.
`;
}
