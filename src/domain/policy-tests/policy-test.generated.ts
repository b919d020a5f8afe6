// Written by scripts/generate.ts from schemas/policy-test.schema.json. Do not edit: change the schema.
/**
 * Tests of policies: alerts, the facts around them, and what must come of them. Files under `policies/tests/`, run by `gitmend test`.
 *
 * @minItems 1
 * @maxItems 1000
 */
export type PolicyTestFile = PolicyTest[];

/**
 * One alert, the facts around it, and what must come of it.
 */
export interface PolicyTest {
  /**
   * What the policies must do, as a person would say it. Unique in the file.
   */
  name: string;
  /**
   * As Alertmanager sends it; its labels are enough.
   */
  alert: {
    /**
     * alertname at least.
     */
    labels: {
      [k: string]: string;
    };
    /**
     * Rules never read them.
     */
    annotations?: {
      [k: string]: string;
    };
    /**
     * Default: firing. Resolved alerts start nothing.
     */
    status?: "firing" | "resolved";
    /**
     * Default: now.
     */
    startsAt?: string;
    /**
     * Of a resolved alert. Default: now.
     */
    endsAt?: string;
  };
  /**
   * The facts that rules read.
   */
  given?: Given;
  /**
   * What must come of it.
   */
  expect: Expect;
}
/**
 * The facts that rules read. What is left out is assumed: see each key.
 */
