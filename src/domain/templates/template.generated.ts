// Written by scripts/generate.ts from schemas/template.schema.json. Do not edit: change the schema.
/**
 * A workflow template: parameters, steps and how they depend on each other. One template a file, under `templates/`.
 */
export interface TemplateFile {
  /**
   * Version of this file format. A controller that meets a newer format keeps the last good revision.
   */
  format: number;
  /**
   * Unique among all templates; a DNS label.
   */
  name: string;
  /**
   * Semantic version; records carry name, version and the hash of the content.
   */
  version?: string;
  /**
   * What it does, for people.
   */
  description: string;
  /**
   * Alert names that it is meant for. A hint for editors and coverage; it selects nothing by itself.
   *
   * @maxItems 100
   */
  alert_types: string[];
  /**
   * Where it belongs in lists.
   */
  category?: "infrastructure" | "application" | "security" | "storage" | "node" | "control-plane";
  /**
   * Risk of the whole workflow. Left out: the highest of its actions. Below that is an error.
   */
  risk?: "low" | "medium" | "high" | "critical";
  /**
   * People may start it by hand (`gitmend start`), under the same guards.
   */
  manual: boolean;
  /**
   * What a policy may fill in, each with its type, its bounds and a default.
   */
  parameters: {
    [k: string]: Parameter;
  };
  /**
   * The work. A step waits for what `depends_on` names, without it for the step above.
   *
   * @minItems 1
   * @maxItems 500
   */
  steps: Step[];
  /**
   * Done once at the end, one after the other, however the execution ends after it changed something: success, undo, stop or cancel. Never undone; one that fails stops no other.
   *
   * @maxItems 50
   */
  finally: FinalStep[];
  /**
   * Done once, one after the other, when the incident is over: what this template leaves in place on purpose is taken back (uncordon when the node is back). A plan carries it, so approving the plan approves it.
   *
   * @maxItems 50
   */
  when_resolved: ResolvedStep[];
  /**
   * Limits of one execution.
   */
  configuration: {
    /**
     * The whole execution may take this long; what runs then counts as failed.
     */
    timeout: string;
    /**
     * Steps that may run at the same time.
     */
    max_parallel: number;
    /**
     * An alert that goes on firing is decided again at most this often.
     */
    cooldown: string;
    /**
     * Another template, tried once when this one has failed and was undone. It is part of the plan that people approve.
     */
    fallback?: string;
    /**
     * For a template that remedies ill health and nothing else: directly before its first change the execution ends, with nothing changed, if the target has been well for five minutes. Not for load, memory or latency, which a healthy target has too.
     */
    stop_when_healthy: boolean;
  };
  /**
   * What must hold for the whole workflow.
   */
  validation: {
    /**
     * CEL; all must be true before the first step starts, else the execution fails before it changes anything.
     *
     * @maxItems 50
     */
    preconditions: string[];
    /**
     * CEL; all must be true after the last step, else the execution has failed and is undone.
     *
     * @maxItems 50
     */
    success: string[];
  };
  /**
   * When and how it is judged whether the remedy did any good, besides the alert and the target's health.
   */
  effectiveness: {
    /**
     * How long after the end it is judged.
     */
    delay: string;
    /**
     * Questions to Prometheus; all must be answered as expected.
     *
     * @maxItems 20
     */
    checks: Check[];
  };
}
/**
 * A JSON Schema fragment (draft-07).
 */
export interface Parameter {
  /**
   * Type of the value.
   */
  type: "string" | "integer" | "number" | "boolean" | "array" | "object";
  /**
   * Short name for people.
   */
  title?: string;
  /**
   * What it is for.
   */
  description?: string;
  /**
   * Value when the policy gives none. Without a default the policy must give one.
   */
  default?: unknown;
  /**
   * The only values that it may have.
   *
   * @minItems 1
   */
  enum?: unknown[];
  /**
   * Smallest number.
   */
  minimum?: number;
  /**
   * Largest number.
   */
  maximum?: number;
  /**
   * Fewest characters.
   */
  minLength?: number;
  /**
   * Most characters.
   */
  maxLength?: number;
}
/**
 * One action with its conditions, dependencies, retries and undo.
 */
