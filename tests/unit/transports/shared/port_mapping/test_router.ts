/**
 * A router on loopback that says whatever a test wants it to.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  type Patience,
  PortMapper,
  type RouterPorts,
} from "../../../../../lib/transports/shared/port_mapping/port_mapper.ts";
import type { Wish } from "../../../../../lib/transports/shared/port_mapping/router.ts";
import type {
  NoRouter,
  Surroundings,
} from "../../../../../lib/transports/shared/port_mapping/surroundings.ts";

/** Where an answer is expected, on a busy machine too. */
const PATIENT: Patience = { triesMs: [250, 500, 5000], searchMs: 10_000 };
/** Where none is. */
export const HASTY: Patience = { triesMs: [50, 500], searchMs: 700 };

export const HOST = "127.0.0.1";
export const OUTSIDE = "198.51.99.21";

/** Answers to one message. */
export type Answers = (message: Buffer) => readonly Uint8Array[];
/** An answer to one call, or to a request for the description (no action). */
export type Web = (action: string, body: string) => Response | Promise<Response>;

/** What a test has it say; what is absent is not answered. */
export interface Script {
  /** To PCP and NAT-PMP. */
  readonly gateway?: Answers;
  /** The locations that it tells when asked by SSDP; `{web}` is where {@linkcode web} is. */
  readonly locations?: readonly string[];
  readonly web?: Web;
}

/** The router, and a mapper that knows no other one. */
export class TestRouter implements AsyncDisposable {
  readonly mapper: PortMapper;
  /** Dropped input by reason. */
  readonly dropped = new Map<string, number>();
  /** Requests that came over HTTP: "GET /desc" or an action. */
  readonly calls: string[] = [];
  where: Surroundings | NoRouter = { own: HOST, gateways: [HOST], isKnown: true };
  addresses = "";
  script: Script;
  readonly #sockets: readonly Socket[];
  readonly #web: Deno.HttpServer<Deno.NetAddr>;
  readonly #announcements: number;

  private constructor(
    script: Script,
    sockets: readonly Socket[],
    ports: RouterPorts,
    patience: Patience,
  ) {
    this.script = script;
    this.#sockets = sockets;
    this.#announcements = ports.announcements.port;
    this.#web = Deno.serve({ hostname: HOST, port: 0, onListen: () => {} }, async (request) => {
      const action = /#(\w+)"$/.exec(request.headers.get("soapaction") ?? "")?.[1] ?? "";
      this.calls.push(action || `${request.method} ${new URL(request.url).pathname}`);
      return await this.script.web?.(action, await request.text()) ??
        new Response(null, { status: 404 });
    });
    const [gateway, ssdp] = sockets;
    this.#answer(gateway!, (message) => this.script.gateway?.(message) ?? []);
    this.#answer(
      ssdp!,
      () =>
        (this.script.locations ?? []).map((location) =>
          Buffer.from(`HTTP/1.1 200 OK\r\nLOCATION: ${location.replace("{web}", this.web)}\r\n\r\n`)
        ),
    );
    this.mapper = new PortMapper({
      look: () => Promise.resolve(this.where),
      addresses: () => this.addresses,
      dropped: (reason) => this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1),
      ports,
      patience,
    });
  }

  static async open(script: Script, patience = PATIENT): Promise<TestRouter> {
    const [gateway, ssdp] = await Promise.all([bound(), bound()]);
    const announcements = await bound();
    const { port } = announcements.address();
    announcements.close();
    return new TestRouter(script, [gateway, ssdp], {
      gateway: gateway.address().port,
      ssdp: { host: HOST, port: ssdp.address().port },
      announcements: { host: HOST, port },
    }, patience);
  }

  /** "http://127.0.0.1:<port>" */
  get web(): string {
    return `http://${HOST}:${this.#web.addr.port}`;
  }

  /** Says something of its own accord. */
  announce(message: Uint8Array): void {
    this.#sockets[0]!.send(message, this.#announcements, HOST);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mapper[Symbol.dispose]();
    for (const socket of this.#sockets) socket.close();
    await this.#web.shutdown();
  }

  #answer(socket: Socket, answers: Answers): void {
    socket.on("message", (message: Buffer, { address, port }: RemoteInfo) => {
      for (const answer of answers(message)) socket.send(answer, port, address);
    });
  }
}

export async function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, HOST);
  await once(socket, "listening");
  return socket;
}

export const WISH: Wish = {
  protocol: "tcp",
  inside: 6881,
  outside: [6881, 20_001, 20_002],
  seconds: 3600,
  nonce: new Uint8Array(12).fill(7),
};

/** An answer of PCP to a request, with changes at some places. */
export function pcpAnswer(
  request: Buffer,
  changes: Record<number, readonly number[]> = {},
): Buffer {
  const answer = Buffer.alloc(60);
  answer[0] = 2;
  answer[1] = 0x81;
  answer.writeUInt32BE(3600, 4);
  answer.writeUInt32BE(100, 8);
  request.copy(answer, 24, 24, 60);
  answer.set([0xff, 0xff, 198, 51, 99, 21], 54);
  for (const [at, bytes] of Object.entries(changes)) answer.set(bytes, Number(at));
  return answer;
}

/** As a router that knows NAT-PMP only; `epoch` is its clock. */
export function natPmpAnswers(request: Buffer, epoch = 100): Buffer[] {
  const answer = Buffer.alloc(request[0] !== 0 ? 8 : request[1] === 0 ? 12 : 16);
  answer[1] = 0x80 | request[1]!;
  answer.writeUInt32BE(epoch, 4);
  if (request[0] !== 0) answer.writeUInt16BE(1, 2);
  else if (request[1] === 0) answer.set([198, 51, 99, 21], 8);
  else request.copy(answer, 8, 4, 12);
  return [answer];
}

const WAN = "urn:schemas-upnp-org:service:WANIPConnection:1";

/** A router's description. */
export function description(control = "/ctl", before = ""): Response {
  return new Response(
    `<?xml version="1.0"?>${before}<root><device><serviceList><service>` +
      `<serviceType>${WAN}</serviceType><controlURL>${control}</controlURL>` +
      "</service></serviceList></device></root>",
  );
}

/** A router's answer to a call. */
export function result(action: string, values: Record<string, string> = {}): Response {
  const inside = Object.entries(values).map(([name, text]) => `<${name}>${text}</${name}>`).join(
    "",
  );
  return new Response(
    `<s:Envelope xmlns:s="x"><s:Body><u:${action}Response xmlns:u="${WAN}">${inside}` +
      `</u:${action}Response></s:Body></s:Envelope>`,
  );
}

/** A router's refusal. */
export function fault(code: number): Response {
  return new Response(
    `<s:Envelope xmlns:s="x"><s:Body><s:Fault><detail><UPnPError><errorCode>${code}</errorCode>` +
      "</UPnPError></detail></s:Fault></s:Body></s:Envelope>",
    { status: 500 },
  );
}
