/** The one track of a cell. */
export const NAMESPACE = "bench/cell";
export const TRACK = "updates";