export interface Step {
  /**
   * Unique in the template; other steps refer to it.
   */
  name: string;
  /**
   * What the step does.
   */
  action: Call;
  /**
   * CEL; all must be true, else the step is skipped and what depends on it still runs.
   *
   * @maxItems 50
   */
  conditions?: string[];
  /**
   * Names of steps that must have ended well (or were skipped by their own condition). Empty: starts at once.
   *
   * @maxItems 500
   */
  depends_on?: string[];
  /**
   * `subjects`: planned once for each object that the incident's alerts name; `subject` is that object. Skipped for those that are well again when it starts.
   */
  for_each?: "subjects";
  /**
   * Without `depends_on`: do not wait for the step above.
   */
  parallel: boolean;
  /**
   * CEL; all must be true when the step starts, else it fails before it changes anything.
   *
   * @maxItems 50
   */
  preconditions?: string[];
  /**
   * CEL with `output`; all must be true after the action, else the step has failed.
   *
   * @maxItems 50
   */
  postconditions?: string[];
  /**
   * How long one attempt may take. Left out: the action's own.
   */
  timeout?: string;
  /**
   * How often and how fast a failed attempt is repeated.
   */
  retry: {
    /**
     * Tries in all, the first one included.
     */
    attempts: number;
    /**
     * Wait before the second try; doubles each time, with jitter.
     */
    backoff: string;
    /**
     * The wait never gets longer than this.
     */
    max_backoff: string;
  };
  /**
   * Bounds within which gitmend may change a numeric parameter of the action when the step starts, by parameter. People approve the whole range.
   */
  adapt?: {
    [k: string]: AdaptBounds;
  };
  /**
   * What happens when the step failed for good: undo all, go on without what depends on it, or stop and leave everything.
   */
  on_failure: "rollback" | "continue" | "stop";
  /**
   * Actions to try in this order when the action failed for good.
   *
   * @maxItems 10
   */
  alternatives: Call[];
  /**
   * The action that takes this step back. Left out: the action's own inverse.
   */
  rollback?: Call;
  /**
   * `required`: the whole plan waits for people, whatever policies say.
   */
  approval: "auto" | "required";
}
/**
 * One action with its parameters.
 */
export interface Call {
  /**
   * Kind of the action; checked against the catalogue when given.
   */
  type?: "kubernetes" | "monitoring" | "custom";
  /**
   * Name of an action of the catalogue, or one of its aliases (`gitmend actions list`).
   */
  action: string;
  /**
   * Input of the action. Strings may hold `{{ }}`; a string that is exactly one `{{ }}` keeps the type of its expression.
   */
  parameters?: {
    [k: string]: unknown;
  };
}
/**
 * How far a parameter may be changed, and by what. Without a query the bounds hold the planned value; with one the value is computed from the load, as an autoscaler does.
 */
export interface AdaptBounds {
  /**
   * Never less than this.
   */
  minimum: number;
  /**
   * Never more than this.
   */
  maximum: number;
  /**
   * PromQL with one number as its answer: the load that one of them carries now. Values enter it through `promql(x)`.
   */
  promql?: string;
  /**
   * The load that one of them should carry. The next value is the present one times measured load / target, rounded up; within 10 % of the target nothing is changed.
   */
  target?: number;
}
/**
 * A step of `finally`: it runs after the one above it has ended, well or not.
 */
export interface FinalStep {
  /**
   * Unique in the template; other steps refer to it.
   */
  name: string;
  /**
   * What the step does.
   */
  action: Call;
  /**
   * CEL; all must be true, else the step is skipped and what depends on it still runs.
   *
   * @maxItems 50
   */
  conditions?: string[];
  /**
   * CEL; all must be true when the step starts, else it fails before it changes anything.
   *
   * @maxItems 50
   */
  preconditions?: string[];
  /**
   * CEL with `output`; all must be true after the action, else the step has failed.
   *
   * @maxItems 50
   */
  postconditions?: string[];
  /**
   * How long one attempt may take. Left out: the action's own.
   */
  timeout?: string;
  /**
   * How often and how fast a failed attempt is repeated.
   */
  retry: {
    /**
     * Tries in all, the first one included.
     */
    attempts: number;
    /**
     * Wait before the second try; doubles each time, with jitter.
     */
    backoff: string;
    /**
     * The wait never gets longer than this.
     */
    max_backoff: string;
  };
}
/**
 * A step of `when_resolved`: it waits until the incident is over.
 */
