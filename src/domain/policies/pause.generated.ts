// Written by scripts/generate.ts from schemas/pause.schema.json. Do not edit: change the schema.
/**
 * `pause.yaml` at the root of the config repository: what gitmend keeps its hands off for a while. Optional; an entry that is taken out is resumed. It is read into the same check as `gitmend pause` and the annotation `gitmend.dev/paused-until`.
 */
export interface PauseFile {
  /**
   * Version of this file format. A controller that meets a newer format keeps the last good revision.
   */
  format: number;
  /**
   * Nothing new starts where one of them holds; what runs starts no further step. An undo goes on.
   *
   * @maxItems 1000
   */
  pauses: Entry[];
}
/**
 * One pause.
 */
export interface Entry {
  /**
   * What changes something in it is paused. Left out: everything of the cluster.
   */
  namespace?: string;
  /**
   * A cluster of `gitmend.yaml`. Left out: all of them.
   */
  cluster?: string;
  /**
   * Why: whoever waits for it reads this.
   */
  reason: string;
  /**
   * When it ends (RFC 3339, with its offset). Left out: when the entry is taken out.
   */
  until?: string;
  /**
   * Who pauses it. Left out: the line of this file.
   */
  by?: string;
}

export const pauseSchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/pause.schema.json",
  "title": "PauseFile",
  "description": "`pause.yaml` at the root of the config repository: what gitmend keeps its hands off for a while. Optional; an entry that is taken out is resumed. It is read into the same check as `gitmend pause` and the annotation `gitmend.dev/paused-until`.",
  "type": "object",
  "additionalProperties": false,
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
    "pauses": {
      "title": "Pauses",
      "description": "Nothing new starts where one of them holds; what runs starts no further step. An undo goes on.",
      "type": "array",
      "items": {
        "$ref": "#/definitions/entry"
      },
      "maxItems": 1000,
      "default": [],
      "examples": [
        [
          {
            "namespace": "shop",
            "reason": "database migration",
            "until": "2026-11-23T14:00:00Z",
            "by": "ana"
          }
        ]
      ]
    }
  },
  "definitions": {
    "entry": {
      "title": "Entry",
      "description": "One pause.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "reason"
      ],
      "properties": {
        "namespace": {
          "title": "Namespace",
          "description": "What changes something in it is paused. Left out: everything of the cluster.",
          "type": "string",
          "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
          "examples": [
            "shop"
          ]
        },
        "cluster": {
          "title": "Cluster",
          "description": "A cluster of `gitmend.yaml`. Left out: all of them.",
          "type": "string",
          "minLength": 1,
          "maxLength": 253,
          "examples": [
            "prod-eu"
          ]
        },
        "reason": {
          "title": "Reason",
          "description": "Why: whoever waits for it reads this.",
          "type": "string",
          "minLength": 1,
          "maxLength": 1000,
          "examples": [
            "database migration"
          ]
        },
        "until": {
          "title": "Until",
          "description": "When it ends (RFC 3339, with its offset). Left out: when the entry is taken out.",
          "type": "string",
          "minLength": 1,
          "maxLength": 64,
          "examples": [
            "2026-11-23T14:00:00Z"
          ]
        },
        "by": {
          "title": "By",
          "description": "Who pauses it. Left out: the line of this file.",
          "type": "string",
          "minLength": 1,
          "maxLength": 100,
          "examples": [
            "ana"
          ]
        }
      },
      "examples": [
        {
          "namespace": "shop",
          "reason": "database migration",
          "until": "2026-11-23T14:00:00Z",
          "by": "ana"
        }
      ]
    }
  }
} as const;
