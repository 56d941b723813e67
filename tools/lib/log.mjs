// What the commands say. Progress goes to one stream, so that a command whose output is data can keep stdout clean.

let stream = process.stdout;

/** Sends progress to stderr from now on: stdout then belongs to the program that the command starts. */
export function logToStderr() {
  stream = process.stderr;
}

export function logStream() {
  return stream;
}

export function say(line = "") {
  stream.write(`${line}\n`);
}

function colour(code, text) {
  return stream.isTTY && !process.env.NO_COLOR ? `\u001b[${code}m${text}\u001b[0m` : text;
}

export const bold = (text) => colour(1, text);
export const green = (text) => colour(32, text);
export const red = (text) => colour(31, text);
export const dim = (text) => colour(2, text);

/** A duration for people: 0.4 s, 12.0 s, 3 min 05 s. */
export function seconds(ms) {
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
