import { expect, test } from "vitest";
import { differences, interopPage } from "./interop-page.mjs";

test("totals, tables and what is lacking", () => {
  const results = [
    {
      kind: "case",
      client: "a-client",
      transport: "QUIC",
      name: "one",
      ok: true,
      expected: "passes",
      why: null,
    },
    {
      kind: "case",
      client: "a-client",
      transport: "QUIC",
      name: "two",
      ok: false,
      expected: "passes",
      why: null,
    },
    {
      kind: "case",
      client: "a-client",
      transport: "QUIC",
      name: "three",
      ok: false,
      expected: "may",
      why: "Slow.",
    },
    { kind: "probe", relay: "a-relay", client: "node", name: "set-up", lack: null, why: null },
    { kind: "probe", relay: "a-relay", client: "node", name: "x|y", lack: "no", why: "It cannot." },
    { kind: "probe", relay: "a-relay", client: "page", name: "set-up", lack: null, why: null },
    {
      kind: "probe",
      relay: "a-relay",
      client: "page",
      name: "z",
      lack: null,
      sometimes: true,
      why: "Late.",
    },
  ];
  const peers = [{ crate: "a-relay", version: "1.2.3" }];
  const page = interopPage(results, peers, new Date("2030-01-02T03:04:05Z"));
  expect(page).toContain("on 2030-01-02");
  expect(page).toContain("`a-relay` 1.2.3");
  expect(page).toContain("2 of 3 over QUIC");
  expect(page).toContain(
    "|  | `a-relay`: node | `a-relay`: page |\n| --- | --- | --- |\n| set-up | yes | yes |",
  );
  expect(page).toContain("| two | **no** |\n| three | yes, see below |\n\n- three: Slow.\n");
  expect(page).toContain("| x\\|y | **no** | – |");
  expect(page).toContain("| z | – | **not always** |");
  expect(page).toContain("- z (page): Late.");
  expect(page).toContain("- x|y (node): It cannot.");
  expect(interopPage(results, peers, new Date(0))).not.toBe(page);
  expect(differences(page, interopPage(results, peers, new Date(0)))).toEqual([]);
  expect(differences(page, interopPage(results.slice(1), peers, new Date(0)))).toEqual([
    "- 2 of 3 over QUIC.",
    "- | one | yes |",
    "+ 1 of 2 over QUIC.",
  ]);
});

test("clients come in the order of the peers, in whatever order they were run", () => {
  const made = (client) => ({
    kind: "case",
    client,
    transport: "QUIC",
    name: "one",
    ok: true,
    expected: "passes",
    why: null,
  });
  const peers = ["first", "second"].map((crate) => ({ crate, version: "1" }));
  const page = (...clients) => interopPage(clients.map(made), peers, new Date(0));
  expect(page("second", "first")).toBe(page("first", "second"));
});