export interface ResolvedStep {
  /**
   * Unique in the template; other steps refer to it.
   */
  name: string;
  /**
   * So long after the execution has ended the end of the incident starts the step; later than that, people are told what was left as it is. At most 30d.
   */
  keep: string;
  /**
   * What the step does.
   */
  action: Call;
  /**
   * CEL; all must be true, else the step is skipped and what depends on it still runs.
   *
   * @maxItems 50
   */
  conditions?: string[];
  /**
   * CEL; all must be true when the step starts, else it fails before it changes anything.
   *
   * @maxItems 50
   */
  preconditions?: string[];
  /**
   * CEL with `output`; all must be true after the action, else the step has failed.
   *
   * @maxItems 50
   */
  postconditions?: string[];
  /**
   * How long one attempt may take. Left out: the action's own.
   */
  timeout?: string;
  /**
   * How often and how fast a failed attempt is repeated.
   */
  retry: {
    /**
     * Tries in all, the first one included.
     */
    attempts: number;
    /**
     * Wait before the second try; doubles each time, with jitter.
     */
    backoff: string;
    /**
     * The wait never gets longer than this.
     */
    max_backoff: string;
  };
}
/**
 * One question to Prometheus and the answer that counts as good.
 */
export interface Check {
  /**
   * PromQL. Values enter it through `promql(x)`, which quotes them: `up{namespace={{ promql(target.namespace) }}}`.
   */
  promql: string;
  /**
   * CEL over `value`, the number that Prometheus answers; every series must fulfil it.
   */
  expect: string;
}

