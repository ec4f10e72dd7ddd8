import { type Servable, serve, type ServeOptions, type Serving, type StopCause } from '@headgate/core'

/** Serves an app as this process's only job, and says when it stops and why. */
export function start(app: Servable, options: ServeOptions = {}): Promise<Serving> {
  return serve(app, { ...options, ownsProcess: true, onStopping: announce })
}

function announce(cause: StopCause, error?: unknown): void {
  if (error !== undefined) console.error(error)
  console.log(`${cause}: requests in flight finish, then the server stops. A second signal stops it now.`)
}
