/**
 * What gtr uses of protomux 3.12. The package has no types of its own.
 *
 * @module
 */

/** A message of a channel; `onmessage` is told what came. */
export interface MessageOptions {
  readonly onmessage?: (message: unknown, channel: Channel) => unknown;
}

/** A protocol that is spoken over a stream. */
export interface Channel {
  addMessage(options?: MessageOptions): unknown;
}

/** Several protocols over one stream of messages. */
export default class Protomux {
  static from(stream: object): Protomux;
  createChannel(options: object): Channel;
}
