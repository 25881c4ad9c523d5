/** A release that can't be made, for a reason that its message tells a person. */
export class ReleaseError extends Error {}
