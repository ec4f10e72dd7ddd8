/** What the gate itself tells observers. */
export type AnswerEvent = AnswerCut

/** An answer that still flowed was ended. */
export interface AnswerCut {
  readonly type: 'answer.cut'
  readonly reason: 'credential-expired'
}