export const templateSchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/template.schema.json",
  "title": "TemplateFile",
  "description": "A workflow template: parameters, steps and how they depend on each other. One template a file, under `templates/`.",
  "type": "object",
  "additionalProperties": false,
  "required": [
    "name",
    "steps"
  ],
  "properties": {
    "format": {
      "title": "Format",
      "description": "Version of this file format. A controller that meets a newer format keeps the last good revision.",
      "type": "integer",
      "minimum": 1,
      "maximum": 1,
      "default": 1,
      "examples": [
        1
      ]
    },
    "name": {
      "title": "Name",
      "description": "Unique among all templates; a DNS label.",
      "type": "string",
      "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
      "examples": [
        "pod-crash-recovery"
      ]
    },
    "version": {
      "title": "Version",
      "description": "Semantic version; records carry name, version and the hash of the content.",
      "type": "string",
      "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$",
      "examples": [
        "1.2.0"
      ]
    },
    "description": {
      "title": "Description",
      "description": "What it does, for people.",
      "type": "string",
      "maxLength": 4096,
      "default": "",
      "examples": [
        "Restart a crash-looping pod and prove that it recovered."
      ]
    },
    "alert_types": {
      "title": "Alert types",
      "description": "Alert names that it is meant for. A hint for editors and coverage; it selects nothing by itself.",
      "type": "array",
      "items": {
        "type": "string",
        "minLength": 1,
        "maxLength": 256
      },
      "maxItems": 100,
      "default": [],
      "examples": [
        [
          "KubePodCrashLooping"
        ]
      ]
    },
    "category": {
      "title": "Category",
      "description": "Where it belongs in lists.",
      "enum": [
        "infrastructure",
        "application",
        "security",
        "storage",
        "node",
        "control-plane"
      ],
      "examples": [
        "infrastructure"
      ]
    },
    "risk": {
      "title": "Risk",
      "description": "Risk of the whole workflow. Left out: the highest of its actions. Below that is an error.",
      "enum": [
        "low",
        "medium",
        "high",
        "critical"
      ],
      "examples": [
        "low"
      ]
    },
    "manual": {
      "title": "By hand",
      "description": "People may start it by hand (`gitmend start`), under the same guards.",
      "type": "boolean",
      "default": false,
      "examples": [
        true
      ]
    },
    "parameters": {
      "title": "Parameters",
      "description": "What a policy may fill in, each with its type, its bounds and a default.",
      "type": "object",
      "additionalProperties": {
        "$ref": "#/definitions/parameter"
      },
      "propertyNames": {
        "pattern": "^[a-z][a-z0-9_]*$"
      },
      "default": {},
      "examples": [
        {
          "grace_seconds": {
            "type": "integer",
            "default": 30,
            "minimum": 0
          }
        }
      ]
    },
    "steps": {
      "title": "Steps",
      "description": "The work. A step waits for what `depends_on` names, without it for the step above.",
      "type": "array",
      "items": {
        "$ref": "#/definitions/step"
      },
      "minItems": 1,
      "maxItems": 500,
      "examples": [
        [
          {
            "name": "restart-pod",
            "action": {
              "action": "restart_pod"
            }
          }
        ]
      ]
    },
    "finally": {
      "title": "Finally",
      "description": "Done once at the end, one after the other, however the execution ends after it changed something: success, undo, stop or cancel. Never undone; one that fails stops no other.",
      "type": "array",
      "items": {
        "$ref": "#/definitions/finalStep"
      },
      "maxItems": 50,
      "default": [],
      "examples": [
        [
          {
            "name": "tell-team",
            "action": {
              "action": "notify_team",
              "parameters": {
                "message": "done"
              }
            }
          }
        ]
      ]
    },
    "when_resolved": {
      "title": "When resolved",
      "description": "Done once, one after the other, when the incident is over: what this template leaves in place on purpose is taken back (uncordon when the node is back). A plan carries it, so approving the plan approves it.",
      "type": "array",
      "items": {
        "$ref": "#/definitions/resolvedStep"
      },
      "maxItems": 50,
      "default": [],
      "examples": [
        [
          {
            "name": "uncordon",
            "keep": "24h",
            "action": {
              "action": "uncordon_node"
            }
          }
        ]
      ]
    },
    "configuration": {
      "title": "Configuration",
      "description": "Limits of one execution.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "timeout": {
          "title": "Timeout",
          "description": "The whole execution may take this long; what runs then counts as failed.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "15m",
          "examples": [
            "15m"
          ]
        },
        "max_parallel": {
          "title": "Parallel steps",
          "description": "Steps that may run at the same time.",
          "type": "integer",
          "minimum": 1,
          "maximum": 100,
          "default": 4,
          "examples": [
            4
          ]
        },
        "cooldown": {
          "title": "Cool-down",
          "description": "An alert that goes on firing is decided again at most this often.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "10m",
          "examples": [
            "10m"
          ]
        },
        "fallback": {
          "title": "Fallback",
          "description": "Another template, tried once when this one has failed and was undone. It is part of the plan that people approve.",
          "type": "string",
          "minLength": 1,
          "maxLength": 63,
          "examples": [
            "rollback-workload"
          ]
        },
        "stop_when_healthy": {
          "title": "Stop when healthy",
          "description": "For a template that remedies ill health and nothing else: directly before its first change the execution ends, with nothing changed, if the target has been well for five minutes. Not for load, memory or latency, which a healthy target has too.",
          "type": "boolean",
          "default": false,
          "examples": [
            true
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "timeout": "15m",
          "max_parallel": 4
        }
      ]
    },
    "validation": {
      "title": "Validation",
      "description": "What must hold for the whole workflow.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "preconditions": {
          "title": "Preconditions",
          "description": "CEL; all must be true before the first step starts, else the execution fails before it changes anything.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "default": [],
          "examples": [
            [
              "target.kind == 'Deployment'"
            ]
          ]
        },
        "success": {
          "title": "Success",
          "description": "CEL; all must be true after the last step, else the execution has failed and is undone.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "default": [],
          "examples": [
            [
              "target.status.readyReplicas >= 2"
            ]
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "success": [
            "target.status.readyReplicas >= 2"
          ]
        }
      ]
    },
    "effectiveness": {
      "title": "Effectiveness",
      "description": "When and how it is judged whether the remedy did any good, besides the alert and the target's health.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "delay": {
          "title": "Delay",
          "description": "How long after the end it is judged.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "10m",
          "examples": [
            "10m"
          ]
        },
        "checks": {
          "title": "Checks",
          "description": "Questions to Prometheus; all must be answered as expected.",
          "type": "array",
          "items": {
            "$ref": "#/definitions/check"
          },
          "maxItems": 20,
          "default": [],
          "examples": [
            [
              {
                "promql": "sum(rate(http_requests_total{code=~\"5..\"}[5m]))",
                "expect": "value < 0.05"
              }
            ]
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "delay": "10m"
        }
      ]
    }
  },
  "definitions": {
    "parameter": {
      "title": "Parameter",
      "description": "A JSON Schema fragment (draft-07).",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "type": {
          "title": "Type",
          "description": "Type of the value.",
          "enum": [
            "string",
            "integer",
            "number",
            "boolean",
            "array",
            "object"
          ],
          "examples": [
            "integer"
          ]
        },
        "title": {
          "title": "Title",
          "description": "Short name for people.",
          "type": "string",
          "examples": [
            "Grace period"
          ]
        },
        "description": {
          "title": "Description",
          "description": "What it is for.",
          "type": "string",
          "maxLength": 4096,
          "examples": [
            "Seconds that the pod gets to stop."
          ]
        },
        "default": {
          "title": "Default",
          "description": "Value when the policy gives none. Without a default the policy must give one.",
          "examples": [
            30
          ]
        },
        "enum": {
          "title": "Allowed values",
          "description": "The only values that it may have.",
          "type": "array",
          "minItems": 1,
          "examples": [
            [
              "fast",
              "careful"
            ]
          ]
        },
        "minimum": {
          "title": "Minimum",
          "description": "Smallest number.",
          "type": "number",
          "examples": [
            0
          ]
        },
        "maximum": {
          "title": "Maximum",
          "description": "Largest number.",
          "type": "number",
          "examples": [
            600
          ]
        },
        "minLength": {
          "title": "Minimum length",
          "description": "Fewest characters.",
          "type": "integer",
          "minimum": 0,
          "examples": [
            1
          ]
        },
        "maxLength": {
          "title": "Maximum length",
          "description": "Most characters.",
          "type": "integer",
          "minimum": 0,
          "examples": [
            63
          ]
        }
      },
      "required": [
        "type"
      ],
      "examples": [
        {
          "type": "integer",
          "default": 30,
          "minimum": 0,
          "maximum": 600
        }
      ]
    },
    "call": {
      "title": "Action call",
      "description": "One action with its parameters.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "type": {
          "title": "Type",
          "description": "Kind of the action; checked against the catalogue when given.",
          "enum": [
            "kubernetes",
            "monitoring",
            "custom"
          ],
          "examples": [
            "kubernetes"
          ]
        },
        "action": {
          "title": "Action",
          "description": "Name of an action of the catalogue, or one of its aliases (`gitmend actions list`).",
          "type": "string",
          "minLength": 1,
          "maxLength": 128,
          "examples": [
            "restart_pod"
          ]
        },
        "parameters": {
          "title": "Parameters",
          "description": "Input of the action. Strings may hold `{{ }}`; a string that is exactly one `{{ }}` keeps the type of its expression.",
          "type": "object",
          "additionalProperties": {},
          "examples": [
            {
              "namespace": "{{ alert.namespace }}"
            }
          ]
        }
      },
      "required": [
        "action"
      ],
      "examples": [
        {
          "action": "rollback_deployment",
          "parameters": {
            "revision": "last-good"
          }
        }
      ]
    },
    "check": {
      "title": "Check",
      "description": "One question to Prometheus and the answer that counts as good.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "promql": {
          "title": "Query",
          "description": "PromQL. Values enter it through `promql(x)`, which quotes them: `up{namespace={{ promql(target.namespace) }}}`.",
          "type": "string",
          "minLength": 1,
          "maxLength": 4096,
          "examples": [
            "sum(rate(http_requests_total{namespace={{ promql(target.namespace) }}}[5m]))"
          ]
        },
        "expect": {
          "title": "Expected",
          "description": "CEL over `value`, the number that Prometheus answers; every series must fulfil it.",
          "type": "string",
          "minLength": 1,
          "maxLength": 2048,
          "examples": [
            "value < 0.05"
          ]
        }
      },
      "required": [
        "promql",
        "expect"
      ],
      "examples": [
        {
          "promql": "vector(0)",
          "expect": "value < 0.05"
        }
      ]
    },
    "adaptBounds": {
      "title": "Bounds",
      "description": "How far a parameter may be changed, and by what. Without a query the bounds hold the planned value; with one the value is computed from the load, as an autoscaler does.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "minimum": {
          "title": "Minimum",
          "description": "Never less than this.",
          "type": "integer",
          "minimum": 0,
          "maximum": 1000,
          "examples": [
            2
          ]
        },
        "maximum": {
          "title": "Maximum",
          "description": "Never more than this.",
          "type": "integer",
          "minimum": 0,
          "maximum": 1000,
          "examples": [
            10
          ]
        },
        "promql": {
          "title": "Query",
          "description": "PromQL with one number as its answer: the load that one of them carries now. Values enter it through `promql(x)`.",
          "type": "string",
          "minLength": 1,
          "maxLength": 4096,
          "examples": [
            "avg(rate(container_cpu_usage_seconds_total{namespace={{ promql(target.namespace) }}}[5m]))"
          ]
        },
        "target": {
          "title": "Target",
          "description": "The load that one of them should carry. The next value is the present one times measured load / target, rounded up; within 10 % of the target nothing is changed.",
          "type": "number",
          "exclusiveMinimum": 0,
          "examples": [
            0.7
          ]
        }
      },
      "required": [
        "minimum",
        "maximum"
      ],
      "examples": [
        {
          "minimum": 2,
          "maximum": 10
        }
      ]
    },
    "step": {
      "title": "Step",
      "description": "One action with its conditions, dependencies, retries and undo.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "name": {
          "title": "Name",
          "description": "Unique in the template; other steps refer to it.",
          "type": "string",
          "pattern": "^[A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$",
          "examples": [
            "restart-pod"
          ]
        },
        "action": {
          "title": "Action",
          "description": "What the step does.",
          "allOf": [
            {
              "$ref": "#/definitions/call"
            }
          ],
          "examples": [
            {
              "type": "kubernetes",
              "action": "restart_pod",
              "parameters": {
                "pod": "{{ alert.resource }}"
              }
            }
          ]
        },
        "conditions": {
          "title": "Conditions",
          "description": "CEL; all must be true, else the step is skipped and what depends on it still runs.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "steps['assess-pod-state'].output.restarts >= 3"
            ]
          ]
        },
        "depends_on": {
          "title": "Depends on",
          "description": "Names of steps that must have ended well (or were skipped by their own condition). Empty: starts at once.",
          "type": "array",
          "items": {
            "type": "string"
          },
          "uniqueItems": true,
          "maxItems": 500,
          "examples": [
            [
              "assess-pod-state"
            ]
          ]
        },
        "for_each": {
          "title": "For each",
          "description": "`subjects`: planned once for each object that the incident's alerts name; `subject` is that object. Skipped for those that are well again when it starts.",
          "enum": [
            "subjects"
          ],
          "examples": [
            "subjects"
          ]
        },
        "parallel": {
          "title": "Parallel",
          "description": "Without `depends_on`: do not wait for the step above.",
          "type": "boolean",
          "default": false,
          "examples": [
            true
          ]
        },
        "preconditions": {
          "title": "Preconditions",
          "description": "CEL; all must be true when the step starts, else it fails before it changes anything.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "target.kind != 'DaemonSet'"
            ]
          ]
        },
        "postconditions": {
          "title": "Postconditions",
          "description": "CEL with `output`; all must be true after the action, else the step has failed.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "output.ready == true"
            ]
          ]
        },
        "timeout": {
          "title": "Timeout",
          "description": "How long one attempt may take. Left out: the action's own.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "examples": [
            "30s"
          ]
        },
        "retry": {
          "title": "Retry",
          "description": "How often and how fast a failed attempt is repeated.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "attempts": {
              "title": "Attempts",
              "description": "Tries in all, the first one included.",
              "type": "integer",
              "minimum": 1,
              "maximum": 20,
              "default": 3,
              "examples": [
                3
              ]
            },
            "backoff": {
              "title": "Backoff",
              "description": "Wait before the second try; doubles each time, with jitter.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "2s",
              "examples": [
                "2s"
              ]
            },
            "max_backoff": {
              "title": "Longest backoff",
              "description": "The wait never gets longer than this.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "30s",
              "examples": [
                "30s"
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "attempts": 3,
              "backoff": "2s",
              "max_backoff": "30s"
            }
          ]
        },
        "adapt": {
          "title": "Adapt",
          "description": "Bounds within which gitmend may change a numeric parameter of the action when the step starts, by parameter. People approve the whole range.",
          "type": "object",
          "additionalProperties": {
            "$ref": "#/definitions/adaptBounds"
          },
          "examples": [
            {
              "replicas": {
                "minimum": 2,
                "maximum": 10,
                "promql": "avg(rate(container_cpu_usage_seconds_total{namespace={{ promql(target.namespace) }}}[5m]))",
                "target": 0.7
              }
            }
          ]
        },
        "on_failure": {
          "title": "On failure",
          "description": "What happens when the step failed for good: undo all, go on without what depends on it, or stop and leave everything.",
          "enum": [
            "rollback",
            "continue",
            "stop"
          ],
          "default": "rollback",
          "examples": [
            "rollback"
          ]
        },
        "alternatives": {
          "title": "Alternatives",
          "description": "Actions to try in this order when the action failed for good.",
          "type": "array",
          "items": {
            "$ref": "#/definitions/call"
          },
          "maxItems": 10,
          "default": [],
          "examples": [
            [
              {
                "action": "rollback_deployment",
                "parameters": {
                  "revision": "last-good"
                }
              }
            ]
          ]
        },
        "rollback": {
          "title": "Rollback",
          "description": "The action that takes this step back. Left out: the action's own inverse.",
          "allOf": [
            {
              "$ref": "#/definitions/call"
            }
          ],
          "examples": [
            {
              "action": "rollback_pod_restart"
            }
          ]
        },
        "approval": {
          "title": "Approval",
          "description": "`required`: the whole plan waits for people, whatever policies say.",
          "enum": [
            "auto",
            "required"
          ],
          "default": "auto",
          "examples": [
            "auto"
          ]
        }
      },
      "required": [
        "name",
        "action"
      ],
      "examples": [
        {
          "name": "restart-pod",
          "action": {
            "action": "restart_pod"
          }
        }
      ]
    },
    "finalStep": {
      "title": "Final step",
      "description": "A step of `finally`: it runs after the one above it has ended, well or not.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "name": {
          "title": "Name",
          "description": "Unique in the template; other steps refer to it.",
          "type": "string",
          "pattern": "^[A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$",
          "examples": [
            "restart-pod"
          ]
        },
        "action": {
          "title": "Action",
          "description": "What the step does.",
          "allOf": [
            {
              "$ref": "#/definitions/call"
            }
          ],
          "examples": [
            {
              "type": "kubernetes",
              "action": "restart_pod",
              "parameters": {
                "pod": "{{ alert.resource }}"
              }
            }
          ]
        },
        "conditions": {
          "title": "Conditions",
          "description": "CEL; all must be true, else the step is skipped and what depends on it still runs.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "steps['assess-pod-state'].output.restarts >= 3"
            ]
          ]
        },
        "preconditions": {
          "title": "Preconditions",
          "description": "CEL; all must be true when the step starts, else it fails before it changes anything.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "target.kind != 'DaemonSet'"
            ]
          ]
        },
        "postconditions": {
          "title": "Postconditions",
          "description": "CEL with `output`; all must be true after the action, else the step has failed.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "output.ready == true"
            ]
          ]
        },
        "timeout": {
          "title": "Timeout",
          "description": "How long one attempt may take. Left out: the action's own.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "examples": [
            "30s"
          ]
        },
        "retry": {
          "title": "Retry",
          "description": "How often and how fast a failed attempt is repeated.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "attempts": {
              "title": "Attempts",
              "description": "Tries in all, the first one included.",
              "type": "integer",
              "minimum": 1,
              "maximum": 20,
              "default": 3,
              "examples": [
                3
              ]
            },
            "backoff": {
              "title": "Backoff",
              "description": "Wait before the second try; doubles each time, with jitter.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "2s",
              "examples": [
                "2s"
              ]
            },
            "max_backoff": {
              "title": "Longest backoff",
              "description": "The wait never gets longer than this.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "30s",
              "examples": [
                "30s"
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "attempts": 3,
              "backoff": "2s",
              "max_backoff": "30s"
            }
          ]
        }
      },
      "required": [
        "name",
        "action"
      ],
      "examples": [
        {
          "name": "tell-team",
          "action": {
            "action": "notify_team",
            "parameters": {
              "message": "done"
            }
          }
        }
      ]
    },
    "resolvedStep": {
      "title": "Step when resolved",
      "description": "A step of `when_resolved`: it waits until the incident is over.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "name": {
          "title": "Name",
          "description": "Unique in the template; other steps refer to it.",
          "type": "string",
          "pattern": "^[A-Za-z0-9]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$",
          "examples": [
            "restart-pod"
          ]
        },
        "keep": {
          "title": "Keep",
          "description": "So long after the execution has ended the end of the incident starts the step; later than that, people are told what was left as it is. At most 30d.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "24h",
          "examples": [
            "24h"
          ]
        },
        "action": {
          "title": "Action",
          "description": "What the step does.",
          "allOf": [
            {
              "$ref": "#/definitions/call"
            }
          ],
          "examples": [
            {
              "type": "kubernetes",
              "action": "restart_pod",
              "parameters": {
                "pod": "{{ alert.resource }}"
              }
            }
          ]
        },
        "conditions": {
          "title": "Conditions",
          "description": "CEL; all must be true, else the step is skipped and what depends on it still runs.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "steps['assess-pod-state'].output.restarts >= 3"
            ]
          ]
        },
        "preconditions": {
          "title": "Preconditions",
          "description": "CEL; all must be true when the step starts, else it fails before it changes anything.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "target.kind != 'DaemonSet'"
            ]
          ]
        },
        "postconditions": {
          "title": "Postconditions",
          "description": "CEL with `output`; all must be true after the action, else the step has failed.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048
          },
          "maxItems": 50,
          "examples": [
            [
              "output.ready == true"
            ]
          ]
        },
        "timeout": {
          "title": "Timeout",
          "description": "How long one attempt may take. Left out: the action's own.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "examples": [
            "30s"
          ]
        },
        "retry": {
          "title": "Retry",
          "description": "How often and how fast a failed attempt is repeated.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "attempts": {
              "title": "Attempts",
              "description": "Tries in all, the first one included.",
              "type": "integer",
              "minimum": 1,
              "maximum": 20,
              "default": 3,
              "examples": [
                3
              ]
            },
            "backoff": {
              "title": "Backoff",
              "description": "Wait before the second try; doubles each time, with jitter.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "2s",
              "examples": [
                "2s"
              ]
            },
            "max_backoff": {
              "title": "Longest backoff",
              "description": "The wait never gets longer than this.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "30s",
              "examples": [
                "30s"
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "attempts": 3,
              "backoff": "2s",
              "max_backoff": "30s"
            }
          ]
        }
      },
      "required": [
        "name",
        "action"
      ],
      "examples": [
        {
          "name": "tell-team",
          "action": {
            "action": "notify_team",
            "parameters": {
              "message": "done"
            }
          }
        }
      ]
    }
  }
} as const;