export interface Given {
  /**
   * When the alert is decided. Default: a Monday, 2026-01-05T12:00:00Z; never the clock of the machine.
   */
  now?: string;
  /**
   * Where the alert comes from.
   */
  cluster?: {
    /**
     * Default: test.
     */
    name?: string;
    /**
     * As gitmend.yaml would give them. Default: none.
     */
    labels?: {
      [k: string]: string;
    };
  };
  /**
   * Of the subject.
   */
  namespace?: {
    /**
     * Default: none.
     */
    labels?: {
      [k: string]: string;
    };
  };
  /**
   * The object that the alert names. Left out: read from the alert's labels, as the controller does. Null: it names none.
   */
  subject?: {
    /**
     * As Kubernetes spells it.
     */
    kind: string;
    /**
     * Null: the kind has none.
     */
    namespace?: string | null;
    /**
     * Of the object.
     */
    name: string;
    /**
     * Of a pod.
     */
    container?: string | null;
  } | null;
  /**
   * All subjects of the incident, for templates that run a step for each. Default: the subject alone.
   *
   * Items: The object that the alert names. Left out: read from the alert's labels, as the controller does.
   */
  subjects?: {
    /**
     * As Kubernetes spells it.
     */
    kind: string;
    /**
     * Null: the kind has none.
     */
    namespace?: string | null;
    /**
     * Of the object.
     */
    name: string;
    /**
     * Of a pod.
     */
    container?: string | null;
  }[];
  /**
   * What would be repaired: the subject's top owner. Default: the subject itself, about which nothing is known. Null: the alert names no object.
   */
  target?: {
    /**
     * As Kubernetes spells it.
     */
    kind: string;
    /**
     * Of the object.
     */
    name: string;
    /**
     * Default: the alert's.
     */
    namespace?: string | null;
    /**
     * Default: that of the built-in kind.
     */
    apiVersion?: string;
    /**
     * Of the object.
     */
    labels?: {
      [k: string]: string;
    };
    /**
     * Of the object.
     */
    annotations?: {
      [k: string]: string;
    };
    /**
     * As the API server returns it; as much of it as the rules read.
     */
    spec?: {
      [k: string]: unknown;
    };
    /**
     * As the API server returns it; as much of it as the rules read.
     */
    status?: {
      [k: string]: unknown;
    };
    /**
     * Who writes its manifest.
     */
    managedBy?: "none" | "flux" | "argocd" | "helm" | "operator" | "disputed";
    /**
     * Who that is, where rules read it.
     */
    manager?: {
      /**
       * What it is.
       */
      kind: "flux-kustomization" | "flux-helmrelease" | "argo-application" | "helm" | "operator";
      /**
       * The object that stands for it.
       */
      object: {
        /**
         * As the cluster serves it.
         */
        apiVersion?: string;
        /**
         * Of the object.
         */
        kind: string;
        /**
         * Left out: none.
         */
        namespace?: string;
        /**
         * Of the object.
         */
        name: string;
      };
      /**
       * Whether it lists the target, as the target's marks say. Left out: it does.
       */
      confirmed?: boolean;
      /**
       * Whether it applies nothing by itself now. Left out: it does apply.
       */
      suspended?: boolean;
      /**
       * Where in Git its manifests come from. Left out: nowhere that is known.
       */
      source?: {
        /**
         * Of the repository.
         */
        url: string;
        /**
         * Branch, tag or commit that it follows. Left out: the default.
         */
        follows?: string;
        /**
         * The commit that the cluster has.
         */
        revision?: string;
        /**
         * Folder in the repository. Left out: its root.
         */
        path?: string;
      };
    };
  } | null;
  /**
   * Whom the target belongs to.
   */
  owner?: {
    /**
     * Default: null, nobody.
     */
    team?: string | null;
  };
  /**
   * Earlier executions for this alert name and target.
   */
  history?: {
    /**
     * In any order.
     *
     * @maxItems 100
     *
     * Items: One execution.
     */
    attempts?: {
      /**
       * When it was started.
       */
      at: string;
      /**
       * That was chosen. Default: empty.
       */
      template?: string;
      /**
       * How it ended. Default: null, it has not.
       */
      outcome?: string | null;
    }[];
  };
  /**
   * How many executions that change something there are already: what limits count and guards read as `usage`. Default: none.
   */
  usage?: {
    /**
     * Everywhere.
     */
    global?: {
      /**
       * Not ended; those that wait for people included. Default 0.
       */
      running?: number;
      /**
       * Begun within the time that is asked about. Default 0.
       */
      starts?: number;
    };
    /**
     * In the clusters that the plan touches.
     */
    cluster?: {
      /**
       * Not ended; those that wait for people included. Default 0.
       */
      running?: number;
      /**
       * Begun within the time that is asked about. Default 0.
       */
      starts?: number;
    };
    /**
     * In the namespaces that the plan touches.
     */
    namespace?: {
      /**
       * Not ended; those that wait for people included. Default 0.
       */
      running?: number;
      /**
       * Begun within the time that is asked about. Default 0.
       */
      starts?: number;
    };
    /**
     * For the target.
     */
    target?: {
      /**
       * Not ended; those that wait for people included. Default 0.
       */
      running?: number;
      /**
       * Begun within the time that is asked about. Default 0.
       */
      starts?: number;
    };
    /**
     * Of the chosen template.
     */
    template?: {
      /**
       * Not ended; those that wait for people included. Default 0.
       */
      running?: number;
      /**
       * Begun within the time that is asked about. Default 0.
       */
      starts?: number;
    };
  };
}
/**
 * What must come of it. Only what stands here is compared.
 */
export interface Expect {
  /**
   * The one that is chosen. Null: none is.
   */
  template?: string | null;
  /**
   * The selection rule that decides, as policy/rule.
   */
  rule?: string;
  /**
   * Of the plan, defaults included; those that stand here are compared.
   */
  parameters?: {
    [k: string]: unknown;
  };
  /**
   * People are told instead of a template being chosen; what stands here is compared.
   */
  escalate?: {
    /**
     * Channel or team.
     */
    to?: string;
    /**
     * Of the message.
     */
    severity?: string;
    /**
     * Text that must be in it.
     */
    message?: string;
  };
  /**
   * What stands between the plan and its first step.
   */
  gate?: "open" | "approval" | "refused";
  /**
   * How many people are needed at least: the most that any guard asks for, and 0 when the gate is open.
   */
  approvals?: number;
  /**
   * All teams and people that guards ask, in any order.
   */
  from?: string[];
  /**
   * Text that must be in a reason of the gate, or of the choice when there is no gate.
   */
  reason?: string;
  /**
   * Of the plan.
   */
  risk?: "low" | "medium" | "high" | "critical";
  /**
   * Whether policies let a plan run that gitmend.yaml would let run.
   */
  mode?: "live" | "observe";
  /**
   * Names of all steps of the plan, in order.
   */
  steps?: string[];
}

