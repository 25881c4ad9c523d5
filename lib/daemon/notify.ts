/**
 * Telling systemd how gtd is: sd_notify(3), without a library.
 *
 * @module
 */
import { rmSync } from "node:fs";

/** Sends states to the socket that `NOTIFY_SOCKET` names; does nothing where there is none. */
export class ServiceNotifier implements Disposable {
  readonly #target: string;
  readonly #socket: Deno.DatagramConn;
  readonly #own: string;
  #watchdog?: ReturnType<typeof setInterval>;

  private constructor(target: string, socket: Deno.DatagramConn, own: string) {
    this.#target = target;
    this.#socket = socket;
    this.#own = own;
  }

  /**
   * Opens the way to the service manager.
   *
   * @param own where to make the socket to send from, which needs a name; nothing comes back on it
   * @returns undefined where no service manager waits, or none that can be reached
   */
  static open(
    env: (name: string) => string | undefined,
    own: string,
    log: (message: string) => void,
  ): ServiceNotifier | undefined {
    const target = env("NOTIFY_SOCKET");
    if (!target) return undefined;
    try {
      rmSync(own, { force: true });
      const socket = Deno.listenDatagram({ transport: "unixpacket", path: own });
      return new ServiceNotifier(target, socket, own);
    } catch (error) {
      log(`can't tell the service manager anything: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=...": lines of sd_notify(3). */
  async send(...lines: string[]): Promise<void> {
    const bytes = new TextEncoder().encode(lines.join("\n"));
    await this.#socket.send(bytes, { transport: "unixpacket", path: this.#target })
      .catch(() => {}); // the manager has gone: nobody is left to be told
  }

  /**
   * Sends "WATCHDOG=1" twice in each period that `WATCHDOG_USEC` sets, as long as `isWell` says so;
   * systemd restarts a service that falls silent.
   */
  keepWatchdog(env: (name: string) => string | undefined, isWell: () => Promise<boolean>): void {
    const period = Number(env("WATCHDOG_USEC")) / 1000;
    const pid = env("WATCHDOG_PID");
    if (!(period > 0) || (pid !== undefined && Number(pid) !== Deno.pid)) return;
    this.#watchdog = setInterval(async () => {
      if (await isWell().catch(() => false)) await this.send("WATCHDOG=1");
    }, period / 2);
    Deno.unrefTimer(this.#watchdog);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog);
    this.#socket.close();
    rmSync(this.#own, { force: true });
  }
}
