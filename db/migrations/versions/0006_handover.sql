ALTER TABLE job ADD COLUMN handed_until TIMESTAMP WITH TIME ZONE;
CREATE INDEX ix_job_handover ON job (queue, run_at) WHERE state = 1;
CREATE INDEX ix_job_handed ON job (queue, handed_until) WHERE state = 1 and handed_until is not null;
