/** Makes what tells an observer. A fault of its own changes nothing: not what happened, and not what comes next. */
export function teller<Event>(observer: ((event: Event) => void) | undefined): (event: Event) => void {
  return (event) => {
    try {
      observer?.(event)
    } catch {
      // Nothing to tell it to.
    }
  }
}
