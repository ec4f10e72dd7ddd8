/** Whether new requests should be sent to this process. */
export interface Readiness {
  readonly ready: boolean
  /** The process is about to stop: a load balancer should look elsewhere. */
  close(): void
}

/** Ready until closed: hand it to `serve` and to what answers the balancer's probe. */
export function createReadiness(): Readiness {
  let ready = true
  return {
    get ready() {
      return ready
    },
    close() {
      ready = false
    },
  }
}
