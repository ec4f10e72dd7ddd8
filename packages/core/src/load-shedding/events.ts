/** How dear a request is to the service. The lowest class is refused first. */
export type LoadPriority = 'critical' | 'normal' | 'low'

/** What `shedLoad` tells observers. */
export interface LoadShedEvent {
  readonly type: 'load.shed'
  readonly priority: LoadPriority
  /** Requests in flight, this one not among them. */
  readonly inFlight: number
  /** How late the event loop is, in milliseconds. */
  readonly delay: number
}
