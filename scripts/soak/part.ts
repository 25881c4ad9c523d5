/**
 * A part of a soak: what each publication cost in it, and what there was at its end.
 *
 * @module
 */
import { bytes } from "../bench/table.ts";
import type { Sample } from "./people.ts";

/** One person's figures. */
export interface Cost {
  /** Processor time of gtd for each publication, in milliseconds; with that of the gits it ran. */
  readonly gtdMs: number;
  readonly allMs: number;
  readonly memory: number;
  readonly storeBytes: number;
  readonly storeFiles: number;
}

/** A part of a soak. */
export interface Part {
  /** Publications up to its end, all parts before included. */
  readonly publications: number;
  readonly publisher: Cost;
  readonly follower: Cost;
  /** Medians, in milliseconds from a commit on. */
  readonly published: number;
  readonly followed: number;
}

/** What so many publications cost, from one sample to another. */
export function costOf(before: Sample, after: Sample, publications: number): Cost {
  const gtd = after.ownMs - before.ownMs;
  const children = after.childrenMs - before.childrenMs;
  const { memory, storeBytes, storeFiles } = after;
  return {
    gtdMs: gtd / publications,
    allMs: (gtd + children) / publications,
    memory,
    storeBytes,
    storeFiles,
  };
}

const HEADS = [
  "publications",
  "gtd",
  "with git",
  "memory",
  "store",
  "files",
  "follower's gtd",
  "memory",
  "store",
  "files",
  "published",
  "followed",
];

/** The head of the table of parts, and the line below it. */
export function head(): string {
  return `${line(HEADS)}\n${line(HEADS.map((text) => "-".repeat(text.length - 1) + ":"))}`;
}

/** The line of one part. */
export function row({ publications, publisher, follower, published, followed }: Part): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const cells = [
    String(publications),
    ms(publisher.gtdMs),
    ms(publisher.allMs),
    bytes(publisher.memory),
    bytes(publisher.storeBytes),
    String(publisher.storeFiles),
    ms(follower.gtdMs),
    bytes(follower.memory),
    bytes(follower.storeBytes),
    String(follower.storeFiles),
    ms(published),
    ms(followed),
  ];
  return line(cells.map((cell, i) => cell.padStart(HEADS[i]!.length)));
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