export const policyTestSchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/policy-test.schema.json",
  "title": "PolicyTestFile",
  "description": "Tests of policies: alerts, the facts around them, and what must come of them. Files under `policies/tests/`, run by `gitmend test`.",
  "type": "array",
  "items": {
    "$ref": "#/definitions/policyTest"
  },
  "minItems": 1,
  "maxItems": 1000,
  "definitions": {
    "policyTest": {
      "title": "PolicyTest",
      "description": "One alert, the facts around it, and what must come of it.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "name",
        "alert",
        "expect"
      ],
      "properties": {
        "name": {
          "title": "Name",
          "description": "What the policies must do, as a person would say it. Unique in the file.",
          "type": "string",
          "minLength": 1,
          "maxLength": 256,
          "examples": [
            "a crash loop in production asks two people"
          ]
        },
        "alert": {
          "title": "Alert",
          "description": "As Alertmanager sends it; its labels are enough.",
          "type": "object",
          "additionalProperties": false,
          "required": [
            "labels"
          ],
          "properties": {
            "labels": {
              "title": "Labels",
              "description": "alertname at least.",
              "type": "object",
              "additionalProperties": {
                "type": "string"
              },
              "required": [
                "alertname"
              ],
              "examples": [
                {
                  "alertname": "KubePodCrashLooping",
                  "namespace": "shop",
                  "pod": "api-0"
                }
              ]
            },
            "annotations": {
              "title": "Annotations",
              "description": "Rules never read them.",
              "type": "object",
              "additionalProperties": {
                "type": "string"
              },
              "examples": [
                {
                  "summary": "api-0 crashes"
                }
              ]
            },
            "status": {
              "title": "Status",
              "description": "Default: firing. Resolved alerts start nothing.",
              "enum": [
                "firing",
                "resolved"
              ],
              "examples": [
                "firing"
              ]
            },
            "startsAt": {
              "title": "Starts at",
              "description": "Default: now.",
              "type": "string",
              "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
              "examples": [
                "2026-12-20T09:55:00Z"
              ]
            },
            "endsAt": {
              "title": "Ends at",
              "description": "Of a resolved alert. Default: now.",
              "type": "string",
              "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
              "examples": [
                "2026-12-20T09:58:00Z"
              ]
            }
          },
          "examples": [
            {
              "labels": {
                "alertname": "KubePodCrashLooping",
                "namespace": "shop",
                "pod": "api-0"
              }
            }
          ]
        },
        "given": {
          "title": "Given",
          "description": "The facts that rules read.",
          "allOf": [
            {
              "$ref": "#/definitions/given"
            }
          ],
          "examples": [
            {
              "now": "2026-12-20T10:00:00Z"
            }
          ]
        },
        "expect": {
          "title": "Expect",
          "description": "What must come of it.",
          "allOf": [
            {
              "$ref": "#/definitions/expect"
            }
          ],
          "examples": [
            {
              "template": "pod-crash-recovery"
            }
          ]
        }
      },
      "examples": [
        {
          "name": "a crash loop is restarted",
          "alert": {
            "labels": {
              "alertname": "KubePodCrashLooping"
            }
          },
          "expect": {
            "template": "pod-crash-recovery"
          }
        }
      ]
    },
    "given": {
      "title": "Given",
      "description": "The facts that rules read. What is left out is assumed: see each key.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "now": {
          "title": "Now",
          "description": "When the alert is decided. Default: a Monday, 2026-01-05T12:00:00Z; never the clock of the machine.",
          "type": "string",
          "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
          "examples": [
            "2026-12-20T10:00:00Z"
          ]
        },
        "cluster": {
          "title": "Cluster",
          "description": "Where the alert comes from.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "name": {
              "title": "Name",
              "description": "Default: test.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "prod-eu"
              ]
            },
            "labels": {
              "title": "Labels",
              "description": "As gitmend.yaml would give them. Default: none.",
              "type": "object",
              "additionalProperties": {
                "type": "string"
              },
              "examples": [
                {
                  "env": "prod"
                }
              ]
            }
          },
          "examples": [
            {
              "labels": {
                "env": "prod"
              }
            }
          ]
        },
        "namespace": {
          "title": "Namespace",
          "description": "Of the subject.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "labels": {
              "title": "Labels",
              "description": "Default: none.",
              "type": "object",
              "additionalProperties": {
                "type": "string"
              },
              "examples": [
                {
                  "team": "shop"
                }
              ]
            }
          },
          "examples": [
            {
              "labels": {
                "team": "shop"
              }
            }
          ]
        },
        "subject": {
          "title": "Subject",
          "description": "The object that the alert names. Left out: read from the alert's labels, as the controller does. Null: it names none.",
          "type": [
            "object",
            "null"
          ],
          "additionalProperties": false,
          "required": [
            "kind",
            "name"
          ],
          "properties": {
            "kind": {
              "title": "Kind",
              "description": "As Kubernetes spells it.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "Pod"
              ]
            },
            "namespace": {
              "title": "Namespace",
              "description": "Null: the kind has none.",
              "type": [
                "string",
                "null"
              ],
              "examples": [
                "shop"
              ]
            },
            "name": {
              "title": "Name",
              "description": "Of the object.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "api-0"
              ]
            },
            "container": {
              "title": "Container",
              "description": "Of a pod.",
              "type": [
                "string",
                "null"
              ],
              "examples": [
                "api"
              ]
            }
          },
          "examples": [
            {
              "kind": "Pod",
              "namespace": "shop",
              "name": "api-0"
            }
          ]
        },
        "subjects": {
          "title": "Subjects",
          "description": "All subjects of the incident, for templates that run a step for each. Default: the subject alone.",
          "type": "array",
          "items": {
            "title": "Subject",
            "description": "The object that the alert names. Left out: read from the alert's labels, as the controller does.",
            "type": "object",
            "additionalProperties": false,
            "required": [
              "kind",
              "name"
            ],
            "properties": {
              "kind": {
                "title": "Kind",
                "description": "As Kubernetes spells it.",
                "type": "string",
                "minLength": 1,
                "examples": [
                  "Pod"
                ]
              },
              "namespace": {
                "title": "Namespace",
                "description": "Null: the kind has none.",
                "type": [
                  "string",
                  "null"
                ],
                "examples": [
                  "shop"
                ]
              },
              "name": {
                "title": "Name",
                "description": "Of the object.",
                "type": "string",
                "minLength": 1,
                "examples": [
                  "api-0"
                ]
              },
              "container": {
                "title": "Container",
                "description": "Of a pod.",
                "type": [
                  "string",
                  "null"
                ],
                "examples": [
                  "api"
                ]
              }
            },
            "examples": [
              {
                "kind": "Pod",
                "namespace": "shop",
                "name": "api-0"
              }
            ]
          },
          "examples": [
            [
              {
                "kind": "Pod",
                "namespace": "shop",
                "name": "api-0"
              }
            ]
          ]
        },
        "target": {
          "title": "Target",
          "description": "What would be repaired: the subject's top owner. Default: the subject itself, about which nothing is known. Null: the alert names no object.",
          "type": [
            "object",
            "null"
          ],
          "additionalProperties": false,
          "required": [
            "kind",
            "name"
          ],
          "properties": {
            "kind": {
              "title": "Kind",
              "description": "As Kubernetes spells it.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "Deployment"
              ]
            },
            "name": {
              "title": "Name",
              "description": "Of the object.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "api"
              ]
            },
            "namespace": {
              "title": "Namespace",
              "description": "Default: the alert's.",
              "type": [
                "string",
                "null"
              ],
              "examples": [
                "shop"
              ]
            },
            "apiVersion": {
              "title": "API version",
              "description": "Default: that of the built-in kind.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "apps/v1"
              ]
            },
            "labels": {
              "title": "Labels",
              "description": "Of the object.",
              "type": "object",
              "additionalProperties": {
                "type": "string"
              },
              "examples": [
                {
                  "app": "api"
                }
              ]
            },
            "annotations": {
              "title": "Annotations",
              "description": "Of the object.",
              "type": "object",
              "additionalProperties": {
                "type": "string"
              },
              "examples": [
                {
                  "deployment.kubernetes.io/revision": "3"
                }
              ]
            },
            "spec": {
              "title": "Spec",
              "description": "As the API server returns it; as much of it as the rules read.",
              "type": "object",
              "additionalProperties": true,
              "examples": [
                {
                  "replicas": 3
                }
              ]
            },
            "status": {
              "title": "Status",
              "description": "As the API server returns it; as much of it as the rules read.",
              "type": "object",
              "additionalProperties": true,
              "examples": [
                {
                  "availableReplicas": 1
                }
              ]
            },
            "managedBy": {
              "title": "Managed by",
              "description": "Who writes its manifest.",
              "enum": [
                "none",
                "flux",
                "argocd",
                "helm",
                "operator",
                "disputed"
              ],
              "examples": [
                "flux"
              ]
            },
            "manager": {
              "title": "Manager",
              "description": "Who that is, where rules read it.",
              "type": "object",
              "additionalProperties": false,
              "required": [
                "kind",
                "object"
              ],
              "properties": {
                "kind": {
                  "title": "Kind",
                  "description": "What it is.",
                  "enum": [
                    "flux-kustomization",
                    "flux-helmrelease",
                    "argo-application",
                    "helm",
                    "operator"
                  ],
                  "examples": [
                    "flux-kustomization"
                  ]
                },
                "object": {
                  "title": "Object",
                  "description": "The object that stands for it.",
                  "type": "object",
                  "additionalProperties": false,
                  "required": [
                    "kind",
                    "name"
                  ],
                  "properties": {
                    "apiVersion": {
                      "title": "API version",
                      "description": "As the cluster serves it.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "kustomize.toolkit.fluxcd.io/v1"
                      ]
                    },
                    "kind": {
                      "title": "Kind",
                      "description": "Of the object.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "Kustomization"
                      ]
                    },
                    "namespace": {
                      "title": "Namespace",
                      "description": "Left out: none.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "flux-system"
                      ]
                    },
                    "name": {
                      "title": "Name",
                      "description": "Of the object.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "apps"
                      ]
                    }
                  },
                  "examples": [
                    {
                      "kind": "Kustomization",
                      "namespace": "flux-system",
                      "name": "apps"
                    }
                  ]
                },
                "confirmed": {
                  "title": "Confirmed",
                  "description": "Whether it lists the target, as the target's marks say. Left out: it does.",
                  "type": "boolean",
                  "examples": [
                    false
                  ]
                },
                "suspended": {
                  "title": "Suspended",
                  "description": "Whether it applies nothing by itself now. Left out: it does apply.",
                  "type": "boolean",
                  "examples": [
                    true
                  ]
                },
                "source": {
                  "title": "Source",
                  "description": "Where in Git its manifests come from. Left out: nowhere that is known.",
                  "type": "object",
                  "additionalProperties": false,
                  "required": [
                    "url"
                  ],
                  "properties": {
                    "url": {
                      "title": "URL",
                      "description": "Of the repository.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "https://git.example.com/team/apps.git"
                      ]
                    },
                    "follows": {
                      "title": "Follows",
                      "description": "Branch, tag or commit that it follows. Left out: the default.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "main"
                      ]
                    },
                    "revision": {
                      "title": "Revision",
                      "description": "The commit that the cluster has.",
                      "type": "string",
                      "minLength": 1,
                      "examples": [
                        "5394cb7f48332b2de7c17dd8b8384bbc84b7e738"
                      ]
                    },
                    "path": {
                      "title": "Path",
                      "description": "Folder in the repository. Left out: its root.",
                      "type": "string",
                      "examples": [
                        "apps/prod"
                      ]
                    }
                  },
                  "examples": [
                    {
                      "url": "https://git.example.com/team/apps.git",
                      "path": "apps/prod"
                    }
                  ]
                }
              },
              "examples": [
                {
                  "kind": "flux-kustomization",
                  "object": {
                    "kind": "Kustomization",
                    "namespace": "flux-system",
                    "name": "apps"
                  }
                }
              ]
            }
          },
          "examples": [
            {
              "kind": "Deployment",
              "name": "api"
            }
          ]
        },
        "owner": {
          "title": "Owner",
          "description": "Whom the target belongs to.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "team": {
              "title": "Team",
              "description": "Default: null, nobody.",
              "type": [
                "string",
                "null"
              ],
              "examples": [
                "shop"
              ]
            }
          },
          "examples": [
            {
              "team": "shop"
            }
          ]
        },
        "history": {
          "title": "History",
          "description": "Earlier executions for this alert name and target.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "attempts": {
              "title": "Attempts",
              "description": "In any order.",
              "type": "array",
              "items": {
                "title": "Attempt",
                "description": "One execution.",
                "type": "object",
                "additionalProperties": false,
                "required": [
                  "at"
                ],
                "properties": {
                  "at": {
                    "title": "At",
                    "description": "When it was started.",
                    "type": "string",
                    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
                    "examples": [
                      "2026-12-20T09:00:00Z"
                    ]
                  },
                  "template": {
                    "title": "Template",
                    "description": "That was chosen. Default: empty.",
                    "type": "string",
                    "examples": [
                      "pod-crash-recovery"
                    ]
                  },
                  "outcome": {
                    "title": "Outcome",
                    "description": "How it ended. Default: null, it has not.",
                    "type": [
                      "string",
                      "null"
                    ],
                    "examples": [
                      "failed"
                    ]
                  }
                },
                "examples": [
                  {
                    "at": "2026-12-20T09:00:00Z"
                  }
                ]
              },
              "maxItems": 100,
              "examples": [
                [
                  {
                    "at": "2026-12-20T09:00:00Z",
                    "outcome": "failed"
                  }
                ]
              ]
            }
          },
          "examples": [
            {
              "attempts": [
                {
                  "at": "2026-12-20T09:00:00Z"
                }
              ]
            }
          ]
        },
        "usage": {
          "title": "Usage",
          "description": "How many executions that change something there are already: what limits count and guards read as `usage`. Default: none.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "global": {
              "title": "Global",
              "description": "Everywhere.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "running": {
                  "title": "Running",
                  "description": "Not ended; those that wait for people included. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    2
                  ]
                },
                "starts": {
                  "title": "Starts",
                  "description": "Begun within the time that is asked about. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    10
                  ]
                }
              },
              "examples": [
                {
                  "running": 2
                }
              ]
            },
            "cluster": {
              "title": "Cluster",
              "description": "In the clusters that the plan touches.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "running": {
                  "title": "Running",
                  "description": "Not ended; those that wait for people included. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    2
                  ]
                },
                "starts": {
                  "title": "Starts",
                  "description": "Begun within the time that is asked about. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    10
                  ]
                }
              },
              "examples": [
                {
                  "running": 2
                }
              ]
            },
            "namespace": {
              "title": "Namespace",
              "description": "In the namespaces that the plan touches.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "running": {
                  "title": "Running",
                  "description": "Not ended; those that wait for people included. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    2
                  ]
                },
                "starts": {
                  "title": "Starts",
                  "description": "Begun within the time that is asked about. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    10
                  ]
                }
              },
              "examples": [
                {
                  "running": 2
                }
              ]
            },
            "target": {
              "title": "Target",
              "description": "For the target.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "running": {
                  "title": "Running",
                  "description": "Not ended; those that wait for people included. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    2
                  ]
                },
                "starts": {
                  "title": "Starts",
                  "description": "Begun within the time that is asked about. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    10
                  ]
                }
              },
              "examples": [
                {
                  "running": 2
                }
              ]
            },
            "template": {
              "title": "Template",
              "description": "Of the chosen template.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "running": {
                  "title": "Running",
                  "description": "Not ended; those that wait for people included. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    2
                  ]
                },
                "starts": {
                  "title": "Starts",
                  "description": "Begun within the time that is asked about. Default 0.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "examples": [
                    10
                  ]
                }
              },
              "examples": [
                {
                  "running": 2
                }
              ]
            }
          },
          "examples": [
            {
              "namespace": {
                "running": 2
              }
            }
          ]
        }
      },
      "examples": [
        {
          "now": "2026-12-20T10:00:00Z",
          "cluster": {
            "labels": {
              "env": "prod"
            }
          }
        }
      ]
    },
    "expect": {
      "title": "Expect",
      "description": "What must come of it. Only what stands here is compared.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "template": {
          "title": "Template",
          "description": "The one that is chosen. Null: none is.",
          "type": [
            "string",
            "null"
          ],
          "examples": [
            "pod-crash-recovery"
          ]
        },
        "rule": {
          "title": "Rule",
          "description": "The selection rule that decides, as policy/rule.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "crash-loops/restart"
          ]
        },
        "parameters": {
          "title": "Parameters",
          "description": "Of the plan, defaults included; those that stand here are compared.",
          "type": "object",
          "additionalProperties": true,
          "examples": [
            {
              "grace_seconds": 10
            }
          ]
        },
        "escalate": {
          "title": "Escalate",
          "description": "People are told instead of a template being chosen; what stands here is compared.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "to": {
              "title": "To",
              "description": "Channel or team.",
              "type": "string",
              "examples": [
                "team:sre"
              ]
            },
            "severity": {
              "title": "Severity",
              "description": "Of the message.",
              "type": "string",
              "examples": [
                "critical"
              ]
            },
            "message": {
              "title": "Message",
              "description": "Text that must be in it.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "after three remedies"
              ]
            }
          },
          "examples": [
            {
              "severity": "critical"
            }
          ]
        },
        "gate": {
          "title": "Gate",
          "description": "What stands between the plan and its first step.",
          "enum": [
            "open",
            "approval",
            "refused"
          ],
          "examples": [
            "approval"
          ]
        },
        "approvals": {
          "title": "Approvals",
          "description": "How many people are needed at least: the most that any guard asks for, and 0 when the gate is open.",
          "type": "integer",
          "minimum": 0,
          "maximum": 100,
          "examples": [
            2
          ]
        },
        "from": {
          "title": "From",
          "description": "All teams and people that guards ask, in any order.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1
          },
          "examples": [
            [
              "team:sre"
            ]
          ]
        },
        "reason": {
          "title": "Reason",
          "description": "Text that must be in a reason of the gate, or of the choice when there is no gate.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "change freeze"
          ]
        },
        "risk": {
          "title": "Risk",
          "description": "Of the plan.",
          "enum": [
            "low",
            "medium",
            "high",
            "critical"
          ],
          "examples": [
            "medium"
          ]
        },
        "mode": {
          "title": "Mode",
          "description": "Whether policies let a plan run that gitmend.yaml would let run.",
          "enum": [
            "live",
            "observe"
          ],
          "examples": [
            "observe"
          ]
        },
        "steps": {
          "title": "Steps",
          "description": "Names of all steps of the plan, in order.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1
          },
          "examples": [
            [
              "assess-pod-state",
              "restart-pod"
            ]
          ]
        }
      },
      "examples": [
        {
          "template": "pod-crash-recovery",
          "gate": "open"
        }
      ]
    }
  }
} as const;
