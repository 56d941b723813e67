// Where poses are published. Everybody has a namespace of their own: a relay then knows whom to ask for a
// track, and who is there can be found out (`client.discover`).

export const POSE_TRACK = "pose";

/** The namespace of one participant; without a name the one above all of them. */
export function poseNamespace(match: string, name?: string): string {
  return name === undefined ? `match/${match}` : `match/${match}/${name}`;
}
