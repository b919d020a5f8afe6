// How much is under way where a plan would act: what limits count and guards read. Types only.

/** Live executions that change something. */
export interface Count {
  /** Not ended; those that wait for people included. */
  readonly running: number;
  /** Begun within the time that is asked about, without those that never ran (rejected, expired, refused, outdated). */
  readonly starts: number;
}

/** Of the last hour. Where a plan acts in several clusters or namespaces, the one where most is. */
export interface Usage {
  readonly global: Count;
  readonly cluster: Count;
  readonly namespace: Count;
  readonly target: Count;
  readonly template: Count;
}
