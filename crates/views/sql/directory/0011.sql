ALTER TABLE person ADD COLUMN delivery_name TEXT;
ALTER TABLE person ADD COLUMN delivery_phone TEXT;
ALTER TABLE person ADD COLUMN delivery_region TEXT;
ALTER TABLE person ADD COLUMN delivery_address TEXT;
ALTER TABLE person ADD COLUMN delivery_at BIGINT
