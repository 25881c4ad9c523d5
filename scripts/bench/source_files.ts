/**
 * Made-up source files that change as real ones do: they compress and delta like them.
 *
 * @module
 */
import type { Random } from "../local/random.ts";

const SYLLABLES =
  "ac ad al an ar at be ca ce co de di do ed el en er es et fi ge ha he hi in ing io ip is it " +
  "la le li lo ma me mi mo na ne no nt on op or os pa pe po qu ra re ri ro sa se si so st ta te " +
  "th ti to tr un ur us ve vi wa wo";

/** A vocabulary, a set of files and their changes. */
export class SourceFiles {
  readonly #random: Random;
  readonly #words: readonly string[];
  readonly #files = new Map<string, string[]>();
  readonly #folders: string[] = [];

  constructor(random: Random) {
    this.#random = random;
    const syllables = SYLLABLES.split(" ");
    this.#words = Array.from({ length: 4000 }, () => {
      const parts = 1 + random.below(4);
      return Array.from({ length: parts }, () => syllables[random.below(syllables.length)]).join(
        "",
      );
    });
    for (let i = 0; i < 60; i++) {
      const parent = i > 8 && random.next() < 0.5 ? `${random.favourite(this.#folders)}/` : "";
      this.#folders.push(`${parent}${this.#word()}${i}`);
    }
  }

  get count(): number {
    return this.#files.size;
  }

  /** A new file of about `lines` lines; its path and content. */
  add(lines: number): [path: string, content: string] {
    const folder = this.#random.favourite(this.#folders);
    const path = `${folder}/${this.#word()}_${this.#files.size}.ts`;
    const length = 1 + Math.floor(lines * (0.2 + 1.6 * this.#random.next()));
    this.#files.set(path, Array.from({ length }, () => this.#line()));
    return [path, this.#content(path)];
  }

  /** Changes a few places of a file that exists; its path and new content. */
  edit(): [path: string, content: string] {
    const path = this.#random.favourite([...this.#files.keys()]);
    const lines = this.#files.get(path)!;
    for (let i = 1 + this.#random.below(4); i > 0; i--) {
      const at = this.#random.below(lines.length + 1);
      const removed = this.#random.below(Math.min(4, lines.length));
      const added = Array.from({ length: 1 + this.#random.below(6) }, () => this.#line());
      lines.splice(at, removed, ...added);
    }
    return [path, this.#content(path)];
  }

  /** Bytes that don't compress, as of an image. */
  asset(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.#random.below(256));
  }

  /** A commit message. */
  message(): string {
    return Array.from({ length: 3 + this.#random.below(6) }, () => this.#word()).join(" ");
  }

  #content(path: string): string {
    return this.#files.get(path)!.join("\n") + "\n";
  }

  #word(): string {
    return this.#random.favourite(this.#words);
  }

  #line(): string {
    const random = this.#random;
    const indent = "  ".repeat(random.below(5));
    switch (random.below(6)) {
      case 0:
        return "";
      case 1:
        return `${indent}// ${this.message()}`;
      case 2:
        return `${indent}if (${this.#word()}.${this.#word()} === ${random.below(1000)}) {`;
      case 3:
        return `${indent}return ${this.#word()}(${this.#word()}, "${this.#word()}");`;
      default:
        return `${indent}const ${this.#word()} = await this.${this.#word()}(${this.#word()});`;
    }
  }
}
