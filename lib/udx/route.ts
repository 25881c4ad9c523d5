/** Where a stream's packets go. A change of the remote makes a new one; old packets keep theirs. */
export interface Route {
  /** The other side's id of the stream. */
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
}
