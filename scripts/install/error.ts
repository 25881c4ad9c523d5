/**
 * What keeps `make install` from its work.
 *
 * @module
 */

/** A failure whose message tells a person in one line what, why, and what to do. */
export class InstallError extends Error {}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied (choose another PREFIX, or run it as root)",
  EPERM: "permission denied (choose another PREFIX, or run it as root)",
  EROFS: "the file system is read-only (choose another PREFIX)",
  ENOSPC: "no space left on the disk",
  EDQUOT: "no space left for this user",
  ENOENT: "there is no such folder",
  EEXIST: "there is a file where a folder has to be",
  ENOTDIR: "there is a file where a folder has to be",
  EISDIR: "there is a folder where a file has to be",
  ENOTEMPTY: "there is a folder where a file has to be",
};

/** An operating system's failure as an {@linkcode InstallError}. */
export function failure(what: string, cause: unknown): InstallError {
  if (cause instanceof InstallError) return cause;
  const reason = REASONS[(cause as { code?: string }).code ?? ""] ?? (cause as Error).message;
  return new InstallError(`${what}: ${reason}`);
}
