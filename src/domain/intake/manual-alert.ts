// The alert that stands for a person who starts a template.

/** Its source, and its name unless an execution is tried again: guards may name it in `on`. */
export const manualAlert = "manual";
