/**
 * Makes inputs from inputs; the same seed makes the same ones.
 *
 * @module
 */
import { Random } from "../../scripts/local/random.ts";
import type { Target } from "./target.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
/** Changes of one input at most. */
const MAX_CHANGES = 6;
/** Numbers at which things go wrong, as text. */
const NUMBERS = ("-1 0 1 2 10 255 256 512 65535 65536 16777217 2147483648 4294967296 " +
  "9007199254740991 9007199254740992 -9007199254740993 1e309 00 -0").split(" ");
/** The same in binary, of one, two or four bytes. */
const WORDS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];
/** JSON that other programs stumble over. */
const ODD_JSON: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e21, 2 ** 53, "", "0", "\ud800", "\u0000", "../..", "é"],
  ...[[], {}, { toString: null }, { __proto__: null }, "x".repeat(300), ["a", ["b"]]],
];
/** Mostly few times: long inputs take long. */
const TIMES = [...Array<number>(12).fill(10), 100, 100, 1000, 20_000];

/** Makes inputs. */
export class Mutator {
  readonly #random: Random;
  readonly #target: Pick<Target, "form" | "maxBytes">;
  readonly #tokens: readonly Uint8Array[];

  /** @param tokens what its input may have; not empty */
  constructor(
    seed: number,
    target: Pick<Target, "form" | "maxBytes">,
    tokens: readonly Uint8Array[],
  ) {
    this.#random = new Random(seed);
    this.#target = target;
    this.#tokens = tokens;
  }

