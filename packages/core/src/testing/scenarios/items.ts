/** One thing of the scenarios' service. */
export interface ScenarioItem {
  readonly id: string
  readonly name: string
}

/** The service's state: it counts what is done to it, and can hold a write in the middle. */
export class ScenarioItems {
  /** How often the service did something: what a replay or a cached answer must not raise. */
  readonly done = { read: 0, list: 0, create: 0, rename: 0, pay: 0 }
  readonly #items = new Map<string, ScenarioItem>([['1', { id: '1', name: 'first' }]])
  #hold: Promise<void> | undefined
  #entered: (() => void) | undefined

  read(id: string): ScenarioItem | undefined {
    this.done.read += 1
    return this.#items.get(id)
  }

  list(): readonly ScenarioItem[] {
    this.done.list += 1
    return [...this.#items.values()]
  }

  async create(name: string): Promise<ScenarioItem> {
    this.done.create += 1
    const item = { id: String(this.#items.size + 1), name }
    this.#entered?.()
    await this.#hold
    this.#items.set(item.id, item)
    return item
  }

  rename(id: string, name: string): ScenarioItem {
    this.done.rename += 1
    const item = { id, name }
    this.#items.set(id, item)
    return item
  }

  pay(id: string): ScenarioItem {
    this.done.pay += 1
    return this.#items.get(id) ?? { id, name: '' }
  }

  /** Keeps every create from now on in the middle. `entered` resolves when the first is there. */
  hold(): { readonly entered: Promise<void>; readonly release: () => void } {
    let letGo: (() => void) | undefined
    this.#hold = new Promise((resolve) => (letGo = resolve))
    return {
      entered: new Promise((resolve) => (this.#entered = resolve)),
      release: () => {
        this.#hold = undefined
        this.#entered = undefined
        letGo?.()
      },
    }
  }
}
