/**
 * A disk that can be filled and emptied at once.
 *
 * @module
 */
import { type Disk, smallDisk } from "../local/disk.ts";
import { run } from "../local/run.ts";

const MEGABYTES = 512;

/** A person's disk. */
export class FillableDisk implements AsyncDisposable {
  readonly #disk: Disk;

  private constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Undefined where mounting isn't allowed. */
  static async make(): Promise<FillableDisk | undefined> {
    const disk = await smallDisk(MEGABYTES);
    return disk && new FillableDisk(disk);
  }

  get path(): string {
    return this.#disk.path;
  }

  /** Leaves so many kilobytes: the disk itself shrinks. False if it is written to all the time. */
  async fill(kilobytes: number): Promise<boolean> {
    const env = Deno.env.toObject();
    for (let tries = 5; tries > 0; tries--) {
      const { stdout } = await run(["df", "--output=used", "-k", this.path], { env });
      const size = `size=${Number(stdout.split("\n")[1]) + kilobytes}k`;
      const done = await run(["mount", "-o", `remount,${size}`, this.path], {
        env,
        allowFail: true,
      });
      if (done.code === 0) return true; // else it was written to meanwhile
    }
    return false;
  }

  async free(): Promise<void> {
    await this.#disk.grow(MEGABYTES);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disk[Symbol.asyncDispose]();
  }
}