  /** An input made from one of `pool`, which isn't empty. */
  next(pool: readonly Uint8Array[]): Uint8Array {
    let input = this.#of(pool);
    const changes = 1 + this.#random.below(MAX_CHANGES);
    for (let i = 0; i < changes; i++) {
      input = this.#random.below(3) === 0 ? this.#shape(input) : this.#change(input, pool);
    }
    return input.slice(0, this.#target.maxBytes);
  }

  #change(input: Uint8Array, pool: readonly Uint8Array[]): Uint8Array {
    const random = this.#random;
    const at = random.below(input.length + 1);
    const length = Math.min(1 + random.below(random.below(8) === 0 ? 256 : 8), input.length - at);
    switch (random.below(10)) {
      case 0: // a bit
        return replace(input, at, 1, [(input[at] ?? 0) ^ (1 << random.below(8))]);
      case 1: // bytes
        return replace(input, at, length, Array.from({ length }, () => random.below(256)));
      case 2: // a length
        return replace(input, at, ...this.#word());
      case 3: // fewer
        return replace(input, at, length, []);
      case 4: // cut off
        return input.slice(0, at);
      case 5: // twice
        return replace(input, at, 0, input.subarray(at, at + length));
      case 6: // a token
        return replace(input, at, random.below(2) * length, this.#token());
      case 7: { // the end of another one
        const other = this.#of(pool);
        return replace(input, at, input.length, other.subarray(random.below(other.length + 1)));
      }
      case 8: // another number
        return this.#number(input);
      default: { // much of it
        const token = random.below(2) === 0 ? this.#token() : input.subarray(at, at + length);
        const times = TIMES[random.below(TIMES.length)]!;
        const most = Math.ceil(this.#target.maxBytes / Math.max(1, token.length));
        return replace(input, at, 0, repeat(token, Math.min(times, most)));
      }
    }
  }

  /** A change that keeps the form. */
  #shape(input: Uint8Array): Uint8Array {
    switch (this.#target.form) {
      case "json":
        return this.#json(input);
      case "bencode":
        return this.#string(input, /(\d{1,6}):/g, (n) => `${n}:`);
      case "packets":
        return this.#string(
          input,
          /([0-9a-f]{4})/g,
          (n) => (n + 4).toString(16).padStart(4, "0"),
          (digits) => parseInt(digits, 16) - 4,
        );
      case "bytes":
        return this.#number(input);
    }
  }

  /** Exchanges a string that has its length in front. */
  #string(
    input: Uint8Array,
    form: RegExp,
    head: (length: number) => string,
    read: (digits: string) => number = Number,
  ): Uint8Array {
    const found = [...decoder.decode(input).matchAll(form)];
    if (found.length === 0) return input;
    const { index, 0: whole, 1: digits } = found[this.#random.below(found.length)]!;
    const start = index + whole.length;
    const length = Math.max(0, Math.min(read(digits!), input.length - start));
    const content = this.#change(input.slice(start, start + length), [input]);
    const bytes = [...encoder.encode(head(content.length)), ...content.subarray(0, 65_000)];
    return replace(input, index, whole.length + length, bytes);
  }

  /** Exchanges one value in JSON; the text after the first value stays. */
  #json(input: Uint8Array): Uint8Array {
    const lines = new TextDecoder().decode(input).split("\n");
    const line = this.#random.below(lines.length);
    let root: unknown;
    try {
      root = JSON.parse(lines[line]!);
    } catch {
      return this.#number(input);
    }
    const places: { readonly in: Record<string, unknown>; readonly key: string }[] = [];
    const visit = (value: unknown, depth: number) => {
      if (typeof value !== "object" || value === null || depth > 20 || places.length > 5000) return;
      for (const key of Object.keys(value)) {
        const holder = value as Record<string, unknown>;
        places.push({ in: holder, key });
        visit(holder[key], depth + 1);
      }
    };
    visit(root, 0);
    if (places.length === 0) return input;
    const place = places[this.#random.below(places.length)]!;
    const other = places[this.#random.below(places.length)]!;
    switch (this.#random.below(5)) {
      case 0:
        if (Array.isArray(place.in)) place.in.splice(Number(place.key), 1);
        else delete place.in[place.key];
        break;
      case 1:
        place.in[place.key] = structuredClone(other.in[other.key]);
        break;
      case 2:
        if (Array.isArray(place.in)) place.in.push(place.in[Number(place.key)]);
        else place.in[decoder.decode(this.#token())] = place.in[place.key];
        break;
      case 3: {
        const value = place.in[place.key];
        const text = encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
        place.in[place.key] = new TextDecoder().decode(this.#change(text, [text]));
        break;
      }
      default:
        place.in[place.key] = structuredClone(ODD_JSON[this.#random.below(ODD_JSON.length)]);
    }
    lines[line] = JSON.stringify(root);
    return encoder.encode(lines.join("\n"));
  }

  #number(input: Uint8Array): Uint8Array {
    const found = [...decoder.decode(input.subarray(0, 100_000)).matchAll(/\d+/g)];
    if (found.length === 0) return input;
    const { index, 0: digits } = found[this.#random.below(found.length)]!;
    const number = NUMBERS[this.#random.below(NUMBERS.length)]!;
    return replace(input, index, digits.length, encoder.encode(number));
  }

  /** How many bytes are replaced, and by which. */
  #word(): [number, number[]] {
    const value = WORDS[this.#random.below(WORDS.length)]!;
    const size = [1, 2, 4][this.#random.below(3)]!;
    const bytes = Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff);
    return [size, this.#random.below(2) === 0 ? bytes : bytes.reverse()];
  }

  #token(): Uint8Array {
    return this.#tokens[this.#random.below(this.#tokens.length)]!;
  }

  #of(pool: readonly Uint8Array[]): Uint8Array {
    return pool[this.#random.below(pool.length)]!;
  }
}

function replace(
  input: Uint8Array,
  at: number,
  length: number,
  by: ArrayLike<number>,
): Uint8Array {
  const end = Math.min(at + length, input.length);
  const bytes = new Uint8Array(input.length - (end - Math.min(at, end)) + by.length);
  bytes.set(input.subarray(0, at));
  bytes.set(by, Math.min(at, input.length));
  bytes.set(input.subarray(end), Math.min(at, input.length) + by.length);
  return bytes;
}

function repeat(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) all.set(bytes, i * bytes.length);
  return all;
}
