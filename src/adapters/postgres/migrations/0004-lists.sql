-- Indexes of what people list. Each locks its table against writes while it is built: seconds for a million rows.

-- Executions of an incident, ended ones too.
create index executions_incident on executions (incident_id);
-- What ended and still needs a person.
create index executions_escalated on executions (ended_at) where escalated and outcome is not null;
