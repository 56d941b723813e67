/**
 * The promises of the delivery classes as functions of what happened. Each gives a sentence for every
 * promise that was broken; none: all were kept. Plain ECMAScript 2021: they run in a page as well.
 */

import { rising } from "@moq-game/contract";
import type { Delivery, Gap } from "@moq-game/core";
import type { Seen, Sent } from "./evidence.js";

/** What a class promises to a subscriber that reads all the time and stays to the end of the track. */
export function brokenPromises(sent: Sent, seen: Seen, deadline: number): string[] {
  const broken = CLASSES[sent.delivery](sent, seen, deadline);
  broken.push(...everyClass(sent, seen));
  return broken.map((sentence) => `${sent.delivery}: ${sentence}`);
}

const CLASSES: Readonly<Record<Delivery, (sent: Sent, seen: Seen, deadline: number) => string[]>> =
  { reliable, latest, deadline: inTime, datagram };

function everyClass(sent: Sent, seen: Seen): string[] {
  const broken: string[] = [];
  const { numbers, ends, stats } = seen;
  if (numbers.some((n) => !(n >= 0 && n < sent.count)))
    broken.push("an object is not as it was sent");
  if (stats.objects !== numbers.length) {
    broken.push(`${stats.objects} objects were counted, ${numbers.length} delivered`);
  }
  if (stats.gaps !== seen.gaps.length) {
    broken.push(`${stats.gaps} gaps were counted, ${seen.gaps.length} reported`);
  }
  const kinds = ends.map((end) => end.kind).join(", ");
  if (kinds !== "ended") broken.push(`the end was told as "${kinds}" instead of once, "ended"`);
  return broken;
}

/** Every object once, in order, across groups; no gap. */
function reliable(sent: Sent, seen: Seen): string[] {
  const broken = outOfPlace(seen);
  const { numbers, gaps } = seen;
  const wrong = numbers.findIndex((n, i) => n !== i);
  if (wrong >= 0) broken.push(`object ${numbers[wrong]} was delivered where ${wrong} belongs`);
  if (numbers.length !== sent.count) broken.push(`${numbers.length} of ${sent.count} objects came`);
  if (gaps.length > 0) broken.push(`gaps were reported: ${gaps.map(describe).join(", ")}`);
  return broken;
}

/** Groups without a hole, each from its keyframe on. */
function outOfPlace({ objects }: Seen): string[] {
  for (let i = 1; i < objects.length; i++) {
    const [before, at] = [objects[i - 1], objects[i]];
    if (before === undefined || at === undefined) continue;
    const next = at.group === before.group && at.object === before.object + 1;
    const group = at.group === before.group + 1 && at.object === 0 && at.keyframe;
    if (!next && !group) {
      return [`after ${before.group}/${before.object} came ${at.group}/${at.object}`];
    }
  }
  return [];
}

/** Only ever newer updates, and at the end the last one. */
function latest(sent: Sent, seen: Seen): string[] {
  const broken = onlyNewer(seen);
  const last = seen.numbers[seen.numbers.length - 1];
  if (last !== sent.count - 1) broken.push(`it ended on update ${last}, not on ${sent.count - 1}`);
  return broken;
}

/** Only ever newer updates. */
function datagram(_: Sent, seen: Seen): string[] {
  return onlyNewer(seen);
}

function onlyNewer({ numbers, objects }: Seen): string[] {
  const broken: string[] = [];
  if (!rising(numbers)) broken.push("an update came that is not newer than the one before");
  if (!rising(objects.map(({ group }) => group))) broken.push("a group came after a later one");
  return broken;
}

/** In order, never late, and every one skipped is reported once. */
function inTime(_: Sent, seen: Seen, deadline: number): string[] {
  const broken = onlyNewer(seen);
  let smallest = Infinity;
  for (const [i, { receivedAt, publishedAt }] of seen.objects.entries()) {
    if (publishedAt === undefined) {
      broken.push(`update ${seen.numbers[i]} carries no time`);
      break;
    }
    // Clocks differ; the delay above the smallest one seen means something. Times are whole ms.
    smallest = Math.min(smallest, receivedAt - publishedAt);
    const late = receivedAt - publishedAt - smallest;
    if (late > deadline + 2) {
      broken.push(`update ${seen.numbers[i]} was delivered ${Math.round(late)} ms late`);
    }
  }
  return [...broken, ...uncounted(seen)];
}

