import { discoveryCases } from "./cases/discovery.js";
import { inputCases } from "./cases/input.js";
import { lifecycleCases } from "./cases/lifecycle.js";
import { reconnectCases } from "./cases/reconnect.js";
import { reliableCases } from "./cases/reliable.js";
import { unreliableCases } from "./cases/unreliable.js";
import type { ContractCase } from "./role.js";

export { type Collected, collect } from "./collect.js";
export {
  type ContractCase,
  ContractViolation,
  check,
  last,
  numbered,
  type Role,
  range,
  rising,
  until,
} from "./role.js";

/** Every promise of the shared interface, one case each. */
export const contractCases: readonly ContractCase[] = [
  ...reliableCases,
  ...unreliableCases,
  ...lifecycleCases,
  ...discoveryCases,
  ...inputCases,
  ...reconnectCases,
];
export { Post } from "./post.js";
export { type Host, playWith, runCase, type Side } from "./run.js";
