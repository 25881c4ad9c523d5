/**
 * A file system beside the one where temporary files are.
 *
 * @module
 */

const SHARED_MEMORY = "/dev/shm";

/** A folder on another file system than temporary folders; undefined if there is none here. */
export const OTHER_DISK: string | undefined = await (async () => {
  const temporary = await Deno.makeTempDir();
  try {
    const [here, there] = await Promise.all([temporary, SHARED_MEMORY].map((p) => Deno.stat(p)));
    return here!.dev === there!.dev ? undefined : SHARED_MEMORY;
  } catch {
    return undefined;
  } finally {
    await Deno.remove(temporary);
  }
})();

/** For the end of the name of a test that needs it. */
export const NEEDS_OTHER_DISK = OTHER_DISK ? "" : " (needs /dev/shm on a file system of its own)";