function uncounted({ objects, gaps, stats }: Seen): string[] {
  const broken: string[] = [];
  const first = objects[0]?.group ?? Infinity;
  const last = objects[objects.length - 1]?.group ?? -1;
  const missing = new Set<number>();
  const came = new Set(objects.map(({ group }) => group));
  for (let group = first; group <= last; group++) if (!came.has(group)) missing.add(group);
  const told = new Set<number>();
  for (const gap of gaps) {
    for (let group = gap.fromGroup; group <= gap.toGroup; group++) {
      if (told.has(group)) broken.push(`group ${group} was reported twice`);
      if (came.has(group)) broken.push(`group ${group} was reported as ${gap.reason} and came`);
      told.add(group);
    }
  }
  const silent = [...missing].filter((group) => !told.has(group));
  if (silent.length > 0) {
    broken.push(`${silent.length} skipped updates were not reported, the first ${silent[0]}`);
  }
  const late = gaps.filter(({ reason }) => reason === "late").length;
  if (late > stats.late) broken.push(`${late} updates were reported late, ${stats.late} counted`);
  return broken;
}

function describe(gap: Gap): string {
  return `${gap.fromGroup}–${gap.toGroup} ${gap.reason}`;
}

/** What clients count beside the bytes of updates that wait. */
const BESIDE = 1_024;

/**
 * Back-pressure: what waits at the publisher is bounded, whatever the network does. One update may
 * cross the bound.
 */
export function brokenBounds(sent: Sent): string[] {
  const bound = sent.queueBytes + sent.bytes + BESIDE;
  if (sent.maxQueuedBytes <= bound) return [];
  return [
    `${sent.delivery}: ${sent.maxQueuedBytes} bytes waited at the publisher, at most ${bound} may`,
  ];
}

/**
 * What a link that is much slower than the publisher must show there: `reliable` is refused and loses
 * nothing; the others replace or drop, and count it.
 */
export function brokenPressure(sent: Sent): string[] {
  if (sent.delivery === "reliable") {
    const broken: string[] = [];
    if (sent.refused === 0) broken.push("reliable: send never said that the queue is full");
    if (sent.dropped > 0) broken.push(`reliable: ${sent.dropped} updates were dropped`);
    return broken;
  }
  if (sent.dropped === 0) return [`${sent.delivery}: nothing was counted as dropped`];
  return [];
}

/**
 * What `reliable` still promises to a subscriber that left the relay's window: never back, and every
 * skip is told as `too_far_behind`.
 */
export function brokenBehind({ numbers, objects, gaps }: Seen): string[] {
  const broken: string[] = [];
  if (!rising(numbers)) broken.push("an object came that is not newer than the one before");
  const told = gaps.filter(({ reason }) => reason === "too_far_behind");
  for (const [i, { group }] of objects.entries()) {
    const before = objects[i - 1];
    if (before === undefined || numbers[i] === (numbers[i - 1] ?? 0) + 1) continue;
    const covered = told.some((gap) => gap.fromGroup <= group && gap.toGroup >= before.group);
    if (!covered) broken.push(`the skip from group ${before.group} to ${group} was not told`);
  }
  return broken.map((sentence) => `reliable, behind: ${sentence}`);
}

/** The share of updates that comes to a subscriber in peace, on a busy machine too. */
const LEAST_IN_PEACE: Readonly<Record<Delivery, number>> = {
  reliable: 1,
  latest: 1 / 4,
  deadline: 1,
  datagram: 3 / 4,
};

/**
 * A subscriber that others must not have touched: besides its promises, nothing was lost to it. Of
 * `latest`, a busy machine alone may pass over many, since newer ones go first, and of datagrams a few.
 */
export function brokenPeace(sent: Sent, seen: Seen): string[] {
  const broken: string[] = [];
  const { stats } = seen;
  if (seen.gaps.length > 0) broken.push(`gaps: ${seen.gaps.map(describe).join(", ")}`);
  for (const cause of ["stale", "late", "overflow", "reset"] as const) {
    const passedOver = sent.delivery === "latest" && (cause === "stale" || cause === "reset");
    if (stats[cause] > (passedOver ? sent.count / 2 : 0)) broken.push(`${stats[cause]} ${cause}`);
  }
  const least = sent.count * LEAST_IN_PEACE[sent.delivery];
  if (seen.numbers.length < least) broken.push(`${seen.numbers.length} of ${sent.count} came`);
  return broken.map((sentence) => `${sent.delivery}: ${sentence}`);
}
