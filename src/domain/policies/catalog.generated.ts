// Written by scripts/generate.ts from schemas/catalog.schema.json. Do not edit: change the schema.
/**
 * `catalog.yaml` at the root of the config repository: what all its policies share. Optional.
 */
export interface CatalogFile {
  /**
   * Version of this file format. A controller that meets a newer format keeps the last good revision.
   */
  format: number;
  /**
   * Templates that are never chosen or started any more, as `name@version`, or `name` for all its versions. What runs with one stops at its next step and takes back what it changed.
   *
   * @maxItems 1000
   *
   * Items: `name@version`, or `name`.
   */
  revoked: string[];
  /**
   * Named times for the operator `inCalendar`.
   */
  calendars: {
    /**
     * The times that belong to it.
     *
     * @minItems 1
     * @maxItems 1000
     */
    [k: string]: Period[];
  };
}
/**
 * One stretch of time.
 */
export interface Period {
  /**
   * A day, or a day and a time: it begins then.
   */
  from: string;
  /**
   * A day, which belongs to it as a whole, or a day and a time: it ends then.
   */
  to: string;
  /**
   * IANA name of the time zone.
   */
  zone: string;
}

export const catalogSchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/catalog.schema.json",
  "title": "CatalogFile",
  "description": "`catalog.yaml` at the root of the config repository: what all its policies share. Optional.",
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
    "revoked": {
      "title": "Revoked",
      "description": "Templates that are never chosen or started any more, as `name@version`, or `name` for all its versions. What runs with one stops at its next step and takes back what it changed.",
      "type": "array",
      "items": {
        "title": "Template",
        "description": "`name@version`, or `name`.",
        "type": "string",
        "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(@[0-9A-Za-z.+-]{1,64})?$",
        "examples": [
          "raise-memory@1.3.0"
        ]
      },
      "maxItems": 1000,
      "default": [],
      "examples": [
        [
          "raise-memory@1.3.0"
        ]
      ]
    },
    "calendars": {
      "title": "Calendars",
      "description": "Named times for the operator `inCalendar`.",
      "type": "object",
      "propertyNames": {
        "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
      },
      "additionalProperties": {
        "title": "Calendar",
        "description": "The times that belong to it.",
        "type": "array",
        "items": {
          "$ref": "#/definitions/period"
        },
        "minItems": 1,
        "maxItems": 1000,
        "examples": [
          [
            {
              "from": "2026-12-20",
              "to": "2027-01-03"
            }
          ]
        ]
      },
      "default": {},
      "examples": [
        {
          "freeze-2026": [
            {
              "from": "2026-12-20",
              "to": "2027-01-03",
              "zone": "Europe/Berlin"
            }
          ]
        }
      ]
    }
  },
  "definitions": {
    "period": {
      "title": "Period",
      "description": "One stretch of time.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "from",
        "to"
      ],
      "properties": {
        "from": {
          "title": "From",
          "description": "A day, or a day and a time: it begins then.",
          "type": "string",
          "pattern": "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2})?$",
          "examples": [
            "2026-12-20"
          ]
        },
        "to": {
          "title": "To",
          "description": "A day, which belongs to it as a whole, or a day and a time: it ends then.",
          "type": "string",
          "pattern": "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2})?$",
          "examples": [
            "2027-01-03T06:00"
          ]
        },
        "zone": {
          "title": "Zone",
          "description": "IANA name of the time zone.",
          "type": "string",
          "minLength": 1,
          "maxLength": 64,
          "default": "UTC",
          "examples": [
            "Europe/Berlin"
          ]
        }
      },
      "examples": [
        {
          "from": "2026-12-20",
          "to": "2027-01-03",
          "zone": "Europe/Berlin"
        }
      ]
    }
  }
} as const;
