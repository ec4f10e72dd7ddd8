/** How a budget stands that a request's cost is taken from. In the units of the operation's cost. */
export interface Budget {
  /** The quota's name. */
  readonly name: string
  /** What it holds when nobody takes from it. */
  readonly burst: number
  /** What is left of it. */
  readonly remaining: number
  /** What comes back in a second: in a window, on average. */
  readonly perSecond: number
}
