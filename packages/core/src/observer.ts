/** Makes what tells an observer. A fault of its own changes nothing: not what happened, and not what comes next. */
export function teller<Said extends readonly unknown[]>(
  observer: ((...said: Said) => void) | undefined,
): (...said: Said) => void {
  return (...said) => tell(() => observer?.(...said), ignore)
}

/** Tells an observer, and gives its fault to somebody who bears it: at once, or when the promise it returned rejects. */
export function tell(observe: () => unknown, bear: (fault: unknown) => void): void {
  try {
    const heard = observe()
    // Nobody else waits for it: a rejection would end the process.
    if (heard instanceof Promise) heard.catch(bear)
  } catch (fault) {
    bear(fault)
  }
}

function ignore(): void {
  // There is nobody to tell it to.
}
