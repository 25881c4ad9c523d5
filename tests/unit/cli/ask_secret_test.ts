/** Asking for what nobody may see: at a real terminal, and from a pipe. */
import assert from "node:assert/strict";
import { join } from "node:path";

const PROGRAM = join(import.meta.dirname!, "ask_program.ts");
const TERMINAL = join(import.meta.dirname!, "terminal.py");
const COMMAND = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", PROGRAM];
const canRun = (program: string) =>
  new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync()
    .success;
const hasPython = canRun("python3");

interface Seen {
  /** What the terminal showed. */
  readonly shown: string;
  /** Whether it would have shown what is typed, at each step. */
  readonly echoed: boolean[];
  readonly code: number | null;
  readonly signal: number | null;
  /** What the program printed elsewhere. */
  readonly printed: string;
}

/** Waits for texts at a terminal and types what follows each. */
async function atTerminal(...steps: [wait: string, type: string][]): Promise<Seen> {
  const file = await Deno.makeTempFile();
  try {
    const { stdout, stderr, success } = await new Deno.Command("python3", {
      args: [TERMINAL, file, JSON.stringify(steps), ...COMMAND],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const printed = await Deno.readTextFile(file);
    return { ...JSON.parse(new TextDecoder().decode(stdout)), printed };
  } finally {
    await Deno.remove(file);
  }
}

function terminalTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `ask: ${name} (needs python3)`, ignore: !hasPython, fn });
}

terminalTest("at a terminal the questions are seen, and the answers are not", async () => {
  const seen = await atTerminal(
    ["First: ", "hidd\x7fen\r"],
    ["Second: ", "x\x7f\x7f\b\u00e9\n"],
    ["ready", "\n"],
  );
  assert.equal(seen.printed, '["hiden","\u00e9"]\n');
  assert.deepEqual(seen.echoed, [false, false, true]);
  assert.equal(seen.shown.replaceAll("\r\n", "\n"), "First: \nSecond: \nready\n");
  assert.deepEqual([seen.code, seen.signal], [0, null]);
});

terminalTest("Ctrl-D says nothing, or ends a line", async () => {
  const { printed } = await atTerminal(["First: ", "\x04"], ["Second: ", "a\x04"], ["ready", "\n"]);
  assert.equal(printed, '[null,"a"]\n');
});

terminalTest("Ctrl-C at a question ends the program", async () => {
  const { signal, printed } = await atTerminal(["First: ", "a\x03"]);
  assert.deepEqual([signal, printed], [2, ""]);
});

/** What the program makes of this on a pipe. */
async function fromPipe(text: string): Promise<{ printed: string; shown: string }> {
  const child = new Deno.Command(COMMAND[0]!, {
    args: COMMAND.slice(1),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return { printed: new TextDecoder().decode(stdout), shown: new TextDecoder().decode(stderr) };
}

Deno.test("ask: of a pipe each question takes a line, and shows nothing", async () => {
  assert.deepEqual(await fromPipe("one\ntwo\n"), { printed: '["one","two"]\n', shown: "ready" });
  assert.deepEqual((await fromPipe("one\ntwo")).printed, '["one","two"]\n');
  assert.deepEqual((await fromPipe("one\n")).printed, '["one",null]\n');
  assert.deepEqual((await fromPipe("\n\n")).printed, '["",""]\n');
});

Deno.test("ask: a line without end is refused", async () => {
  const longest = "x".repeat(4096);
  assert.equal((await fromPipe(`${longest}\n`)).printed, `["${longest}",null]\n`);
  assert.match((await fromPipe(`${longest}x\n`)).printed, /longer than 4096 bytes/);
});
